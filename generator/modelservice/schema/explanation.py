"""Explain fields, in the manner of `kubectl explain`."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from modelservice.errors import InputError
from modelservice.writing.dump import dump

if TYPE_CHECKING:
    from modelservice.schema.fields import Field

_WIDTH = 100


def explain(fields: Iterable[Field], key: str = "") -> str:
    """Explain a field, or the one around a key, a group's fields, or all. Raises InputError for an unknown key."""
    fields = list(fields)
    key = re.sub(r"\[[^]]*\]", "", key)  # as findings name what is inside of a field: env[0].name
    for field in fields:
        if key == field.key or key.startswith(f"{field.key}."):
            return _field(field)
    group = [field for field in fields if not key or field.key.startswith(f"{key}.")]
    if not group:
        raise InputError(_unknown(key, fields))
    return _list(group)


def _unknown(key: str, fields: list[Field]) -> str:
    from modelservice.spelling import nearest

    last = key.rsplit(".", 1)[-1]
    near = nearest(key, [field.key for field in fields]) or next(
        (field.key for field in fields if field.path[-1] == last), None
    )
    hint = f"; did you mean {near}?" if near else "; `modelservice explain` lists all keys"
    return f"there is no key {key}{hint}"


def _list(fields: list[Field]) -> str:
    width = max(len(field.key) for field in fields)
    lines, tab = [], ""
    for field in fields:
        if field.tab != tab:
            tab = field.tab
            lines.append(f"{tab}:")
        first = field.description.split(". ")[0].rstrip(".")
        lines.append(f"  {field.key:<{width}}  {textwrap.shorten(first, _WIDTH - width, placeholder=' …')}")
    return "\n".join(lines) + "\n"


def _field(field: Field) -> str:
    parts = [
        ("KEY", f"{field.key} <{' or '.join(field.types)}>"),
        ("CONSOLE", " / ".join(dict.fromkeys([field.tab, field.group, field.label]))),
        ("DEFAULT", json.dumps(field.default, ensure_ascii=False)),
        ("ALLOWED", _allowed(field.schema)),
        ("BECOMES", field.becomes),
    ]
    lines = [f"{name + ':':<10}{text}" for name, text in parts if text]
    lines += ["", *textwrap.wrap(field.description, _WIDTH, break_on_hyphens=False)]
    for example in field.schema.get("examples", []):
        lines += ["", "EXAMPLE:", *(f"  {line}" for line in dump(_at(field, example)).splitlines())]
    return "\n".join(lines) + "\n"


def _at(field: Field, value: Any) -> Any:
    for key in reversed(field.path):
        value = {key: value}
    return value


def _allowed(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return ", ".join(json.dumps(option) for option in schema["enum"])
    if "minimum" in schema or "maximum" in schema:
        low, high = schema.get("minimum"), schema.get("maximum")
        span = f"{low} to {high}" if high is not None else f"{low} or more"
        return f'{span}, or "" to leave it out' if re.search(str(schema.get("pattern", "^.")), "") else span
    return str(schema.get("x-expects", ""))
