"""Render the two states that a diff compares: values files, charts, or either at a Git revision.

This module parses `REV:path`; git_revision.py reads the revision.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from modelservice.chart.folder import chart_for, require_no_pipe
from modelservice.chart.manifests import manifests
from modelservice.check import check_service
from modelservice.diff.fleet_state import fleet_state
from modelservice.errors import InputError
from modelservice.gitops.fleet_file import fleet_root
from modelservice.gitops.git_revision import commit_of, copy_of
from modelservice.reading.document import Document
from modelservice.reading.special_files import is_special
from modelservice.reading.values_files import load
from modelservice.report import lines
from modelservice.service import name_from
from modelservice.writing.staging import scratch


class InvalidValuesError(InputError):
    """A state whose values have errors, so that it would not be installed."""


class State(NamedTuple):
    """A state as files: the values file or chart (None if its revision does not have it), and the layers below it.

    `lost` are the layers that its revision does not have; `names` maps copies to the names that the user writes.
    """

    said: str
    place: Path | None
    layers: tuple[str, ...]
    lost: frozenset[str] = frozenset()
    names: Mapping[str, str] = {}


def release_of(said: str) -> str:
    """Return the most likely release name of a state: its file's name, without the version for an archive."""
    return name_from(re.sub(r"-\d+\.\d+\.\d+[^/]*\.tgz$", ".tgz", said.partition(":")[2] or said))


def manifests_of(
    states: Sequence[str], release: str, namespace: str, layers: tuple[str, ...] = (), ignore: Sequence[str] = ()
) -> list[str | InvalidValuesError]:
    """Return each state's manifests, "" if a Git revision does not have the file, or the errors in its values.

    The layers of a state at a Git revision are read from the same revision. Raises InputError if a state is neither a
    file, a chart nor a revision, and if no state has the file or a layer.
    """
    with scratch() as stage, chart_for() as chart:
        found = [_state(said, layers, stage / f"state-{number}") for number, said in enumerate(states)]
        there = [state for state in found if state.place]
        if not there:
            raise InputError(f"neither {' nor '.join(states)} exists: check the paths, relative to this folder")
        for layer in frozenset[str].intersection(*(state.lost for state in there)):
            raise InputError(f"{layer}: neither side has this layer: check its path")
        # Both sides may have the same pipe as a layer, which can be read only once.
        read = functools.cache(load)
        made = functools.partial(
            _manifests, chart=chart, release=release, namespace=namespace, ignore=ignore, read=read
        )
        return [made(state) if state.place else "" for state in found]


def _manifests(
    state: State, *, chart: Path, release: str, namespace: str, ignore: Sequence[str], read: Callable[..., Document]
) -> str | InvalidValuesError:
    place = str(state.place)
    if Path(place).is_dir() and not (Path(place) / "Chart.yaml").exists():
        raise InputError(f"{state.said} has no Chart.yaml, so it is not a chart: name one of its values files")
    if Path(place).is_dir() or place.endswith(".tgz"):
        require_no_pipe(Path(place))
        layers = [read(layer, "") if layer == "-" or is_special(layer) else layer for layer in state.layers]
        return manifests(Path(place), release, namespace, layers)
    files = [read(file, state.names.get(file, "")) for file in (*state.layers, place)]
    wrong = check_service(files, ignore).errors
    if wrong:
        said = "\n".join(lines(wrong))
        return InvalidValuesError(f"{state.said} has errors, so it would not be installed:\n{said}")
    return manifests(chart, release, namespace, files)


def _state(said: str, layers: tuple[str, ...], stage: Path) -> State:
    path = said if os.path.exists(said) else said.partition(":")[2]  # noqa: PTH110
    if not layers and path.endswith((".yaml", ".yml")) and fleet_root(path):
        fleet = fleet_state(said, stage)
        for member in fleet.services.values():
            names = {file: fleet.name_of(file) for file in (member.values, *member.layers)}
            return State(said, Path(member.values), member.layers, names=names)
        return State(said, None, ())
    if os.path.exists(said):  # noqa: PTH110  Path.exists raises for a name that is too long
        if said.endswith(".tgz") and is_special(said):
            raise InputError(f"{said} is a pipe, a socket or a device: name the file of a packaged chart")
        return State(said, Path(said), layers)
    revision, colon, path = said.partition(":")
    if not colon or not revision or revision.startswith("-"):
        raise InputError(f"{said} does not exist: correct the path, or write REV:path for a Git revision")
    commit = commit_of(said, revision, path)
    copies = {file: copy_of(file, commit, stage) for file in (path, *layers)}
    names = {str(copy): f"{revision}:{file}" for file, copy in copies.items() if copy != Path(file)}
    there = tuple(str(copies[layer]) for layer in layers if copies[layer])
    return State(said, copies[path], there, frozenset(file for file in layers if not copies[file]), names)
