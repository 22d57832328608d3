"""Package a chart reproducibly, after linting it, and sign it if requested."""

from __future__ import annotations

import gzip
import io
import os
import re
import shutil
import tarfile
from pathlib import Path
from typing import NamedTuple

from modelservice.chart.folder import require_no_pipe
from modelservice.errors import InputError
from modelservice.helm import archive_in, find_helm, run_helm
from modelservice.publishing.archive import digest_of, same_content
from modelservice.service import is_prerelease
from modelservice.writing.files import place_files
from modelservice.writing.staging import scratch

# The fixed time of every file in an archive, for reproducible archives. SOURCE_DATE_EPOCH changes it.
_EPOCH = "315532800"
# As templates/chart/Chart.yaml.j2 writes it.
_PRERELEASE = re.compile(rb'(?m)^(  artifacthub\.io/prerelease: )"(true|false)"$')


class Signing(NamedTuple):
    """The key to sign with: its name in a keyring of secret keys, and a file with its passphrase ("" for none)."""

    key: str
    keyring: str
    passphrase_file: str


class Package(NamedTuple):
    """An archive, and the SHA-256 of its bytes."""

    path: Path
    digest: str


def package(
    chart: Path,
    folder: Path,
    *,
    version: str = "",
    app_version: str = "",
    sign: Signing | None,
    force: bool = False,
) -> Package:
    """Package the chart into the folder atomically, and remove an old signature of another archive.

    The same chart gives the same bytes, except when signing with Helm 3, which signs an archive with the current time.
    Raises ToolError with helm's message if it fails to lint, render, package, sign or verify. Raises InputError if the
    folder cannot be written, or if it has an archive of that name with different content and `force` is not set.
    """
    epoch = _epoch()
    require_no_pipe(chart)
    run_helm(["lint", "--strict", str(chart)])
    # `helm lint` accepts a chart that calls `fail`.
    run_helm(["template", "test", str(chart)])
    with scratch() as stage:
        command = ["package", str(_with_prerelease(chart, version, stage / "chart")), "--destination", str(stage)]
        run_helm(command + _versions(version, app_version) + _signing(sign), {"SOURCE_DATE_EPOCH": str(epoch)})
        archive = archive_in(stage)
        provenance = archive.with_name(f"{archive.name}.prov")
        if sign:
            run_helm(["verify", str(archive), "--keyring", sign.keyring])
        elif find_helm().version < (4,):
            _fix_times(archive, epoch)
        if not force:
            _require_same(folder / archive.name, archive)
        place_files({provenance.name: provenance if sign else None, archive.name: archive}, folder)
        return Package(folder / archive.name, digest_of(folder / archive.name))


def _require_same(place: Path, archive: Path) -> None:
    if place.is_file() and not same_content(place, archive):
        raise InputError(
            f"{place} already exists with different content: raise --version, change --destination, or pass --force"
        )


def _epoch() -> int:
    said = os.environ.get("SOURCE_DATE_EPOCH", _EPOCH)
    # gzip stores it in 32 bits.
    if not re.fullmatch("[0-9]{1,10}", said) or int(said) >= 1 << 32:
        raise InputError(f"SOURCE_DATE_EPOCH is {said!r}: unset it, or set it to seconds since 1970")
    return int(said)


def _with_prerelease(chart: Path, version: str, copy: Path) -> Path:
    """Return the chart, or a copy with the prerelease annotation for the new version: helm sets only the version."""
    about = (chart / "Chart.yaml").read_bytes()
    fitting = _PRERELEASE.sub(rb'\1"true"' if is_prerelease(version) else rb'\1"false"', about)
    if not version or fitting == about:
        return chart
    shutil.copytree(chart, copy)
    (copy / "Chart.yaml").write_bytes(fitting)
    return copy


def _versions(version: str, app_version: str) -> list[str]:
    given = {"--version": version, "--app-version": app_version}
    return [word for option, value in given.items() if value for word in (option, value)]


def _signing(sign: Signing | None) -> list[str]:
    if sign is None:
        return []
    passphrase = ["--passphrase-file", sign.passphrase_file] if sign.passphrase_file else []
    return ["--sign", "--key", sign.key, "--keyring", sign.keyring, *passphrase]


def _fix_times(archive: Path, epoch: int) -> None:
    """Set the same time for every file in an archive: Helm 3 writes the current time."""
    out = io.BytesIO()
    with tarfile.open(archive) as old, tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as new:
        for member in old.getmembers():
            member.mtime = epoch
            member.pax_headers = {}
            new.addfile(member, old.extractfile(member))
    archive.write_bytes(gzip.compress(out.getvalue(), mtime=epoch))
