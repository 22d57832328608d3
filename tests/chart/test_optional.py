"""What is inside Kubernetes' own lists and maps: the chart checks it itself, where it is set, to the same verdict.

The chart's reader of JSON Schema (checks/schema.tpl) is held against jsonschema, and the wrong values are written by
hand.
"""

import copy
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from modelservice.check import check, errors
from modelservice.reading.document import read
from modelservice.schema.exports import optional_fields
from modelservice.schema.fields import Field, load_fields
from modelservice.schema.source import plain_schema
from modelservice.schema.validation import RULES

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts/modelservice"
OPTIONAL = optional_fields(load_fields())
SCHEMA_RULES = {rule.id for rule in RULES}
BOUNDS = {"minimum", "maximum", "exclusiveMinimum"}
# What checks/schema.tpl reads; $comment is prose.
KEYWORDS = {
    *("$ref", "type", "enum", "allOf", "anyOf", "not", "if", "then", "else"),
    *("properties", "patternProperties", "additionalProperties", "required", "minProperties", "maxProperties"),
    *("items", "minItems", "maxItems", "uniqueItems", "pattern", "minLength", "maxLength", "x-expects"),
    *BOUNDS,
}
# Every object that reads such a field, so that another template could stumble over it before it is checked.
EVERYTHING: dict[str, Any] = {
    "ingress": {"enabled": True, "hosts": ["llm.example.com"]},
    "httpRoute": {"enabled": True, "parentRefs": [{"name": "gateway"}]},
    "networkPolicy": {"enabled": True},
    "serviceMonitor": {"enabled": True},
    "prometheusRule": {"enabled": True},
    "serviceAccount": {"create": True},
    "autoscaling": {"kind": "ScaledObject", "prometheusAddress": "http://prometheus"},
    "modelVolume": {"mountPath": "/models", "preDownload": "Job", "accessModes": ["ReadWriteMany"]},
}


def keywords(tree: Any) -> Iterator[str]:
    """Yield the keywords of a schema, of those inside it too."""
    if isinstance(tree, list):
        for item in tree:
            yield from keywords(item)
    elif isinstance(tree, dict):
        for key, value in tree.items():
            yield key
            inside = value.values() if key in ("properties", "patternProperties", "definitions") else [value]
            for child in inside if key not in ("enum", "required") else ():
                yield from keywords(child)


def test_the_chart_knows_every_keyword_of_the_schema() -> None:
    read = json.loads((CHART / "values.optional.schema.json").read_text())
    jsonschema.Draft7Validator.check_schema(read)
    assert set(keywords(read)) - {"$comment", "definitions"} <= KEYWORDS
    for part in maps(read):
        assert part.get("additionalProperties") is not True, "checks/schema.tpl reads false alone"
        assert all(isinstance(choice, str) for choice in part.get("enum", [])), "it compares texts alone"
        assert all(isinstance(part[bound], int) for bound in BOUNDS & part.keys()), "it prints whole bounds"


def maps(tree: Any) -> Iterator[dict[str, Any]]:
    if isinstance(tree, dict):
        yield tree
        tree = list(tree.values())
    if isinstance(tree, list):
        for item in tree:
            yield from maps(item)


def test_the_optional_fields_are_those_that_helm_knows_as_a_list_or_a_map_alone() -> None:
    plain = json.loads((CHART / "values.schema.json").read_text())
    optional = json.loads((CHART / "values.optional.schema.json").read_text())["properties"]
    assert {"affinity", "autoscaling.metrics", "extraContainers", "securityContext"} <= set(optional)
    assert not {"gpu.count", "modelVolume.accessModes", "resources.limits.memory", "global"} & set(optional)
    for key in optional:
        place = plain
        for part in key.split("."):
            place = place["properties"][part]
        assert place in ({"type": "array"}, {"type": "object"}), key


def wrong_values(field: Field) -> Iterator[Any]:
    """Yield values of the field's own type with something inside that is hardly ever right."""
    if field.types == ("array",):
        yield from ([5], [{"a": 5}], [["a"]], [None])
        items = field.schema.get("items", {})
        items = plain_schema()["definitions"][items["$ref"].rpartition("/")[2]] if "$ref" in items else items
        yield from ([{key: inside}] for key in items.get("properties", {}) for inside in (5, [5], {"a": 5}, "x y"))
    else:
        yield from ({"a": 5}, {"a": {"b": [5]}}, {"a b": "x"})
        known = field.schema.get("properties", {})
        yield from ({key: inside} for key in known for inside in (-5, [5], {"a": 5}, "x y"))


@pytest.mark.parametrize("field", OPTIONAL, ids=lambda field: field.key)
def test_helm_alone_names_what_is_wrong_inside_a_field(field: Field, helm: str) -> None:
    refused = 0
    for wrong in wrong_values(field):
        values = copy.deepcopy(EVERYTHING)
        *above, last = field.path
        place = values
        for key in above:
            place = place.setdefault(str(key), {})
        place[str(last)] = wrong
        text = json.dumps(values)
        command = [helm, "template", "x", str(CHART), "-f", "-"]
        answer = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
        found = errors(check(read("values.yaml", text.encode())))
        ours = [finding for finding in found if finding.rule in SCHEMA_RULES]
        if ours:
            refused += 1
            assert f"not what their fields take:\n- {field.key}" in answer.stderr, f"{wrong}\n{answer.stderr}"
        else:
            assert "not what their fields take" not in answer.stderr, f"{wrong}\n{answer.stderr}"
    assert refused >= 2
