"""Write the manifests of many services, one file each. An invalid values file does not stop the others."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from modelservice.chart.folder import chart_for
from modelservice.chart.many_manifests import TOGETHER, Charts, Release, charts_in
from modelservice.check import check_service
from modelservice.errors import InputError, ModelServiceError
from modelservice.findings import Finding
from modelservice.gitops.cluster_conflicts import require_no_conflicts
from modelservice.gitops.members import Member, members
from modelservice.parallel import each_part
from modelservice.reading.document import Document
from modelservice.reading.values_files import load
from modelservice.schema.defaults import default_values
from modelservice.service import make_service, misnamed, name_from
from modelservice.writing.files import real, replace_file, told
from modelservice.writing.staging import scratch

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

    `namespace` is the namespace of all services; None means the namespace that the fleet sets for each of them. Raises
    InputError if services of a fleet conflict.
    """
    require_no_conflicts([one.member for one in services if one.member.environment], namespace)
    with scratch() as stage, chart_for() as chart:
        # Once, before the parts: a pipe can be read only once.
        paths = dict.fromkeys(path for one in services for path in one.member.layers)
        layers = {path: load(path) for path in paths}
        templated = functools.partial(
            _templated, layers=layers, charts=charts_in(stage, chart), folder=folder, namespace=namespace, ignore=ignore
        )
        for outcomes in each_part(templated, services, TOGETHER):
            yield from outcomes


def _templated(
    services: Sequence[Rendering],
    *,
    layers: Mapping[str, Document],
    charts: Charts,
    folder: Path,
    namespace: str | None,
    ignore: Sequence[str],
) -> list[Outcome]:
    """Render services with one helm run, and write them."""
    checked = [_checked(one, layers, namespace, ignore) for one in services]
    texts = iter(charts.rendered([release for _, release in checked if release]))
    return [_written(outcome, next(texts), folder) if release else outcome for outcome, release in checked]


def _checked(
    one: Rendering, layers: Mapping[str, Document], namespace: str | None, ignore: Sequence[str]
) -> tuple[Outcome, Release | None]:
    """Return the outcome of a service so far, and its release if it can be rendered."""
    files = (*map(layers.__getitem__, one.member.layers), load(one.member.values))
    service = check_service(files, ignore)
    failure = one.trouble or ("its values have errors" if service.errors else "")
    outcome = Outcome(one, service.findings, service.document.sources, failure)
    if failure:
        return outcome, None
    values = make_service(one.release, "0.1.0", service.document.data, default_values()).values
    return outcome, Release(one.release, namespace or one.member.namespace or "default", values, files)


def _written(outcome: Outcome, text: str | ModelServiceError, folder: Path) -> Outcome:
    target = outcome.rendering.target
    try:
        if isinstance(text, ModelServiceError):
            raise text
        _require_inside(folder, target)
        replace_file(folder / target, text, ours=_BEGINS)
    except ModelServiceError as error:
        return outcome._replace(failure=str(error), exit_code=error.exit_code)
    return outcome


def _require_inside(folder: Path, target: Path) -> None:
    with told(folder):
        place = (folder / target).parent
        inside = real(place).is_relative_to(real(folder))
    if not inside:
        raise InputError(f"{place} is a link to a place outside {folder}: remove it")
