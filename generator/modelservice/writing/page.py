"""Find lines, keys, dashes and values in the text of a values file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from modelservice.errors import InputError
from modelservice.findings import Path, dotted
from modelservice.reading.document import Document
from modelservice.reading.parser import Place
from modelservice.writing.dump import Layout, indented

FLOW = ("{", "[")
BLOCK = (":", "-")


class UnclearEditError(InputError):
    """An edit that cannot be made safely in the text, so a person has to make it."""


class Splice(NamedTuple):
    """What replaces the text from one index to another."""

    start: int
    end: int
    text: str


def spliced(text: str, splices: Sequence[Splice]) -> str:
    """Return the text with the splices made, which must not overlap."""
    for start, end, new in sorted(splices, reverse=True):
        text = text[:start] + new + text[end:]
    return text


class Page:
    """The text of a values file, with the positions of its parts."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.text = document.text
        self.newline = next(iter(re.findall("\r\n|\r|\n", self.text)), "\n")
        self.layout = _layout(document.top)

    def at(self, path: Path) -> Place:
        """Return the place of a value. Raises UnclearEditError if it is not written."""
        place, depth = self.document.nearest(path)
        if depth < len(path):
            raise UnclearEditError(f"{dotted(path)} is not written in {self.document.name}")
        return place

    def value(self, path: Path) -> Any:
        """Return the value at a path."""
        value: Any = self.document.data
        for part in path:
            value = value[part]
        return value

    def line_start(self, index: int) -> int:
        """Return the index of the first character of a line."""
        return max(self.text.rfind("\n", 0, index), self.text.rfind("\r", 0, index)) + 1

    def line_end(self, index: int) -> int:
        """Return the index of a line's end, before its line break."""
        found = re.compile("[\r\n]").search(self.text, index)
        return found.start() if found else len(self.text)

    def column(self, index: int) -> int:
        """Return how many characters are before an index on its line."""
        return index - self.line_start(index)

    def next_line(self, index: int) -> int:
        """Return the index of the first character of the next line."""
        end = self.line_end(index)
        return end + (2 if self.text.startswith("\r\n", end) else 1 if end < len(self.text) else 0)

    def end(self, place: Place) -> int:
        """Return the index after the last character of a value; the parser ends a block only at the next token."""
        start, end = place.form.value
        if place.form.style in BLOCK:
            return max(self.end(child) for child in place.children.values())
        return start + len(self.text[start:end].rstrip()) if place.form.style in ("|", ">") else end

    def colon(self, place: Place) -> int:
        """Return the index after the colon of a place's key."""
        found = re.compile(r"[ \t]*:").match(self.text, place.form.key[1])
        if not found:
            raise UnclearEditError(f"the key has no colon of its own in line {place.key[0]}")
        return found.end()

    def dash(self, place: Place) -> int:
        """Return the index of the dash before an item of a block list."""
        start = place.form.value[0]
        found = self.text.rfind("-", 0, start)
        if self.text[found + 1 : start].strip():
            raise UnclearEditError(f"there is no dash right before the item in line {place.value[0]}")
        return found

    def begins_line(self, index: int) -> bool:
        """Return whether only spaces are before an index on its line."""
        return not self.text[self.line_start(index) : index].strip()

    def joined(self, lines: Sequence[str], column: int) -> str:
        """Return lines as text that begins at a column, with the file's own line breaks."""
        return self.newline.join(indented(lines, column))

    def lines_after(self, index: int, lines: Sequence[str], column: int) -> Splice:
        """Return the splice that writes lines below the line of an index."""
        at = self.line_end(index)
        return Splice(at, at, self.newline + self.joined(lines, column))

    def require_no_comment(self, place: Place, start: int, end: int) -> None:
        """Raise UnclearEditError if there is a comment between the scalars from start to end."""
        rest = list(self.text[start:end])
        for first, last in _scalars(place):
            for index in range(max(first, start), min(last, end)):
                rest[index - start] = " "
        if "#" in rest:
            raise UnclearEditError(f"the text to replace, from line {place.key[0]} on, contains a comment")


def _scalars(place: Place) -> Iterator[tuple[int, int]]:
    yield place.form.key
    if not place.children:
        yield place.form.value
    for child in place.children.values():
        yield from _scalars(child)


def _layout(top: Place) -> Layout:
    """Return a file's indentation, that of its first map in a map and its first list in a map."""
    found: dict[str, int] = {}

    def look(place: Place) -> None:
        for child in place.children.values():
            if place.form.style == ":" and child.form.style in BLOCK:
                found.setdefault(child.form.style, child.value[1] - child.key[1])
            look(child)

    look(top)
    return Layout(found.get(":", 2), found.get("-", 2))
