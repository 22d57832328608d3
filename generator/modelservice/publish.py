"""Archives in; a chart repository that lists them out, in an OCI registry or in a folder that a web server serves."""

from __future__ import annotations

import contextlib
import fcntl
import re
import tarfile
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import yaml

from modelservice.errors import InputError, ToolError
from modelservice.helm import run_helm, try_helm
from modelservice.package import digest_of, place_files

# What registries say of a chart that they do not have; a name that no DNS knows, and a missing login, read alike.
_NOT_THERE = re.compile(r"(?<!credential )(?<!host )not found|\b404\b|manifest unknown|name unknown", re.IGNORECASE)
_DIGEST = re.compile(r"Digest:\s*(sha256:[0-9a-f]{64})")
_ARTIFACT_HUB = """\
# Artifact Hub reads this file: https://artifacthub.io/docs/topics/repositories/helm-charts/
# The ID that its control panel shows for this repository makes its owner a verified publisher:
# repositoryID: 00000000-0000-0000-0000-000000000000
owners: []
"""


class Archive(NamedTuple):
    """A packaged chart: its file, its name and version, the SHA-256 of its bytes."""

    path: Path
    name: str
    version: str
    digest: str

    @property
    def label(self) -> str:
        """The chart as messages name it."""
        return f"{self.name} {self.version}"


class Published(NamedTuple):
    """What became of an archive: `pushed`, `replaced` or `there already`, the digest, and lines to install it by."""

    archive: Archive
    outcome: str
    digest: str
    install: tuple[str, ...]


def read_archive(path: Path) -> Archive:
    """Return what an archive says of itself. Raises InputError where it is no packaged chart."""
    try:
        with tarfile.open(path, "r:gz") as archive:
            found = next(
                member for member in archive if member.name.count("/") == 1 and member.name.endswith("/Chart.yaml")
            )
            about = yaml.safe_load(archive.extractfile(found) or b"")
        return Archive(path, str(about["name"]), str(about["version"]), digest_of(path))
    except (OSError, tarfile.TarError, StopIteration, yaml.YAMLError, TypeError, KeyError) as error:
        raise InputError(f"{path} is no packaged chart: make one with `modelservice package`") from error


def publish(
    archives: Sequence[Path], to: str, *, url: str = "", force: bool = False, connection: Sequence[str] = ()
) -> Iterator[Published]:
    """Publish the archives, all checked before the first one is sent; yields what became of each.

    `to` is oci://host/path, a folder or file://folder; `url` is where a web server shows the folder; `connection` holds
    helm's options for the registry. Raises InputError where a version is there with other content, unless `force`.
    """
    read = [read_archive(path) for path in archives]
    if to.startswith("oci://"):
        yield from _to_registry(read, to.rstrip("/"), force, connection)
        return
    folder = Path(urlsplit(to).path if to.startswith("file://") else to)
    if "://" in to and not to.startswith("file://"):
        raise InputError(f"{to} is no place to publish to: oci://host/path, or the folder that a web server serves")
    if not url:
        raise InputError("a folder needs --url, the address that a web server shows it at")
    yield from _to_folder(read, folder, url.rstrip("/"), force)


def _to_registry(read: list[Archive], to: str, force: bool, connection: Sequence[str]) -> Iterator[Published]:
    there = {archive: _in_registry(archive, to, connection) for archive in read}
    _refuse_others({archive: found[0] for archive, found in there.items() if found}, force)
    for archive in read:
        found = there[archive]
        if found and found[0] == archive.digest:
            outcome, digest = "there already", found[1]
        else:
            answer = try_helm(["push", str(archive.path), to, *connection])
            if answer.returncode:
                raise ToolError(f"helm push failed:\n{answer.stderr.strip()}")
            outcome, digest = "replaced" if found else "pushed", _digest(answer.stdout + answer.stderr)
        place = f"{to}/{archive.name}"
        lines = [f"helm install {archive.name} {place} --version {archive.version}"]
        lines += [f"helm install {archive.name} {place}@{digest}"] if digest else []
        yield Published(archive, outcome, digest, tuple(lines))


