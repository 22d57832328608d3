"""Write data as YAML that Helm reads back as it was meant."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import yaml

from modelservice.reading.scalars import resolve

# Text that some YAML parser reads as a number, a date or a boolean; Helm has more forms of numbers than PyYAML.
_RETYPED = re.compile(
    r"[-+]?\.?[0-9_][0-9_.,:eExXoObBa-fA-F+-]*|y|n|yes|no|on|off|true|false|null|~|=|<<|[-+]?\.(inf|nan)",
    re.IGNORECASE,
)
# Text that a block cannot contain unchanged: PyYAML writes `...` after a final empty line, which ends the whole
# document, and Unicode's line breaks are folded.
_ODD_BREAKS = re.compile(r"\n\n\Z|\A\s*\n|[\x85\u2028\u2029]")

# Longer than any line.
_ONE_LINE = 2**31


class _Dumper(yaml.SafeDumper):
    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        # Lists are indented below their key, as in Helm charts.
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _string(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = None
    if "\n" in text and not _ODD_BREAKS.search(text):
        style = "|"
    elif not text or _ODD_BREAKS.search(text) or _RETYPED.fullmatch(text) or resolve(text) != (text, None):
        style = '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _string)
_Dumper.add_multi_representer(str, _string)


def dump(value: Any, width: int = 110) -> str:
    """Return block style YAML; keys keep their order, and empty lists and maps are written `[]` and `{}`."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, default_flow_style=False, allow_unicode=True, width=width)


def flow_text(value: Any) -> str:
    """Return a value on one line, as written inside brackets; it means the same outside of them."""
    text = yaml.dump(
        [value], Dumper=_Dumper, default_flow_style=True, sort_keys=False, allow_unicode=True, width=_ONE_LINE
    )
    return text.strip()[1:-1]


def key_text(key: str) -> str:
    """Return a key as it is written before its colon."""
    return dump({key: 0}, _ONE_LINE).removesuffix(": 0\n")


def scalar_lines(value: Any) -> list[str]:
    """Return the lines after a key's colon for a scalar, or for an empty map or list.

    Text of several lines begins with `|`, and its lines are indented relative to the first one.
    """
    first, *rest = dump({"k": value}, _ONE_LINE).removesuffix("\n").split("\n")
    return [first.removeprefix("k: "), *(line.removeprefix("  ") for line in rest)]


class Layout(NamedTuple):
    """How far a file indents a map below its key, and a list's dashes."""

    step: int = 2
    dashes: int = 2

    def lines(self, value: Any) -> list[str]:
        """Return a map's or a list's lines."""
        if isinstance(value, Mapping):
            return [line for key, one in value.items() for line in self.entry(f"{key_text(key)}:", one)]
        return [line for one in value for line in self.item(one)]

    def entry(self, begin: str, value: Any) -> list[str]:
        """Return the lines of a key and its value; `begin` is the key with its colon."""
        if isinstance(value, Mapping | list) and value:
            return [begin, *indented(self.lines(value), self.dashes if isinstance(value, list) else self.step)]
        first, *rest = scalar_lines(value)
        return [f"{begin} {first}", *indented(rest, 2)]

    def item(self, value: Any) -> list[str]:
        """Return the lines of a list's item."""
        nested = isinstance(value, Mapping | list) and value
        first, *rest = self.lines(value) if nested else scalar_lines(value)
        return [f"- {first}", *indented(rest, 2)]


def indented(lines: Iterable[str], columns: int) -> list[str]:
    """Return the lines indented by a number of columns; empty lines stay empty."""
    return [" " * columns + line if line else line for line in lines]
