"""Edit the text of a values file: splice it, read it back as Helm does, and compare it with what was meant."""

from __future__ import annotations

import copy
import itertools
import json
from collections import Counter
from typing import Any

from modelservice.findings import Action, Edit, Fix, Path, dotted
from modelservice.reading.document import Document, read
from modelservice.writing.dump import Layout
from modelservice.writing.page import Splice, UnclearEditError, spliced
from modelservice.writing.splices import splices_of

# Findings about a value that is also written elsewhere, or read differently than it looks.
_SHARED = ("yaml-alias", "yaml-merge-key", "yaml-duplicate-key")


def edited(document: Document, fix: Fix) -> Document:
    """Return a values file with edits made in its text; all paths refer to the file before any edit.

    Comments, quotes, line ends and all other text stay unchanged. Raises UnclearEditError if an edit cannot be made
    this way, or if the result would be read differently than meant.
    """
    for edit in sorted(fix, key=_from_the_back):
        document = _edited(document, edit)
    return document


def _from_the_back(edit: Edit) -> tuple[bool, int]:
    """Return a sort key: edits that change list indexes come last, and those of later items before earlier ones."""
    last = edit.path[-1]
    return edit.action in (Action.REMOVE, Action.REPLACE), -last if isinstance(last, int) else 0


def _edited(document: Document, edit: Edit) -> Document:
    if not document.text.strip() or [one.rule for one in document.findings] == ["empty-file"]:
        return _begun(document, edit)
    if not document.readable:
        raise UnclearEditError(f"{document.name} cannot be read")
    for finding in document.findings:
        depth = min(len(finding.path), len(edit.path))
        if finding.rule in _SHARED and finding.path[:depth] == edit.path[:depth]:
            raise UnclearEditError(f"{dotted(edit.path)} is written with an anchor or an alias, or more than once")
    if edit.action is Action.REMOVE:
        edit = edit._replace(path=_emptied(document.data, edit.path))
    after = _spliced(document, edit)
    moved = edit.action is Action.MOVE and edit.path[:-1] != edit.value[:-1]
    if moved and document.nearest(edit.path)[1] == after.nearest(edit.path)[1]:
        # The value is at both places now.
        after = _edited(after, Edit(Action.REMOVE, edit.path))
    require_read_back(after, applied(document.data, edit), document)
    return after


def _spliced(document: Document, edit: Edit) -> Document:
    text = spliced(document.text, splices_of(document, edit))
    return read(document.name, text.encode())


def _begun(document: Document, edit: Edit) -> Document:
    """Return a file that is empty or has only comments, with its first key added."""
    data = applied({}, edit)
    text = document.text + ("\n" if document.text and not document.text.endswith("\n") else "")
    lines = "".join(f"{line}\n" for line in Layout().lines(data))
    after = read(document.name, spliced(text, [Splice(len(text), len(text), lines)]).encode())
    require_read_back(after, data, document)
    return after


def require_read_back(after: Document, meant: Any, before: Document) -> None:
    """Raise UnclearEditError if an edited file is read differently than meant, or has new findings."""
    more = Counter(one.rule for one in after.findings) - Counter(one.rule for one in before.findings)
    if more or not after.readable or _exactly(after.data) != _exactly(meant):
        raise UnclearEditError(f"{before.name} would be read differently than meant")


def _exactly(data: Any) -> str:
    """Return data as text to compare: 1 differs from true, and the order of keys does not count."""
    return json.dumps(data, sort_keys=True)


def _emptied(data: Any, path: Path) -> Path:
    """Return the path, or that of the outermost map that would be left empty: an empty map sets nothing."""
    while len(path) > 1 and not any(isinstance(part, int) for part in path) and len(_at(data, path[:-1])) == 1:
        path = path[:-1]
    return path


def applied(data: dict[str, Any], edit: Edit) -> dict[str, Any]:
    """Return the data after an edit. Raises UnclearEditError if the edit's path does not exist."""
    meant = copy.deepcopy(data)
    try:
        _make(meant, edit)
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise UnclearEditError(f"{dotted(edit.path)} is not in an existing map or list") from error
    return meant


def _make(data: Any, edit: Edit) -> None:
    action, path, value = edit
    if action is Action.SET:
        _put(data, path, value)
    elif action is Action.MOVE:
        moved = _at(data, path)
        _delete(data, path)
        if _is_there(data, value):
            raise KeyError(value)
        _put(data, value, moved)
    elif action is Action.REMOVE:
        _delete(data, path)
    elif action is Action.REPLACE:
        _at(data, path[:-1])[path[-1] : path[-1] + 1] = value  # type: ignore[operator]
    else:
        _put(data, (*path, len(_at(data, path) or ()) if _is_there(data, path) else 0), value)


def _at(data: Any, path: Path) -> Any:
    for part in path:
        data = data[part]
    return data


def _is_there(data: Any, path: Path) -> bool:
    for part in path:
        if not (part in data if isinstance(data, dict) else isinstance(data, list) and part in range(len(data))):
            return False
        data = data[part]
    return True


def _delete(data: Any, path: Path) -> None:
    path = _emptied(data, path)
    del _at(data, path[:-1])[path[-1]]


def _put(data: Any, path: Path, value: Any) -> None:
    """Put a value at a path, and create the missing maps and lists above it."""
    for part, below in itertools.pairwise(path):
        _require_room(data, part)
        if not _is_there(data, (part,)) or data[part] is None:
            _write(data, part, [] if isinstance(below, int) else {})
        data = data[part]
    _require_room(data, path[-1])
    _write(data, path[-1], value)


def _require_room(data: Any, part: str | int) -> None:
    if not (
        isinstance(data, list) and part in range(len(data) + 1) if isinstance(part, int) else isinstance(data, dict)
    ):
        raise KeyError(part)


def _write(data: Any, part: Any, value: Any) -> None:
    if isinstance(data, list) and part == len(data):
        data.append(value)
    else:
        data[part] = value
