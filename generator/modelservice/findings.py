"""Define a problem in a values file: the broken rule, its position and its fix."""

from __future__ import annotations

import functools
import re
from enum import StrEnum
from typing import Any, NamedTuple

# The path of a value: keys and list indexes from the top.
Path = tuple[str | int, ...]

# People fix the first mistakes first; the cap also bounds the time that a hostile file takes.
MOST = 200
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_PART = re.compile(r'(?:^|\.)(?P<plain>[^.\[\]"=]+)|\[(?P<index>[0-9]{1,6})\]|\["(?P<quoted>[^"]+)"\]')


class Severity(StrEnum):
    """Errors stop every command; warnings stop `--strict` only."""

    ERROR = "error"
    WARNING = "warning"


class Refuser(StrEnum):
    """What else refuses values that break a rule, with both Helm 3 and Helm 4.

    `helm` is Helm's YAML parser, `schema` the chart's values.schema.json, `chart` a `fail` in the chart's templates.
    """

    HELM = "helm"
    SCHEMA = "schema"
    CHART = "chart"
    API_SERVER = "api-server"
    KUBELET = "kubelet"
    VLLM = "vllm"
    NOBODY = "nobody"


class Rule(NamedTuple):
    """One check.

    `id` is stable, `summary` states the problem in one sentence, `source` says where the fact comes from, `why` says
    why it matters, and a `firm` rule cannot be ignored.
    """

    id: str
    severity: Severity
    summary: str
    source: str
    refused_by: Refuser = Refuser.NOBODY
    why: str = ""
    firm: bool = False

    @property
    def is_firm(self) -> bool:
        """Whether the rule cannot be ignored: Helm refuses the values, or reads them differently than we do."""
        return self.firm or self.refused_by in (Refuser.HELM, Refuser.SCHEMA)


TOO_MANY = Rule(
    "too-many",
    Severity.WARNING,
    f"Only the first {MOST} mistakes are listed.",
    "this tool's own limit",
    why="There may be more. Fix the listed ones and validate again.",
)
IGNORE_UNUSED = Rule(
    "ignore-unused",
    Severity.WARNING,
    "An ignored rule finds nothing, or cannot be ignored this way.",
    "`modelservice validate --help`",
    why="An exception that is no longer needed hides the next finding. One that is not allowed has no effect.",
    firm=True,
)


class Action(StrEnum):
    """What an edit does at its path.

    `set` writes the value and adds missing keys above it; `remove` removes the key or list item; `move` moves a key and
    its value to the path in `value`; `replace` replaces a list item by the items in `value`; `append` adds the value to
    a list.
    """

    SET = "set"
    REMOVE = "remove"
    MOVE = "move"
    REPLACE = "replace"
    APPEND = "append"


class Edit(NamedTuple):
    """One edit of a values file; paths refer to the file before any edit."""

    action: Action
    path: Path
    value: Any = None

    def __hash__(self) -> int:
        """Return a hash without the value, which may be a list: findings are kept in sets."""
        return hash((self.action, self.path))


# The edits that together solve a problem; empty if a person has to choose.
Fix = tuple[Edit, ...]


class Position(NamedTuple):
    """The position of a character in a file; line and column count from 1, as in editors."""

    file: str
    line: int
    column: int


class Problem(NamedTuple):
    """The result of a check: what is wrong at which key, and what to do next.

    `path` is empty for a problem of the whole file. `rule` is the rule's id. `on_key` points at the key's name (of an
    unknown key, for example) instead of its value. `fix` is the hint as edits, for programs.
    """

    severity: Severity
    path: Path
    message: str
    hint: str
    rule: str
    on_key: bool = False
    fix: Fix = ()


class Finding(NamedTuple):
    """A problem with its position in a file."""

    severity: Severity
    path: Path
    message: str
    hint: str
    rule: str
    position: Position
    fix: Fix = ()


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


def found_at(values: Any, path: Path) -> Any:
    """Return the value at a path, or None if there is none."""
    for part in path:
        if isinstance(values, dict):
            values = values.get(part)
        else:
            is_item = isinstance(values, list) and isinstance(part, int) and part < len(values)
            values = values[part] if is_item else None
    return values


def path_from(key: str) -> Path:
    """Return the path of a key as `dotted` writes it. Raises ValueError if the key has another form."""
    found = list(_PART.finditer(key))
    if not found or "".join(part[0] for part in found) != key or key.startswith((".", "[")):
        raise ValueError(key)
    return tuple(int(part["index"]) if part["index"] else part["quoted"] or part["plain"] for part in found)


@functools.lru_cache(maxsize=8)
def lines_of(text: str) -> list[str]:
    """Return the lines of a file as YAML and positions count them: a lone carriage return also ends a line."""
    return re.split("\r\n|\r|\n", text)
