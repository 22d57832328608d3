"""The chart's default values, and what stands over them as Helm merges it.

Helm lets a null remove the chart's default of a key before it looks at the schema. `key:` with nothing behind it is
a null.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from modelservice.findings import Path, Problem, Rule, Severity
from modelservice.schema.source import Schema, plain_schema

NULL_VALUE = Rule(
    "null-value",
    Severity.ERROR,
    "A null removes a default that the chart needs.",
    "https://helm.sh/docs/chart_template_guide/values_files/",
)


@functools.cache
def default_values() -> dict[str, Any]:
    """Return the chart's default values."""
    return defaults_of(plain_schema())


def defaults_of(schema: Schema) -> dict[str, Any]:
    """Return the defaults in a schema, or in its annotated source, as one values tree."""
    return {
        key: child["default"] if "default" in child else defaults_of(child)
        for key, child in schema["properties"].items()
    }


def coalesce(defaults: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values as Helm merges them: maps deep, everything else replaced, null removes the default."""
    merged = dict(defaults)
    for key, value in given.items():
        default = defaults.get(key)
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, Mapping):
            merged[key] = coalesce(default if isinstance(default, Mapping) else {}, value)
        else:
            merged[key] = value
    return merged


def without_nulls(
    given: Mapping[str, Any], schema: Mapping[str, Any], defaults: Mapping[str, Any], path: Path = ()
) -> tuple[dict[str, Any], list[Problem]]:
    """Return the values without the nulls that remove a default, and a problem for each default that is needed.

    `x-required` of a schema's group lists the keys that the chart needs.
    """
    kept: dict[str, Any] = {}
    problems: list[Problem] = []
    properties = schema.get("properties", {})
    for key, value in given.items():
        default = defaults.get(key)
        if value is None and key in defaults:
            if key in schema.get("x-required", ()):
                problems.append(_needed((*path, key)))
        elif isinstance(value, Mapping) and isinstance(default, Mapping):
            kept[key], inner = without_nulls(value, properties.get(key, {}), default, (*path, key))
            problems += inner
        else:
            kept[key] = value
    return kept, problems


def _needed(path: Path) -> Problem:
    message = "null takes the chart's default away, and the chart needs a value"
    return Problem(NULL_VALUE.severity, path, message, "give a value, or remove the key", NULL_VALUE.id)
