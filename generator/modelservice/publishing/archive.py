"""Packaged charts on disk, each read to its last byte."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import yaml

from modelservice.errors import InputError
from modelservice.reading.special_files import is_special
from modelservice.service import is_label, is_version

# Helm loads no chart that unpacks to more. A Chart.yaml is a page; a parser can be kept busy by a longer one.
_MOST, _MOST_ABOUT = 100 << 20, 256 << 10
# What gzip, tarfile and YAML raise for bytes that are not theirs.
_BROKEN = (
    OSError,
    EOFError,
    zlib.error,
    tarfile.TarError,
    yaml.YAMLError,
    ValueError,
    TypeError,
    LookupError,
    RecursionError,
)


class Archive(NamedTuple):
    """A packaged chart: its file, its name and version, the SHA-256 of its bytes."""

    path: Path
    name: str
    version: str
    digest: str

    @property
    def key(self) -> tuple[str, str]:
        """What a repository has one of."""
        return self.name, self.version

    @property
    def label(self) -> str:
        """The chart as messages name it."""
        return f"{self.name} {self.version}"

    @property
    def file(self) -> str:
        """The file's name in a repository, whatever it is called here: helm and signatures expect this one."""
        return f"{self.name}-{self.version}.tgz"

    @property
    def release(self) -> str:
        """The release's name in the lines to install by: the chart's, in the 53 characters that helm allows."""
        return self.name[:53].rstrip("-")

    @property
    def provenance(self) -> Path | None:
        """The file of its signature, where it was signed."""
        beside = self.path.with_name(f"{self.path.name}.prov")
        return beside if beside.is_file() else None


def read_archives(paths: Sequence[Path]) -> list[Archive]:
    """Return each chart once. Raises InputError if a file is none, or where two files are different ones."""
    found: dict[tuple[str, str], Archive] = {}
    for archive in map(read_archive, paths):
        first = found.setdefault(archive.key, archive)
        if first.digest != archive.digest:
            raise InputError(f"{first.path} and {archive.path} are both {archive.label} and differ: publish one")
    return list(found.values())


def read_archive(path: Path) -> Archive:
    """Return the metadata of an archive, after reading all of it: helm silently leaves a damaged one out of an index.

    Raises InputError if it is no packaged chart, or where its signature is another archive's.
    """
    for file in (path, Path(f"{path}.prov")):
        if is_special(file):
            raise InputError(f"{file} is a pipe, a socket or a device: publish files that `modelservice package` made")
    try:
        about = _about(_chart_yaml(_unpacked(path)))
        archive = Archive(path, about["name"], about["version"], digest_of(path))
    except _BROKEN as error:
        if isinstance(error, OSError) and error.strerror:
            raise InputError(f"{path} cannot be read: {error.strerror}") from error
        raise InputError(
            f"{path} is not a packaged chart, or is damaged: make one with `modelservice package`"
        ) from error
    _require_names(archive)
    if archive.provenance and not is_signature(archive.provenance, archive.digest):
        raise InputError(f"{archive.provenance} signs another archive: sign this one again, or remove the file")
    return archive


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes as registries write it."""
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def same_content(one: Path, other: Path) -> bool:
    """Say whether two archives hold the same files. Their times do not count: Helm 3 signs with the time of the day."""
    try:
        return _files(one) == _files(other)
    except (*_BROKEN, InputError):
        return False


def _files(path: Path) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(_unpacked(path)), mode="r:") as opened:
        found = ((member.name, opened.extractfile(member)) for member in opened)
        return {name: file.read() if file else b"" for name, file in found}


def is_signature(provenance: Path, digest: str) -> bool:
    """Return whether a provenance file is about the archive with this digest; helm alone can say who signed."""
    return digest in provenance.read_text(encoding="utf-8", errors="replace")


def _unpacked(path: Path) -> bytes:
    with gzip.open(path) as file:
        tar = file.read(_MOST + 1)
    if len(tar) > _MOST:
        raise InputError(f"{path} unpacks to more than 100 MiB, which helm does not load: make the chart smaller")
    return tar


def _chart_yaml(tar: bytes) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(tar), mode="r:") as opened:
        (found,) = [one for one in opened if one.name.count("/") == 1 and one.name.endswith("/Chart.yaml")]
        # A broken header in the middle reads like the end; only zeros come after the true one.
        if tar[opened.offset :].strip(b"\0") or found.size > _MOST_ABOUT:
            raise tarfile.ReadError(found.name)
        file = opened.extractfile(found)
        return file.read() if file else b""


def _about(chart_yaml: bytes) -> dict[str, str]:
    """Return the texts at the top of a Chart.yaml. Nothing is made of the rest, which may be a trap."""
    node = yaml.compose(chart_yaml, Loader=yaml.SafeLoader)
    if not isinstance(node, yaml.MappingNode):
        raise TypeError(node)
    return {key.value: value.value for key, value in node.value if _is_text(value)}


def _is_text(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:str"


def _require_names(archive: Archive) -> None:
    if not is_label(archive.name):
        raise InputError(
            f"{archive.path} names its chart {archive.name[:63]!r}: lower case letters, digits and - make a name"
        )
    if not is_version(archive.version):
        raise InputError(
            f"{archive.path} has the version {archive.version[:63]!r}: Helm needs three numbers, such as 0.1.0"
        )
