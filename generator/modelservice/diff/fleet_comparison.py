"""Compare the services of two states of a fleet: added, removed, renamed, changed and repaired services."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from modelservice.chart.folder import chart_for
from modelservice.chart.many_manifests import TOGETHER, charts_in
from modelservice.check import Progress
from modelservice.diff.common_changes import ServiceChange
from modelservice.diff.comparison import compare
from modelservice.diff.fleet_state import FleetState, InvalidFleetError, fleet_state
from modelservice.diff.moves import elsewhere
from modelservice.diff.service_manifests import Rendered, Renderer
from modelservice.diff.service_pairs import Pair, release_of, service_pairs
from modelservice.errors import InputError, ModelServiceError
from modelservice.gitops.fleet_file import Environment
from modelservice.gitops.members import Member
from modelservice.helm import find_helm
from modelservice.parallel import each_part
from modelservice.writing.staging import scratch


class FleetDiff(NamedTuple):
    """The difference: changed services, and sentences about environments.

    `total` is the number of services in the new state, and `charts` the number of those that get another chart.
    """

    services: tuple[ServiceChange, ...]
    environments: tuple[str, ...]
    total: int
    charts: int


def compare_fleets(
    states: Sequence[str],
    namespace: str | None = None,
    layers: Sequence[str] = (),
    ignore: Sequence[str] = (),
    progress: Progress | None = None,
) -> FleetDiff:
    """Compare two folders of services, each a path or REV:path.

    If `layers` are given, they apply to all services, and no fleet.yaml is read. An invalid service does not stop the
    others. A mistake that only the old state has is repaired by the new one, which then has nothing to compare with.
    Raises InputError if a state is neither a path nor a revision, or the new fleet.yaml is invalid, and ToolError
    without helm.
    """
    with scratch() as stage, chart_for() as chart:
        new = fleet_state(states[1], stage / "new", layers)
        try:
            old, lost = fleet_state(states[0], stage / "old", layers, old=True), ""
        except InvalidFleetError as error:
            old, lost = FleetState({}, {}), f"all services are listed as new, because {error}"
        if not (old.services or new.services):
            raise InputError(f"neither {' nor '.join(states)} has a service: check the paths, relative to this folder")
        pairs = list(service_pairs(old, new, stage / "renamed"))
        found: list[ServiceChange] = []
        if pairs:
            find_helm()
        renderer = Renderer(charts_in(stage, chart, tests=False), namespace, tuple(ignore))
        compared = functools.partial(_compared, old, new, renderer)
        for number, changes in enumerate(each_part(compared, pairs, TOGETHER), 1):
            found += filter(None, changes)
            if progress:
                progress(min(number * TOGETHER, len(pairs)), len(pairs))
    environments = [*new.environments, *old.environments]
    found.sort(key=lambda change: _order(change.service, environments))
    sentences = (lost,) if lost else tuple(_environments(old, new))
    return FleetDiff(tuple(found), sentences, len(new.services), len(_with_another_chart(old, new)))


def _order(service: str, environments: Sequence[str]) -> tuple[int, str]:
    """Return a sort key: the order of the environments in fleet.yaml, then the names."""
    environment = service.partition("/")[0]
    return environments.index(environment) if environment in environments else 0, service


_Pairs = Sequence[Pair]
_Changes = list[ServiceChange | None]


def _moved(before: Member, after: Member) -> str:
    """Return a sentence on a release that another one replaces: a new name, namespace or cluster."""
    old, new = release_of(before), release_of(after)
    place = f" in the namespace {new[1]}" if old[1] != new[1] else ""
    place += f" in the cluster {new[0]}" if old[0] != new[0] else ""
    return f"a new release{place}; the old one is removed"


def _compared(old: FleetState, new: FleetState, renderer: Renderer, pairs: _Pairs) -> _Changes:
    """Return the change of each pair, or None if nothing changes."""
    before = [old.services.get(pair.before) for pair in pairs]
    after = [new.services.get(pair.after) for pair in pairs]
    texts = zip(renderer.rendered(old, before), renderer.rendered(new, after), strict=True)
    return [_change(*one) for one in zip(pairs, before, after, texts, strict=True)]


def _change(
    pair: Pair, before: Member | None, after: Member | None, texts: tuple[Rendered, Rendered]
) -> ServiceChange | None:
    apart = len({release_of(one)[:2] for one in (before, after) if one}) > 1
    lost = _lost(*texts)
    try:
        new = _text(texts[1])
        changes = tuple(compare("" if lost else _text(texts[0]), new, apart=apart))
    except ModelServiceError as error:
        return ServiceChange("?", pair.after or pair.before, "", tuple(str(error).splitlines()))
    words = (*lost, *dict.fromkeys(effect for change in changes for effect in change.effects))
    if not (before and after):
        return ServiceChange("+" if after else "-", pair.after or pair.before, "", words, changes)
    if release_of(before) != release_of(after):
        words = (_moved(before, after), *words, *(elsewhere(new) if apart else ()))
        return ServiceChange(">", pair.after, pair.before, words, changes)
    if lost:
        return ServiceChange("!", pair.after, "", words, changes)
    words += tuple(f"{one.kind} is {_OTHER[one.sign]}" for one in changes if one.sign in _OTHER and not one.effects)
    return ServiceChange("~", pair.after, "", words, changes) if changes else None


def _lost(old: Rendered, new: Rendered) -> tuple[str, ...]:
    """Return the errors in the old state of a service, with a reason, if the new state has none."""
    if isinstance(new, ModelServiceError) or not isinstance(old, ModelServiceError):
        return ()
    return "the old state has errors, so there is nothing to compare with", *str(old).splitlines()


# Objects that a service has only before or after the change, of which nothing else is said.
_OTHER = {"+": "added", "-": "removed"}


def _text(rendered: Rendered) -> str:
    if isinstance(rendered, ModelServiceError):
        raise rendered
    return rendered


def _environments(old: FleetState, new: FleetState) -> Iterator[str]:
    """Yield the changes of environments, which manifests do not show."""
    for name, after in new.environments.items():
        before = old.environments.get(name)
        if before is None:
            yield f"{name}: a new environment, in the namespace {after.namespace}"
            continue
        told = {"namespace": (before.namespace, after.namespace), "cluster": (before.server, after.server)}
        told["project"] = (before.project, after.project)
        told["chart"] = (_chart(before), _chart(after))
        yield from (f"{name}: {what} {one} → {other}" for what, (one, other) in told.items() if one != other)
    yield from (f"{name}: the environment is removed" for name in old.environments if name not in new.environments)


def _chart(environment: Environment) -> str:
    return f"{environment.chart.repository or 'the chart'} {environment.chart.version}".strip()


def _with_another_chart(old: FleetState, new: FleetState) -> list[str]:
    """Return the services whose environment gets another chart or version: their pods may restart."""
    both = old.environments.keys() & new.environments.keys()
    names = {name for name in both if _chart(old.environments[name]) != _chart(new.environments[name])}
    return [name for name in old.services.keys() & new.services.keys() if name.partition("/")[0] in names]
