"""Add archives to a folder that a web server serves, and to its index.

At every moment, even after a kill, the index lists every version with an archive that has the listed digest. An archive
and its index cannot be replaced in one step, so the index first lists a replacement in a separate folder.
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

# Not hidden, so that a web server serves it.
_REPLACING = "modelservice-replacing"
_LOCK = ".modelservice.lock"
_ARTIFACT_HUB = """\
# Artifact Hub reads this file: https://artifacthub.io/docs/topics/repositories/helm-charts/
# Set the ID that its control panel shows for this repository to become a verified publisher:
# repositoryID: 00000000-0000-0000-0000-000000000000
owners: []
"""


def add(archives: Sequence[Archive], folder: Folder, *, force: bool, told: Callable[[str], None]) -> list[Published]:
    """Add the archives to the folder; `told` is called with a message when waiting for another publisher.

    Raises InputError if a version exists with different content without `force`, or if the folder cannot be used.
    """
    with _locked(folder.path, told):
        index = listed(folder.path / "index.yaml")
        clear_stages(folder.path)
        _settle(folder.path)
        known = {one: index[one.key] or _digest(folder.path / one.file) for one in archives if one.key in index}
        # A file that is not in the index may belong to someone, or to a publisher that was killed before listing it.
        files = {one: digest for one in archives if (digest := _digest(folder.path / one.file))}
        refuse_others({**files, **known}, force)
        outcomes = {one: _outcome(one, known.get(one), folder.path) for one in archives}
        _bring(outcomes, index, folder)
        if not (folder.path / "artifacthub-repo.yml").exists():
            replace_file(folder.path / "artifacthub-repo.yml", _ARTIFACT_HUB)
    return [Published(one, outcome, one.digest, _install(one, folder)) for one, outcome in outcomes.items()]


def _outcome(archive: Archive, known: str | None, folder: Path) -> str:
    """Return the action for an archive; `known` is the digest in the index, or None."""
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
    """Move the replacements that the index lists to their final names, and remove those of a killed publisher."""
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
    """Write the new index into the stage, and verify that it lists every version: helm omits some without a message."""
    for archive, place in new.items():
        place_files({archive.file: archive.path}, stage / place)
    index = folder.path / "index.yaml"
    merge = ["--merge", str(index)] if index.exists() else []
    run_helm(["repo", "index", str(stage), "--url", folder.url, *merge])
    made = listed(stage / "index.yaml")
    broken = [one.label for one in new if made.get(one.key) != one.digest]
    if broken:
        raise InputError(f"{', '.join(broken)}: helm cannot load it, so nothing was published: package it again")
    lost = [" ".join(key) for key, digest in old.items() if made.get(key) != digest]
    if lost:
        raise InputError(
            f"{', '.join(lost)}: helm would remove it from {index}, so nothing was published: fix that entry; "
            "for helm, versions that differ only after the + are the same"
        )


def _digest(file: Path) -> str:
    return digest_of(file) if file.is_file() else ""


def _install(archive: Archive, folder: Folder) -> tuple[str, ...]:
    ways = ([archive.name, "--repo", folder.url, "--version", archive.version], [f"{folder.url}/{archive.file}"])
    return tuple(shlex.join([*archive.install, *way]) for way in ways)


@contextlib.contextmanager
def _locked(folder: Path, told: Callable[[str], None]) -> Iterator[None]:
    """Lock the folder against other publishers; a second one waits, and the lock of a killed one is released."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in (_LOCK, _REPLACING):
            if (folder / name).is_symlink():
                raise InputError(f"{folder / name} is a link, but modelservice needs this name: remove it")
        # Never follow a link here: its target would be emptied.
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
