"""The chart's values.schema.json: the whole schema, for which Helm and `validate` agree."""

import copy
import functools
import json
import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from modelservice.check import check
from modelservice.reading.document import read
from modelservice.schema.fields import Field, load_fields
from modelservice.schema.source import plain_schema
from modelservice.schema.validation import RULES

from tests.every_text import over

Values = dict[str, Any]
ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts/modelservice"
SCHEMA = json.loads((CHART / "values.schema.json").read_text())
DEFAULTS = yaml.load((CHART / "values.yaml").read_text(), yaml.CSafeLoader)
BASE = "https://example.com"
# Lists and maps with Kubernetes' own structures inside.
FIELDS = {
    field.key: field
    for field in load_fields().fields
    if field.types[0] in ("array", "object") and not field.read_by_helm
}
SCHEMA_RULES = {rule.id for rule in RULES}
# Features are on, so a template could fail at a wrong value before the schema is checked.
EVERYTHING: Values = {
    "ingress": {"enabled": True, "hosts": ["llm.example.com"]},
    "httpRoute": {"enabled": True, "parentRefs": [{"name": "gateway"}]},
    "networkPolicy": {"enabled": True},
    "serviceMonitor": {"enabled": True},
    "prometheusRule": {"enabled": True},
    "serviceAccount": {"create": True},
    "autoscaling": {"kind": "ScaledObject", "prometheusAddress": "http://prometheus"},
    "modelVolume": {"mountPath": "/models", "preDownload": "Job", "accessModes": ["ReadWriteMany"]},
}


def test_it_is_a_schema_and_describes_every_field() -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    for field in load_fields().fields:
        place = SCHEMA
        for key in field.path:
            place = place["properties"][key]
        assert place["title"], field.key
        assert place["description"], field.key


def test_it_has_kubernetes_descriptions() -> None:
    operator = SCHEMA["properties"]["tolerations"]["items"]["properties"]["operator"]
    assert operator["description"].startswith("Operator represents a key's relationship to the value.")
    assert {"Exists", "Equal"} <= set(operator["enum"])


def wrong_values(field: Field) -> Iterator[Any]:
    """Yield values of the field's type with content that is almost always wrong."""
    if field.types[0] == "array":
        yield from ([5], [{"a": 5}], [["a"]], [None])
        items = field.schema.get("items", {})
        items = plain_schema()["definitions"][items["$ref"].rpartition("/")[2]] if "$ref" in items else items
        yield from ([{key: inside}] for key in items.get("properties", {}) for inside in (5, [5], {"a": 5}, "x y"))
    else:
        yield from ({"a": 5}, {"a": {"b": [5]}}, {"a b": "x"})
        known = field.schema.get("properties", {})
        yield from ({key: inside} for key in known for inside in (-5, [5], {"a": 5}, "x y"))


@functools.cache
def with_wrong_values(key: str) -> dict[str, Values]:
    """Return name → values."""
    found, field = {}, FIELDS[key]
    for number, wrong in enumerate(wrong_values(field)):
        values = copy.deepcopy(EVERYTHING)
        *above, last = field.path
        place = values
        for part in above:
            place = place.setdefault(str(part), {})
        place[str(last)] = wrong
        found[f"{'-'.join(map(str, field.path))}-{number}"] = values
    return found


@functools.cache
def refused_by_helm(helm: str) -> set[str]:
    """Return the names of the values of every field that the schema refuses.

    One helm reads them all, as parts of one file: it takes longer to compile the schema than to use it.
    """
    tried = {name: over(DEFAULTS, values) for key in FIELDS for name, values in with_wrong_values(key).items()}
    schema = {
        "$schema": SCHEMA["$schema"],
        "additionalProperties": {"$ref": f"{BASE}/values.json"},
        "properties": {"global": {}},
        "definitions": {"values": {"$id": f"{BASE}/values.json", **SCHEMA}},
    }
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "Chart.yaml").write_text("{apiVersion: v2, name: parent, version: 0.1.0}")
        (Path(folder) / "values.schema.json").write_text(json.dumps(schema))
        command = [helm, "template", "x", folder, "-f", "-"]
        answer = subprocess.run(command, input=json.dumps(tried), capture_output=True, text=True, check=False)
    assert "the specifications of the schema" in answer.stderr
    # As "- at '/a-1/b': …" (Helm 4) or "- a-1.b: …" (Helm 3).
    return set(re.findall(r"^ *- (?:at '/)?([\w-]+)", answer.stderr, re.MULTILINE)) & set(tried)


@functools.cache
def refused_by_us(key: str) -> set[str]:
    return {name for name, values in with_wrong_values(key).items() if refused(values)}


def refused(values: Values) -> bool:
    found = check(read("values.yaml", json.dumps(values).encode()))
    return not {*SCHEMA_RULES, "secret-literal"}.isdisjoint(finding.rule for finding in found)


@pytest.mark.parametrize("key", FIELDS)
def test_helm_and_validate_refuse_the_same_values_inside_fields(key: str, helm: str) -> None:
    tried, ours = with_wrong_values(key), refused_by_us(key)
    theirs = refused_by_helm(helm) & set(tried)
    assert theirs == ours, [tried[name] for name in theirs ^ ours]
    assert len(ours) >= 2
