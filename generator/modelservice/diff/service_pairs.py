"""Pair the services of two states of a fleet: those that may differ, and the old and new names of renamed ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from modelservice.diff.fleet_state import FleetState
from modelservice.gitops.git_revision import renamed_files
from modelservice.gitops.members import Member
from modelservice.reading.special_files import is_special
from modelservice.service import name_from


class Pair(NamedTuple):
    """The old and the new name of a service; "" if it is missing."""

    before: str
    after: str


def service_pairs(old: FleetState, new: FleetState, stage: Path) -> Iterator[Pair]:
    """Yield the services that may differ. A removed and an added one with similar files are a renamed service.

    `stage` is a folder for copies of these files.
    """
    both = old.services.keys() & new.services.keys()
    yield from (Pair(name, name) for name in both if _inputs(old.services[name]) != _inputs(new.services[name]))
    gone = {name: _bytes(one.values) or b"" for name, one in old.services.items() if name not in both}
    come = {name: _bytes(one.values) or b"" for name, one in new.services.items() if name not in both}
    before = _renamed(gone, come, stage)
    yield from (Pair(before.get(name, ""), name) for name in come)
    yield from (Pair(name, "") for name in gone.keys() - before.values())


def _renamed(gone: Mapping[str, bytes], come: Mapping[str, bytes], stage: Path) -> dict[str, str]:
    """Return the old name of each renamed service, preferably one of the same environment."""
    found: dict[str, str] = {}
    for number, group in enumerate((*dict.fromkeys(map(_environment, come)), None)):
        old, new = (
            {name: text for name, text in texts.items() if name not in known and group in (None, _environment(name))}
            for texts, known in ((gone, found.values()), (come, found))
        )
        if old and new:
            found |= _similar(old, new, stage / str(number))
    return found


def _similar(old: Mapping[str, bytes], new: Mapping[str, bytes], stage: Path) -> dict[str, str]:
    for side, texts in (("old", old), ("new", new)):
        for name, text in texts.items():
            file = stage / side / f"{name}.yaml"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text)
    files = renamed_files(stage / "old", stage / "new")
    return {after.removesuffix(".yaml"): before.removesuffix(".yaml") for after, before in files.items()}


def _environment(service: str) -> str:
    return service.rpartition("/")[0]


def _inputs(member: Member) -> tuple[object, ...]:
    return release_of(member), [_bytes(file) for file in member.files]


def _bytes(file: str) -> bytes | None:
    """Return a file's content, or None if it is a pipe or unreadable: the check of its services reports that."""
    try:
        return None if is_special(file) else Path(file).read_bytes()
    except OSError:
        return None


def release_of(member: Member) -> tuple[str, str, str]:
    """Return what identifies a release: cluster, namespace and name."""
    server = member.environment.server if member.environment else ""
    return server, member.namespace, name_from(member.values)
