"""Run helm: find the one on PATH, hand it arguments, return what it prints."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence

from modelservice.errors import ToolError

OLDEST = (3, 18, 0)


def find_helm() -> str:
    """Return the path of a helm that is new enough. Raises ToolError where there is none."""
    helm = shutil.which("helm")
    if helm is None:
        raise ToolError("helm is not on PATH: install Helm 3.18 or later, see https://helm.sh/docs/intro/install/")
    found = re.search(r"v(\d+)\.(\d+)\.(\d+)", _run(helm, ["version", "--short"]).stdout)
    if found is None or tuple(map(int, found.groups())) < OLDEST:
        raise ToolError(f"{helm} is {found.group() if found else 'of no known version'}: install Helm 3.18 or later")
    return helm


def run_helm(arguments: Sequence[str]) -> str:
    """Run helm and return its standard output. Raises ToolError with helm's own words where it fails."""
    answer = _run(find_helm(), arguments)
    if answer.returncode != 0:
        raise ToolError(f"helm {arguments[0]} failed:\n{answer.stderr.strip()}")
    return answer.stdout


def _run(helm: str, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run([helm, *arguments], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
