"""Explain the flags of `vllm serve`, and search them."""

from __future__ import annotations

import json
import textwrap
from typing import Any

from modelservice.vllm.argument_rules import FIELDS, OWNED
from modelservice.vllm.facts import facts
from modelservice.vllm.flags import Flag, command_line, every_spelling, lives, newest_with
from modelservice.vllm.releases import newest_release, releases

_TYPES = {
    "switch": "a switch without a value",
    "boolean": "true or false",
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "human-int": "a whole number, 4k (4000) or 4K (4096)",
    "human-int-or-auto": "a whole number, 4k (4000), 4K (4096) or auto",
    "json": "JSON",
    "json-object": "a JSON object, or dotted keys",
    "str-or-json": "text or JSON",
}


def spellings() -> list[str]:
    """Return the flags of all releases, as completion offers them."""
    return sorted(set(every_spelling()))


def explain_flag(spelling: str, width: int) -> str | None:
    """Return the explanation of a flag in lines of at most `width`, or None if no release has it."""
    found = lives(spelling)
    if not found:
        return None
    release = newest_with(spelling)
    flag = command_line(release)[spelling] if release else None
    parts = [("FLAG", flag.name if flag else spelling), *(_parts(flag) if flag else ())]
    first, *again = found
    since = f"{first.since} or earlier" if first.since == releases()[0] else first.since
    parts += [("SINCE", since and f"vLLM {since}"), ("UNTIL", first.gone and f"removed in vLLM {first.gone}")]
    for one in again:
        end = f" until it was removed in {one.gone}" if one.gone else ""
        parts.append(("AGAIN", f"since vLLM {one.since}{end}"))
    parts += [("FIELD", _field(flag.name if flag else spelling))]
    lines = [line for name, text in parts if text for line in _wrapped(name, text, width)]
    said = facts("help")["flags"].get(flag.name if flag else spelling, "")
    return "\n".join([*lines, *(["", *textwrap.wrap(said, width, break_on_hyphens=False)] if said else [])]) + "\n"


def _parts(flag: Flag) -> list[tuple[str, str]]:
    others = (*flag.aliases, *flag.negatives)
    many = {"+": "; one or more", "?": "; or none"}.get(flag.nargs, "")
    return [
        ("ALSO", ", ".join(others)),
        ("TYPE", _TYPES.get(flag.type, flag.type) + many),
        ("DEFAULT", "" if flag.default is None else json.dumps(flag.default, ensure_ascii=False)),
        ("VALUES", ", ".join(flag.values)),
        ("STATUS", "deprecated" if flag.deprecated else ""),
    ]


def _field(name: str) -> str:
    owned = OWNED.get(name)
    if owned is None:
        return f"{FIELDS[name]}, or args" if name in FIELDS else "args"
    return owned.field or f"none: {owned.instead()}"


def _wrapped(name: str, text: str, width: int) -> list[str]:
    return textwrap.wrap(
        text, width, initial_indent=f"{name + ':':<10}", subsequent_indent=" " * 10, break_on_hyphens=False
    )


def flags_about(word: str) -> dict[str, str]:
    """Return the flags of the newest release whose name or help contains a word, each with its help."""
    said: dict[str, Any] = facts("help")["flags"]
    now = {flag.name for flag in command_line(newest_release()).values()}
    return {
        name: said.get(name, "")
        for name in sorted(now)
        if word.lower() in name.replace("-", " ") + name or word.lower() in said.get(name, "").lower()
    }
