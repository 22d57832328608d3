"""Custom resources checked as an API server with strict field validation checks them."""

import functools
import json
from pathlib import Path
from typing import Any

from jsonschema import Draft7Validator

HERE = Path(__file__).parent
KINDS = {file.stem for file in HERE.glob("*.json")}


def strict(schema: Any) -> Any:
    """Return the structural schema as JSON Schema that refuses unknown fields; int-or-string allows any type."""
    if isinstance(schema, list):
        return [strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: strict(value) for key, value in schema.items() if not key.startswith("x-kubernetes-")}
    if "properties" in schema:
        found["properties"] = {key: strict(value) for key, value in schema["properties"].items()}
        closed = "additionalProperties" not in schema and not schema.get("x-kubernetes-preserve-unknown-fields")
        found |= {"additionalProperties": False} if closed else {}
    if schema.get("x-kubernetes-int-or-string"):
        found.pop("type", None)
    return found


@functools.cache
def validator(kind: str, api_version: str) -> Draft7Validator:
    schema = json.loads((HERE / f"{kind}.json").read_text())[api_version]
    # The API server knows the object's own fields.
    schema["properties"]["metadata"] = {
        "type": "object",
        "required": ["name"],
        "additionalProperties": False,
        "properties": {
            "name": {"type": "string", "maxLength": 253},
            "namespace": {"type": "string", "maxLength": 63},
            "labels": {"type": "object", "additionalProperties": {"type": "string"}},
            "annotations": {"type": "object", "additionalProperties": {"type": "string"}},
            "finalizers": {"type": "array", "items": {"type": "string"}},
        },
    }
    return Draft7Validator(strict(schema))


def complaints(item: dict[str, Any]) -> list[str]:
    """Return the parts of an object that the definition of its kind does not allow."""
    errors = validator(item["kind"], item["apiVersion"]).iter_errors(item)
    return [f"{error.json_path}: {error.message}" for error in errors]
