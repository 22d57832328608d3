"""Find the changes that several services of a fleet share, also where they contain the name of each service."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, NamedTuple, TypeVar

from modelservice.diff.comparison import Change, Field
from modelservice.diff.effects import restarts

# Stands for the name of each service in a change that several of them share.
ANY = "<service>"

_Part = TypeVar("_Part", bound=Hashable)


class ServiceChange(NamedTuple):
    """The change of a service: its sign, its name, its effects and its objects.

    It is added (`+`), removed (`-`), renamed or moved (`>`), changed (`~`), invalid in the old state (`!`), or invalid
    (`?`). `before` is its old name if that differs; `words` are the effects of the change.
    """

    sign: str
    service: str
    before: str
    words: tuple[str, ...]
    changes: tuple[Change, ...] = ()

    @property
    def restarts(self) -> bool:
        """Whether running pods are replaced."""
        return self.sign == "~" and any(restarts(change.effects) for change in self.changes)

    @property
    def fields(self) -> list[tuple[str, Field]]:
        """The changed fields of an existing service, each with the kind of its object."""
        return [(change.kind, field) for change in self.changes for field in change.fields] if self.sign == "~" else []


class CommonField(NamedTuple):
    """A field that several services change in the same way, in objects of these kinds."""

    kinds: tuple[str, ...]
    field: Field
    services: tuple[str, ...]


class Alike(NamedTuple):
    """Services with the same effects: their sign, old name and effects, and their fields that are not common ones."""

    sign: str
    before: str
    words: tuple[str, ...]
    fields: tuple[tuple[str, Field], ...]
    services: tuple[str, ...]


def common_fields(found: Sequence[ServiceChange]) -> list[CommonField]:
    """Return the changes of fields that several services share; those of metadata come last."""
    kinds: dict[tuple[Field, tuple[str, ...]], list[str]] = {}
    for (kind, field), names in _services(found).items():
        if len(names) > 1:
            kinds.setdefault((field, names), []).append(kind)
    common = [CommonField(tuple(of), field, names) for (field, names), of in kinds.items()]
    return sorted(common, key=lambda one: one.field.path.startswith("metadata."))


def alike(found: Sequence[ServiceChange], *, fields: bool = True) -> list[Alike]:
    """Group services with the same effects and, if `fields` are asked for, with the same fields of their own."""
    shared = {part for part, names in _services(found).items() if len(names) > 1}
    form, said = _forms(found, _fields), _forms(found, lambda one: [one.words])
    groups: dict[Alike, list[str]] = {}
    for one in found:
        own = tuple(part for part in _fields(one) if form(one, part) not in shared) if fields else ()
        before = one.before if one.before != one.service else ""
        groups.setdefault(Alike(one.sign, before, said(one, one.words), own, ()), []).append(one.service)
    return [group._replace(services=tuple(names)) for group, names in groups.items()]


def _fields(one: ServiceChange) -> list[tuple[str, Field]]:
    return one.fields


def _services(found: Sequence[ServiceChange]) -> dict[tuple[str, Field], tuple[str, ...]]:
    """Return the services that change each field of a kind."""
    form, services = _forms(found, _fields), dict[tuple[str, Field], dict[str, None]]()
    for one in found:
        for part in one.fields:
            services.setdefault(form(one, part), {})[one.service] = None
    return {part: tuple(names) for part, names in services.items()}


def _forms(
    found: Sequence[ServiceChange], parts: Callable[[ServiceChange], Iterable[_Part]]
) -> Callable[[ServiceChange, _Part], _Part]:
    """Return how to write a part of a change: without the service's name if more services share it then."""
    written: Counter[_Part] = Counter()
    general: Counter[_Part] = Counter()
    for one in found:
        written.update(parts(one))
        general.update(_general(part, one) for part in parts(one))

    def form(one: ServiceChange, part: _Part) -> _Part:
        other = _general(part, one)
        return other if general[other] > written[part] else part

    return form


def _general(part: Any, one: ServiceChange) -> Any:
    """Return a part of a change with the service's name replaced in all its texts."""
    if isinstance(part, str):
        name = re.escape(one.service.rpartition("/")[2])
        return re.sub(rf"(?<![A-Za-z0-9]){name}(?![A-Za-z0-9])", ANY, part)
    texts = (_general(each, one) for each in part)
    return type(part)(*texts) if isinstance(part, Field) else tuple(texts)
