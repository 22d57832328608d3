"""Parse a list of arguments as vLLM does.

vLLM's parser is argparse with additions: underscores are read as dashes, a JSON flag accepts dotted keys
(`--compilation-config.mode=3`), and `-O3` is short for a level. An argument that argparse would refuse becomes an
`Unknown` or a `Stray`. A unique beginning of a flag, which argparse accepts as the flag, becomes a `Given` with its
`beginning`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from modelservice.vllm.facts import facts
from modelservice.vllm.flags import Flag, Line, lives
from modelservice.vllm.releases import alive

DASHES = "–—−‐‑"  # noqa: RUF001  word processors replace two hyphens by one of these
_LEVEL = re.compile(r"-O=?(\d+)")
# Text that argparse reads as a value although it starts with a dash.
_NEGATIVE = re.compile(r"-\d+|-\d*\.\d+")
_TWO_WORDS = re.compile(r"--?[A-Za-z][\w.-]*\s+\S")
_FLAG_INSIDE = re.compile(r"(?<=\s)(--[A-Za-z][\w-]*)(?=[=\s]|$)")


class Word(NamedTuple):
    """A value, and the index of its item in the list."""

    at: int
    text: str


class Given(NamedTuple):
    """A flag with its values. `key` is the part after the first dot; `attached` says that the value follows "=".

    `beginning` is the written abbreviation of `spelling`, or "".
    """

    at: int
    spelling: str
    flag: Flag
    key: str
    values: tuple[Word, ...]
    attached: bool
    beginning: str = ""

    @property
    def negated(self) -> bool:
        """Whether the flag is written in a form that switches it off."""
        return self.spelling in self.flag.negatives

    @property
    def items(self) -> tuple[int, ...]:
        """The indexes of the items with the flag and its values."""
        return _items(self.at, self.values)


class Unknown(NamedTuple):
    """An item that looks like a flag but is not one; `candidates` are the flags that start with it."""

    at: int
    spelling: str
    key: str
    candidates: tuple[str, ...]
    values: tuple[Word, ...]
    attached: bool

    @property
    def items(self) -> tuple[int, ...]:
        """The indexes of the items with the flag and its possible values."""
        return _items(self.at, self.values)

    def named(self, name: str) -> str:
        """Return the item with another flag name before its key and its attached value."""
        value = f"={self.values[0].text}" if self.attached else ""
        return name + (f".{self.key}" if self.key else "") + value


def _items(at: int, values: Sequence[Word]) -> tuple[int, ...]:
    return (at, *(word.at for word in values if word.at != at))


class Stray(NamedTuple):
    """A value that belongs to no flag; `follows` is the switch right before it, `words` the arguments in one item."""

    at: int
    text: str
    follows: Given | None = None
    words: tuple[str, ...] = ()


Read = Given | Unknown | Stray


def read(args: Sequence[str], line: Line) -> Iterator[Read]:
    """Parse arguments for a command line."""
    index = 0
    before: Read | None = None
    while index < len(args):
        before = _next(args, index, line, before)
        yield before
        index = 1 + max([index, *(word.at for word in getattr(before, "values", ()))])


def without_values_of_dashes(items: Sequence[Read]) -> Iterator[Read]:
    """Yield the items except the values of flags that are written with a dash in place of hyphens."""
    before: Read | None = None
    for item in items:
        is_dashed = isinstance(before, Stray) and before.text.startswith(tuple(DASHES))
        if not (is_dashed and isinstance(item, Stray)):
            yield item
        before = item


def _next(args: Sequence[str], index: int, line: Line, before: Read | None) -> Read:
    text = args[index]
    if words := several(text, line):
        return Stray(index, text, words=words)
    if not _is_flag(text, line):
        after_switch = isinstance(before, Given) and before.flag.type == "switch" and not before.attached
        return Stray(index, text, before if after_switch else None)  # type: ignore[arg-type]
    written, key, value = _split(text, args[index + 1 : index + 2], line)
    candidates = () if written in line.flags else _candidates(written, line)
    spelling = candidates[0] if len(candidates) == 1 and written != "--" and not lives(written) else written
    flag = line.flags.get(spelling)
    if value is not None:
        values: tuple[Word, ...] = (Word(index, value),)
    else:
        values = tuple(_values(args, index + 1, line, _wanted(flag, key)))
    attached = value is not None
    if flag is None:
        return Unknown(index, spelling, key, candidates, values, attached)
    return Given(index, spelling, flag, key, values, attached, written if written != spelling else "")


def _wanted(flag: Flag | None, key: str) -> int | None:
    """Return how many values may follow at most, or None for any number."""
    if key:
        return 1
    if flag is None or flag.nargs == "+":
        return None
    return 0 if flag.type == "switch" else 1


def _values(args: Sequence[str], start: int, line: Line, wanted: int | None) -> Iterator[Word]:
    for index in range(start, len(args) if wanted is None else min(start + wanted, len(args))):
        if _is_flag(args[index], line) or several(args[index], line):
            return
        yield Word(index, args[index])


def normal(text: str) -> str:
    """Return a flag as vLLM spells it: with dashes instead of underscores before the first dot."""
    name, dot, key = text.partition(".")
    return (name.replace("_", "-") if name.startswith("--") else name) + dot + key


def _split(text: str, following: Sequence[str], line: Line) -> tuple[str, str, str | None]:
    """Return an argument's flag, its dotted key, and the value attached by "=" or -O, or None."""
    level = _LEVEL.fullmatch(text)
    if level or (text == "-O" and re.fullmatch("[0-3]", "".join(following))):
        target = next(name for life, name in facts("history")["short"]["-O"].items() if alive(life, line.release))
        text = f"{target}={level.group(1)}" if level else target
    name, equals, value = text.partition("=")
    if name[:2] in line.flags and name not in line.flags and "." not in name:
        return text[:2], "", text[2:]  # -n2, as argparse reads one-letter flags
    flag, _, key = normal(name).partition(".")
    return flag, key, value if equals else None


def _is_flag(text: str, line: Line) -> bool:
    if not text.startswith("-") or text in ("-", "--") or _NEGATIVE.fullmatch(text):
        return False
    name, equals, _ = text.partition("=")
    return (bool(equals) and " " not in name) or " " not in text or normal(name) in line.flags


def several(text: str, line: Line) -> tuple[str, ...]:
    """Return the arguments in an item of several words, such as `--dtype half`, each as `--flag=value`."""
    if not text.startswith("-"):
        return ()
    cuts = [0, *(found.start() for found in _FLAG_INSIDE.finditer(text) if normal(found.group(1)) in line.flags)]
    parts = [text[start:end].strip() for start, end in zip(cuts, [*cuts[1:], None], strict=True)]
    if len(parts) == 1 and not _TWO_WORDS.match(text):
        return ()
    return tuple("=".join(part.split(None, 1)) if _TWO_WORDS.match(part) else part for part in parts)


def _candidates(spelling: str, line: Line) -> tuple[str, ...]:
    return tuple(sorted({flag.name: name for name, flag in line.flags.items() if name.startswith(spelling)}.values()))
