"""A values file in; out comes a Document: what Helm reads, where each value is written, and what is wrong.

Whatever is accepted, Helm 3 and 4 read as the same data. What Helm would read in another way than a
person means is refused, with the place and the cure. Facts: tests/test_reads_as_helm.py asks both helms.
"""

from __future__ import annotations

import errno
import os
import re
import stat
import sys
from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from typing import Any, NamedTuple

from modelservice.compose import MAX_DEPTH, MAX_VALUES, Place, compose
from modelservice.findings import Finding, Path, Position, Severity, lines_of

MAX_BYTES = 1024 * 1024

# Rule id and what it refuses, in one sentence; the facts were tried on helm 3.18.0 and 4.3.1.
RULES: tuple[tuple[str, str], ...] = (
    ("file-missing", "A values file that is named must exist."),
    ("file-unreadable", "A values file must be a readable file, not a folder."),
    ("file-size", f"A values file has at most {MAX_BYTES} bytes and {MAX_VALUES} values."),
    ("empty-file", "A file without any value is most likely a mistake; Helm takes it for an empty map."),
    ("yaml-encoding", "A values file is UTF-8 text without byte-order mark, control characters and odd line breaks."),
    ("yaml-syntax", "The file must be YAML; Helm refuses it too, or silently drops what follows the mistake."),
    ("yaml-tab", "YAML is indented with spaces; Helm refuses tabs there."),
    ("yaml-top-level", "A values file is a map of keys at the top; Helm refuses lists and text."),
    ("yaml-documents", "One document per file: of several, Helm 3 reads the first and Helm 4 merges all."),
    ("yaml-duplicate-key", "Each key once in its map: Helm silently keeps the last."),
    ("yaml-ambiguous", "Helm reads plain yes, on and n as booleans, 017 as 15, keys that are none as text."),
    ("yaml-alias", "Anchors and aliases hide what a file sets, and may grow without bound."),
    ("yaml-merge-key", "The merge key << hides what a file sets."),
    ("yaml-tag", "Tags such as !!int or !custom change or lose the value; only !!str is read as written."),
    ("yaml-depth", f"Values are nested at most {MAX_DEPTH} levels deep."),
)  # fmt: skip

# Control characters, the byte-order mark, and what only YAML 1.1 takes for a line break.
_FORBIDDEN = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
# Helm 4 takes each line that begins so for the end of a document, and refuses more text on it.
_SEPARATOR = re.compile(r"^---(?![ \t\r]*$|[ \t]+#)", re.MULTILINE)


class Document(NamedTuple):
    """One values file, or several merged, as Helm reads them.

    `name` is what findings call it, `text` what is written in it ("" where it is no text), `sources` the texts of
    all layers by name. `data` is exactly what Helm reads where `findings` is empty. `readable` says that data is
    good for finding more problems even if there are some; it is {} otherwise.
    """

    name: str
    text: str
    data: dict[str, Any]
    findings: tuple[Finding, ...]
    readable: bool
    sources: dict[str, str]
    top: Place

    def key_position(self, path: Path) -> Position:
        """Return where the key or list item stands; the nearest key around it where it is not written."""
        place = self._nearest(path)[0]
        return Position(place.file, *place.key)

    def value_position(self, path: Path) -> Position:
        """Return where the value stands; the nearest key around it where it is not written."""
        place, depth = self._nearest(path)
        return Position(place.file, *(place.value if path and depth == len(path) else place.key))

    def is_written(self, path: Path) -> bool:
        """Say whether a layer writes a value at the path."""
        return self._nearest(path)[1] == len(path)

    def _nearest(self, path: Path) -> tuple[Place, int]:
        place = self.top
        for depth, part in enumerate(path):
            child = place.children.get(part)
            if child is None:
                return place, depth
            place = child
        return place, len(path)


def read(name: str, raw: bytes) -> Document:
    """Read a values file's bytes."""
    if len(raw) > MAX_BYTES:
        message = f"the file has more than {MAX_BYTES} bytes"
        return _unreadable(name, "file-size", message, "values files are small: check that it is the right one")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8")
        message = f"byte 0x{raw[error.start]:02x} is not UTF-8"
        return _unreadable(name, "yaml-encoding", message, "save the file as UTF-8 text", _end_of(before))
    return _refused_text(name, text) or _composed(name, text)


def load(path: str) -> Document:
    """Read the values file at the path; "-" is standard input."""
    name = "<stdin>" if path == "-" else path
    try:
        return read(name, _bytes_of(path))
    except FileNotFoundError:
        return _unreadable(name, "file-missing", "there is no such file", "check the path")
    except IsADirectoryError:
        message = "this is a folder, not a values file" if any(_walk(path)) else "the folder holds no *.yaml file"
        return _unreadable(name, "file-unreadable", message, "name a *.yaml file")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        message = f"the file cannot be read: {reason}"
        return _unreadable(name, "file-unreadable", message, "check the path and its permissions")


