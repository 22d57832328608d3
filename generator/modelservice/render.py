"""A planned chart in; a folder, or the manifests that helm renders from it, out."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from modelservice.chart import MARK
from modelservice.errors import InputError
from modelservice.helm import run_helm
from modelservice.tree import entries, require_replaceable, told, write_tree

if TYPE_CHECKING:
    from modelservice.tree import FileTree


def write_chart(tree: FileTree, folder: Path, *, force: bool = False) -> None:
    """Write the chart, whole or not at all.

    Raises InputError where the folder holds what modelservice did not write; with `force` such files stay beside ours.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file: choose a folder for the chart")
    require_replaceable(folder)
    with told(folder):
        foreign = _foreign(tree, folder, force) if folder.is_dir() else []
    write_tree(tree, folder, keep=foreign)


def _foreign(tree: FileTree, folder: Path, force: bool) -> list[str]:
    """Return what is in the folder and not of the tree. Raises InputError where that must not be touched."""
    if not force and any(folder.iterdir()) and not _is_ours(folder):
        raise InputError(
            f"{folder} is not a chart that modelservice made: choose another folder, or --force to write into it"
        )
    foreign = sorted(set(entries(folder)) - set(tree))
    if foreign and not force:
        shown = ", ".join(foreign[:5]) + (" …" if len(foreign) > 5 else "")
        raise InputError(
            f"{folder} holds files that modelservice did not write ({shown}): move them, or --force to keep them there"
        )
    return foreign


def _is_ours(folder: Path) -> bool:
    values = folder / "values.yaml"
    if not values.is_file():
        return False
    with values.open("rb") as file:
        return file.read(len(MARK)) == MARK.encode()


def manifests(tree: FileTree, release: str, namespace: str) -> str:
    """Return what `helm template` prints for the chart. Raises ToolError with helm's words where it refuses."""
    with tempfile.TemporaryDirectory(prefix="modelservice-") as folder:
        chart = Path(folder) / "chart"
        write_tree(tree, chart)
        return run_helm(["template", release, str(chart), "--namespace", namespace])
