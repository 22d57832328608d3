"""Parse YAML as Helm does, into data, positions and findings.

The parser is libyaml; Helm uses its Go port. Only its events are used. Anchors, aliases, deep nesting and too many
values are refused when their events arrive, so no file makes this slow or large.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import yaml

from modelservice.findings import Finding, Path, Position, Severity
from modelservice.reading.scalars import clipped, resolve
from modelservice.reading.syntax_errors import complaint

MAX_DEPTH = 64
MAX_VALUES = 10_000
MAX_FINDINGS = 50

_CORE = "tag:yaml.org,2002:"
_STR = _CORE + "str"
_ESCAPED_SLASH = re.compile(r"(?<!\\)(?:\\\\)*\\/")
# A file's mode, which Helm reads as the octal number that is meant.
_MODE = re.compile(r"0o?[0-7]{1,4}")
# The second is the same parser in Python, slower, for a PyYAML that was built without libyaml.
_PARSER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Form(NamedTuple):
    """How a value is written, and where in the text it and its key start and end.

    `style` is "" for a plain scalar, a quote, | or > for any other scalar, { or [ for a map or list in brackets, : for
    a block map and - for a block list. A block ends where the next token starts.
    """

    style: str
    key: tuple[int, int]
    value: tuple[int, int]


class Place(NamedTuple):
    """Where a value and its key are written; lines and columns count from 1. A list item is its own key."""

    file: str
    key: tuple[int, int]
    value: tuple[int, int]
    children: dict[str | int, Place]
    form: Form = Form("", (0, 0), (0, 0))


class Composed(NamedTuple):
    """The data (what Helm reads if there are no findings), and whether the text was read to its end (`complete`)."""

    data: Any
    place: Place
    findings: tuple[Finding, ...]
    complete: bool


class _TooMuchError(Exception):
    """Stops reading: there are too many findings or values."""


def compose(name: str, text: str) -> Composed:
    """Read one file's text."""
    composer = _Composer(name, text)
    found: list[tuple[Any, Place]] = []
    complete = _read(composer, lambda: found.append(composer.document(Place(name, (1, 1), (1, 1), {}))))
    data, place = found[0] if found else (None, Place(name, (1, 1), (1, 1), {}))
    return Composed(data, place, tuple(composer.findings), complete)


def compose_stream(name: str, text: str) -> list[Composed]:
    """Read the documents of one file. If an error stops the parser, the last one is not complete."""
    composer = _Composer(name, text)
    found: list[Composed] = []

    def read() -> None:
        for data, place in composer.stream():
            found.append(Composed(data, place, tuple(composer.findings), True))
            composer.findings = []

    if not _read(composer, read):
        found.append(Composed(None, Place(name, (1, 1), (1, 1), {}), tuple(composer.findings), False))
    return found


def _read(composer: _Composer, read: Callable[[], None]) -> bool:
    """Call `read`, and say whether it reached the end; if not, add a finding with the reason."""
    try:
        read()
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        # The parser in Python lets chr() fail at an escape such as "\\U99999999".
        found = complaint(error, composer.text)
        composer.add(found.rule, (), found.message, found.hint, (found.line, found.column))
    except _TooMuchError:
        pass
    else:
        return True
    return False


def _start(event: Any) -> tuple[int, int]:
    return event.start_mark.line + 1, event.start_mark.column + 1


def _end(event: Any) -> int:
    index: int = event.end_mark.index
    return index


def _holds_mode(path: Path) -> bool:
    """Return whether the path is that of a file's mode: defaultMode of a volume, or mode of one of its items."""
    in_volume = path[:1] in (("volumes",), ("extraObjects",))
    return in_volume and (path[-1] == "defaultMode" or (path[-1] == "mode" and isinstance(path[-2], int)))


class _Composer:
    """Turns the events of one text into data."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text
        self.next = _PARSER(text).get_event
        self.findings: list[Finding] = []
        self.count = 0
        self.end = 0  # the end of the value that was read last

    def add(self, rule: str, path: Path, message: str, hint: str, at: tuple[int, int]) -> None:
        self.findings.append(Finding(Severity.ERROR, path, message, hint, rule, Position(self.name, *at)))

    def refuse(self, event: yaml.Event, rule: str, path: Path, message: str, hint: str) -> None:
        self.add(rule, path, message, hint, _start(event))
        if len(self.findings) >= MAX_FINDINGS:
            raise _TooMuchError

    def document(self, top: Place) -> tuple[Any, Place]:
        """Read the only document of the stream; None if there is nothing in it."""
        self.next()
        event = self.next()
        if isinstance(event, yaml.StreamEndEvent):
            return None, top
        if event.version or event.tags:
            self.refuse(
                event,
                "yaml-documents",
                (),
                "Helm 4 does not read lines that start with %",
                "remove the lines above ---",
            )
        data, place = self.value(self.next(), (), None, flow=False)
        place = place._replace(key=(1, 1))
        self.next()
        event = self.next()
        if not isinstance(event, yaml.StreamEndEvent):
            message = "another document starts here: Helm 3 reads only the first, Helm 4 merges them"
            self.refuse(event, "yaml-documents", (), message, "keep one document per file, and no further --- lines")
        return data, place

    def stream(self) -> Iterator[tuple[Any, Place]]:
        """Read every document of the stream."""
        self.next()
        while not isinstance(self.next(), yaml.StreamEndEvent):
            yield self.value(self.next(), (), None, flow=False)
            self.next()

    def value(self, event: Any, path: Path, key: Any, *, flow: bool) -> tuple[Any, Place]:
        """Read the value that starts with the event; `key` is its key's event, `flow` is true inside brackets."""
        self.check(event, path)
        data: Any = None
        children: dict[str | int, Place] = {}
        style = getattr(event, "style", None) or ""
        self.end = _end(event)
        if isinstance(event, yaml.ScalarEvent):
            data = self.scalar(event, path, flow)
        elif isinstance(event, yaml.MappingStartEvent):
            style = "{" if event.flow_style else ":"
            data = self.mapping(path, children, flow or bool(event.flow_style))
        elif isinstance(event, yaml.SequenceStartEvent):
            style = "[" if event.flow_style else "-"
            data = self.sequence(path, children, flow or bool(event.flow_style))
        key = key or event
        form = Form(style, (key.start_mark.index, _end(key)), (event.start_mark.index, self.end))
        return data, Place(self.name, _start(key), _start(event), children, form)

    def mapping(self, path: Path, children: dict[str | int, Place], flow: bool) -> dict[str, Any]:
        data: dict[str, Any] = {}
        while not isinstance(event := self.next(), yaml.MappingEndEvent):
            key = self.key(event, path, flow)
            if key in data:
                first = children[key].key[0]
                message = f"the key is written twice, first in line {first}: Helm silently keeps the last one"
                self.refuse(event, "yaml-duplicate-key", (*path, key), message, "remove one of the two")
            data[key], children[key] = self.value(self.next(), (*path, key), event, flow=flow)
        self.end = _end(event)
        return data

    def sequence(self, path: Path, children: dict[str | int, Place], flow: bool) -> list[Any]:
        data: list[Any] = []
        while not isinstance(event := self.next(), yaml.SequenceEndEvent):
            index = len(data)
            item, children[index] = self.value(event, (*path, index), None, flow=flow)
            data.append(item)
        self.end = _end(event)
        return data

    def scalar(self, event: yaml.ScalarEvent, path: Path, flow: bool) -> Any:
        self.newer_yaml(event, path, flow)
        if event.tag or event.style:
            return event.value
        value, doubt = resolve(event.value)
        if doubt and not (_MODE.fullmatch(event.value) and _holds_mode(path)):
            self.refuse(event, "yaml-ambiguous", path, doubt.message, doubt.hint)
        return value

    def key(self, event: Any, path: Path, flow: bool) -> str:
        """Read a key. If it is not valid, refuse it and return a text in its place."""
        if not isinstance(event, yaml.ScalarEvent):
            return self.no_key(event, path, flow)
        self.check(event, path)
        self.newer_yaml(event, path, flow)
        text: str = event.value
        if event.tag or event.style:
            return text
        value, doubt = resolve(text)
        if not text:
            self.refuse(event, "yaml-syntax", path, "a key is missing here", "write the key before the colon")
        elif text == "<<":
            self.refuse(event, "yaml-merge-key", path, "<< merges another map into this one", "write its keys out here")
        elif doubt or not isinstance(value, str):
            message = f"Helm does not read the key {clipped(text)} as text"
            self.refuse(event, "yaml-ambiguous", path, message, f'put the key in quotes: "{clipped(text)}":')
        return text

    def no_key(self, event: Any, path: Path, flow: bool) -> str:
        message = "a list, a map or an alias is used where a key is expected"
        hint = "write text as the key; Helm does not render templates in a values file: put {{ }} in quotes"
        self.refuse(event, "yaml-syntax", path, message, hint)
        self.value(event, path, None, flow=flow)
        return f"?{self.count}"

    def check(self, event: Any, path: Path) -> None:
        """Refuse what neither a value nor a key may have: anchors, tags, excessive depth or number."""
        self.count += 1
        if self.count > MAX_VALUES:
            self.refuse(event, "file-size", (), f"the file contains more than {MAX_VALUES} values", "split it up")
            raise _TooMuchError
        if len(path) > MAX_DEPTH:
            message = f"values are nested deeper than {MAX_DEPTH} levels here"
            self.refuse(event, "yaml-depth", (), message, "reduce the nesting")
            raise _TooMuchError
        self.anchor(event, path)
        tag = getattr(event, "tag", None)
        if tag and not (tag == _STR and isinstance(event, yaml.ScalarEvent)):
            message = f"the tag {clipped(tag.replace(_CORE, '!!'))} changes how the value is read"
            self.refuse(event, "yaml-tag", path, message, "remove the tag, and put the value in quotes if it is text")

    def anchor(self, event: yaml.NodeEvent, path: Path) -> None:
        if not event.anchor:
            return
        if isinstance(event, yaml.AliasEvent):
            message = f"*{clipped(event.anchor)} repeats a value that is written elsewhere"
            self.refuse(event, "yaml-alias", path, message, "write the value out here")
        else:
            message = f"&{clipped(event.anchor)} names the value for use elsewhere"
            self.refuse(
                event, "yaml-alias", path, message, "remove the anchor, and write the value out where it is used"
            )

    def newer_yaml(self, event: Any, path: Path, flow: bool) -> None:
        """Refuse what libyaml 0.2.5 reads but Helm's port of an older version does not."""
        if flow and not event.style and "?" in event.value:
            message = f"Helm cannot read the plain ? in {clipped(event.value)} inside brackets"
            self.refuse(event, "yaml-ambiguous", path, message, "put it in quotes")
        if event.style == '"' and "/" in event.value:
            written = self.text[event.start_mark.index : event.end_mark.index]
            if _ESCAPED_SLASH.search(written):
                self.refuse(
                    event, "yaml-syntax", path, "Helm does not support the escape \\/", "write / without the backslash"
                )
