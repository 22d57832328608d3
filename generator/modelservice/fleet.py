"""Values files of many services in; a manifest file for each out. One bad file does not stop the others."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import NamedTuple

from modelservice import check, document
from modelservice.chart import plan_chart
from modelservice.errors import ModelServiceError
from modelservice.fields import load_fields
from modelservice.findings import Finding
from modelservice.helm import run_helm
from modelservice.service import misnamed, name_from
from modelservice.tree import replace_file, write_tree


class Member(NamedTuple):
    """A service of the fleet: its values file, the file of its manifests below the output folder, and its release.

    `trouble` says why it cannot have that file ("": it can).
    """

    values: str
    target: Path
    release: str
    trouble: str = ""


class Outcome(NamedTuple):
    """What became of a service: what was found in its values, and why nothing was written ("": it was)."""

    member: Member
    findings: list[Finding]
    sources: dict[str, str]
    failure: str


def members(arguments: Sequence[str], layers: Sequence[str] = ()) -> list[Member]:
    """Return the services of files and folders, in order, without the layers that they share."""
    found = list(dict.fromkeys(member for argument in arguments for member in _members_of(argument, layers)))
    places: dict[Path, list[str]] = {}
    for member in found:
        places.setdefault(member.target, []).append(member.values)
    return [member._replace(trouble=_trouble(member, places[member.target])) for member in found]


def _members_of(argument: str, layers: Sequence[str]) -> Iterator[Member]:
    root = Path(argument)
    for file in document.values_files([argument], layers):
        inside = Path(file).relative_to(root) if root.is_dir() else Path(Path(file).name)
        name = name_from(file)
        yield Member(file, inside.with_name(f"{name}.yaml"), name)


def _trouble(member: Member, rivals: Sequence[str]) -> str:
    others = [file for file in rivals if file != member.values]
    if others and not misnamed(member.release):
        return f"{others[0]} would be {member.target} too: give their common folder, or rename one"
    return misnamed(member.release)


def template_all(fleet: Sequence[Member], layers: Sequence[str], folder: Path, namespace: str) -> Iterator[Outcome]:
    """Write each service's manifests below the folder; yields what became of each as soon as it is known."""
    with tempfile.TemporaryDirectory(prefix="modelservice-") as name:
        chart = Path(name) / "chart"
        write_tree(plan_chart(load_fields()), chart)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            jobs = [pool.submit(_template, member, layers, chart, folder, namespace) for member in fleet]
            for job in as_completed(jobs):
                yield job.result()


def _template(member: Member, layers: Sequence[str], chart: Path, folder: Path, namespace: str) -> Outcome:
    files = [*layers, member.values]
    merged = document.merge([document.load(file) for file in files])
    findings = check.check(merged)
    if member.trouble or check.errors(findings):
        return Outcome(member, findings, merged.sources, member.trouble or "its values are wrong")
    values = [word for file in files for word in ("--values", file)]
    try:
        command = ["template", member.release, str(chart), "--namespace", namespace, *values]
        replace_file(folder / member.target, run_helm(command))
    except ModelServiceError as error:
        return Outcome(member, findings, merged.sources, str(error))
    return Outcome(member, findings, merged.sources, "")
