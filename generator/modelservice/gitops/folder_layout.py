"""Find the files of a folder that an ApplicationSet would deploy wrongly or not at all."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from modelservice.gitops.fleet_file import NAME, Environment, Fleet
from modelservice.service import is_label, misnamed, name_from

# Argo CD writes an Application's name into a label of its objects, truncated to this length.
_LONGEST = 63


class _Deployed(NamedTuple):
    """A file as the ApplicationSet deploys it: <environment>/<service>.yaml."""

    file: str
    application: str
    release: str
    namespace: str
    server: str = ""


def pattern(folder: str) -> str:
    """Return the pattern for the services in Argo CD, whose `*` matches a leading dot too."""
    return f"{folder}/[!.]*/[!.]*.yaml"


def hidden(folder: str) -> list[str]:
    """Return the hidden files, or files in hidden folders, that the pattern still matches: its `*` matches / too."""
    found = (file for file in Path(folder).rglob("*.yaml") if fnmatch.fnmatchcase(str(file), pattern(folder)))
    return sorted(str(file) for file in found if any(part[0] == "." for part in file.relative_to(folder).parts))


def complaints(folder: str, files: Iterable[str], namespace: str) -> list[tuple[str, str]]:
    """Return pairs (file, message) for the wrong files of the folder.

    `namespace` is the namespace of all services; "" means each environment's own.
    """
    found: list[tuple[str, str]] = []
    deployed: list[_Deployed] = []
    for file in files:
        parts = Path(file).relative_to(folder).parts
        found += [(file, why) for why in _misplaced(folder, parts)]
        if len(parts) == 2 and file.endswith(".yaml"):
            environment, name = parts[0], name_from(file)
            deployed.append(_Deployed(file, f"{environment}-{name}", name, namespace or environment))
    return found + [(one.file, why) for one in deployed for why in _unfit(one, deployed)]


def fleet_pattern(environment: Environment, place: str) -> str:
    """Return the pattern for an environment's services in Argo CD; `place` is the fleet's folder in Git."""
    return str(PurePosixPath(place) / environment.path / "[!.]*.yaml")


def fleet_complaints(
    fleet: Fleet, environments: Sequence[Environment], namespace: str | None = None, server: str | None = None
) -> list[tuple[str, str]]:
    """Return pairs (file, message) for the files of environments that their sets would deploy wrongly.

    `namespace` and `server` apply to all services; None means each environment's own.
    """
    deployed = [
        _Deployed(
            str(fleet.root / file),
            f"{one.name}-{name_from(file)}",
            name_from(file),
            namespace or one.namespace,
            server or one.server,
        )
        for one in fleet.environments
        for file in fleet.files_of(one)
    ]
    own = {str(fleet.root / file) for one in environments for file in fleet.files_of(one)}
    found = [(one.file, why) for one in deployed if one.file in own for why in _unfit(one, deployed)]
    found += [(file, _ENDING) for file in sorted(own) if not file.endswith(".yaml")]
    return found + [(str(fleet.root / file), why) for one in environments for file, why in _strays(fleet, one)]


def _strays(fleet: Fleet, environment: Environment) -> Iterator[tuple[str, str]]:
    """Yield the files that only Argo CD would treat as services: its `*` also matches subfolders."""
    known = {NAME, *(layer.file for layer in fleet.layers), *fleet.files_of(environment)}
    for file in sorted((fleet.root / environment.path).rglob("*.yaml")):
        path = file.relative_to(fleet.root).as_posix()
        if path not in known and fnmatch.fnmatchcase(path, fleet_pattern(environment, "")):
            folder = str(PurePosixPath(environment.path))
            yield (
                path,
                f"Argo CD searches all subfolders, and would deploy it as a service: move it out of {folder}",
            )


_ENDING = "Argo CD creates no Application for it: rename it to end with .yaml"


def _misplaced(folder: str, parts: tuple[str, ...]) -> Iterator[str]:
    place = f"move it to {folder}/<environment>/"
    if len(parts) == 1:
        yield f"Argo CD creates no Application for it: {place}, or pass it as a layer with -f"
    elif len(parts) > 2:
        # https://argo-cd.readthedocs.io/en/stable/operator-manual/applicationset/Generators-Git-File-Globbing/
        yield f'Argo CD searches all subfolders, and would use "{parts[-2]}" as its environment: {place}'
    elif not is_label(parts[0]):
        yield (
            f'its environment "{parts[0]}" cannot be the name of a namespace: '
            "use lower case letters, digits and -, at most 63 characters"
        )
    if len(parts) > 1 and not parts[-1].endswith(".yaml"):
        yield _ENDING


def _unfit(one: _Deployed, others: Iterable[_Deployed]) -> Iterator[str]:
    if why := misnamed(one.release):
        yield why
    elif len(one.application) > _LONGEST:
        yield f"the name of its Application would be {one.application}: shorten it to at most {_LONGEST} characters"
    for other in others:
        if other.file == one.file:
            continue
        if other.application == one.application:
            yield f"{other.file} would be the Application {one.application} too: rename one"
        elif other[2:] == one[2:]:
            yield f"{other.file} would be the release {one.release} in {one.namespace} too: remove --namespace"
