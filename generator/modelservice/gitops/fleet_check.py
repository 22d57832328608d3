"""Check fleet.yaml and its folder: missing layers and folders, duplicate releases, stray files."""

from __future__ import annotations

import contextlib
import functools
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from modelservice.check import errors, without
from modelservice.errors import InputError
from modelservice.findings import Finding, Position, Problem, Severity
from modelservice.gitops.fleet_file import (
    KUSTOMIZATIONS,
    NAME,
    Environment,
    Fleet,
    Layer,
    fleet_of,
    load_fleet,
    schema_problems,
)
from modelservice.reading.document import Document
from modelservice.reading.values_files import contains, load, values_files
from modelservice.redact import holds_credentials
from modelservice.report import lines
from modelservice.service import name_from
from modelservice.spelling import nearest


def check_fleets(roots: Iterable[Path]) -> tuple[list[Finding], dict[str, str]]:
    """Return the findings in the fleet.yaml of folders, and the files' texts by name."""
    found: list[Finding] = []
    sources: dict[str, str] = {}
    for root in roots:
        findings, texts = _check(root)
        found += findings
        sources |= texts
    return found, sources


def _check(root: Path) -> tuple[list[Finding], dict[str, str]]:
    document = load(str(root / NAME))
    problems = schema_problems(document)
    with contextlib.suppress(InputError):
        fleet = written_fleet(root)
        problems += [*_problems(fleet, document.data), *_of_services(fleet, document.data)]
    found = [*document.findings, *(_finding(document, problem) for problem in problems)]
    if not errors(found):
        found += map(_stray, _strays(fleet_of(root, document.data)))
    return found, document.sources


@functools.lru_cache(maxsize=64)
def sound_fleet(root: Path) -> Fleet:
    """Return a folder's fleet. Raises InputError for errors in its fleet.yaml.

    Missing layers and duplicate files are not among them: commands report these for each service.
    """
    fleet, document = load_fleet(root), load(str(root / NAME))
    if wrong := errors(_finding(document, problem) for problem in _problems(fleet, document.data)):
        raise InputError("\n".join([f"{root / NAME} has errors:", *lines(wrong)]))
    return fleet


@functools.lru_cache(maxsize=64)
def written_fleet(root: Path) -> Fleet:
    """Return a folder's fleet as far as its fleet.yaml is right: `validate` still checks the services of a wrong one.

    Raises InputError if it is unknown which services there are, or which layers they have.
    """
    document = load(str(root / NAME))
    wrong = [problem.path for problem in schema_problems(document)]
    if not (document.readable and all(_is_harmless(path, document.data) for path in wrong)):
        raise InputError(f"{root / NAME} has errors")
    return fleet_of(root, without(document.data, wrong))


def _is_harmless(path: tuple[str | int, ...], data: Mapping[str, Any]) -> bool:
    """Return whether the services and their layers are known without the value at a path."""
    if path in ((), ("environments",)) or path[0] == "layers":
        return False
    # An unknown key may be a misspelled `layers`.
    return "layers" in data or path[0] in ("environments", "chart", "git")


def _strays(fleet: Fleet) -> Iterator[str]:
    """Yield the YAML files of the folder that are neither services nor layers, nor Kubernetes' own objects."""
    services = (file for one in fleet.environments for file in fleet.files_of(one))
    known = {NAME, *services, *(layer.file for layer in fleet.layers)}
    for file in values_files([str(fleet.root)]):
        path = PurePosixPath(os.path.relpath(file, fleet.root))
        if Path(file).is_file() and str(path) not in known and not is_object_file(file):
            yield file


def is_object_file(file: str) -> bool:
    """Return whether a file is a Kubernetes object or Kustomize's, and not values."""
    if Path(file).name in KUSTOMIZATIONS:
        return True
    return contains(file, b"apiVersion:") and bool(re.search("^apiVersion:", load(file).text, re.MULTILINE))


def _stray(file: str) -> Finding:
    hint = "move it into an environment's folder, add it to layers, or start its name with a dot"
    message = "is neither a service nor a layer of the fleet, so every command ignores it"
    return Finding(Severity.WARNING, (), message, hint, "fleet-stray", Position(file, 1, 1))


def _finding(document: Document, problem: Problem) -> Finding:
    position = document.key_position if problem.on_key else document.value_position
    severity, path, message, hint, rule, _, fix = problem
    return Finding(severity, path, message, hint, rule, position(path), fix)


