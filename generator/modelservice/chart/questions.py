"""The chart's questions.yaml: Rancher's form, by the console's tabs.

Rancher's dashboard reads it. The types are in its documentation, and `float`, `array[string]`, `map[string]` and an
`enum` with `multiple` in its code (rancher/dashboard, shell/components/Questions). The form asks what the console's
form asks, as far as Rancher has a type for it: none writes a list of maps such as `env`, and a checkbox cannot leave
a field unset. Rancher's YAML editor has all values.
"""

from __future__ import annotations

from typing import Any

from modelservice.schema.fields import Field
from modelservice.writing.dump import dump

TABS = ("General", "Resources", "Volumes", "Node Scheduling", "Health Check", "Labels & Annotations")
_TYPES = {"string": "string", "integer": "int", "number": "float", "boolean": "boolean"}
# The console asks for these too, below the others.
_ADVANCED = ("image.registry", "image.repository", "image.tag", "service.type")


def questions_yaml(fields: tuple[Field, ...], origin: str) -> str:
    """Return Rancher's form with the chart's defaults."""
    asked = [field for field in fields if field.tab in TABS and (not field.advanced or field.key in _ADVANCED)]
    asked.sort(key=lambda field: (TABS.index(field.tab), field.advanced))
    questions = [_question(field, kind) for field in asked if (kind := _kind(field))]
    return f"# {origin.removeprefix('# ')}\n" + dump({"questions": questions})


def _kind(field: Field) -> dict[str, Any]:
    """Return the question's type and what belongs to it; nothing where Rancher has no type for the field."""
    first, schema = field.types[0], field.schema
    if field.question:
        return {"type": field.question}
    if "enum" in schema:
        return {"type": "enum", "options": schema["enum"]}
    if first == "array":
        return _list(schema.get("items", {}))
    if first not in _TYPES or (first == "boolean" and field.default is None):
        return {}
    limits = {short: schema.get(long) for short, long in (("min", "minimum"), ("max", "maximum"))}
    return {"type": _TYPES[first], **(limits if first == "integer" else {})}


def _list(items: dict[str, Any]) -> dict[str, Any]:
    if "enum" in items:
        return {"type": "enum", "multiple": True, "options": items["enum"]}
    return {"type": "array[string]"} if items.get("type") == "string" else {}


def _question(field: Field, kind: dict[str, Any]) -> dict[str, Any]:
    question = {
        "variable": field.key,
        "label": _label(field),
        "description": field.description,
        "group": field.tab,
        **kind,
        "default": field.default,
        "required": field.key == "model.name" or None,
        "show_if": field.when or None,
    }
    return {key: item for key, item in question.items() if item is not None}


def _label(field: Field) -> str:
    """Return the label, with its group where a tab has several fields of that label."""
    is_plain = field.group in (field.tab, "Advanced") or field.group.lower() in field.label.lower()
    return field.label if is_plain else f"{field.group}: {field.label}"
