"""Read the services of a folder in the working tree or in a Git revision."""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from modelservice.errors import InputError
from modelservice.gitops.fleet_check import sound_fleet, written_fleet
from modelservice.gitops.fleet_file import NAME, Environment, Fleet, fleet_root, load_fleet
from modelservice.gitops.git_revision import commit_of, copy_of
from modelservice.gitops.members import Member, members
from modelservice.reading.document import Document
from modelservice.reading.values_files import load, values_files
from modelservice.service import name_from


class InvalidFleetError(InputError):
    """A state with errors in its fleet.yaml, so that its services are unknown."""


class FleetState(NamedTuple):
    """The services by their names, `<environment>/<service>`, and the environments.

    `revision` is "" for the working tree; otherwise the files are copies in `copy`, of the repository at `top`.
    """

    services: Mapping[str, Member]
    environments: Mapping[str, Environment]
    revision: str = ""
    copy: Path = Path()
    top: Path = Path()

    def name_of(self, file: str) -> str:
        """Return a file's name as the user writes it: REV:path for a copy."""
        if not (self.revision and Path(os.path.abspath(file)).is_relative_to(self.copy)):  # noqa: PTH100
            return file
        path = self.top / Path(os.path.abspath(file)).relative_to(self.copy)  # noqa: PTH100
        return f"{self.revision}:{os.path.relpath(path)}"

    def read(self, file: str) -> Document:
        """Read a values file; findings show its name as the user writes it."""
        return load(file, self.name_of(file))


def fleet_state(said: str, stage: Path, layers: Sequence[str] = (), *, old: bool = False) -> FleetState:
    """Return the state of a folder or file, or of REV:path, which is copied to `stage`.

    If `layers` are given, they are read from the same revision, and no fleet.yaml is read. Files that a revision does
    not have are skipped. Raises InputError for an unknown revision, and InvalidFleetError for an invalid fleet.yaml; in
    an `old` state, only for mistakes that leave its services or their layers unknown.
    """
    if os.path.exists(said):  # noqa: PTH110  Path.exists raises for a name that is too long
        return _state(said, layers, _lenient(sound_fleet) if old else sound_fleet)
    revision, colon, path = said.partition(":")
    if not colon or not revision or revision.startswith("-"):
        raise InputError(f"{said} does not exist: correct the path, or write REV:path for a Git revision")
    commit = commit_of(said, revision, path)
    # Layers may be outside of the folder, anywhere in the fleet.
    root = (None if layers else fleet_root(path)) or Path(path)
    copied = copy_of(str(root), commit, stage)
    if copied is None:
        return FleetState({}, {})
    place = copied / os.path.relpath(path, root)
    # Ignore any fleet.yaml above the copy.
    (stage / ".git").mkdir(exist_ok=True)
    below = [str(copy) for layer in layers if (copy := copy_of(layer, commit, stage))]
    name = f"{revision}:{root / NAME}"
    fleet_at = functools.partial(load_fleet, said=name)
    state = _state(str(place), below, _lenient(fleet_at) if old else fleet_at) if place.exists() else FleetState({}, {})
    return state._replace(revision=revision, copy=stage, top=commit.top)


def _lenient(fleet_at: Callable[[Path], Fleet]) -> Callable[[Path], Fleet]:
    """Return how to read a fleet as far as its fleet.yaml is right."""

    def at(root: Path) -> Fleet:
        try:
            return fleet_at(root)
        except InputError:
            with contextlib.suppress(InputError):
                return written_fleet(root)
            raise

    return at


def _state(folder: str, layers: Sequence[str], fleet_at: Callable[[Path], Fleet]) -> FleetState:
    root = None if layers else fleet_root(folder)
    try:
        environments = {one.name: one for one in fleet_at(root).environments} if root else {}
    except InputError as error:
        raise InvalidFleetError(str(error)) from error
    # A folder without services is listed itself; reading it gives the error message.
    there = next(values_files([folder]), folder) != folder or Path(folder).is_file()
    found = members([folder], layers, fleet_at) if there else []
    services: dict[str, Member] = {}
    for one in found:
        name = _name(one, folder)
        # chat.yaml and chat.yml are the same release, which is an error: keep both.
        services[name if name not in services else f"{name}{Path(one.values).suffix}"] = one
    return FleetState(services, environments)


def _name(member: Member, folder: str) -> str:
    name = name_from(member.values)
    if member.environment:
        return f"{member.environment.name}/{name}"
    return str(Path(os.path.relpath(member.values, folder)).parent / name)