def _in_registry(archive: Archive, to: str, connection: Sequence[str]) -> tuple[str, str] | None:
    """Return the SHA-256 of the archive that has this version there, and its manifest's digest; None where none has."""
    with tempfile.TemporaryDirectory(prefix="modelservice-") as folder:
        place = ["pull", f"{to}/{archive.name}", "--version", archive.version, "--destination", folder]
        answer = try_helm([*place, *connection])
        if answer.returncode == 0:
            (pulled,) = Path(folder).glob("*.tgz")
            return digest_of(pulled), _digest(answer.stdout + answer.stderr)
    if _NOT_THERE.search(answer.stderr):
        return None
    raise ToolError(f"{to} cannot be read:\n{answer.stderr.strip()}\nlog in with `helm registry login`")


def _digest(said: str) -> str:
    found = _DIGEST.search(said)
    return found[1] if found else ""


def _refuse_others(there: Mapping[Archive, str], force: bool) -> None:
    """Refuse a version that is there with other content: who has it would not get what was published."""
    others = [archive.label for archive, digest in there.items() if digest != archive.digest]
    if others and not force:
        raise InputError(f"{', '.join(others)}: there already, with other content: raise the version, or --force")


def _to_folder(read: list[Archive], folder: Path, url: str, force: bool) -> Iterator[Published]:
    with _locked(folder):
        index = folder / "index.yaml"
        there = _indexed(index)
        known = {
            archive: there[archive.name, archive.version]
            for archive in read
            if (archive.name, archive.version) in there
        }
        _refuse_others(known, force)
        new = [a for a in read if known.get(a) != a.digest or not (folder / a.path.name).is_file()]
        if new:
            _index(new, folder, index, url)
        if not (folder / "artifacthub-repo.yml").exists():
            (folder / "artifacthub-repo.yml").write_text(_ARTIFACT_HUB, encoding="utf-8")
    for archive in read:
        outcome = "there already" if archive not in new else "replaced" if archive in known else "pushed"
        lines = (
            f"helm install {archive.name} {archive.name} --repo {url} --version {archive.version}",
            f"helm install {archive.name} {url}/{archive.path.name}",
        )
        yield Published(archive, outcome, archive.digest, lines)


def _index(new: Sequence[Archive], folder: Path, index: Path, url: str) -> None:
    """Bring the archives, then the index that lists them: whoever is interrupted leaves an index that is whole."""
    with tempfile.TemporaryDirectory(prefix="modelservice-") as name:
        stage = Path(name)
        files = [file for archive in new for file in (archive.path, _provenance(archive.path)) if file.is_file()]
        place_files(files, stage)
        merge = ["--merge", str(index)] if index.is_file() else []
        run_helm(["repo", "index", str(stage), "--url", url, *merge])
        place_files(files, folder)
        place_files([stage / "index.yaml"], folder)


def _provenance(archive: Path) -> Path:
    return archive.with_name(f"{archive.name}.prov")


def _indexed(index: Path) -> dict[tuple[str, str], str]:
    """Return what an index lists: name and version → digest."""
    if not index.is_file():
        return {}
    try:
        entries: Mapping[str, Iterable[Mapping[str, Any]]] = yaml.safe_load(index.read_text())["entries"] or {}
        return {
            (name, str(one["version"])): f"sha256:{one['digest']}" for name, all_ in entries.items() for one in all_
        }
    except (yaml.YAMLError, TypeError, KeyError, AttributeError) as error:
        raise InputError(f"{index} is no index of a chart repository: choose another folder, or mend it") from error


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Let one publisher at a time into the folder; a second one waits, and one that is killed lets go."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / ".modelservice.lock").open("w")
    except OSError as error:
        raise InputError(f"{folder} cannot be written: {error.strerror}; choose another folder") from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
