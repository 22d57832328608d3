"""Write a planned chart into a folder that modelservice may write, or into a temporary one."""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Iterator
from pathlib import Path

from modelservice.chart.changelog import changes
from modelservice.chart.plan import MARK, plan_chart
from modelservice.errors import InputError
from modelservice.reading.special_files import is_special
from modelservice.schema.fields import load_fields
from modelservice.service import Service
from modelservice.writing.files import FileTree, entries, real, require_replaceable, told, write_tree
from modelservice.writing.staging import clear_stages, scratch

# The files that helm opens without checking their type.
_OPENED = (".helmignore", "Chart.yaml", "values.yaml", "values.schema.json")


def write_chart(tree: FileTree, folder: Path, *, force: bool = False) -> None:
    """Write the chart atomically.

    Raises InputError if the folder contains files that modelservice did not write; with `force` they are kept.
    """
    require_replaceable(folder)
    with told(folder):
        if folder.exists() and not folder.is_dir():
            raise InputError(f"{folder} is a file: choose a folder for the chart")
        clear_stages(real(folder).parent)
        foreign = _foreign(tree, folder, force) if folder.is_dir() else []
    write_tree(tree, folder, keep=foreign)


def _foreign(tree: FileTree, folder: Path, force: bool) -> list[str]:
    """Return the files in the folder that are not in the tree. Raises InputError if the folder must not be written."""
    if not force and any(folder.iterdir()) and not _is_ours(folder):
        raise InputError(
            f"{folder} is not a chart from modelservice: choose another folder, or pass --force to write into it"
        )
    other = "" if force else _name(_text(folder / "Chart.yaml"))
    if other not in ("", _name(tree["Chart.yaml"])):
        raise InputError(f"{folder} is the chart of {other}: choose another folder, or pass --force to replace it")
    foreign = sorted(set(entries(folder)) - set(tree))
    if foreign and not force:
        shown = ", ".join(foreign[:5]) + (" …" if len(foreign) > 5 else "")
        raise InputError(
            f"{folder} contains files that modelservice did not write ({shown}): "
            "move them, or pass --force to keep them there"
        )
    return foreign


def _text(file: Path) -> str:
    if not file.is_file():
        return ""
    with file.open(encoding="utf-8", errors="replace") as opened:
        return opened.read(1000)


def _name(about: str) -> str:
    """Return the name in a Chart.yaml of ours, or "" if there is none."""
    found = re.search(r'^name: "(.+)"$', about, re.MULTILINE)
    return found[1] if found else ""


def _is_ours(folder: Path) -> bool:
    values = folder / "values.yaml"
    if not values.is_file():
        return False
    with values.open("rb") as file:
        return file.read(len(MARK)) == MARK.encode()


def require_no_pipe(chart: Path) -> None:
    """Raise InputError for a pipe that helm would wait for in a chart's folder; helm refuses other pipes itself."""
    for file in (chart / name for name in _OPENED):
        if is_special(file):
            raise InputError(f"{file} is a pipe, a socket or a device: put the chart's own file there")


@contextlib.contextmanager
def chart_for(service: Service | None = None) -> Iterator[Path]:
    """Yield a temporary folder with the service's chart, or with the generic one."""
    with scratch() as folder:
        # Archives contain the chart's folder, which must have the chart's name.
        place = folder / (service.name if service else "modelservice")
        write_tree(plan_chart(load_fields(), service) if service else _generic(), place)
        yield place


@functools.cache
def _generic() -> FileTree:
    """Return the files of the generic chart, cached."""
    return plan_chart(load_fields(), changes=changes())
