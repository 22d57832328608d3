"""Write the manifests of many services, one file each. An invalid values file does not stop the others."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import NamedTuple

from modelservice.chart.folder import chart_for
from modelservice.chart.manifests import manifests
from modelservice.check import check_service
from modelservice.errors import InputError, ModelServiceError
from modelservice.findings import Finding
from modelservice.gitops.members import Member, members
from modelservice.reading.document import Document
from modelservice.reading.values_files import load
from modelservice.service import misnamed, name_from
from modelservice.writing.files import real, replace_file, told

# The start of the manifests that helm renders with the generic chart.
_BEGINS = "---\n# Source: modelservice/templates/"


class Rendering(NamedTuple):
    """A service to render: the service, its file below the output folder, and the release.

    `trouble` is why it cannot be written to that file, or "".
    """

    member: Member
    target: Path
    release: str
    trouble: str = ""


class Outcome(NamedTuple):
    """The result for a service: the findings in its values, and why nothing was written ("" if it was written).

    `exit_code` is the exit code for the failure.
    """

    rendering: Rendering
    findings: list[Finding]
    sources: dict[str, str]
    failure: str
    exit_code: int = InputError.exit_code


def renderings(arguments: Sequence[str], layers: Sequence[str] = ()) -> list[Rendering]:
    """Return the renderings of the services of files and folders, in order."""
    found = [_rendering(member, argument) for argument in arguments for member in members([argument], layers)]
    found = list(dict.fromkeys(found))
    places: dict[Path, list[str]] = {}
    for one in found:
        places.setdefault(one.target, []).append(one.member.values)
    return [one._replace(trouble=_trouble(one, places[one.target])) for one in found]


def _rendering(member: Member, argument: str) -> Rendering:
    name, root = name_from(member.values), Path(argument)
    if member.environment:
        return Rendering(member, Path(member.environment.name) / f"{name}.yaml", name)
    inside = Path(member.values).relative_to(root) if root.is_dir() else Path(Path(member.values).name)
    # A folder without a service is listed itself; reading it gives the error message.
    target = inside.with_name(f"{name}.yaml") if inside.name else inside / f"{name}.yaml"
    return Rendering(member, target, name)


def _trouble(one: Rendering, rivals: Sequence[str]) -> str:
    others = [file for file in rivals if file != one.member.values]
    if others and not misnamed(one.release):
        return f"{others[0]} would be written to {one.target} too: name their common folder, or rename one"
    return misnamed(one.release)


def template_all(
    services: Sequence[Rendering], folder: Path, namespace: str | None, ignore: Sequence[str] = ()
) -> Iterator[Outcome]:
    """Write each service's manifests below the folder, and yield each result as soon as it is known.

    `namespace` is the namespace of all services; None means the namespace that the fleet sets for each of them.
    """
    with chart_for() as chart, ThreadPoolExecutor(os.cpu_count()) as pool:
        # Once, before the threads: a pipe can be read only once.
        paths = dict.fromkeys(path for one in services for path in one.member.layers)
        layers = {path: load(path) for path in paths}
        one = functools.partial(
            _template, layers=layers, chart=chart, folder=folder, namespace=namespace, ignore=ignore
        )
        jobs = [pool.submit(one, service) for service in services]
        for job in as_completed(jobs):
            yield job.result()


def _template(
    one: Rendering,
    *,
    layers: Mapping[str, Document],
    chart: Path,
    folder: Path,
    namespace: str | None,
    ignore: Sequence[str],
) -> Outcome:
    files = [*map(layers.__getitem__, one.member.layers), load(one.member.values)]
    service = check_service(files, ignore)
    found, sources = service.findings, service.document.sources
    if one.trouble or service.errors:
        return Outcome(one, found, sources, one.trouble or "its values have errors")
    try:
        _require_inside(folder, one.target)
        where = namespace or one.member.namespace or "default"
        replace_file(folder / one.target, manifests(chart, one.release, where, files), ours=_BEGINS)
    except ModelServiceError as error:
        return Outcome(one, found, sources, str(error), error.exit_code)
    return Outcome(one, found, sources, "")


def _require_inside(folder: Path, target: Path) -> None:
    with told(folder):
        place = (folder / target).parent
        inside = real(place).is_relative_to(real(folder))
    if not inside:
        raise InputError(f"{place} is a link to a place outside {folder}: remove it")
