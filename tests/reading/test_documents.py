"""YAML that is not a values file: helm's output is read as JSON types, with any tags."""

import json
from typing import Any

import pytest
import yaml
from modelservice.reading.documents import load_objects


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2024-01-01", "2024-01-01"),
        ("!!timestamp 2024-01-01", "2024-01-01"),
        ("!!binary aGVs", "aGVs"),
        ("!!set {a}", {"a": None}),
        ("!!omap [{a: 1}]", [{"a": 1}]),
        ("!a b", "b"),
        ("!a {b: [1]}", {"b": [1]}),
        ("=", "="),
        ("<<", "<<"),
        ("[<<]", ["<<"]),
        ('{"<<": 1}', {"<<": 1}),
        ("{<<: {a: 1}, b: 2}", {"a": 1, "b": 2}),
    ],
)
def test_a_value_that_json_does_not_have_is_read_as_text(text: str, value: Any) -> None:
    (found,) = load_objects(f"a: {text}\n")
    assert json.loads(json.dumps(found)) == {"a": value}


@pytest.mark.parametrize("text", ["!!bool y", "!!int x", "9" * 5000, "{? [a] : b}", "!!python/name:os.system x: y"])
def test_a_value_that_does_not_match_its_tag_is_invalid_yaml(text: str) -> None:
    with pytest.raises(yaml.YAMLError):
        load_objects(f"a: {text}\n")
