"""Read fleet.yaml, which describes a folder of services: their layers, and where each environment runs."""

from __future__ import annotations

import contextlib
import fnmatch
import functools
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from modelservice.errors import InputError
from modelservice.findings import Problem
from modelservice.reading.document import Document
from modelservice.reading.special_files import is_special
from modelservice.reading.values_files import load
from modelservice.schema.source import FLEET_SCHEMA, Schema

NAME = "fleet.yaml"
# Argo CD's address for the cluster that it runs in.
IN_CLUSTER = "https://kubernetes.default.svc"
# Kustomize's own files, which Flux needs in a folder that it applies.
KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml")


class ChartPlace(NamedTuple):
    """Where an environment's chart is published; "" if unset."""

    repository: str = ""
    name: str = "modelservice"
    version: str = ""


class Environment(NamedTuple):
    """An environment of a fleet: the folder of its services, relative to the fleet's, and where they run."""

    name: str
    path: str
    namespace: str
    server: str
    project: str
    chart: ChartPlace


class Layer(NamedTuple):
    """A values file that services share, by its path from the fleet's folder.

    The services' own values override it. Without patterns it applies to all services.
    """

    file: str
    patterns: tuple[str, ...] = ()

    def is_below(self, service: str) -> bool:
        """Return whether it applies to a service, given by its path from the fleet's folder."""
        path = PurePosixPath(service)
        return any(_has_name(path, pattern) for pattern in self.names_in(str(path.parent)))

    def names_in(self, folder: str) -> tuple[str, ...]:
        """Return the patterns for the file names in a folder that it applies to; they may omit `.yaml`."""
        above = PurePosixPath(folder).parts
        patterns = [PurePosixPath(pattern).parts for pattern in self.patterns or ("**",)]
        found = (parts[-1] for parts in patterns if _fits(above, parts[:-1] if parts[-1] != "**" else parts))
        return tuple("*" if name == "**" else name for name in found)


class Fleet(NamedTuple):
    """A folder with a fleet.yaml; `root` is the folder as the user wrote it."""

    root: Path
    layers: tuple[Layer, ...]
    environments: tuple[Environment, ...]
    repository: str
    revision: str

    def layers_of(self, service: str) -> tuple[str, ...]:
        """Return the layers of a service, given by its path from the root, as paths from the working directory."""
        files = [self.root / layer.file for layer in self.layers if layer.is_below(service)]
        return tuple(str(file) if file.is_absolute() else os.path.relpath(file) for file in files)

    def files_of(self, environment: Environment) -> list[str]:
        """Return an environment's services as paths from the root."""
        folder = self.root / environment.path
        layers = {layer.file for layer in self.layers} | {NAME}
        names = sorted(file.name for file in folder.iterdir() if _may_be_service(file)) if folder.is_dir() else []
        paths = (str(PurePosixPath(environment.path) / name) for name in names)
        return [path for path in paths if path not in layers]


def _fits(folders: tuple[str, ...], pattern: tuple[str, ...]) -> bool:
    """Return whether folders match those of a pattern, in which ** matches any number of folders."""
    if not pattern:
        return not folders
    if pattern[0] == "**" and _fits(folders, pattern[1:]):
        return True
    rest = pattern if pattern[0] == "**" else pattern[1:]
    return bool(folders) and fnmatch.fnmatchcase(folders[0], pattern[0]) and _fits(folders[1:], rest)


def _has_name(path: PurePosixPath, pattern: str) -> bool:
    return fnmatch.fnmatchcase(path.name, pattern) or fnmatch.fnmatchcase(path.stem, pattern)


def _may_be_service(file: Path) -> bool:
    named = file.suffix in (".yaml", ".yml") and not file.name.startswith(".") and file.name not in KUSTOMIZATIONS
    return named and not is_special(str(file))


# Rancher's Fleet, or a service, may have a file of this name too, but without any of these keys.
_KEYS = {"layers", "chart", "git", "environments"}


def has_fleet(folder: Path) -> bool:
    """Return whether a folder has a fleet.yaml of ours, or one that cannot be read."""
    return (folder / NAME).is_file() and _is_ours((folder / NAME).resolve())


@functools.lru_cache(maxsize=64)
def _is_ours(file: Path) -> bool:
    document = load(str(file))
    return not document.readable or bool(_KEYS & document.data.keys())


def fleet_root(path: str) -> Path | None:
    """Return the nearest folder with a fleet.yaml at or above a path, but not above the root of its Git repository."""
    start = Path(path)
    folder = start if start.is_dir() else start.parent
    for above in (folder, *_parents(folder)):
        if has_fleet(above):
            return above
        if (above / ".git").exists():
            return None
    return None


def _parents(folder: Path) -> Iterator[Path]:
    """Yield the folders above, as relative paths if possible."""
    yield from (
        folder.parents if folder.is_absolute() else [above for above in folder.parents if ".." not in str(above)]
    )
    if not folder.is_absolute():
        with contextlib.suppress(FileNotFoundError):  # the working directory was deleted
            yield from (Path(*([".."] * depth)) for depth in range(1, len(Path.cwd().parents) + 1))


def load_fleet(root: Path, said: str = "") -> Fleet:
    """Return a folder's fleet; `said` is the name of a copy. Raises InputError if fleet.yaml violates the schema.

    `sound_fleet` checks it further.
    """
    document = load(str(root / NAME))
    wrong = [one.message for one in document.findings] + [one.message for one in schema_problems(document)]
    if wrong:
        way = "" if said else f"; run `modelservice validate {root / NAME}` for details"
        raise InputError(f"{said or root / NAME}: {wrong[0]}{way}")
    return fleet_of(root, document.data)


def fleet_of(root: Path, data: Mapping[str, Any]) -> Fleet:
    """Return the fleet that the valid data of a fleet.yaml describes."""
    chart = data.get("chart", {})
    git = data.get("git", {})
    environments = tuple(
        Environment(
            name,
            str(PurePosixPath(one.get("path", name))),
            one.get("namespace", name),
            one.get("server", IN_CLUSTER),
            one.get("project", "default"),
            ChartPlace(**{**chart, **one.get("chart", {})}),
        )
        for name, one in ((name, said or {}) for name, said in data["environments"].items())
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
    schema: Schema = json.loads(FLEET_SCHEMA.read_bytes())
    return schema


def schema_problems(document: Document) -> list[Problem]:
    """Return the violations of the schema of fleet.yaml."""
    from modelservice.schema.validation import check_schema, validator_of

    if not document.readable:
        return []
    return list(check_schema(document.data, validator_of(fleet_schema()), fleet_schema(), document.written))
