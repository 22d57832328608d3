"""The source of fields, the chart's templates and the examples know the same keys."""

import json
import re
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator
from modelservice.check import check, errors
from modelservice.reading.document import read
from modelservice.schema.defaults import default_values, defaults_of
from modelservice.schema.fields import Field, load_fields
from modelservice.schema.source import plain_schema

from tests.chart.rendering import CHART, EXAMPLES, ROOT

MODEL = load_fields()
LEAVES = {field.key: field for field in MODEL.fields}


def used_in_templates() -> set[str]:
    found = set()
    for template in (CHART / "templates").rglob("*"):
        if template.is_file():
            found |= set(re.findall(r"\.Values\.([A-Za-z.]+[A-Za-z])", template.read_text()))
    return found


def test_every_value_that_a_template_uses_is_in_the_source() -> None:
    for used in used_in_templates():
        known = any(key == used or key.startswith(f"{used}.") or used.startswith(f"{key}.") for key in LEAVES)
        assert known, f".Values.{used} is in no field"


def test_every_field_is_used_by_a_template() -> None:
    text = "\n".join(file.read_text() for file in (CHART / "templates").rglob("*") if file.is_file())
    used = used_in_templates()
    for key, field in LEAVES.items():
        group, _, last = key.rpartition(".")
        # A group is also read as a whole into a variable, from which a key is then read.
        inside = group in used and re.search(rf"[$\w) ]\.{last}\b", text)
        whole = any(
            key.startswith(f"{name}.") for name in ("resources.requests", "resources.limits", "huggingFace.tokenSecret")
        )
        assert key in used or inside or whole or field.read_by_helm, f"{key} is used by no template"


def written(values: Any, path: str = "") -> set[str]:
    if path in LEAVES or not isinstance(values, dict):
        return {path}
    return set().union(*(written(child, f"{path}.{key}" if path else key) for key, child in values.items()))


def test_the_everything_examples_set_every_field() -> None:
    everything = [example for example in EXAMPLES if example.stem.startswith("everything")]
    found = set().union(*(written(yaml.safe_load(example.read_text())) for example in everything))
    assert set(LEAVES) - found == set()


def test_the_source_follows_its_own_schema() -> None:
    schema = json.loads((ROOT / "schemas/field-source.schema.json").read_text())
    Draft7Validator.check_schema(schema)
    Draft7Validator.check_schema(MODEL.source)
    assert [error.message for error in Draft7Validator(schema).iter_errors(MODEL.source)] == []


def at(field: Field, value: Any) -> dict[str, Any]:
    for key in reversed(field.path):
        value = {key: value}
    return dict(value)


@pytest.mark.parametrize("field", MODEL.fields, ids=lambda field: field.key)
def test_a_fields_default_and_examples_are_allowed_by_it(field: Field) -> None:
    validator = Draft7Validator(plain_schema())
    for value in [field.default, *field.schema.get("examples", [])]:
        assert [error.message for error in validator.iter_errors(at(field, value))] == []


def test_the_defaults_equal_the_consoles_and_are_valid() -> None:
    defaults = defaults_of(MODEL.source)
    # From the LLMOS console's form.
    assert defaults["resources"] == {
        "requests": {"cpu": "4", "memory": "10Gi"},
        "limits": {"cpu": "8", "memory": "16Gi"},
        "claims": [],
    }
    assert (defaults["gpu"]["count"], defaults["runtimeClassName"], defaults["modelVolume"]["size"]) == (
        1,
        "nvidia",
        "20Gi",
    )
    assert defaults["sharedMemory"] == {"enabled": True, "sizeLimit": "16Gi"}
    assert default_values() == defaults
    assert errors(check(read("values.yaml", (CHART / "values.yaml").read_bytes()))) == []


def test_every_example_starts_with_its_purpose_and_its_schema() -> None:
    for example in EXAMPLES:
        purpose, modeline = example.read_text().splitlines()[:2]
        assert re.fullmatch(r"# [A-Z].+\.", purpose), example.name
        assert modeline == "# yaml-language-server: $schema=../schemas/modelservice.schema.json", example.name
