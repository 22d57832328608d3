"""Read and verify packaged charts on disk."""

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

# Helm refuses a chart that unpacks to more. A Chart.yaml is short; a very long one could keep the parser busy.
_MOST, _MOST_ABOUT = 100 << 20, 256 << 10
# What gzip, tarfile and YAML raise for invalid data.
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


# The annotation of a fleet's chart, as templates/chart/Chart.yaml.j2 writes it.
NAMESPACE = "modelservice/namespace"


class Archive(NamedTuple):
    """A packaged chart: its file, its name and version, the SHA-256 of its bytes, and its fleet's namespace, if any."""

    path: Path
    name: str
    version: str
    digest: str
    namespace: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """The name and version, which are unique in a repository."""
        return self.name, self.version

    @property
    def label(self) -> str:
        """The chart's name and version for messages."""
        return f"{self.name} {self.version}"

    @property
    def file(self) -> str:
        """The file's name in a repository, which helm and signatures expect, whatever its name on disk."""
        return f"{self.name}-{self.version}.tgz"

    @property
    def install(self) -> list[str]:
        """The start of an install command. The release has the chart's name, cut to the 53 characters of helm."""
        place = ["--namespace", self.namespace] if is_label(self.namespace) else []
        return ["helm", "install", self.name[:53].rstrip("-"), *place]

    @property
    def provenance(self) -> Path | None:
        """The file with its signature, if it is signed."""
        beside = self.path.with_name(f"{self.path.name}.prov")
        return beside if beside.is_file() else None


def read_archives(paths: Sequence[Path]) -> list[Archive]:
    """Return each chart once. Raises InputError if a file is not a chart, or if files of the same version differ."""
    found: dict[tuple[str, str], Archive] = {}
    for archive in map(read_archive, paths):
        first = found.setdefault(archive.key, archive)
        if first.digest != archive.digest:
            raise InputError(f"{first.path} and {archive.path} are both {archive.label}, but differ: publish one")
    return list(found.values())


def read_archive(path: Path) -> Archive:
    """Return the metadata of an archive after reading all of it: helm silently omits a damaged one from an index.

    Raises InputError if it is not a packaged chart, or if its signature is for another archive.
    """
    for file in (path, Path(f"{path}.prov")):
        if is_special(file):
            raise InputError(f"{file} is a pipe, a socket or a device: publish a file from `modelservice package`")
    try:
        about = _about(_chart_yaml(_unpacked(path)))
        archive = Archive(path, about["name"], about["version"], digest_of(path), about.get(NAMESPACE, ""))
    except _BROKEN as error:
        if isinstance(error, OSError) and error.strerror:
            raise InputError(f"{path} cannot be read: {error.strerror}") from error
        raise InputError(
            f"{path} is not a packaged chart, or it is damaged: create one with `modelservice package`"
        ) from error
    _require_names(archive)
    if archive.provenance and not is_signature(archive.provenance, archive.digest):
        raise InputError(f"{archive.provenance} is the signature of another archive: sign this one, or remove the file")
    return archive


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file in the form of registries, sha256:HEX."""
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def same_content(one: Path, other: Path) -> bool:
    """Return whether two archives contain the same files, ignoring times: Helm 3 signs with the current time."""
    try:
        return _files(one) == _files(other)
    except (*_BROKEN, InputError):
        return False


def _files(path: Path) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(_unpacked(path)), mode="r:") as opened:
        found = ((member.name, opened.extractfile(member)) for member in opened)
        return {name: file.read() if file else b"" for name, file in found}


def is_signature(provenance: Path, digest: str) -> bool:
    """Return whether a provenance file is for the archive with this digest. Only helm can verify the signer."""
    return digest in provenance.read_text(encoding="utf-8", errors="replace")


def _unpacked(path: Path) -> bytes:
    with gzip.open(path) as file:
        tar = file.read(_MOST + 1)
    if len(tar) > _MOST:
        raise InputError(f"{path} unpacks to more than 100 MiB, which helm refuses: make the chart smaller")
    return tar


def _chart_yaml(tar: bytes) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(tar), mode="r:") as opened:
        (found,) = [one for one in opened if one.name.count("/") == 1 and one.name.endswith("/Chart.yaml")]
        # tarfile treats a broken header as the end of the archive; after the real end there are only zeros.
        if tar[opened.offset :].strip(b"\0") or found.size > _MOST_ABOUT:
            raise tarfile.ReadError(found.name)
        file = opened.extractfile(found)
        return file.read() if file else b""


def _about(chart_yaml: bytes) -> dict[str, str]:
    """Return the annotations and top-level strings of a Chart.yaml, without constructing other, untrusted values."""
    node = yaml.compose(chart_yaml, Loader=yaml.SafeLoader)
    if not isinstance(node, yaml.MappingNode):
        raise TypeError(node)
    inside = [value for key, value in node.value if key.value == "annotations" and isinstance(value, yaml.MappingNode)]
    pairs = [pair for mapping in (*inside, node) for pair in mapping.value]
    return {key.value: value.value for key, value in pairs if _is_text(key) and _is_text(value)}


def _is_text(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:str"


def _require_names(archive: Archive) -> None:
    if not is_label(archive.name):
        raise InputError(
            f"{archive.path} has the chart name {archive.name[:63]!r}: use lower case letters, digits and -"
        )
    if not is_version(archive.version):
        raise InputError(
            f"{archive.path} has the version {archive.version[:63]!r}: Helm requires three numbers, such as 0.1.0"
        )
