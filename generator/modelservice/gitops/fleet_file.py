"""Read fleet.yaml, which describes a folder of services: their layers, and where each environment runs."""

from __future__ import annotations

import fnmatch
import functools
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from modelservice.errors import InputError
from modelservice.findings import Finding, Position, Problem, Severity
from modelservice.reading.document import Document
from modelservice.reading.special_files import is_special
from modelservice.reading.values_files import load, values_files
from modelservice.schema.source import SCHEMAS, Schema

NAME = "fleet.yaml"


class ChartPlace(NamedTuple):
    """Where an environment's chart is published; "" is not said."""

    repository: str = ""
    name: str = "modelservice"
    version: str = ""


class Environment(NamedTuple):
    """An environment of a fleet: the folder of its services from the fleet's, and where they run."""

    name: str
    path: str
    namespace: str
    server: str
    project: str
    chart: ChartPlace


class Layer(NamedTuple):
    """A values file below services, by its path from the fleet's folder; no patterns: below all of them."""

    file: str
    patterns: tuple[str, ...] = ()

    def is_below(self, service: str) -> bool:
        """Say whether it lies below a service, by the service's path from the fleet's folder."""
        path = PurePosixPath(service)
        return any(_has_name(path, pattern) for pattern in self.names_in(str(path.parent)))

    def names_in(self, folder: str) -> tuple[str, ...]:
        """Return the patterns of the file names in a folder that it lies below; `.yaml` may be left out in them."""
        if not self.patterns:
            return ("*",)
        above = PurePosixPath(folder).parts
        patterns = [PurePosixPath(pattern).parts for pattern in self.patterns]
        fitting = [parts for parts in patterns if len(parts) == len(above) + 1]
        return tuple(parts[-1] for parts in fitting if all(map(fnmatch.fnmatchcase, above, parts)))


class Fleet(NamedTuple):
    """A folder with a fleet.yaml; `root` is the folder as it was named."""

    root: Path
    layers: tuple[Layer, ...]
    environments: tuple[Environment, ...]
    repository: str
    revision: str

    def layers_of(self, service: str) -> tuple[str, ...]:
        """Return the layers of a service, by its path from the root, each by its path from here."""
        files = [self.root / layer.file for layer in self.layers if layer.is_below(service)]
        return tuple(str(file) if file.is_absolute() else os.path.relpath(file) for file in files)

    def files_of(self, environment: Environment) -> list[str]:
        """Return an environment's services by their paths from the root."""
        folder = self.root / environment.path
        layers = {layer.file for layer in self.layers} | {NAME}
        names = sorted(file.name for file in folder.iterdir() if _may_be_service(file)) if folder.is_dir() else []
        paths = (str(PurePosixPath(environment.path) / name) for name in names)
        return [path for path in paths if path not in layers]


def _has_name(path: PurePosixPath, pattern: str) -> bool:
    return fnmatch.fnmatchcase(path.name, pattern) or fnmatch.fnmatchcase(path.stem, pattern)


def _may_be_service(file: Path) -> bool:
    return file.suffix in (".yaml", ".yml") and not file.name.startswith(".") and not is_special(str(file))


def fleet_root(path: str) -> Path | None:
    """Return the nearest folder with a fleet.yaml at or above a path, not above its Git repository's root."""
    start = Path(path)
    folder = start if start.is_dir() else start.parent
    for above in (folder, *_parents(folder)):
        if (above / NAME).is_file():
            return above
        if (above / ".git").exists():
            return None
    return None


def _parents(folder: Path) -> Iterator[Path]:
    """Yield the folders above, named from here as long as that can be."""
    yield from (
        folder.parents if folder.is_absolute() else [above for above in folder.parents if ".." not in str(above)]
    )
    if not folder.is_absolute():
        here = Path.cwd()
        yield from (Path(*([".."] * depth)) for depth in range(1, len(here.parents) + 1))


@functools.lru_cache(maxsize=64)
def load_fleet(root: Path) -> Fleet:
    """Return a folder's fleet. Raises InputError where its fleet.yaml is wrong; `check_fleet` says where."""
    document = load(str(root / NAME))
    wrong = [one.message for one in document.findings] + [one.message for one in _schema_problems(document)]
    if wrong:
        raise InputError(f"{root / NAME}: {wrong[0]}; `modelservice validate {root / NAME}` says more")
    return _fleet(root, document.data)


def _fleet(root: Path, data: Mapping[str, Any]) -> Fleet:
    chart = data.get("chart", {})
    git = data.get("git", {})
    environments = tuple(
        Environment(
            name,
            str(PurePosixPath(one.get("path", name))),
            one.get("namespace", name),
            one.get("server", "https://kubernetes.default.svc"),
            one.get("project", "default"),
            ChartPlace(**{**chart, **one.get("chart", {})}),
        )
        for name, one in data["environments"].items()
    )
    layers = tuple(map(_layer, data.get("layers", [])))
    return Fleet(root, layers, environments, git.get("repository", ""), git.get("revision", "HEAD"))


