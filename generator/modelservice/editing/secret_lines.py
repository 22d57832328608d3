"""Find the lines of a values file that may contain a secret, so that a diff does not show them."""

from __future__ import annotations

import bisect
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from modelservice.findings import Path, lines_of
from modelservice.reading.document import Document
from modelservice.redact import hides_comment, hides_line, hides_value, safe_arguments, without_secrets
from modelservice.secret_forms import has_secret_object, may_hold_secret

# The lines of the value at a path.
_Span = Callable[[Path], range]


def secret_lines(document: Document) -> set[int]:
    """Return the numbers (from 1) of the lines that may contain a secret."""
    lines, span = lines_of(document.text), _spans(document)
    secrets = {number for path in _secret_paths(document) for number in span(path)}
    # After any other finding, the data is incomplete or differs from the text.
    if not document.readable or any(found.rule != "yaml-ambiguous" for found in document.findings):
        return secrets | {number for number in range(1, len(lines) + 1) if hides_line(document.text, number)}
    objects = {number for path in _secret_objects(document) for number in span(path)}
    if has_secret_object("\n".join(line for number, line in enumerate(lines, 1) if number not in objects)):
        return set(range(1, len(lines) + 1))
    comments = {number for number, line in enumerate(lines, 1) if hides_comment(line)}
    return secrets | objects | comments | set(_unsafe(document, lines, span))


def _spans(document: Document) -> _Span:
    breaks = [found.start() for found in re.finditer("\n", document.text)]

    def span(path: Path) -> range:
        place = document.nearest(path)[0]
        return range(place.key[0], bisect.bisect_left(breaks, place.form.value[1]) + 2)

    return span


def _secret_paths(document: Document) -> Iterator[Path]:
    yield from without_secrets(document.data).secrets
    words = document.data.get("args")
    texts = [word if isinstance(word, str) else "" for word in (words if isinstance(words, list) else ())]
    yield from (("args", index) for index in safe_arguments(texts)[1])


def _secret_objects(document: Document) -> Iterator[Path]:
    """Yield the paths of the extra objects that are Secrets, whose values may have any name and form."""
    objects = document.data.get("extraObjects")
    for index, item in enumerate(objects if isinstance(objects, list) else ()):
        if has_secret_object(item if isinstance(item, str) else json.dumps(item, default=str)):
            yield "extraObjects", index


def _unsafe(document: Document, lines: list[str], span: _Span) -> Iterator[int]:
    for path, value in _leaves(document.data, ()):
        if isinstance(value, str) and "\n" in value:
            # A value may be in the line below its name.
            around = ((number, lines[max(0, number - 2) : number]) for number in span(path))
            yield from (number for number, texts in around if any(map(may_hold_secret, texts)))
        written = value if isinstance(value, str) else document.written(path) or value
        if hides_value(path, written, document.data):
            yield from span(path)


def _leaves(tree: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    items = tree.items() if isinstance(tree, Mapping) else enumerate(tree) if isinstance(tree, list) else ()
    for part, value in items:
        yield from _leaves(value, (*path, part))
    if not isinstance(tree, Mapping | list):
        yield path, tree
