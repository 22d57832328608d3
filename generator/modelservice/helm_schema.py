"""The source in, the chart's two schemas out: what Helm checks at every command, and what the chart checks where set.

Helm compiles the whole of values.schema.json each time, which for all that Kubernetes' lists and maps may hold takes
longer than the templates do. So what is inside such fields stands apart, and checks/schema.tpl reads it where one
of them is set.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from modelservice.fields import Field, FieldModel, Schema, rewritten, with_needed, without

# The prose is in values.yaml and in schemas/; Helm checks a schema word for word.
_PROSE = ("x-field", "title", "description", "default", "examples")


def optional_fields(model: FieldModel) -> list[Field]:
    """Return the fields that hold what is Kubernetes' own: maps, and lists that are empty unless a person sets them."""
    return [field for field in model.fields if _optional(field.schema)]


def values_schema(model: FieldModel, comment: str) -> str:
    """Return values.schema.json: every field, and of the optional ones whether it is a list or a map."""
    schema = _outside(with_needed(model.source, "required"))
    return _json({"$comment": comment, **schema}, model.source["definitions"], "x-expects", *_PROSE)


def optional_schema(model: FieldModel, comment: str) -> str:
    """Return values.optional.schema.json: the schema of each such field under its key, as in `autoscaling.metrics`."""
    schema = {"$comment": comment, "properties": {field.key: field.schema for field in optional_fields(model)}}
    return _json(schema, model.source["definitions"], *_PROSE)


def _optional(schema: Schema) -> bool:
    kubernetes_own: bool = schema["type"] == "object" or schema["default"] == []
    return kubernetes_own and schema["x-field"].get("readBy") != "helm"


def _outside(group: Schema) -> Schema:
    properties = {key: _outside_of(child) for key, child in group["properties"].items()}
    return {**group, "properties": properties}


def _outside_of(child: Schema) -> Schema:
    if "x-field" not in child:
        return _outside(child)
    return {"type": child["type"]} if _optional(child) else child


def _json(schema: Schema, definitions: Schema, *unwanted: str) -> str:
    plain = without({**schema, "definitions": _used(schema, definitions)}, *unwanted)
    return json.dumps(rewritten(plain, _lean), indent=1, ensure_ascii=False) + "\n"


def _lean(schema: Schema) -> Schema:
    """Return a schema without what draft-07 ignores beside a reference, and without a type beside a choice."""
    if "$ref" in schema:
        return {"$ref": schema["$ref"]}
    return {key: value for key, value in schema.items() if key != "type" or "enum" not in schema}


def _used(schema: Schema, definitions: Schema) -> dict[str, Any]:
    """Return the definitions that a schema refers to, by way of others too."""
    used: set[str] = set()
    waiting = _references({**schema, "definitions": {}})
    while waiting:
        used.update(waiting)
        waiting = [name for known in waiting for name in _references(definitions[known]) if name not in used]
    return {name: definition for name, definition in definitions.items() if name in used}


def _references(schema: Schema) -> Sequence[str]:
    return re.findall('"#/definitions/([^"]+)"', json.dumps(schema))
