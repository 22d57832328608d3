"""Read the chart's default values, and merge values over them as Helm does.

In Helm, a null removes the chart's default of a key before the schema is checked. `key:` with nothing after it is a
null.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Any

from modelservice.findings import Action, Edit, Path, Problem, Refuser, Rule, Severity
from modelservice.schema.source import Schema, plain_schema

NULL_VALUE = Rule(
    "null-value",
    Severity.ERROR,
    "A null removes a default that the chart needs.",
    "https://helm.sh/docs/chart_template_guide/values_files/",
    Refuser.SCHEMA,
    why=(
        "A key with nothing after its colon is null, too. Helm removes the default of such a key, and the chart's "
        "templates would have no value to work with."
    ),
)
NULL_LEFT_OUT = Rule(
    "null-left-out",
    Severity.WARNING,
    "A null leaves a field out, which does not work everywhere.",
    "https://github.com/helm/helm/issues/32132",
    why=(
        "In an umbrella chart, in Argo CD's valuesObject and in Flux the null is lost, and the chart's default is "
        "used again. Empty text, `"
        "`, leaves the field out everywhere."
    ),
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
    """Return the values merged as Helm does: maps deeply, other values replaced, and null removes the default."""
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


def left_out(values: Any, schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Any:
    """Return the values with None for each empty text that leaves a number or a boolean out."""
    schema = resolved(schema, definitions)
    if values == "" and _leaves_out(schema):
        return None
    if not isinstance(values, Mapping):
        return values
    properties, patterns = schema.get("properties", {}), list(schema.get("patternProperties", {}).values())
    others = patterns[0] if patterns else {}
    return {key: left_out(value, properties.get(key, others), definitions) for key, value in values.items()}


def without_nulls(
    given: Mapping[str, Any],
    schema: Mapping[str, Any],
    defaults: Mapping[str, Any],
    definitions: Mapping[str, Any],
    path: Path = (),
) -> tuple[dict[str, Any], list[Problem]]:
    """Return the values without the nulls that remove a default, and a problem for each of them.

    `x-required` of a schema's group lists the keys that the chart needs; a null may remove any other key.
    """
    kept: dict[str, Any] = {}
    problems: list[Problem] = []
    properties = schema.get("properties", {})
    for key, value in given.items():
        default, child = defaults.get(key), resolved(properties.get(key, {}), definitions)
        if value is None and key in schema.get("x-required", ()):
            problems.append(_needed((*path, key), child))
        elif value is None and _leaves_out(child):
            # A field that is left out by default loses nothing.
            problems += [_left_out((*path, key))] if child.get("default", "") is not None else []
        elif value is None and key in defaults:
            continue
        elif isinstance(value, Mapping) and isinstance(default, Mapping):
            kept[key], inner = without_nulls(value, child, default, definitions, (*path, key))
            problems += inner
        else:
            kept[key] = value
    return kept, problems


def _needed(path: Path, schema: Mapping[str, Any]) -> Problem:
    message = "null removes the chart's default, but the chart needs a value"
    may_be_empty = schema.get("type") == "string" and re.search(str(schema.get("pattern", "^.")), "") is not None
    hint = 'write "" for none, or remove the key' if may_be_empty else "give one, or remove the key"
    if schema.get("type") == "object":
        hint = "indent its keys below it, or remove it"
    return Problem(NULL_VALUE.severity, path, message, hint, NULL_VALUE.id)


def _left_out(path: Path) -> Problem:
    message = "null leaves the field out here, but not in an umbrella chart, in Argo CD's valuesObject or in Flux"
    fix = (Edit(Action.SET, path, ""),)
    return Problem(NULL_LEFT_OUT.severity, path, message, 'write ""', NULL_LEFT_OUT.id, False, fix)


def without_lost_nulls(
    given: Mapping[str, Any], schema: Mapping[str, Any], definitions: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the values with "" for each null that leaves a field out: it means the same but is never lost."""
    kept: dict[str, Any] = {}
    for key, value in given.items():
        child = resolved(schema.get("properties", {}).get(key, {}), definitions)
        if value is None and _leaves_out(child):
            kept[key] = ""
        else:
            kept[key] = without_lost_nulls(value, child, definitions) if isinstance(value, Mapping) else value
    return kept


def resolved(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a schema, or the definition that it refers to."""
    return definitions[str(schema["$ref"]).rpartition("/")[2]] if "$ref" in schema else schema


def _leaves_out(schema: Mapping[str, Any]) -> bool:
    """Return whether an empty text leaves a field out: one whose value is otherwise a number or a boolean."""
    others = {"integer", "number", "boolean"} & {*schema.get("type", ())}
    return bool(others) and re.search(str(schema.get("pattern", "^.")), "") is not None
