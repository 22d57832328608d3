"""What helm makes of a chart and values: the manifests of one release."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from modelservice.helm import run_helm


def manifests(chart: Path, release: str, namespace: str, values: Sequence[str] = ()) -> str:
    """Return what `helm template` prints for a chart and values files, later over earlier.

    Raises ToolError with helm's words where it refuses.
    """
    files = [word for file in values for word in ("--values", file)]
    return run_helm(["template", release, str(chart), "--namespace", namespace, *files])
