"""Kubernetes' structures have Kubernetes' descriptions, and no field of them is missing by accident."""

import copy
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from modelservice.errors import InputError, ToolError
from modelservice.schema.exports import editor_schema, without
from modelservice.schema.fields import load_fields
from modelservice.schema.kubernetes import KEYWORDS, Releases, described, kubernetes_releases
from modelservice.schema.source import plain_schema

MODEL = load_fields()
SOURCE = MODEL.source
RELEASES = kubernetes_releases()
NEWEST = list(RELEASES.values())[-1]
RESULT = described(SOURCE, RELEASES)
TOLERATION = "io.k8s.api.core.v1.Toleration"


def resolved(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    return definitions[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema


def pairs(ours: dict[str, Any], theirs: dict[str, Any], place: str) -> Iterator[tuple[str, dict, dict]]:
    """Yield each property below a structure, including shared definitions, with Kubernetes' property."""
    ours, theirs = resolved(ours, RESULT["definitions"]), resolved(theirs, NEWEST)
    if "items" in ours and "items" in theirs:
        yield from pairs(ours["items"], theirs["items"], f"{place}[]")
    for key, child in ours.get("properties", {}).items():
        if key in theirs.get("properties", {}):
            yield f"{place}.{key}", child, theirs["properties"][key]
            yield from pairs(child, theirs["properties"][key], f"{place}.{key}")


def structures(schema: Any, place: str = "") -> Iterator[tuple[str, dict[str, Any], str]]:
    """Yield the structures that name their types, once for each type."""
    if isinstance(schema, dict):
        if "x-kubernetes" in schema:
            names = schema["x-kubernetes"]
            yield from ((place, schema, name) for name in ([names] if isinstance(names, str) else names))
        for key, child in schema.items():
            yield from structures(child, f"{place}.{key}".removeprefix("."))


STRUCTURES = [*structures(RESULT["properties"]), *structures(RESULT["definitions"])]


def written(schema: Any) -> Iterator[str]:
    """Yield every description in a schema."""
    if isinstance(schema, dict):
        for key, child in schema.items():
            yield from [child] if key == "description" and isinstance(child, str) else written(child)


BY_HAND = set(written(SOURCE))


@pytest.mark.parametrize(("place", "ours", "name"), STRUCTURES, ids=lambda part: part if isinstance(part, str) else "")
def test_every_property_has_a_description(place: str, ours: dict, name: str) -> None:
    (theirs,) = (type_ for full, type_ in NEWEST.items() if full.endswith(f".{name}"))
    found = list(pairs(ours, theirs, place))
    assert found
    for at, child, field in found:
        assert child["description"] in BY_HAND or child["description"].startswith(
            " ".join(field["description"].split())
        ), at
        assert "\n" not in child["description"]


def test_every_structure_names_its_type() -> None:
    unnamed = set()
    for field in MODEL.fields:
        schema = resolved(field.schema, SOURCE["definitions"])
        inner = resolved(schema.get("items", schema), SOURCE["definitions"])
        if "properties" in inner and "x-kubernetes" not in inner:
            unnamed.add(field.key)
    ours = {"extraObjects", "labels", "podLabels", "prometheusRule.labels", "service.labels", "serviceMonitor.labels"}
    ours |= {"modelVolume.labels", "workload.labels"}
    assert unnamed == ours | {"autoscaling.triggers", "httpRoute.parentRefs"}  # KEDA's and the Gateway API's


def test_the_description_of_a_newer_field_names_its_first_release() -> None:
    # Image volumes were added by KEP-4639, the tolerance of autoscalers by KEP-4951.
    image = RESULT["properties"]["volumes"]["items"]["properties"]["image"]
    tolerance = RESULT["definitions"]["scalingRules"]["properties"]["tolerance"]
    assert image["description"].endswith(" Since Kubernetes 1.31.")
    assert tolerance["description"].endswith(" Since Kubernetes 1.33.")
    toleration = RESULT["properties"]["tolerations"]["items"]["properties"]
    assert not [key for key, child in toleration.items() if "Since" in child["description"]]


def test_nothing_but_descriptions_is_added() -> None:
    before = copy.deepcopy(SOURCE)
    described(SOURCE, RELEASES)
    assert before == SOURCE
    assert without(RESULT, "description") == without(SOURCE, "description")
    assert set(written(RESULT)) >= BY_HAND


def test_no_exported_schema_has_the_keywords() -> None:
    assert not [keyword for keyword in KEYWORDS if f'"{keyword}"' in editor_schema(MODEL)]


def with_field(type_: str, key: str) -> Releases:
    """Return the releases, the newest of which has one more field."""
    properties = {**NEWEST[type_]["properties"], key: {"type": "string", "description": "New."}}
    return {**RELEASES, list(RELEASES)[-1]: {**NEWEST, type_: {**NEWEST[type_], "properties": properties}}}


def refused(source: dict[str, Any], releases: Releases) -> list[str]:
    with pytest.raises(InputError) as raised:
        described(source, releases)
    return str(raised.value).splitlines()


def test_a_new_field_that_is_not_listed_is_refused_with_its_path() -> None:
    _, line = refused(SOURCE, with_field(TOLERATION, "forgiveness"))
    assert line == (
        "tolerations[].forgiveness: api.core.v1.Toleration has this field: add it, or list it in x-left-out"
    )


def test_a_new_field_is_found_through_lists_and_definitions() -> None:
    lines = refused(SOURCE, with_field("io.k8s.api.core.v1.ContainerResizePolicy", "speed"))[1:]
    places = ["definitions.container.resizePolicy[].speed", "serverContainer.resizePolicy[].speed"]
    assert [line.partition(":")[0] for line in lines] == places


def test_a_new_field_that_is_listed_or_accepted_is_not_refused() -> None:
    source = copy.deepcopy(SOURCE)
    source["properties"]["tolerations"]["items"]["x-left-out"] = {"forgiveness": "too new"}
    assert described(source, with_field(TOLERATION, "forgiveness"))
    assert described(SOURCE, with_field("io.k8s.api.core.v1.PersistentVolumeClaimSpec", "colour"))


def test_all_differences_are_reported_at_once_and_sorted() -> None:
    source = copy.deepcopy(SOURCE)
    toleration = source["properties"]["tolerations"]["items"]
    toleration["x-left-out"] = {"value": "a property", "gone": "unknown to Kubernetes"}
    toleration["properties"]["tolerationSecs"] = toleration["properties"].pop("tolerationSeconds")
    assert [line.split(": ")[0] + ": " + line.split(": ")[1] for line in refused(source, RELEASES)[1:]] == [
        "tolerations[].gone: api.core.v1.Toleration has no such field",
        "tolerations[].tolerationSeconds: api.core.v1.Toleration has this field",
        "tolerations[].tolerationSecs: api.core.v1.Toleration has no such field",
        "tolerations[].value: this is a property and is listed in x-left-out",
    ]


def test_a_shared_definition_must_name_all_its_types() -> None:
    source = copy.deepcopy(SOURCE)
    source["definitions"]["keyRef"]["x-kubernetes"] = "v1.ConfigMapKeySelector"
    _, line = refused(source, RELEASES)
    place = "definitions.envVar.valueFrom.secretKeyRef"
    assert line == f"{place}: keyRef is api.core.v1.SecretKeySelector too: add it to x-kubernetes"


def test_a_field_that_two_types_describe_differently_needs_a_description() -> None:
    source = copy.deepcopy(SOURCE)
    del source["definitions"]["keyRef"]["properties"]["key"]["description"]
    assert refused(source, RELEASES)[1:] == [
        "definitions.keyRef.key: Kubernetes has 2 descriptions of this field: write one"
    ]


@pytest.mark.parametrize("name", ["v1.ResourceClaim", "v1.Tolerance"])
def test_an_ambiguous_short_name_is_refused(name: str) -> None:
    source = copy.deepcopy(SOURCE)
    source["properties"]["tolerations"]["items"]["x-kubernetes"] = name
    assert name in refused(source, RELEASES)[0]


def test_the_releases_are_in_order() -> None:
    assert next(iter(RELEASES)) == "1.30"
    assert [int(release.split(".")[1]) for release in RELEASES] == list(range(30, 30 + len(RELEASES)))


def test_without_the_package_a_sentence_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "kubernetes_validate", None)
    with pytest.raises(ToolError, match=r"run `pip install -e '\.\[test\]'`"):
        kubernetes_releases.__wrapped__()


def test_the_committed_schema_has_the_descriptions() -> None:
    key = plain_schema()["properties"]["tolerations"]["items"]["properties"]["key"]
    assert key["description"].startswith("Key is the taint key that the toleration applies to.")
