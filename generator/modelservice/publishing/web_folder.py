"""Bring archives into a folder that a web server serves, with an index that lists them.

At every moment the index lists every version, each with an archive of the digest that it says, whoever is killed. An
archive and its index cannot be replaced in one step: a replacement is listed in a folder of its own first.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shlex
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from modelservice.errors import InputError
from modelservice.helm import run_helm
from modelservice.publishing.archive import Archive, digest_of, is_signature
from modelservice.publishing.destination import Folder, Published, refuse_others
from modelservice.publishing.repository_index import Key, listed
from modelservice.writing.files import place_files, replace_file
from modelservice.writing.staging import clear_stages, scratch

# Not hidden, for a web server to show it.
_REPLACING = "modelservice-replacing"
_LOCK = ".modelservice.lock"
_ARTIFACT_HUB = """\
# Artifact Hub reads this file: https://artifacthub.io/docs/topics/repositories/helm-charts/
# The ID that its control panel shows for this repository makes its owner a verified publisher:
# repositoryID: 00000000-0000-0000-0000-000000000000
owners: []
"""


def add(archives: Sequence[Archive], folder: Folder, *, force: bool, told: Callable[[str], None]) -> list[Published]:
    """Bring the archives into the folder; `told` hears of a wait for another publisher.

    Raises InputError if a version is there with other content, unless `force`, and where the folder cannot be used.
    """
    with _locked(folder.path, told):
        index = listed(folder.path / "index.yaml")
        clear_stages(folder.path)
        _settle(folder.path)
        known = {one: index[one.key] or _digest(folder.path / one.file) for one in archives if one.key in index}
        # A file that the index does not list is someone's too, or of a publisher killed before it was listed.
        files = {one: digest for one in archives if (digest := _digest(folder.path / one.file))}
        refuse_others({**files, **known}, force)
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
    signed = provenance.is_file() and is_signature(provenance, archive.digest)
    if _digest(folder / archive.file) != archive.digest or (provenance.exists() and not signed):
        return "fixed"
    return "signed" if archive.provenance and not signed else "there already"


def _bring(outcomes: Mapping[Archive, str], index: Mapping[Key, str], folder: Folder) -> None:
    places = {one: _REPLACING if outcome == "replaced" else "" for one, outcome in outcomes.items()}
    new = {one: places[one] for one, outcome in outcomes.items() if outcome in ("pushed", "replaced")}
    with scratch() as stage:
        if new:
            old = index.keys() - {one.key for one in new}
            _index(new, {key: index[key] for key in old}, folder, stage)
        for archive, outcome in outcomes.items():
            if outcome != "there already":
                _place(archive.path, archive.provenance, folder.path / places[archive], archive.file)
        if new:
            place_files({"index.yaml": stage / "index.yaml"}, folder.path)
    _settle(folder.path)


def _place(archive: Path, provenance: Path | None, folder: Path, name: str) -> None:
    place_files({f"{name}.prov": provenance, name: archive}, folder)


def _settle(folder: Path) -> None:
    """Give the replacements that the index lists their own names; those of a publisher killed before are removed."""
    replacing, index = folder / _REPLACING, folder / "index.yaml"
    if not replacing.exists():
        return
    text = index.read_text(encoding="utf-8") if index.exists() else ""
    if f"/{_REPLACING}/" in text:
        for archive in replacing.glob("*.tgz"):
            provenance = archive.with_name(f"{archive.name}.prov")
            _place(archive, provenance if provenance.exists() else None, folder, archive.name)
        replace_file(index, text.replace(f"/{_REPLACING}/", "/"))
    shutil.rmtree(replacing)


def _index(new: Mapping[Archive, str], old: Mapping[Key, str], folder: Folder, stage: Path) -> None:
    """Make the new index in the stage, and see that it lists all that it should: helm leaves out without a message."""
    for archive, place in new.items():
        place_files({archive.file: archive.path}, stage / place)
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
            f"{', '.join(lost)}: helm would drop it from {index}, nothing was published: fix that entry; "
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
        for name in (_LOCK, _REPLACING):
            if (folder / name).is_symlink():
                raise InputError(f"{folder / name} is a link, where modelservice needs a name for itself: remove it")
        # A link in its place would be followed, and its target emptied.
        lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
        try:
            _lock(lock, lambda: told(f"{folder}: waiting for another publisher to finish"))
            yield
        finally:
            os.close(lock)
    except OSError as error:
        raise InputError(f"{folder} cannot be used: {error.strerror or error}; choose another folder") from error


def _lock(lock: int, waiting: Callable[[], None]) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        waiting()
        fcntl.flock(lock, fcntl.LOCK_EX)
