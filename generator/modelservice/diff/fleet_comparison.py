"""Compare the services of two states of a fleet: added, removed and restarting services, and their common changes."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from modelservice.chart.folder import chart_for
from modelservice.chart.many_manifests import TOGETHER, charts_in
from modelservice.check import Progress
from modelservice.diff.comparison import Change, Field, compare
from modelservice.diff.effects import restarts
from modelservice.diff.fleet_state import FleetState, fleet_state
from modelservice.diff.moves import elsewhere, keeps_claim
from modelservice.diff.service_manifests import Rendered, Renderer
from modelservice.errors import InputError, ModelServiceError
from modelservice.gitops.members import Member
from modelservice.helm import find_helm
from modelservice.parallel import each_part
from modelservice.reading.special_files import is_special
from modelservice.service import name_from
from modelservice.writing.staging import scratch


class ServiceChange(NamedTuple):
    """A service that is added (`+`), removed (`-`), renamed or moved (`>`), changed (`~`), or invalid (`?`).

    `before` is its old name if that differs; `words` are the effects of the change.
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


class CommonField(NamedTuple):
    """A field that several services change in the same way, in objects of these kinds."""

    kinds: tuple[str, ...]
    field: Field
    services: tuple[str, ...]


class FleetDiff(NamedTuple):
    """The difference: changed services, changes that several of them share, and sentences about environments.

    `total` is the number of services in the new state.
    """

    services: tuple[ServiceChange, ...]
    common: tuple[CommonField, ...]
    environments: tuple[str, ...]
    total: int


def compare_fleets(
    states: Sequence[str],
    namespace: str | None = None,
    layers: Sequence[str] = (),
    ignore: Sequence[str] = (),
    progress: Progress | None = None,
) -> FleetDiff:
    """Compare two folders of services, each a path or REV:path.

    If `layers` are given, they apply to all services, and no fleet.yaml is read. An invalid service does not stop the
    others. Raises InputError if a state is neither a path nor a revision, and ToolError without helm.
    """
    with scratch() as stage, chart_for() as chart:
        old, new = (fleet_state(said, stage / f"state-{number}", layers) for number, said in enumerate(states))
        if not (old.services or new.services):
            raise InputError(f"neither {' nor '.join(states)} has a service: check the paths, relative to this folder")
        pairs = list(_pairs(old, new))
        found: list[ServiceChange] = []
        if pairs:
            find_helm()
        renderer = Renderer(charts_in(stage, chart, tests=False), namespace, tuple(ignore))
        compared = functools.partial(_compared, old, new, renderer)
        for number, changes in enumerate(each_part(compared, pairs, TOGETHER), 1):
            found += filter(None, changes)
            if progress:
                progress(min(number * TOGETHER, len(pairs)), len(pairs))
    found.sort(key=lambda change: change.service)
    return FleetDiff(tuple(found), tuple(_common(found)), tuple(_environments(old, new)), len(new.services))


class _Pair(NamedTuple):
    before: str
    after: str


_Pairs = Sequence[_Pair]
_Changes = list[ServiceChange | None]


def _pairs(old: FleetState, new: FleetState) -> Iterator[_Pair]:
    """Yield the old and new names ("" if missing) of services that may differ.

    A removed and an added service with the same text are a renamed service.
    """
    both = old.services.keys() & new.services.keys()
    yield from (_Pair(name, name) for name in both if _inputs(old.services[name]) != _inputs(new.services[name]))
    gone = {name: _bytes(one.values) for name, one in old.services.items() if name not in both}
    for name, member in new.services.items():
        if name in both:
            continue
        text = _bytes(member.values)
        same = [other for other, content in gone.items() if content == text]
        same.sort(key=lambda other: other.rpartition("/")[0] != name.rpartition("/")[0])
        for other in same[:1]:
            del gone[other]
        yield _Pair(same[0] if same else "", name)
    yield from (_Pair(name, "") for name in gone)


def _inputs(member: Member) -> tuple[object, ...]:
    return _release(member), [_bytes(file) for file in member.files]


