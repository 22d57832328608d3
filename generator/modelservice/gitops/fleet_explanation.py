"""Explain the keys of fleet.yaml from its schema."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from typing import Any

from modelservice.errors import InputError
from modelservice.gitops.fleet_file import fleet_schema
from modelservice.schema.defaults import resolved
from modelservice.schema.explanation import columns
from modelservice.spelling import nearest


def explain_fleet(key: str, width: int) -> str:
    """Explain a key of fleet.yaml, such as environments.prod.chart, in lines of `width`; "" lists the top-level keys.

    Raises InputError for an unknown key.
    """
    found = fleet_schema()
    for part in filter(None, key.split(".")):
        inner = dict(_keys(found))
        # environments.server means the server of any environment.
        inner |= {name: one for name, one in _keys(inner.get("*", {})) if name != "*"}
        if part not in inner and "*" not in inner:
            near = nearest(part, inner)
            hint = f"did you mean {near}?" if near else "`modelservice explain fleet` lists its keys"
            raise InputError(f"fleet.yaml has no key {key}; {hint}")
        found = inner.get(part) or inner["*"]
    lines = [f"KEY:      {f'fleet.{key}' if key else 'fleet.yaml'}"]
    lines += [f"DEFAULT:  {json.dumps(found['default'])}"] if "default" in found else []
    lines += ["", *textwrap.wrap(str(found.get("description", "")), width)]
    keys = [(name, one.get("description", "")) for name, one in _keys(found)]
    if keys:
        lines += ["", "KEYS:", *columns(keys, width, lines=None)]
    return "\n".join(lines) + "\n"


def has_key(key: str) -> bool:
    """Return whether a key may be one of fleet.yaml: it starts with one of the top-level keys."""
    return key.partition(".")[0] in dict(_keys(fleet_schema()))


def _keys(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the keys of a map, or of a list's maps, with their schemas; `*` stands for any name."""
    definitions = fleet_schema()["definitions"]
    schema = {**resolved(schema, definitions), **schema}
    for inner in (schema, *schema.get("items", {}).get("anyOf", [])):
        for name, one in inner.get("properties", {}).items():
            yield name, {**resolved(one, definitions), **one}
    if isinstance(schema.get("additionalProperties"), dict):
        yield "*", {"title": "A name", "description": "Each by its name.", **schema["additionalProperties"]}
