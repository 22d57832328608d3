"""Create the chart's questions.yaml, the form in Rancher's dashboard, with the console's tabs.

The types are in Rancher's documentation, except `float`, `array[string]`, `map[string]` and an `enum` with `multiple`,
which are in its code (rancher/dashboard, shell/components/Questions). The form has the fields of the console's form for
which Rancher has a type: there is none for a list of maps such as `env`, and a checkbox cannot leave a field unset.
Rancher's YAML editor has all values.
"""

from __future__ import annotations

from typing import Any

from modelservice.schema.fields import Field
from modelservice.writing.dump import dump

TABS = ("General", "Resources", "Volumes", "Node Scheduling", "Health Check", "Labels & Annotations")
_TYPES = {"string": "string", "integer": "int", "number": "float", "boolean": "boolean"}
# The console's form has these too, at the end.
_ADVANCED = ("image.registry", "image.repository", "image.tag", "service.type", "service.nodePort", "workload.kind")


def questions_yaml(fields: tuple[Field, ...], origin: str) -> str:
    """Return Rancher's form with the chart's defaults."""
    asked = [field for field in fields if field.tab in TABS and (not field.advanced or field.key in _ADVANCED)]
    asked.sort(key=lambda field: (TABS.index(field.tab), field.advanced))
    questions = [_question(field, kind) for field in asked if (kind := _kind(field))]
    return f"# {origin.removeprefix('# ')}\n" + dump({"questions": questions})


def _kind(field: Field) -> dict[str, Any]:
    """Return the question's type with its options or limits, or {} if Rancher has no type for the field."""
    first, schema = field.types[0], field.schema
    if field.question:
        return {"type": field.question}
    if "enum" in schema:
        return {"type": "enum", "options": _options(schema["enum"])}
    if first == "array":
        return _list(schema.get("items", {}))
    if first not in _TYPES or (first == "boolean" and field.default is None):
        return {}
    limits = {short: schema.get(long) for short, long in (("min", "minimum"), ("max", "maximum"))}
    return {"type": _TYPES[first], **(limits if first == "integer" else {})}


def _options(values: list[str]) -> list[str] | dict[str, str]:
    """Return the options, with labels if one of them is empty: Enum.vue reads a map of values to labels."""
    return {value: value or "none" for value in values} if "" in values else values


def _list(items: dict[str, Any]) -> dict[str, Any]:
    if "enum" in items:
        return {"type": "enum", "multiple": True, "options": items["enum"]}
    return {"type": "array[string]"} if items.get("type") == "string" else {}


def _question(field: Field, kind: dict[str, Any]) -> dict[str, Any]:
    question = {
        "variable": field.key,
        "label": field.full_label,
        "description": field.description,
        "group": field.tab,
        **kind,
        "default": field.default,
        "required": field.key == "model.name" or None,
        "show_if": field.when or None,
    }
    return {key: item for key, item in question.items() if item is not None}