def merge(documents: Sequence[Document]) -> Document:
    """Return the layers as one, later over earlier, as `helm -f base.yaml -f prod.yaml` reads them.

    Maps are merged deeply; anything else replaces what stands below, a list as a whole. A null stays in the
    data: it is the chart's defaults that Helm removes a key from. Each position is that of the last layer
    that wrote the value; name and text are those of the last layer.
    """
    return reduce(_over, documents)


def values_files(paths: Iterable[str], layers: Sequence[str] = ()) -> Iterator[str]:
    """Yield the paths, and in place of a folder the *.yaml and *.yml files in and below it, without hidden ones.

    A file that is a layer below the others is no service, and left out. A folder without any service, or one that
    cannot be listed, is yielded itself: loading it says so.
    """
    shared = {os.path.realpath(layer) for layer in layers if layer != "-"}
    for path in paths:
        if path != "-" and os.path.isdir(path):  # noqa: PTH112
            yield from [file for file in _walk(path) if _is_service(file, shared)] or [path]
        elif path == "-" or _is_service(path, shared):
            yield path


def _is_pipe(path: str) -> bool:
    """Say whether reading the path may wait for ever. What cannot be looked at is said when it is read."""
    try:
        return not stat.S_ISREG(os.stat(path).st_mode)  # noqa: PTH116
    except OSError:
        return False


def _is_service(file: str, shared: set[str]) -> bool:
    return not shared or os.path.realpath(file) not in shared


def _walk(folder: str) -> Iterator[str]:
    closed: list[str] = []
    for root, folders, files in os.walk(folder, onerror=lambda error: closed.append(error.filename)):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = os.path.join(root, name)  # noqa: PTH118
            if name.endswith((".yaml", ".yml")) and not name.startswith(".") and not _is_pipe(path):
                yield path
    yield from closed


def _bytes_of(path: str) -> bytes:
    if path != "-":
        with open(path, "rb") as file:  # noqa: PTH123
            return file.read(MAX_BYTES + 1)
    if sys.stdin is None:
        raise OSError(errno.EBADF, "standard input is closed")
    return sys.stdin.buffer.read(MAX_BYTES + 1)


def _composed(name: str, text: str) -> Document:
    data, place, findings, complete = compose(name, text)
    if isinstance(data, dict) or findings:
        readable = complete and isinstance(data, dict)
        return Document(name, text, data if readable else {}, findings, readable, {name: text}, place)
    if data is None:
        hint = "write at least one key, such as `replicas: 1`"
        return _unreadable(name, "empty-file", "the file sets no value", hint, text=text)
    kind = "a list" if isinstance(data, list) else "a single value"
    hint = "write `key: value` lines, with a space behind each colon"
    return _unreadable(name, "yaml-top-level", f"the file is {kind}, not a map of keys", hint, place.value, text)


def _refused_text(name: str, text: str) -> Document | None:
    """Refuse characters and lines that Helm, or Helm 4 alone, stumbles over."""
    if match := _FORBIDDEN.search(text):
        message, hint = _character(match)
        return _unreadable(name, "yaml-encoding", message, hint, _end_of(text[: match.start()]), text)
    if match := _SEPARATOR.search(text):
        message = "Helm 4 takes a line that begins with --- for the end of a document, and refuses more text on it"
        hint = "write `---` alone, or put a space before it"
        return _unreadable(name, "yaml-documents", message, hint, _end_of(text[: match.start()]), text)
    return None


def _character(match: re.Match[str]) -> tuple[str, str]:
    if match[0] == "\ufeff" and match.start() == 0:
        return "the file begins with a byte-order mark", "save it as UTF-8 without byte-order mark"
    if match[0] == "\0":
        return "the file is binary: it holds a NUL byte", "name a YAML file"
    number = ord(match[0])
    return (
        f"the invisible character U+{number:04X} stands here",
        f'remove it, or write "\\u{number:04x}" in double quotes',
    )


def _end_of(text: str) -> tuple[int, int]:
    """Return the line and column that follow the text."""
    lines = lines_of(text)
    return len(lines), len(lines[-1]) + 1


def _unreadable(
    name: str, rule: str, message: str, hint: str, at: tuple[int, int] = (1, 1), text: str = ""
) -> Document:
    finding = Finding(Severity.ERROR, (), message, hint, rule, Position(name, *at))
    return Document(name, text, {}, (finding,), False, {name: text}, Place(name, (1, 1), (1, 1), {}))


def _over(below: Document, above: Document) -> Document:
    data, top = _merged(below.data, above.data, below.top, above.top)
    return above._replace(
        data=data,
        findings=below.findings + above.findings,
        readable=below.readable and above.readable,
        sources=below.sources | above.sources,
        top=top,
    )


def _merged(
    below: dict[str, Any], above: dict[str, Any], below_place: Place, above_place: Place
) -> tuple[dict[str, Any], Place]:
    data, children = dict(below), dict(below_place.children)
    for key, value in above.items():
        place = above_place.children[key]
        if isinstance(value, dict) and isinstance(data.get(key), dict):
            value, place = _merged(data[key], value, children[key], place)
        data[key], children[key] = value, place
    return data, above_place._replace(children=children)
