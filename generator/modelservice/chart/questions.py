"""The chart's questions.yaml: Rancher's form, by the console's tabs."""

from __future__ import annotations

from typing import Any

from modelservice.schema.fields import Field, value_at
from modelservice.writing.dump import dump

_QUESTION_TYPES = {"string": "string", "integer": "int", "number": "float", "boolean": "boolean"}


def questions_yaml(fields: tuple[Field, ...], values: dict[str, Any], origin: str) -> str:
    """Return Rancher's form: the scalar fields, grouped by the console's tabs."""
    asked = [field for field in fields if field.types[0] in _QUESTION_TYPES and not field.read_by_helm]
    questions = [_question(field, value_at(values, field)) for field in asked]
    return f"# {origin.removeprefix('# ')}\n" + dump({"questions": questions})


def _question(field: Field, value: Any) -> dict[str, Any]:
    question = {
        "variable": field.key,
        "label": field.label,
        "description": field.description,
        "type": "enum" if "enum" in field.schema else _QUESTION_TYPES[field.types[0]],
        "default": value,
        "group": field.tab if field.group == field.tab else f"{field.tab}: {field.group}",
    }
    if "enum" in field.schema:
        question["options"] = [option for option in field.schema["enum"] if option is not None]
    if field.key == "model.name":
        question["required"] = True
    return {key: item for key, item in question.items() if item is not None}
