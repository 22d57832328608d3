"""Rewrite tests/snapshots, the expected manifests of every example: python -m tests.chart.snapshots."""

import subprocess
import sys
from pathlib import Path

from tests.chart.rendering import EXAMPLES, ROOT, squeezed, text

SNAPSHOTS = ROOT / "tests/snapshots"


def expected(helm: str, example: Path) -> str:
    """Return the snapshot of an example."""
    return squeezed(text(helm, str(example)))


def main() -> None:
    """Write the snapshot of every example, and remove all others."""
    command = [sys.executable, str(ROOT / "tools/fetch_helm.py"), "4.3.1"]
    helm = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    SNAPSHOTS.mkdir(exist_ok=True)
    for file in SNAPSHOTS.glob("*.yaml"):
        file.unlink()
    for example in EXAMPLES:
        (SNAPSHOTS / example.name).write_text(expected(helm, example))


if __name__ == "__main__":
    main()
