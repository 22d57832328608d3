"""Render the manifests of one release with helm."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from modelservice.helm import run_helm
from modelservice.reading.document import Document
from modelservice.writing.staging import scratch


def manifests(chart: Path, release: str, namespace: str, values: Sequence[str | Document] = ()) -> str:
    """Return the output of `helm template` for a chart and values; later values override earlier ones.

    Values are paths of files, or documents that were already read, because a pipe can be read only once. Raises
    ToolError with helm's message if it fails.
    """
    with scratch() as stage:
        files = [_file(one, stage / f"{number}.yaml") for number, one in enumerate(values)]
        words = [word for file in files for word in ("--values", file)]
        return run_helm(["template", release, str(chart), "--namespace", namespace, *words])


def _file(values: str | Document, place: Path) -> str:
    if isinstance(values, str):
        return values
    place.write_text(values.text, encoding="utf-8", newline="")
    return str(place)
