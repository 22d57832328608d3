"""Explain fields, in the manner of `kubectl explain`."""

from __future__ import annotations

import itertools
import json
import re
import textwrap
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from modelservice.writing.dump import dump

if TYPE_CHECKING:
    from modelservice.schema.fields import Field

WIDTH = 100


def explain(fields: Iterable[Field], key: str = "", width: int = WIDTH) -> str | None:
    """Explain the field at a key or around it, or list a group's fields or all; None for an unknown key."""
    fields = list(fields)
    key = re.sub(r"\[[^]]*\]", "", key)  # findings name parts of a field: env[0].name
    for field in fields:
        if key == field.key or key.startswith(f"{field.key}."):
            return _field(field, width)
    group = [field for field in fields if not key or field.key.startswith(f"{key}.")]
    return _list(group, width) if group else None


def search(fields: Iterable[Field], word: str, flags: Mapping[str, str], width: int = WIDTH) -> str:
    """List the fields whose key, place in the form or description contains the words, and the given flags.

    Returns "" if there is none.
    """
    words = word.lower().split()
    found = [one for one in fields if all(part in _text(one) for part in words)]
    listed = _list(found, width) if found else ""
    lines = ["Flags for args:", *columns(list(flags.items()), width)] if flags else []
    return listed + "".join(f"{line}\n" for line in lines)


def _text(field: Field) -> str:
    return f"{field.key} {_place(field)} {field.flag} {field.description}".lower()


def _place(field: Field) -> str:
    return f"{field.tab} {field.group} {field.label}"


def is_in_form(fields: Iterable[Field], word: str) -> bool:
    """Return whether the words are those of a place in the console's form: a tab, a group, a label."""
    words = set(word.lower().split())
    return any(words <= set(re.findall("[a-z0-9]+", _place(field).lower())) for field in fields)


def nearest_key(key: str, fields: Iterable[Field]) -> str | None:
    """Return the key or group closest to a misspelled one, or the first key with this last part, or None."""
    from modelservice.spelling import nearest

    last = key.rsplit(".", 1)[-1]
    keys = {field.key: field for field in fields}
    groups = {name.rpartition(".")[0] for name in keys} - {""}
    return nearest(key, [*keys, *sorted(groups)], cutoff=0.8) or next(
        (name for name, field in keys.items() if field.path[-1] == last), None
    )


def _list(fields: list[Field], width: int) -> str:
    longest = max(len(field.key) for field in fields)
    lines: list[str] = []
    for tab, group in itertools.groupby(fields, key=lambda field: field.tab):
        rows = [(field.key, field.description.split(". ")[0].rstrip(".")) for field in group]
        lines += [f"{tab}:", *columns(rows, width, longest)]
    return "\n".join(lines) + "\n"


def columns(rows: list[tuple[str, str]], width: int, longest: int = 0, lines: int | None = 1) -> list[str]:
    """Return each name with the first `lines` lines of its text next to it, or below it on a narrow terminal."""
    indent = (longest or max(len(name) for name, _ in rows)) + 4
    is_narrow = width - indent < 24
    indent = 6 if is_narrow else indent
    found = []
    for name, text in rows:
        first, *more = textwrap.wrap(text, width - indent, max_lines=lines, placeholder=" …") or [""]
        found += [f"  {name}", " " * indent + first] if is_narrow else [f"{f'  {name}':<{indent}}{first}".rstrip()]
        found += [" " * indent + line for line in more]
    return found


def _field(field: Field, width: int) -> str:
    parts = [
        ("KEY", f"{field.key} <{' or '.join(field.types)}>"),
        ("CONSOLE", " / ".join(dict.fromkeys([field.tab, field.group, field.label]))),
        ("DEFAULT", json.dumps(field.default, ensure_ascii=False)),
        ("ALLOWED", _allowed(field.schema)),
        ("BECOMES", field.becomes),
    ]
    lines = [line for name, text in parts if text for line in _wrapped(f"{name + ':':<10}{text}", width, 10)]
    lines += ["", *_wrapped(field.description, width)]
    for example in field.schema.get("examples", []):
        lines += ["", "EXAMPLE:", *(f"  {line}" for line in dump(_at(field, example)).splitlines())]
    return "\n".join(lines) + "\n"


def _wrapped(text: str, width: int, indent: int = 0) -> list[str]:
    return textwrap.wrap(text, width, subsequent_indent=" " * indent, break_on_hyphens=False, break_long_words=False)


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
