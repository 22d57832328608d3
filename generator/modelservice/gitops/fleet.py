"""The manifests of many services, a file for each. One bad values file does not stop the others."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import NamedTuple

from modelservice.chart.folder import chart_for
from modelservice.chart.manifests import manifests
from modelservice.check import check_service
from modelservice.errors import InputError, ModelServiceError
from modelservice.findings import Finding
from modelservice.reading.document import Document
from modelservice.reading.values_files import load, values_files
from modelservice.service import misnamed, name_from
from modelservice.writing.files import real, replace_file, told

# How helm begins the manifests of the generic chart.
_BEGINS = "---\n# Source: modelservice/templates/"


class Member(NamedTuple):
    """A service of the fleet: its values file, the file of its manifests below the output folder, and its release.

    `trouble` says why it cannot have that file ("": it can).
    """

    values: str
    target: Path
    release: str
    trouble: str = ""


class Outcome(NamedTuple):
    """What became of a service: what was found in its values, and why nothing was written ("": it was).

    `exit_code` is that of the failure.
    """

    member: Member
    findings: list[Finding]
    sources: dict[str, str]
    failure: str
    exit_code: int = InputError.exit_code


def members(arguments: Sequence[str], layers: Sequence[str] = ()) -> list[Member]:
    """Return the services of files and folders, in order, without the layers that they share."""
    found = list(dict.fromkeys(member for argument in arguments for member in _members_of(argument, layers)))
    places: dict[Path, list[str]] = {}
    for member in found:
        places.setdefault(member.target, []).append(member.values)
    return [member._replace(trouble=_trouble(member, places[member.target])) for member in found]


def _members_of(argument: str, layers: Sequence[str]) -> Iterator[Member]:
    root = Path(argument)
    for file in values_files([argument], layers):
        inside = Path(file).relative_to(root) if root.is_dir() else Path(Path(file).name)
        name = name_from(file)
        # A folder without a service stands for itself, and is read to say so.
        target = inside.with_name(f"{name}.yaml") if inside.name else inside / f"{name}.yaml"
        yield Member(file, target, name)


def _trouble(member: Member, rivals: Sequence[str]) -> str:
    others = [file for file in rivals if file != member.values]
    if others and not misnamed(member.release):
        return f"{others[0]} would be {member.target} too: give their common folder, or rename one"
    return misnamed(member.release)


def template_all(
    fleet: Sequence[Member], layers: Sequence[str], folder: Path, namespace: str, ignore: Sequence[str] = ()
) -> Iterator[Outcome]:
    """Write each service's manifests below the folder; yields what became of each as soon as it is known."""
    with chart_for() as chart, ThreadPoolExecutor(os.cpu_count()) as pool:
        below = [load(layer) for layer in layers]
        one = functools.partial(_template, below=below, chart=chart, folder=folder, namespace=namespace, ignore=ignore)
        jobs = [pool.submit(one, member) for member in fleet]
        for job in as_completed(jobs):
            yield job.result()


def _template(
    member: Member, *, below: Sequence[Document], chart: Path, folder: Path, namespace: str, ignore: Sequence[str]
) -> Outcome:
    read = [*below, load(member.values)]
    service = check_service(read, ignore)
    found, sources = service.findings, service.document.sources
    if member.trouble or service.errors:
        return Outcome(member, found, sources, member.trouble or "its values are wrong")
    try:
        _require_inside(folder, member.target)
        replace_file(folder / member.target, manifests(chart, member.release, namespace, read), ours=_BEGINS)
    except ModelServiceError as error:
        return Outcome(member, found, sources, str(error), error.exit_code)
    return Outcome(member, found, sources, "")


def _require_inside(folder: Path, target: Path) -> None:
    with told(folder):
        place = (folder / target).parent
        inside = real(place).is_relative_to(real(folder))
    if not inside:
        raise InputError(f"{place} is a link out of {folder}: remove it")
