"""Compare the services of two states of a fleet: which appear, disappear and restart, and what many have in common."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from modelservice.chart.folder import chart_for
from modelservice.chart.manifests import manifests
from modelservice.check import check_service
from modelservice.diff.comparison import Change, Field, compare
from modelservice.diff.effects import restarts
from modelservice.diff.fleet_state import FleetState, fleet_state
from modelservice.errors import InputError, ModelServiceError
from modelservice.gitops.members import Member
from modelservice.reading.document import Document
from modelservice.report import lines
from modelservice.service import name_from, require_release
from modelservice.writing.staging import scratch


class ServiceChange(NamedTuple):
    """A service that comes (`+`), goes (`-`), gets another name or place (`>`), changes (`~`), or is wrong (`?`).

    `before` is its old name where that differs, `words` what the change means.
    """

    sign: str
    service: str
    before: str
    words: tuple[str, ...]
    changes: tuple[Change, ...] = ()

    @property
    def restarts(self) -> bool:
        """Say whether running pods are replaced."""
        return self.sign == "~" and any(restarts(change.effects) for change in self.changes)


class CommonField(NamedTuple):
    """A field that several services change in the same way, of their objects of some kinds."""

    kinds: tuple[str, ...]
    field: Field
    services: tuple[str, ...]


class FleetDiff(NamedTuple):
    """What differs: the services, fields that several have in common, and sentences about environments.

    `total` is the number of services in the new state.
    """

    services: tuple[ServiceChange, ...]
    common: tuple[CommonField, ...]
    environments: tuple[str, ...]
    total: int


# How many services have been compared, of how many.
_Progress = Callable[[int, int], None]


def compare_fleets(
    states: Sequence[str], namespace: str | None = None, ignore: Sequence[str] = (), progress: _Progress | None = None
) -> FleetDiff:
    """Compare a folder of services with another, each a path or REV:path.

    A service that is wrong does not stop the others. Raises InputError if a state is neither.
    """
    with scratch() as stage, chart_for() as chart:
        old, new = (fleet_state(said, stage / f"state-{number}") for number, said in enumerate(states))
        if not (old.services or new.services):
            raise InputError(f"neither {' nor '.join(states)} has any service: check the path, which starts from here")
        one = functools.partial(_compared, old, new, _Renderer(chart, namespace, tuple(ignore)))
        pairs = list(_pairs(old, new))
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            found = []
            for number, change in enumerate(pool.map(one, pairs), 1):
                found += [change] if change else []
                if progress:
                    progress(number, len(pairs))
    found = sorted(found, key=lambda change: change.service)
    return FleetDiff(tuple(found), tuple(_common(found)), tuple(_environments(old, new)), len(new.services))


class _Renderer(NamedTuple):
    chart: Path
    namespace: str | None
    ignore: tuple[str, ...]

    def manifests(self, state: FleetState, member: Member | None) -> str:
        """Return a service's manifests, or "" if there is none. Raises InputError if its values are wrong."""
        if member is None:
            return ""
        release = name_from(member.values)
        require_release(release)
        files: list[str | Document] = [state.read(file) for file in (*member.layers, member.values)]
        if wrong := check_service(files, self.ignore).errors:
            raise InputError("\n".join(lines(wrong)))
        return manifests(self.chart, release, self.namespace or member.namespace or "default", files)


class _Pair(NamedTuple):
    before: str
    after: str


def _pairs(old: FleetState, new: FleetState) -> Iterator[_Pair]:
    """Yield the names before and after of services that may differ ("": not there); the same text is a renamed one."""
    both = old.services.keys() & new.services.keys()
    yield from (_Pair(name, name) for name in both if _inputs(old.services[name]) != _inputs(new.services[name]))
    gone = {name: Path(one.values).read_bytes() for name, one in old.services.items() if name not in both}
    for name, member in new.services.items():
        if name in both:
            continue
        text = Path(member.values).read_bytes()
        same = [other for other, content in gone.items() if content == text]
        same.sort(key=lambda other: other.rpartition("/")[0] != name.rpartition("/")[0])
        for other in same[:1]:
            del gone[other]
        yield _Pair(same[0] if same else "", name)
    yield from (_Pair(name, "") for name in gone)


def _inputs(member: Member) -> tuple[object, ...]:
    return _release(member), [Path(file).read_bytes() for file in (*member.layers, member.values)]


def _release(member: Member) -> tuple[str, str, str]:
    """Return what makes a release another one: cluster, namespace and name."""
    server = member.environment.server if member.environment else ""
    return server, member.namespace, name_from(member.values)


def _place(before: Member, after: Member) -> str:
    """Return what the new release is called, with where it is."""
    servers = [_release(one)[0] for one in (before, after)]
    cluster = f" of the cluster {servers[1]}" if servers[0] != servers[1] else ""
    return f"{name_from(after.values)}{f' in {after.namespace}' if after.namespace else ''}{cluster}"


def _compared(old: FleetState, new: FleetState, renderer: _Renderer, pair: _Pair) -> ServiceChange | None:
    before, after = old.services.get(pair.before), new.services.get(pair.after)
    try:
        changes = compare(renderer.manifests(old, before), renderer.manifests(new, after))
    except ModelServiceError as error:
        return ServiceChange("?", pair.after or pair.before, "", tuple(str(error).splitlines()))
    words = tuple(dict.fromkeys(effect for change in changes for effect in change.effects))
    if not before:
        return ServiceChange("+", pair.after, "", words, tuple(changes))
    if not after:
        return ServiceChange("-", pair.before, "", words, tuple(changes))
    if _release(before) != _release(after):
        moved = f"a new release {_place(before, after)}; the old one goes, and its kept claim stays behind"
        return ServiceChange(">", pair.after, pair.before, (moved, *words), tuple(changes))
    return ServiceChange("~", pair.after, "", words, tuple(changes)) if changes else None


def _common(found: Sequence[ServiceChange]) -> list[CommonField]:
    """Return the fields that several services change alike; what is only metadata comes last."""
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
    """Yield what changes of environments that manifests do not show."""
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
    yield from (f"{name}: the environment is gone" for name in old.environments if name not in new.environments)
