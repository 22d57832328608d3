"""Find the services that a branch changes, using Git."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from modelservice.gitops.fleet_file import NAME
from modelservice.gitops.git_paths import repository_of
from modelservice.gitops.git_revision import changed_files
from modelservice.gitops.members import Member


def only_changed(revision: str, services: Iterable[Member]) -> list[Member]:
    """Return the services whose values, layers or fleet.yaml differ from a revision; standard input always counts.

    Raises InputError if Git has no such revision.
    """
    services = list(services)
    # A submodule has commits of its own.
    repositories = {repository_of(one.values) or Path() for one in services}
    changed = {file.resolve() for one in repositories for file in changed_files(revision, str(one))}
    return [one for one in services if one.values == "-" or any(file in changed for file in _files(one))]


def _files(member: Member) -> Iterable[Path]:
    files = [Path(member.values), *map(Path, member.layers), *([member.root / NAME] if member.root else [])]
    return (file.resolve() for file in files)