def _layer(written: Any) -> Layer:
    if isinstance(written, str):
        return Layer(str(PurePosixPath(written)))
    patterns = written["for"]
    return Layer(str(PurePosixPath(written["file"])), (patterns,) if isinstance(patterns, str) else tuple(patterns))


@functools.cache
def fleet_schema() -> Schema:
    """Return the schema of fleet.yaml."""
    schema: Schema = json.loads((SCHEMAS / "fleet.schema.json").read_bytes())
    return schema


def _schema_problems(document: Document) -> list[Problem]:
    from modelservice.schema.validation import check_schema, validator_of

    if not document.readable:
        return []
    return list(check_schema(document.data, validator_of(fleet_schema()), fleet_schema(), document.written))


def check_fleets(roots: Iterable[Path]) -> tuple[list[Finding], dict[str, str]]:
    """Return what is wrong with the fleet.yaml of folders, and their texts by name."""
    found: list[Finding] = []
    sources: dict[str, str] = {}
    for root in roots:
        findings, texts = _check(root)
        found += findings
        sources |= texts
    return found, sources


def _check(root: Path) -> tuple[list[Finding], dict[str, str]]:
    document = load(str(root / NAME))
    problems = _schema_problems(document)
    if document.readable and not problems and not document.findings:
        problems = list(_problems(_fleet(root, document.data), document.data))
    found = [*document.findings, *(_finding(document, problem) for problem in problems)]
    if not found:
        found += map(_stray, _strays(_fleet(root, document.data)))
    return found, document.sources


def _strays(fleet: Fleet) -> Iterator[str]:
    """Yield the YAML files of the folder that are neither services nor layers, nor Kubernetes' own objects."""
    services = (file for one in fleet.environments for file in fleet.files_of(one))
    known = {NAME, *services, *(layer.file for layer in fleet.layers)}
    for file in values_files([str(fleet.root)]):
        path = PurePosixPath(os.path.relpath(file, fleet.root))
        if Path(file).is_file() and str(path) not in known and not re.search("^apiVersion:", load(file).text, re.M):
            yield file


def _stray(file: str) -> Finding:
    hint = "move it into an environment's folder, name it among the layers, or let its name begin with a dot"
    message = "is neither a service nor a layer of the fleet, and no command looks at it"
    return Finding(Severity.WARNING, (), message, hint, "fleet-stray", Position(file, 1, 1))


def _finding(document: Document, problem: Problem) -> Finding:
    position = document.key_position if problem.on_key else document.value_position
    severity, path, message, hint, rule, _, fix = problem
    return Finding(severity, path, message, hint, rule, position(path), fix)


def _problems(fleet: Fleet, data: Mapping[str, Any]) -> Iterator[Problem]:
    files = {one.name: fleet.files_of(one) for one in fleet.environments}
    services = [file for listed in files.values() for file in listed]
    for index, layer in enumerate(fleet.layers):
        path = ("layers", index) if isinstance(data["layers"][index], str) else ("layers", index, "file")
        if not (fleet.root / layer.file).is_file():
            yield _error("fleet-layer", path, f"there is no file {layer.file}", "correct its path, or remove it")
        elif services and not any(layer.is_below(service) for service in services):
            where = ("layers", index, "for")
            yield _error("fleet-layer", where, "no service's path matches", "write a pattern such as prod/*")
    seen: dict[str, str] = {}
    for one in fleet.environments:
        at = ("environments", one.name)
        if not (fleet.root / one.path).is_dir():
            yield _error(
                "fleet-environment", at, f"there is no folder {one.path}", "make it, or correct path", on_key=True
            )
        if other := seen.get(one.path):
            yield _error("fleet-environment", at, f"{other} has the folder {one.path} too", "set path", on_key=True)
        seen.setdefault(one.path, one.name)
    yield from _same_release(fleet, files)


def _same_release(fleet: Fleet, files: Mapping[str, list[str]]) -> Iterator[Problem]:
    from modelservice.service import name_from

    seen: dict[tuple[str, str, str], str] = {}
    for one in fleet.environments:
        for file in files[one.name]:
            release = (one.server, one.namespace, name_from(file))
            if other := seen.get(release):
                message = f"{other} and {file} are both the release {release[2]} in the namespace {one.namespace}"
                yield _error("fleet-release", ("environments", one.name), message, "set another namespace", on_key=True)
            seen.setdefault(release, file)


def _error(rule: str, path: tuple[str | int, ...], message: str, hint: str, *, on_key: bool = False) -> Problem:
    return Problem(Severity.ERROR, path, message, hint, rule, on_key)
