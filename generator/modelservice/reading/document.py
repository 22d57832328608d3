"""Read a values file into a Document (data as Helm reads it, positions, findings), and merge layers.

Helm 3 and 4 read every accepted file as the same data. A file that Helm would read differently than a person means is
refused, with the position and the fix. tests/reading/test_reads_as_helm.py checks this with both versions of Helm.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import reduce
from typing import Any, NamedTuple

from modelservice.findings import Finding, Path, Position, Refuser, Rule, Severity, lines_of
from modelservice.reading.parser import MAX_DEPTH, MAX_VALUES, Place, compose

MAX_BYTES = 1024 * 1024

# Rule id, what is wrong, and why it matters; the facts were checked with helm 3.18.0 and 4.3.1.
_RULES: tuple[tuple[str, str, str], ...] = (
    (
        "file-missing",
        "A values file does not exist.",
        "Helm stops too. The path may be misspelled, or be relative to another folder.",
    ),
    (
        "file-unreadable",
        "A values file is a folder, or cannot be read.",
        "Helm stops too. The path may be wrong, or the file's permissions do not allow you to read it.",
    ),
    (
        "file-size",
        f"A values file has more than {MAX_BYTES} bytes or {MAX_VALUES} values.",
        (
            "Values files are small, so this is most likely the wrong file. Helm stores the values in a Secret, "
            "which holds at most 1 MiB."
        ),
    ),
    (
        "empty-file",
        "The values file sets no value.",
        "Helm reads it as an empty map and deploys the chart's default model.",
    ),
    (
        "yaml-encoding",
        "The file is not UTF-8, or contains invisible characters.",
        "An invisible character can become part of a key or a value. The text then looks right and is wrong.",
    ),
    (
        "yaml-syntax",
        "The file is not valid YAML.",
        "Helm refuses most such files. It reads some up to the mistake, and drops the rest without a message.",
    ),
    (
        "yaml-tab",
        "A tab is used where YAML allows only spaces.",
        "Helm refuses the file, and nothing is installed.",
    ),
    (
        "yaml-top-level",
        "The file is a list or a single value, not a map of keys.",
        "Helm cannot merge it with the chart's defaults, and refuses the file.",
    ),
    (
        "yaml-documents",
        "The file contains several documents.",
        "Helm 3 reads only the first one, and Helm 4 merges them all. The same file deploys different services.",
    ),
    (
        "yaml-duplicate-key",
        "A map contains the same key twice.",
        "Helm uses the last one without a message. Changes to the first one have no effect.",
    ),
    (
        "yaml-ambiguous",
        "Helm reads a plain value or key differently than it looks.",
        (
            "Plain `yes`, `on` and `n` are booleans, and `017` is the number 15. A label or variable gets a value that "
            "differs from the file."
        ),
    ),
    (
        "yaml-alias",
        "The file uses an anchor or an alias.",
        (
            "The key does not show its value, and a change of the anchor changes every place that uses it. "
            "Nested aliases can grow without limit."
        ),
    ),
    (
        "yaml-merge-key",
        "The file uses the merge key `<<`.",
        "Helm lets a merge key override a key that is written before it. In YAML, the written key takes precedence.",
    ),
    (
        "yaml-tag",
        "A value has a tag such as !!int or !custom.",
        "The tag changes or removes the value that Helm reads. Only !!str keeps it as it is written.",
    ),
    (
        "yaml-depth",
        f"Values are nested more than {MAX_DEPTH} levels deep.",
        "No value of the chart needs as many levels. The limit protects this tool from files that exhaust its memory.",
    ),
)
_HELM = "helm 3.18 and 4.3, checked by tests/reading/test_reads_as_helm.py"
# What both versions of Helm refuse too. They read the rest, but differently than it is meant.
_REFUSED = ("file-missing", "file-unreadable", "yaml-syntax", "yaml-tab", "yaml-top-level")
RULES = tuple(
    Rule(rule, Severity.ERROR, summary, _HELM, Refuser.HELM if rule in _REFUSED else Refuser.NOBODY, why, True)
    for rule, summary, why in _RULES
)

# Control characters, the byte-order mark, and line breaks that only YAML 1.1 has.
_FORBIDDEN = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_PLAIN_SCALAR = re.compile(r"[^\s,\]}#]+")
# Helm 4 reads each line that starts with --- as the end of a document, and refuses other text on that line.
_SEPARATOR = re.compile(r"^---(?![ \t\r]*$|[ \t]+#)", re.MULTILINE)


class Document(NamedTuple):
    """One values file, or several merged, as Helm reads them.

    `name` is the file's name in findings, `text` its content ("" if it is not text), `sources` the texts of all layers
    by name. If `findings` is empty, `data` is exactly what Helm reads. `readable` says that `data` can be checked
    further despite findings; otherwise it is {}. `partial` says that Helm gets more values from elsewhere, so it is
    unknown how the values fit together.
    """

    name: str
    text: str
    data: dict[str, Any]
    findings: tuple[Finding, ...]
    readable: bool
    sources: dict[str, str]
    top: Place
    partial: bool = False

    def key_position(self, path: Path) -> Position:
        """Return the position of the key or list item, or of the nearest key around it if it is not written."""
        place = self.nearest(path)[0]
        return Position(place.file, *place.key)

    def value_position(self, path: Path) -> Position:
        """Return the position of the value, or of the nearest key around it if it is not written."""
        place, depth = self.nearest(path)
        return Position(place.file, *(place.value if path and depth == len(path) else place.key))

    def is_written(self, path: Path) -> bool:
        """Return whether a layer writes a value at the path."""
        return self.nearest(path)[1] == len(path)

    def written(self, path: Path) -> str:
        """Return the plain scalar at the path as written (1.10, which is read as 1.1), or "" if there is none."""
        if not self.is_written(path):
            return ""
        position = self.value_position(path)
        line = lines_of(self.sources[position.file])[position.line - 1]
        found = _PLAIN_SCALAR.match(line, position.column - 1)
        return found[0] if found else ""

    def nearest(self, path: Path) -> tuple[Place, int]:
        """Return the place of a value, or of the nearest written one around it, and how many parts lead there."""
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
        return unreadable(name, "file-size", message, "values files are small: check that it is the right one")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8")
        message = f"byte 0x{raw[error.start]:02x} is not UTF-8"
        return unreadable(name, "yaml-encoding", message, "save the file as UTF-8 text", _end_of(before))
    return _refused_text(name, text) or _composed(name, text)


def merge(documents: Sequence[Document]) -> Document:
    """Return the layers merged, later over earlier, as `helm -f base.yaml -f prod.yaml` does.

    Maps are merged deeply; any other value, such as a list, replaces the lower one as a whole. A null stays in the
    data, because Helm uses it to remove a key from the chart's defaults. Each position is that of the last layer that
    sets the value; name and text are those of the last layer.
    """
    return reduce(_over, documents)


# A command line in place of values.
_COMMAND = re.compile(r"^(?:[$] |sudo )?(docker|podman|nerdctl|vllm) (?:container )?(?:run|serve)\b")


def _composed(name: str, text: str) -> Document:
    data, place, findings, complete = compose(name, text)
    if isinstance(data, dict) or findings:
        readable = complete and isinstance(data, dict)
        return Document(name, text, data if readable else {}, findings, readable, {name: text}, place)
    if data is None:
        hint = "write at least one key, such as `replicas: 1`"
        return unreadable(name, "empty-file", "the file sets no value", hint, text=text)
    kind = "a list" if isinstance(data, list) else "a single value"
    hint = "write `key: value` lines, with a space after each colon"
    if isinstance(data, str) and (line := _COMMAND.match(data)):
        source = "vllm" if line[1] == "vllm" else "docker"
        hint = f"`modelservice import {source} -f FILE` turns a command line into values"
    return unreadable(name, "yaml-top-level", f"the file is {kind}, not a map of keys", hint, place.value, text)


def _refused_text(name: str, text: str) -> Document | None:
    """Refuse characters and lines that Helm, or only Helm 4, cannot read."""
    if match := _FORBIDDEN.search(text):
        message, hint = _character(match)
        return unreadable(name, "yaml-encoding", message, hint, _end_of(text[: match.start()]), text)
    if match := _SEPARATOR.search(text):
        message = "Helm 4 reads a line that starts with --- as the end of a document, and refuses other text on it"
        hint = "write only `---`, or put a space before it"
        return unreadable(name, "yaml-documents", message, hint, _end_of(text[: match.start()]), text)
    return None


def _character(match: re.Match[str]) -> tuple[str, str]:
    if match[0] == "\ufeff" and match.start() == 0:
        return "the file begins with a byte-order mark", "save it as UTF-8 without byte-order mark"
    if match[0] == "\0":
        return "the file is binary: it contains a NUL byte", "name a YAML file"
    number = ord(match[0])
    return (
        f"the file contains the invisible character U+{number:04X}",
        f'remove it, or write "\\u{number:04x}" in double quotes',
    )


def _end_of(text: str) -> tuple[int, int]:
    """Return the line and column right after the text."""
    lines = lines_of(text)
    return len(lines), len(lines[-1]) + 1


def unreadable(name: str, rule: str, message: str, hint: str, at: tuple[int, int] = (1, 1), text: str = "") -> Document:
    """Return a Document without data, with only the finding that gives the reason."""
    finding = Finding(Severity.ERROR, (), message, hint, rule, Position(name, *at))
    return Document(name, text, {}, (finding,), False, {name: text}, Place(name, (1, 1), (1, 1), {}))


def _over(below: Document, above: Document) -> Document:
    data, top = _merged(below.data, above.data, below.top, above.top)
    return above._replace(
        data=data,
        findings=below.findings + above.findings,
        readable=below.readable and above.readable,
        # The values of a layer that cannot be read are unknown.
        partial=above.readable and (not below.readable or below.partial or above.partial),
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
