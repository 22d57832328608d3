"""Declare rules: the values that they check, and the findings that they return."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from modelservice.findings import Action, Edit, Fix, Path, Refuser, Rule, Severity, dotted

if TYPE_CHECKING:
    from modelservice.models.model_facts import ModelFacts

T = TypeVar("T")


class Said(NamedTuple):
    """A finding of a rule: the key, what is wrong, and what to do."""

    path: Path
    message: str
    hint: str
    on_key: bool = False
    fix: Fix = ()


# Key, dotted (str) or as a path (Path) → the value to set; None if only the user knows it.
Settings = Mapping[Any, Any]


def removal(path: Path, message: str, why: str = "", *, on_key: bool = True) -> Said:
    """Return the finding that a key or list item must be removed; `why` ends the hint."""
    return Said(path, message, f"remove it{why}", on_key, (Edit(Action.REMOVE, path),))


def writing(path: Path, message: str, value: Any, otherwise: str = "") -> Said:
    """Return the finding that a key needs this value; `otherwise` ends the hint with an alternative."""
    return Said(path, message, f"write {_shown(value)}{otherwise}", fix=put({path: value}))


def setting(path: Path, message: str, settings: Settings, end: str = "", *, on_key: bool = False) -> Said:
    """Return the finding that other keys need these values; `end` ends the hint."""
    return Said(path, message, f"set {listed(settings)}{end}", on_key, put(settings))


def adding(path: Path, message: str, key: str, value: Any) -> Said:
    """Return the finding that the map at `path` lacks a key; the hint gives its value."""
    return Said(path, message, f"add {listed({key: value})}", True, put({(*path, key): value}))


def asking(path: Path, message: str, near: str | None, otherwise: str) -> Said:
    """Return the finding that asks whether the nearest value is meant; `otherwise` is the hint if there is none."""
    fix = put({path: near}) if near else ()
    return Said(path, message, f"did you mean {near}?" if near else otherwise, fix=fix)


def listed(settings: Settings) -> str:
    """Return settings as hints show them: `model.source: local and rootPath: /llm`."""
    named = {key if isinstance(key, str) else dotted(key): value for key, value in settings.items()}
    return " and ".join(key if value is None else f"{key}: {_shown(value)}" for key, value in named.items())


def put(settings: Settings) -> Fix:
    """Return the edits that set these keys; none if only the user knows one of the values."""
    if None in settings.values():
        return ()
    places = ((_parts(key) if isinstance(key, str) else key, value) for key, value in settings.items())
    return tuple(Edit(Action.SET, path, value) for path, value in places)


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_shown, value))}]"
    return str(value).lower() if isinstance(value, bool) else str(value) or '""'


class RefusedValueError(Exception):
    """A rule needs a value that the schema refused. The default must not be used in its place."""


class Values(NamedTuple):
    """Values as the chart gets them: merged over the defaults, each of the type that the schema requires.

    `given` are the values that the user wrote, for rules about keys that are set together; `defaults` are the chart's.
    `secrets` maps the path of each secret, which is removed from the values, to the message about it. `refused` are
    the keys that the user wrote and the schema refused. `facts` are the model's facts, if they are known without a
    network; `broken_facts` is the reason why the file with them cannot be read.
    """

    merged: Mapping[str, Any]
    given: Mapping[str, Any]
    defaults: Mapping[str, Any]
    secrets: Mapping[Path, str]
    refused: frozenset[Path] = frozenset()
    facts: ModelFacts | None = None
    broken_facts: str = ""

    def at(self, key: str) -> Any:
        """Return the value at a dotted key, or None. Raises RefusedValueError if the schema refused the value."""
        if self.refused and self.was_refused(key):
            raise RefusedValueError(key)
        return _at(self.merged, _parts(key))

    def was_refused(self, key: str) -> bool:
        """Return whether the schema refused the value that the user wrote at a dotted key or at a key above it."""
        return not self.refused.isdisjoint(_beginnings(key))

    def written(self, key: str) -> bool:
        """Return whether the user wrote this key."""
        return self.has(_parts(key))

    def has(self, path: Path) -> bool:
        """Return whether the user wrote the value at this path."""
        return _at(self.given, path) is not None

    def changed(self, key: str) -> bool:
        """Return whether the user wrote a value other than the default."""
        return self.written(key) and _at(self.given, _parts(key)) != _at(self.defaults, _parts(key))

    def items(self, key: str) -> Iterator[tuple[int, Any]]:
        """Yield a list's items with their indexes, without those that the schema refused."""
        return sound(self.at(key))


def once(function: Callable[[Values], T]) -> Callable[[Values], T]:
    """Return a function of values that keeps its last result: most rules ask the same of the same values."""
    last: tuple[Values | None, Any] = (None, None)

    @functools.wraps(function)
    def kept(values: Values) -> T:
        nonlocal last
        if last[0] is not values:
            last = values, function(values)
        result: T = last[1]
        return result

    return kept


def sound(items: Any) -> Iterator[tuple[int, Any]]:
    """Yield the items of a list (or None) with their indexes, without those that the schema refused."""
    for index, item in enumerate(items or ()):
        if item is not None:
            yield index, item


@functools.cache
def _parts(key: str) -> tuple[str, ...]:
    return tuple(key.split("."))


@functools.cache
def _beginnings(key: str) -> tuple[tuple[str, ...], ...]:
    parts = _parts(key)
    return tuple(parts[:length] for length in range(len(parts) + 1))


def _at(tree: Any, path: Path) -> Any:
    for part in path:
        tree = tree.get(part) if type(tree) is dict else None
    return tree


class Checked(NamedTuple):
    """A rule and the function that checks it."""

    rule: Rule
    function: Callable[[Values], Iterator[Said]]


def rule(
    rule_id: str,
    summary: str,
    *,
    source: str,
    why: str = "",
    severity: Severity = Severity.ERROR,
    refused_by: Refuser = Refuser.NOBODY,
) -> Callable[[Callable[[Values], Iterator[Said]]], Checked]:
    """Return a decorator that makes a function a rule: its stable id, what is wrong, the source, and why it matters."""
    return lambda function: Checked(Rule(rule_id, severity, summary, source, refused_by, why), function)
