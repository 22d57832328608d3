"""A chart in; a linted, packaged and, where asked for, signed archive out: the same bytes for the same chart."""

from __future__ import annotations

import gzip
import io
import os
import shutil
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from modelservice.archive import digest_of
from modelservice.errors import InputError
from modelservice.helm import find_helm, run_helm

# Archives carry a time for every file; this one says nothing, which is the point. SOURCE_DATE_EPOCH changes it.
_EPOCH = "315532800"


class Signing(NamedTuple):
    """Who signs: the key's name in a keyring of secret keys, and a file with its passphrase ("": none)."""

    key: str
    keyring: str
    passphrase_file: str


class Package(NamedTuple):
    """An archive, and the SHA-256 of its bytes."""

    path: Path
    digest: str


def package(chart: Path, folder: Path, *, version: str = "", app_version: str = "", sign: Signing | None) -> Package:
    """Package the chart into the folder, whole or not at all.

    Raises ToolError with helm's words where it lints, packages, signs or verifies badly, InputError where the folder
    cannot be written.
    """
    run_helm(["lint", "--strict", str(chart)])
    with tempfile.TemporaryDirectory(prefix="modelservice-") as name:
        stage = Path(name)
        command = ["package", str(chart), "--destination", str(stage)]
        command += ["--version", version] if version else []
        command += ["--app-version", app_version] if app_version else []
        epoch = os.environ.get("SOURCE_DATE_EPOCH", _EPOCH)
        run_helm(command + _signing(sign), {"SOURCE_DATE_EPOCH": epoch})
        (archive,) = stage.glob("*.tgz")
        if sign:
            run_helm(["verify", str(archive), "--keyring", sign.keyring])
        elif find_helm().version < (4,):
            _fix_times(archive, int(epoch))
        place_files({file.name: file for file in (*stage.glob("*.prov"), archive)}, folder)
        return Package(folder / archive.name, digest_of(folder / archive.name))


def place_files(files: Mapping[str, Path | None], folder: Path) -> None:
    """Put each file into the folder under its name, in one step; None is a file that must not be there.

    Raises InputError where that cannot be.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, file in files.items():
            if file is None:
                (folder / name).unlink(missing_ok=True)
                continue
            beside = folder / f".{name}.{os.getpid()}"
            try:
                shutil.copyfile(file, beside)
                beside.replace(folder / name)
            finally:
                beside.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"{folder} cannot be written: {error.strerror}; choose another folder") from error


def _signing(sign: Signing | None) -> list[str]:
    if sign is None:
        return []
    passphrase = ["--passphrase-file", sign.passphrase_file] if sign.passphrase_file else []
    return ["--sign", "--key", sign.key, "--keyring", sign.keyring, *passphrase]


def _fix_times(archive: Path, epoch: int) -> None:
    """Give every file in an archive the same time: helm 3 writes the time of the day."""
    out = io.BytesIO()
    with tarfile.open(archive) as old, tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as new:
        for member in old.getmembers():
            member.mtime = epoch
            member.pax_headers = {}
            new.addfile(member, old.extractfile(member))
    archive.write_bytes(gzip.compress(out.getvalue(), mtime=epoch))
