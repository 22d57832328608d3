"""Create the ApplicationSets of a folder or of a fleet, and find the files that they would not deploy as intended."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from modelservice.check import Progress, check_files, errors
from modelservice.findings import Finding
from modelservice.gitops.application_set import FoundServices, SetLayer, application_set, in_folder, require_plain
from modelservice.gitops.argocd import ValuesSource
from modelservice.gitops.argocd_options import Options, places
from modelservice.gitops.cluster_conflicts import require_no_conflicts
from modelservice.gitops.fleet_file import NAME, Environment, Fleet
from modelservice.gitops.folder_layout import complaints, fleet_complaints, fleet_pattern, hidden
from modelservice.gitops.git_paths import path_in_git
from modelservice.gitops.members import members
from modelservice.gitops.object_files import Made
from modelservice.reading.values_files import load, values_files
from modelservice.report import lines
from modelservice.service import name_from


class Sets(NamedTuple):
    """ApplicationSets, messages about files that they would not deploy as intended, and those files."""

    made: list[Made]
    said: list[str]
    files: list[str]


def folder_sets(
    folder: str,
    layers: Sequence[str],
    options: Options,
    ignore: Sequence[str] = (),
    progress: Progress | None = None,
) -> Sets:
    """Return the set of a folder with <environment>/<service>.yaml, whose services share the layers."""
    place = path_in_git(folder)
    chart, values, target = places(options)
    found = in_folder(place, [_layer(layer) for layer in layers])
    name = PurePosixPath(place).name
    made = Made(name, folder, application_set(name, found, chart, values, target))
    files = [file for file in values_files([folder], layers) if file != folder]
    unfit = complaints(folder, [*files, *hidden(folder)], target.namespace)
    return _checked([made], [(*layers, file) for file in files], unfit, ignore, progress)


def fleet_sets(
    fleet: Fleet,
    environments: Iterable[Environment],
    options: Options,
    ignore: Sequence[str] = (),
    progress: Progress | None = None,
) -> Sets:
    """Return a set for each environment of a fleet. Raises InputError if its services conflict in a cluster."""
    environments = list(environments)
    require_no_conflicts(members([str(fleet.root)]), options.namespace, options.server)
    made = [_environment_set(fleet, one, options) for one in environments]
    services = [
        (*fleet.layers_of(file), str(fleet.root / file)) for one in environments for file in fleet.files_of(one)
    ]
    unfit = fleet_complaints(fleet, environments, options.namespace, options.server)
    return _checked(made, services, unfit, ignore, progress)


def _environment_set(fleet: Fleet, environment: Environment, options: Options) -> Made:
    root = path_in_git(str(fleet.root))
    chart, values, target = places(options, environment, ValuesSource(fleet.repository, fleet.revision))
    layers = [
        _layer(str(fleet.root / layer.file), layer.names_in(environment.path))
        for layer in fleet.layers
        if layer.names_in(environment.path)
    ]
    others = tuple(str(PurePosixPath(root) / file) for file in (*(layer.file for layer in fleet.layers), NAME))
    found = FoundServices(
        fleet_pattern(environment, root),
        environment.name,
        tuple(layers),
        tuple(file for file in others if file not in {layer.file for layer in layers}),
    )
    for folder in (str(PurePosixPath(root) / environment.path), *(layer.file for layer in layers)):
        require_plain(folder)
    name = "-".join(filter(None, (name_from(PurePosixPath(root).name), environment.name)))
    source = str(fleet.root / environment.path)
    return Made(name, source, application_set(name, found, chart, values, target))


def _layer(file: str, names: tuple[str, ...] = ("*",)) -> SetLayer:
    return SetLayer(path_in_git(file), names, load(file).data)


_UNREAD = "Argo CD cannot read it, and creates no Application of the whole set until it can"


def _checked(
    made: list[Made],
    services: list[tuple[str, ...]],
    unfit: list[tuple[str, str]],
    ignore: Sequence[str],
    progress: Progress | None,
) -> Sets:
    """Return the sets with messages about wrong values, wrong places, and YAML that stops a whole set."""
    wrong = errors(check_files(services, ignore=ignore, progress=progress).findings)
    own = {service[-1] for service in services}
    unread = sorted({one.position.file for one in wrong if _stops(one) and one.position.file in own})
    said = [*lines(wrong), *(f"{file}: {why}" for file, why in [*unfit, *((file, _UNREAD) for file in unread)])]
    return Sets(made, said, [*(finding.position.file for finding in wrong), *(file for file, _ in unfit)])


def _stops(finding: Finding) -> bool:
    """Return whether Argo CD cannot read a file with this finding as a map of values."""
    return finding.rule in ("yaml-syntax", "yaml-tab", "yaml-top-level", "yaml-encoding")


def asked_environments(fleet: Fleet, argument: str) -> list[Environment]:
    """Return the environments of a folder of a fleet: all for its root, none for a file."""
    if Path(argument).name == NAME or Path(argument).resolve() == fleet.root.resolve():
        return list(fleet.environments)
    return [one for one in fleet.environments if (fleet.root / one.path).resolve() == Path(argument).resolve()]
