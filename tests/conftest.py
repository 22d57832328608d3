"""The helms that everything is tried with: the newest and the oldest that is supported."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HELM_RELEASES = ("4.3.1", "3.18.0")


@pytest.fixture(scope="session", params=HELM_RELEASES)
def helm(request: pytest.FixtureRequest) -> str:
    """Return the path of a helm; a test that finds none fails."""
    command = [sys.executable, str(ROOT / "tools/fetch_helm.py"), request.param]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
