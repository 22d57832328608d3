"""Fixtures: the helms, a signing key and an unprivileged user; skipped tests fail the run if all are required."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from modelservice.gitops.fleet_check import sound_fleet, written_fleet

from tests.repositories import needed

ROOT = Path(__file__).parents[1]
# The newest helm, and the oldest one that is supported.
HELM_RELEASES = ("4.3.1", "3.18.0")
# Each helm is short-lived: collecting its garbage costs a quarter of its time.
os.environ |= {"GOGC": "off", "GOMEMLIMIT": "1GiB"}


@pytest.fixture(autouse=True)
def fleet_of_this_test() -> None:
    """Forget the fleets of tests before: a command is a process of its own elsewhere."""
    sound_fleet.cache_clear()
    written_fleet.cache_clear()


@pytest.fixture(scope="session", params=HELM_RELEASES)
def helm(request: pytest.FixtureRequest) -> str:
    """Return the path of a helm; the test fails if there is none."""
    return _fetched(request.param)


@pytest.fixture(scope="session")
def newest_helm() -> str:
    """Return the path of the newest helm, for tests whose result is the same with every helm."""
    return _fetched(HELM_RELEASES[0])


def _fetched(release: str) -> str:
    command = [sys.executable, str(ROOT / "tools/fetch_helm.py"), release]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def keyring(tmp_path: Path) -> Path:
    """Return a file with a new secret key for tests@example.com, as gpg exports it."""
    home = tmp_path / "gnupg"
    home.mkdir(mode=0o700)
    gpg = [needed("gpg"), "--homedir", str(home), "--batch", "--pinentry-mode", "loopback", "--passphrase", ""]
    make = [*gpg, "--quick-generate-key", "tests <tests@example.com>", "rsa2048", "sign", "never"]
    subprocess.run(make, check=True, capture_output=True)
    ring = tmp_path / "keyring.gpg"
    ring.write_bytes(subprocess.run([*gpg, "--export-secret-keys"], check=True, capture_output=True).stdout)
    return ring


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Return a folder that every user can enter, as pytest's own are not."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def unprivileged() -> Callable[[str, str, Path], str]:
    """Return a function (imports, program, path) that runs a program as a non-root user and returns its output."""

    def run(imports: str, program: str, path: Path) -> str:
        drop = "import os, sys; os.getuid() == 0 and os.setuid(65534)"
        command = [sys.executable, "-c", f"{imports}\n{drop}\n{program}", str(path)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    return run


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail if MODELSERVICE_REQUIRE_ALL is set and a test was skipped."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("MODELSERVICE_REQUIRE_ALL") and reporter and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