def _of_services(fleet: Fleet, data: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield the problems that other commands report for each service."""
    for index, layer in enumerate(fleet.layers):
        path = ("layers", index) if isinstance(data["layers"][index], str) else ("layers", index, "file")
        if not (fleet.root / layer.file).is_file():
            yield _error("fleet-layer", path, f"the file {layer.file} does not exist", "correct its path, or remove it")
    yield from _same_release(fleet, within=True)


def _problems(fleet: Fleet, data: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield the problems of fleet.yaml itself."""
    yield from _credentials(data)
    files = {one.name: fleet.files_of(one) for one in fleet.environments}
    for index, layer in enumerate(fleet.layers):
        for number, pattern in enumerate(layer.patterns):
            written = data["layers"][index]["for"]
            where = ("layers", index, "for", *(() if isinstance(written, str) else (number,)))
            yield from _unmatched(fleet, Layer(layer.file, (pattern,)), where, files)
    seen: dict[str, str] = {}
    for one in fleet.environments:
        at = ("environments", one.name)
        if not (fleet.root / one.path).is_dir():
            yield _without_folder(fleet, one)
        if other := seen.get(one.path):
            message = f"its folder {one.path} is that of {other} too, but a service's folder determines its environment"
            yield _error("fleet-environment", at, message, "set path to another folder", on_key=True)
        seen.setdefault(one.path, one.name)
    yield from _same_release(fleet, within=False)


def _without_folder(fleet: Fleet, environment: Environment) -> Problem:
    """Return the error of a missing folder, or the warning if no file is left for it: Git has no empty folders."""
    at, message = ("environments", environment.name), f"the folder {environment.path} does not exist"
    if any(_strays(fleet)):
        return _error("fleet-environment", at, message, "correct path, or create the folder", on_key=True)
    message += ", so the environment has no services"
    return Problem(Severity.WARNING, at, message, "create it, or remove the environment", "fleet-environment", True)


def _unmatched(
    fleet: Fleet, layer: Layer, path: tuple[str | int, ...], files: Mapping[str, list[str]]
) -> Iterator[Problem]:
    """Yield the problem if a layer's only pattern matches no service; an environment may have no services yet."""
    there = [files[one.name] for one in fleet.environments if layer.names_in(one.path)]
    pattern = layer.patterns[0]
    if not there:
        message = f"{pattern} matches no file in any environment's folder"
        yield _error("fleet-layer", path, message, _pattern_hint(fleet, pattern))
    elif all(there) and not any(layer.is_below(service) for services in there for service in services):
        message = f"{pattern} matches no service, so the layer has no effect"
        yield Problem(Severity.WARNING, path, message, "correct it, or remove it", "fleet-layer")


def _pattern_hint(fleet: Fleet, pattern: str) -> str:
    folders = [one.path for one in fleet.environments]
    if re.search("[{,]", pattern):
        return f"write a list, such as [{', '.join(f'{folder}/*' for folder in folders[:2])}]"
    begin, _, rest = pattern.partition("/")
    if rest and begin == fleet.root.resolve().name:
        return f"write {rest}: paths are relative to the folder of fleet.yaml"
    meant = nearest(pattern if pattern in folders else str(PurePosixPath(pattern).parent), folders) or folders[0]
    return f"write a pattern such as {meant}/*"


def _credentials(data: Mapping[str, Any], path: tuple[str | int, ...] = ()) -> Iterator[Problem]:
    """Yield the addresses that contain a user, a password or a token."""
    for key, value in data.items():
        if isinstance(value, Mapping):
            yield from _credentials(value, (*path, key))
        elif isinstance(value, str) and key in ("repository", "server") and holds_credentials(value):
            hint = "remove it, and pass it to Argo CD, Flux or helm registry login"
            yield _error("fleet-credentials", (*path, key), "the address contains a user, a password or a token", hint)


def _same_release(fleet: Fleet, *, within: bool) -> Iterator[Problem]:
    """Yield the releases that two files are: of one environment (`within`), or of two."""
    seen: dict[tuple[str, str, str], str] = {}
    hint = "rename one of them" if within else "set another namespace, or server if the clusters differ"
    for one in fleet.environments:
        files = fleet.files_of(one)
        for file in files:
            name = name_from(file)
            other = seen.setdefault((one.server, one.namespace, name), file)
            if other != file and (other in files) is within:
                message = f"{other} and {file} are both the release {name} in the namespace {one.namespace}"
                yield _error("fleet-release", ("environments", one.name), message, hint, on_key=True)


def _error(rule: str, path: tuple[str | int, ...], message: str, hint: str, *, on_key: bool = False) -> Problem:
    return Problem(Severity.ERROR, path, message, hint, rule, on_key)
