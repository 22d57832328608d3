"""Read a values file from disk, and find the values files in a folder and its subfolders."""

from __future__ import annotations

import errno
import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from modelservice.reading.document import MAX_BYTES, Document, read, unreadable
from modelservice.reading.special_files import is_special, waits

# The id of a model, which has a number that a folder's name seldom has.
_MODEL = re.compile(r"[A-Za-z0-9][\w.-]*/(?=[\w.-]*\d)[A-Za-z0-9][\w.-]*", re.ASCII)
_SIMILAR = 0.85


def load(path: str, name: str = "") -> Document:
    """Read the values file at the path ("-" is standard input); findings use `name` instead of the path if set."""
    name = name or ("<stdin>" if path == "-" else path or '""')
    try:
        if waits(path):
            message = "this is a pipe or a socket, which may never be written to"
            return unreadable(
                name, "file-unreadable", message, "name a file, or use - and send the text to standard input"
            )
        return read(name, _bytes_of(path))
    except FileNotFoundError:
        return unreadable(name, "file-missing", "there is no such file", _meant(path))
    except IsADirectoryError:
        message = "this is a folder, not a values file" if any(_walk(path)) else "the folder contains no *.yaml file"
        return unreadable(name, "file-unreadable", message, "name a *.yaml file")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        message = f"the file cannot be read: {reason}"
        return unreadable(name, "file-unreadable", message, "check the path and its permissions")


def contains(path: str, word: bytes) -> bool:
    """Return whether the file at the path contains a word; a file that cannot be read does not."""
    try:
        return not waits(path) and word in _bytes_of(path)
    except (OSError, ValueError):
        return False


def _meant(path: str) -> str:
    """Return the hint for a path without a file: a similar file in its folder, or what to do with a model's name."""
    from modelservice.spelling import nearest

    file = Path(path)
    try:
        beside = sorted(one.name for one in file.parent.iterdir() if one.suffix in (".yaml", ".yml"))
    except OSError:
        is_model = file.suffix not in (".yaml", ".yml") and _MODEL.fullmatch(path)
        return "check the path" + (f"; for a model: modelservice init {path}" if is_model else "")
    same = [name for name in beside if Path(name).stem == file.stem]
    near = same[0] if same else nearest(file.name, beside, cutoff=_SIMILAR)
    return f"did you mean {file.with_name(near)}?" if near else "check the path"


def values_files(paths: Iterable[str], layers: Sequence[str] = ()) -> Iterator[str]:
    """Yield the paths and, for a folder, the *.yaml and *.yml files in it and its subfolders, without hidden ones.

    A file that is one of the `layers` is not a service and is skipped. A folder without any service, or one that cannot
    be listed, is yielded itself: loading it reports the problem.
    """
    shared = {os.path.realpath(layer) for layer in layers if layer != "-"}
    for path in paths:
        if path != "-" and os.path.isdir(path):  # noqa: PTH112
            yield from [file for file in _walk(path) if _is_service(file, shared)] or [path]
        elif path == "-" or _is_service(path, shared):
            yield path


def _is_service(file: str, shared: set[str]) -> bool:
    return not shared or os.path.realpath(file) not in shared


def _walk(folder: str) -> Iterator[str]:
    closed: list[str] = []
    for root, folders, files in os.walk(folder, onerror=lambda error: closed.append(error.filename)):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = os.path.join(root, name)  # noqa: PTH118
            if name.endswith((".yaml", ".yml")) and not name.startswith(".") and not is_special(path):
                yield path
    yield from closed


def _bytes_of(path: str) -> bytes:
    if path != "-":
        with open(path, "rb") as file:  # noqa: PTH123
            return file.read(MAX_BYTES + 1)
    if sys.stdin is None:
        raise OSError(errno.EBADF, "standard input is closed")
    return sys.stdin.buffer.read(MAX_BYTES + 1)
