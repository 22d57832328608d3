"""The two sides of a diff in: values files, charts, or either at a Git revision; the manifests of both out."""

from __future__ import annotations

import io
import os
import re
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from modelservice import check, document
from modelservice.chart import plan_chart
from modelservice.errors import InputError
from modelservice.fields import load_fields
from modelservice.findings import Finding
from modelservice.helm import run_helm
from modelservice.report import line
from modelservice.service import name_from
from modelservice.tree import write_tree


class Side(NamedTuple):
    """A side as files: the values file or chart (None where its revision has none), and the layers below it.

    `lost` are the layers that its revision does not have, `names` what the user calls a file that is a copy here.
    """

    said: str
    place: Path | None
    layers: tuple[str, ...]
    lost: frozenset[str] = frozenset()
    names: Mapping[str, str] = {}


def release_of(side: str) -> str:
    """Return the release that a side most likely is: its file's name, an archive's without the version."""
    return name_from(re.sub(r"-\d+\.\d+\.\d+[^/]*\.tgz$", ".tgz", side.partition(":")[2] or side))


def manifests(sides: Sequence[str], release: str, namespace: str, layers: tuple[str, ...] = ()) -> list[str]:
    """Return each side's manifests, "" where a Git revision does not have the file.

    The layers of a side at a Git revision are that revision's too. Raises InputError where a side is neither file,
    chart nor revision, where no side has the file or a layer, and where values are wrong.
    """
    with tempfile.TemporaryDirectory(prefix="modelservice-") as name:
        found = [_side(side, layers, Path(name) / f"side-{number}") for number, side in enumerate(sides)]
        there = [side for side in found if side.place]
        if not there:
            raise InputError(f"neither {' nor '.join(sides)} is there: check the path, which starts from here")
        for layer in frozenset[str].intersection(*(side.lost for side in there)):
            raise InputError(f"{layer}: no side has this layer: check the path")
        chart = Path(name) / "chart"
        write_tree(plan_chart(load_fields()), chart)
        return [_rendered(side, chart, release, namespace) if side.place else "" for side in found]


def _rendered(side: Side, chart: Path, release: str, namespace: str) -> str:
    place, files = str(side.place), [*side.layers]
    if Path(place).is_dir() or place.endswith(".tgz"):
        chart = Path(place)
    else:
        files.append(place)
        _require_right(side, files)
    values = [word for file in files for word in ("--values", file)]
    return run_helm(["template", release, str(chart), "--namespace", namespace, *values])


def _require_right(side: Side, files: Sequence[str]) -> None:
    def named(finding: Finding) -> Finding:
        file = finding.position.file
        return finding._replace(position=finding.position._replace(file=side.names.get(file, file)))

    wrong = check.errors(check.check(document.merge([document.load(file) for file in files])))
    if wrong:
        said = "\n".join(line(named(finding)) for finding in wrong)
        raise InputError(f"{side.said} is wrong, and would not be installed:\n{said}")


def _side(side: str, layers: tuple[str, ...], stage: Path) -> Side:
    if Path(side).exists():
        return Side(side, Path(side), layers)
    revision, colon, path = side.partition(":")
    if not colon or not revision or revision.startswith("-"):
        raise InputError(f"{side}: there is no such file; a Git revision is written REV:path")
    top, commit = _repository(side, revision)
    copies = {file: _copy(commit, top, file, stage) for file in (path, *layers)}
    names = {str(copy): f"{revision}:{file}" for file, copy in copies.items() if copy != Path(file)}
    there = tuple(str(copies[layer]) for layer in layers if copies[layer])
    return Side(side, copies[path], there, frozenset(file for file in layers if not copies[file]), names)


def _repository(side: str, revision: str) -> tuple[Path, str]:
    top = _git("rev-parse", "--show-toplevel").decode().removesuffix("\n")
    commit = _git("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}").decode().strip()
    if not top or not commit:
        raise InputError(f"{side}: Git has no revision {revision} here: check its name, or fetch it")
    return Path(top), commit


def _copy(commit: str, top: Path, file: str, stage: Path) -> Path | None:
    """Return a copy of a file or folder as the commit has it, None where it does not have it.

    A file outside of the repository has no revisions: it is returned itself.
    """
    path = os.path.relpath(Path.cwd() / file, top)
    if path.startswith("../"):
        return Path(file)
    archive = _git("--literal-pathspecs", "-C", str(top), "archive", "--format=tar", commit, "--", path)
    if not archive:
        return None
    linked = InputError(f"{file} is, or holds, a symbolic link: name the file that it points to")
    try:
        with tarfile.open(fileobj=io.BytesIO(archive)) as packed:
            packed.extractall(stage, filter="data")
    except tarfile.FilterError as error:
        raise linked from error
    copy = stage / path
    if copy.is_symlink() and not copy.exists():
        raise linked
    return copy if copy.exists() else None


def _git(*words: str) -> bytes:
    """Return what Git prints, nothing where it fails."""
    try:
        answer = subprocess.run(["git", *words], capture_output=True, check=False)  # noqa: S607
    except FileNotFoundError as error:
        raise InputError("git is not on PATH, and REV:path is read from Git: install it") from error
    return answer.stdout if answer.returncode == 0 else b""
