"""A problem in a values file, and where it stands."""

from __future__ import annotations

import functools
import re
from enum import StrEnum
from typing import NamedTuple

# A place in values: keys and list indexes from the top.
Path = tuple[str | int, ...]

# Who has more mistakes in one file mends these first; it also bounds the time that a hostile file takes.
MOST = 200
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


class Severity(StrEnum):
    """Errors stop every command; warnings stop `--strict` only."""

    ERROR = "error"
    WARNING = "warning"


class Position(NamedTuple):
    """A character in a file; line and column count from 1, as editors do."""

    file: str
    line: int
    column: int


class Problem(NamedTuple):
    """What a check says: what is wrong at which key, and what to do next.

    `path` is empty for a problem of the whole file. `rule` is the stable id of the check.
    `on_key` points at the key's name (an unknown key), otherwise at its value.
    """

    severity: Severity
    path: Path
    message: str
    hint: str
    rule: str
    on_key: bool = False


class Finding(NamedTuple):
    """A problem with the place where it is written."""

    severity: Severity
    path: Path
    message: str
    hint: str
    rule: str
    position: Position


def dotted(path: Path) -> str:
    """Return the path as people write it: `env[0].name`, `nodeSelector["a.b/c"]`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif _PLAIN_KEY.fullmatch(part):
            text += f".{part}" if text else part
        else:
            text += f'["{part}"]'
    return text


@functools.lru_cache(maxsize=8)
def lines_of(text: str) -> list[str]:
    """Return the lines of a file as YAML, and so positions, count them: a lone carriage return ends one too."""
    return re.split("\r\n|\r|\n", text)
