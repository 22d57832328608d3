"""The chart's values.schema.json: the whole schema, which Helm and `validate` read to the same verdict."""

import copy
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from modelservice.check import check
from modelservice.reading.document import read
from modelservice.schema.fields import Field, load_fields
from modelservice.schema.source import plain_schema
from modelservice.schema.validation import RULES

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts/modelservice"
SCHEMA = json.loads((CHART / "values.schema.json").read_text())
# Lists and maps: what is inside them is Kubernetes' own.
FIELDS = [field for field in load_fields().fields if field.types[0] in ("array", "object") and not field.read_by_helm]
SCHEMA_RULES = {rule.id for rule in RULES}
# Features on, so another template could fail at a wrong value before the schema is asked.
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


def test_it_is_a_schema_and_describes_every_field() -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    for field in load_fields().fields:
        place = SCHEMA
        for key in field.path:
            place = place["properties"][key]
        assert place["title"], field.key
        assert place["description"], field.key


def test_an_editor_finds_kubernetes_words_in_it() -> None:
    operator = SCHEMA["properties"]["tolerations"]["items"]["properties"]["operator"]
    assert operator["description"].startswith("Operator represents a key's relationship to the value.")
    assert {"Exists", "Equal"} <= set(operator["enum"])


def wrong_values(field: Field) -> Iterator[Any]:
    """Yield values of the field's own type with something inside that is hardly ever right."""
    if field.types[0] == "array":
        yield from ([5], [{"a": 5}], [["a"]], [None])
        items = field.schema.get("items", {})
        items = plain_schema()["definitions"][items["$ref"].rpartition("/")[2]] if "$ref" in items else items
        yield from ([{key: inside}] for key in items.get("properties", {}) for inside in (5, [5], {"a": 5}, "x y"))
    else:
        yield from ({"a": 5}, {"a": {"b": [5]}}, {"a b": "x"})
        known = field.schema.get("properties", {})
        yield from ({key: inside} for key in known for inside in (-5, [5], {"a": 5}, "x y"))


def with_wrong_values(field: Field) -> Iterator[dict[str, Any]]:
    for wrong in wrong_values(field):
        values = copy.deepcopy(EVERYTHING)
        *above, last = field.path
        place = values
        for key in above:
            place = place.setdefault(str(key), {})
        place[str(last)] = wrong
        yield values


def refused_by_helm(helm: str, tried: dict[str, Any], parent: Path) -> set[str]:
    """Return the names of the values that the schema refuses, each as those of a subchart: one helm reads them all."""
    (parent / "Chart.yaml").write_text("{apiVersion: v2, name: parent, version: 0.1.0}")
    for name in tried:
        subchart = parent / "charts" / name
        subchart.mkdir(parents=True)
        (subchart / "Chart.yaml").write_text(f"{{apiVersion: v2, name: {name}, version: 0.1.0}}")
        for file in ("values.yaml", "values.schema.json"):
            shutil.copy(CHART / file, subchart)
    command = [helm, "template", "x", str(parent), "-f", "-"]
    answer = subprocess.run(command, input=json.dumps(tried), capture_output=True, text=True, check=False)
    assert "the specifications of the schema" in answer.stderr
    return {line.removesuffix(":") for line in answer.stderr.splitlines()} & set(tried)


def refused_by_us(values: dict[str, Any]) -> bool:
    found = check(read("values.yaml", json.dumps(values).encode()))
    return not {*SCHEMA_RULES, "secret-literal"}.isdisjoint(finding.rule for finding in found)


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.key)
def test_helm_refuses_inside_a_field_what_we_refuse(field: Field, helm: str, tmp_path: Path) -> None:
    tried = {f"case-{number}": values for number, values in enumerate(with_wrong_values(field))}
    theirs = refused_by_helm(helm, tried, tmp_path)
    ours = {name for name, values in tried.items() if refused_by_us(values)}
    assert theirs == ours, [tried[name] for name in theirs ^ ours]
    assert len(ours) >= 2
