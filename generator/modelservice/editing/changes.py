"""Show and write what changed in values files; no line of a diff contains a secret."""

from __future__ import annotations

import difflib
import pathlib
from collections.abc import Iterable, Iterator

from modelservice.editing.secret_lines import secret_lines
from modelservice.reading.document import Document
from modelservice.redact import NOT_SHOWN
from modelservice.report import printable
from modelservice.writing.files import rewrite_file

# A file before and after.
Change = tuple[Document, Document]


def diff(changes: Iterable[Change]) -> str:
    """Return a unified diff of the files; lines that may contain a secret are not shown."""
    return "".join(line for change in changes for line in _diff(*change))


def write(changes: Iterable[Change]) -> None:
    """Write each file whole. Raises InputError if a file cannot be written, or changed since it was read."""
    for old, new in changes:
        rewrite_file(pathlib.Path(new.name), old.text.encode(), new.text.encode())


def _diff(old: Document, new: Document) -> Iterator[str]:
    texts = [document.text.splitlines(keepends=True) for document in (old, new)]
    shown = [_shown(document, lines) for document, lines in zip((old, new), texts, strict=True)]
    yield f"--- {printable(old.name)}\n+++ {printable(new.name)}\n"
    for group in difflib.SequenceMatcher(None, texts[0], texts[1], autojunk=False).get_grouped_opcodes(2):
        first, last = group[0], group[-1]
        yield f"@@ -{_span(first[1], last[2])} +{_span(first[3], last[4])} @@\n"
        for kind, begin, end, new_begin, new_end in group:
            if kind == "equal":
                yield from (f" {line}" for line in shown[1][new_begin:new_end])
            else:
                yield from (f"-{line}" for line in shown[0][begin:end])
                yield from (f"+{line}" for line in shown[1][new_begin:new_end])


def _span(begin: int, end: int) -> str:
    return f"{begin + 1 if end > begin else begin},{end - begin}"


def _shown(document: Document, lines: list[str]) -> list[str]:
    secret = secret_lines(document)
    return [_line(line, hide=number in secret) for number, line in enumerate(lines, 1)]


def _line(line: str, *, hide: bool) -> str:
    text = line.rstrip("\r\n")
    text = f"{text[: len(text) - len(text.lstrip())]}{NOT_SHOWN}" if hide else printable(text)
    return f"{text}\n" + ("" if line.endswith(("\n", "\r")) else "\\ No newline at end of file\n")