def _bytes(file: str) -> bytes | None:
    """Return a file's content, or None if it is a pipe or unreadable: the check of its services reports that."""
    try:
        return None if is_special(file) else Path(file).read_bytes()
    except OSError:
        return None


def _release(member: Member) -> tuple[str, str, str]:
    """Return what identifies a release: cluster, namespace and name."""
    server = member.environment.server if member.environment else ""
    return server, member.namespace, name_from(member.values)


def _place(before: Member, after: Member) -> str:
    """Return the new release's name and place."""
    servers = [_release(one)[0] for one in (before, after)]
    cluster = f" of the cluster {servers[1]}" if servers[0] != servers[1] else ""
    return f"{name_from(after.values)}{f' in {after.namespace}' if after.namespace else ''}{cluster}"


def _compared(old: FleetState, new: FleetState, renderer: Renderer, pairs: _Pairs) -> _Changes:
    """Return the change of each pair, or None if nothing changes."""
    before = [old.services.get(pair.before) for pair in pairs]
    after = [new.services.get(pair.after) for pair in pairs]
    texts = zip(renderer.rendered(old, before), renderer.rendered(new, after), strict=True)
    return [_change(*one) for one in zip(pairs, before, after, texts, strict=True)]


def _change(
    pair: _Pair, before: Member | None, after: Member | None, texts: tuple[Rendered, Rendered]
) -> ServiceChange | None:
    places = [_release(one)[:2] for one in (before, after) if one]
    apart = len(set(places)) > 1
    try:
        old, new = map(_text, texts)
        changes = tuple(compare(old, new, apart=apart))
    except ModelServiceError as error:
        return ServiceChange("?", pair.after or pair.before, "", tuple(str(error).splitlines()))
    words = tuple(dict.fromkeys(effect for change in changes for effect in change.effects))
    if not before:
        return ServiceChange("+", pair.after, "", words, changes)
    if not after:
        return ServiceChange("-", pair.before, "", words, changes)
    if _release(before) != _release(after):
        left = ", but its kept claim remains" if keeps_claim(old) else ""
        moved = f"a new release {_place(before, after)}; the old one is removed{left}"
        words = (moved, *words, *(elsewhere(new) if apart else ()))
        return ServiceChange(">", pair.after, pair.before, words, changes)
    return ServiceChange("~", pair.after, "", words, changes) if changes else None


def _text(rendered: Rendered) -> str:
    if isinstance(rendered, ModelServiceError):
        raise rendered
    return rendered


def _common(found: Sequence[ServiceChange]) -> list[CommonField]:
    """Return the changes of fields that several services share; those of metadata come last."""
    services: dict[tuple[Field, str], list[str]] = {}
    for one in found:
        for change in one.changes if one.sign == "~" else ():
            for field in change.fields:
                services.setdefault((field, change.kind), []).append(one.service)
    kinds: dict[tuple[Field, tuple[str, ...]], list[str]] = {}
    for (field, kind), names in services.items():
        if len(names) > 1:
            kinds.setdefault((field, tuple(dict.fromkeys(names))), []).append(kind)
    common = [CommonField(tuple(of), field, names) for (field, names), of in kinds.items()]
    return sorted(common, key=lambda one: one.field.path.startswith("metadata."))


def _environments(old: FleetState, new: FleetState) -> Iterator[str]:
    """Yield the changes of environments, which manifests do not show."""
    for name, after in new.environments.items():
        before = old.environments.get(name)
        if before is None:
            yield f"{name}: a new environment, in the namespace {after.namespace}"
            continue
        told = {"namespace": (before.namespace, after.namespace), "cluster": (before.server, after.server)}
        told["project"] = (before.project, after.project)
        charts = [f"{one.chart.repository or 'the chart'} {one.chart.version}".strip() for one in (before, after)]
        told["chart"] = (charts[0], charts[1])
        yield from (f"{name}: {what} {one} → {other}" for what, (one, other) in told.items() if one != other)
    yield from (f"{name}: the environment is removed" for name in old.environments if name not in new.environments)
