"""What a rule is: the values that it sees, what it says, and how it is declared."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from modelservice.findings import Fix, Path, Rule, Severity


class Said(NamedTuple):
    """What a rule found at a key: the message and what to do next."""

    path: Path
    message: str
    hint: str
    on_key: bool = False
    fix: Fix = ()


class Values(NamedTuple):
    """Values as the chart gets them: merged over the defaults, each of the type that the schema says.

    `given` is what the user wrote, for rules about a key that stands beside another; `defaults` is what is merged.
    `secrets` are the places of secrets, which no value holds any more, each with the message about it.
    """

    merged: Mapping[str, Any]
    given: Mapping[str, Any]
    defaults: Mapping[str, Any]
    secrets: Mapping[Path, str]

    def at(self, key: str) -> Any:
        """Return the value at a dotted key, None where there is none."""
        return _at(self.merged, _parts(key))

    def written(self, key: str) -> bool:
        """Say whether the user wrote this key."""
        return self.has(_parts(key))

    def has(self, path: Path) -> bool:
        """Say whether the user wrote the value at this path."""
        return _at(self.given, path) is not None

    def changed(self, key: str) -> bool:
        """Say whether the user wrote another value than the default."""
        return self.written(key) and _at(self.given, _parts(key)) != _at(self.defaults, _parts(key))

    def refused(self, key: str) -> bool:
        """Say whether the user wrote the key, and the schema refused it, so that the default stands in its place."""
        return self.changed(key) and self.at(key) == _at(self.defaults, _parts(key))

    def empty(self, key: str) -> bool:
        """Say whether a key holds nothing, and not because the schema refused what the user wrote."""
        return not self.at(key) and not self.changed(key)

    def items(self, key: str) -> Iterator[tuple[int, Any]]:
        """Yield a list's items with their indexes, those left out that the schema refused."""
        return sound(self.at(key))


def sound(items: Any) -> Iterator[tuple[int, Any]]:
    """Yield the items of a list, or of None, with their indexes, those left out that the schema refused."""
    for index, item in enumerate(items or ()):
        if item is not None:
            yield index, item


@functools.cache
def _parts(key: str) -> tuple[str, ...]:
    return tuple(key.split("."))


def _at(tree: Any, path: Path) -> Any:
    for part in path:
        tree = tree.get(part) if type(tree) is dict else None
    return tree


class Checked(NamedTuple):
    """A rule and the function that finds what breaks it."""

    rule: Rule
    function: Callable[[Values], Iterator[Said]]


def rule(
    rule_id: str, summary: str, *, source: str, severity: Severity = Severity.ERROR
) -> Callable[[Callable[[Values], Iterator[Said]]], Checked]:
    """Make a rule of the function: its stable id, one sentence, and where the fact comes from."""
    return lambda function: Checked(Rule(rule_id, severity, summary, source), function)
