"""Bring archives into a folder that a web server serves, with an index that lists them.

At every moment the index lists archives that are there with the digest that it says, whoever is interrupted.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shlex
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from modelservice.errors import InputError
from modelservice.helm import run_helm
from modelservice.publishing.archive import Archive, digest_of, is_signature
from modelservice.publishing.destination import Folder, Published, refuse_others
from modelservice.publishing.repository_index import Key, listed, without_entries
from modelservice.writing.files import place_files, replace_file

_ARTIFACT_HUB = """\
# Artifact Hub reads this file: https://artifacthub.io/docs/topics/repositories/helm-charts/
# The ID that its control panel shows for this repository makes its owner a verified publisher:
# repositoryID: 00000000-0000-0000-0000-000000000000
owners: []
"""


def add(archives: Sequence[Archive], folder: Folder, *, force: bool, told: Callable[[str], None]) -> list[Published]:
    """Bring the archives into the folder; `told` hears of a wait for another publisher.

    Raises InputError where a version is there with other content, unless `force`, and where the folder cannot be used.
    """
    with _locked(folder.path, told):
        index = listed(folder.path / "index.yaml")
        known = {one: index[one.key] or _digest(folder.path / one.file) for one in archives if one.key in index}
        refuse_others(known, force)
        outcomes = {one: _outcome(one, known.get(one), folder.path) for one in archives}
        _bring(outcomes, index, folder)
        if not (folder.path / "artifacthub-repo.yml").exists():
            replace_file(folder.path / "artifacthub-repo.yml", _ARTIFACT_HUB)
    return [Published(one, outcome, one.digest, _install(one, folder)) for one, outcome in outcomes.items()]


def _outcome(archive: Archive, known: str | None, folder: Path) -> str:
    """Return what is to be done for an archive of which the index knows this digest."""
    if known != archive.digest:
        return "replaced" if known is not None else "pushed"
    provenance = folder / f"{archive.file}.prov"
    signed = provenance.exists() and is_signature(provenance, archive.digest)
    if _digest(folder / archive.file) != archive.digest or (provenance.exists() and not signed):
        return "mended"
    return "signed" if archive.provenance and not signed else "there already"


def _bring(outcomes: Mapping[Archive, str], index: Mapping[Key, str], folder: Folder) -> None:
    new = [one for one, outcome in outcomes.items() if outcome in ("pushed", "replaced")]
    replaced = {one.key for one, outcome in outcomes.items() if outcome == "replaced"}
    with tempfile.TemporaryDirectory(prefix="modelservice-") as name:
        stage = Path(name)
        if new:
            _index(new, {key: index[key] for key in index.keys() - replaced}, folder, stage)
        if replaced:
            replace_file(folder.path / "index.yaml", without_entries(folder.path / "index.yaml", replaced))
        for archive, outcome in outcomes.items():
            if outcome != "there already":
                place_files({f"{archive.file}.prov": archive.provenance, archive.file: archive.path}, folder.path)
        if new:
            place_files({"index.yaml": stage / "index.yaml"}, folder.path)


def _index(new: Sequence[Archive], old: Mapping[Key, str], folder: Folder, stage: Path) -> None:
    """Make the new index in the stage, and see that it lists all that it should: helm leaves out without a word."""
    place_files({archive.file: archive.path for archive in new}, stage)
    index = folder.path / "index.yaml"
    merge = ["--merge", str(index)] if index.exists() else []
    run_helm(["repo", "index", str(stage), "--url", folder.url, *merge])
    made = listed(stage / "index.yaml")
    broken = [one.label for one in new if made.get(one.key) != one.digest]
    if broken:
        raise InputError(f"{', '.join(broken)}: helm does not load it, nothing was published: package it again")
    lost = [" ".join(key) for key, digest in old.items() if made.get(key) != digest]
    if lost:
        raise InputError(
            f"{', '.join(lost)}: helm would drop it from {index}, nothing was published: mend that entry; "
            "versions that differ after a + only are one version to helm"
        )


def _digest(file: Path) -> str:
    return digest_of(file) if file.is_file() else ""


def _install(archive: Archive, folder: Folder) -> tuple[str, ...]:
    ways = ([archive.name, "--repo", folder.url, "--version", archive.version], [f"{folder.url}/{archive.file}"])
    return tuple(shlex.join(["helm", "install", archive.release, *way]) for way in ways)


@contextlib.contextmanager
def _locked(folder: Path, told: Callable[[str], None]) -> Iterator[None]:
    """Let one publisher at a time into the folder; a second one waits, and one that is killed lets go."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # A link in its place would be followed, and its target emptied.
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        with open(os.open(folder / ".modelservice.lock", flags, 0o644), "r+b") as lock:  # noqa: PTH123  a descriptor
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                told(f"{folder}: waiting for another publisher to finish")
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield
    except OSError as error:
        raise InputError(f"{folder} cannot be used: {error.strerror}; choose another folder") from error
