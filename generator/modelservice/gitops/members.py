"""List the services of files and folders, each with its layers, environment and namespace."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from modelservice.errors import InputError
from modelservice.gitops.fleet_check import is_object_file, sound_fleet
from modelservice.gitops.fleet_file import KUSTOMIZATIONS, NAME, Environment, Fleet, fleet_root, has_fleet
from modelservice.reading.values_files import load, values_files
from modelservice.reading.values_in_objects import values_in_objects
from modelservice.schema.source import plain_schema


class Member(NamedTuple):
    """A service: its values file, the layers that apply to it, and the root and environment of its fleet, if any."""

    values: str
    layers: tuple[str, ...] = ()
    root: Path | None = None
    environment: Environment | None = None

    @property
    def files(self) -> tuple[str, ...]:
        """Its layers and its values file, of which later ones win."""
        return *self.layers, self.values

    @property
    def namespace(self) -> str:
        """The namespace that the fleet sets, or ""."""
        return self.environment.namespace if self.environment else ""


def members(
    arguments: Sequence[str], layers: Sequence[str] = (), fleet_at: Callable[[Path], Fleet] = sound_fleet
) -> list[Member]:
    """Return the services of files and folders, in order, without duplicates.

    If `layers` are given, they apply to all services, and no fleet.yaml is read. Otherwise a folder of a fleet means
    the services in it, a layer the services that it applies to, and fleet.yaml all services. `fleet_at` returns a
    folder's fleet; its InputError for an invalid one is raised.
    """
    if layers:
        files = dict.fromkeys(file for argument in arguments for file in _services_in(argument, layers))
        return [Member(file, tuple(layers)) for file in files]
    return list(dict.fromkeys(member for argument in arguments for member in _of(argument, fleet_at)))


def using(file: str, layers: Sequence[str] = ()) -> list[tuple[str, ...]]:
    """Return the files of the services that use a values file: its own service, or those above a layer of a fleet.

    A layer of no service is a service of its own. Raises InputError for a folder and a fleet.yaml.
    """
    if Path(file).is_dir():
        raise InputError(f"{file} is a folder: name one of its values files")
    services = members([file], layers)
    found = [one.files for one in services if file == one.values]
    if found or not services:
        return found or [(*layers, file)]
    same = [
        tuple(file if os.path.realpath(each) == os.path.realpath(file) else each for each in one.files)
        for one in services
    ]
    if not any(file in files for files in same):
        raise InputError(f"{file} describes a fleet: name a values file, or one of its layers")
    return same


def neighbours(services: Sequence[Member], fleet_at: Callable[[Path], Fleet] = sound_fleet) -> list[Member]:
    """Return the other services of the same fleets that share a layer with one of the services."""
    layers = {layer for one in services for layer in one.layers}
    roots = dict.fromkeys(one.root for one in services if one.root)
    if not roots:
        return []
    named = {os.path.realpath(one.values) for one in services}
    found = members([str(root) for root in roots], fleet_at=fleet_at)
    return [one for one in found if os.path.realpath(one.values) not in named and not layers.isdisjoint(one.layers)]


def fleets(arguments: Sequence[str]) -> list[Path]:
    """Return the folders with a fleet.yaml that files and folders are in or contain, without duplicates."""
    found = dict.fromkeys(root for argument in arguments if argument != "-" for root in _roots(argument))
    return list(found)


def _roots(argument: str) -> Iterator[Path]:
    if root := fleet_root(argument):
        yield root
    elif Path(argument).is_dir():
        for folder, folders, _ in os.walk(argument):
            folders[:] = [name for name in folders if not name.startswith(".")]
            if has_fleet(Path(folder)):
                yield Path(folder)


def _of(argument: str, fleet_at: Callable[[Path], Fleet]) -> Iterator[Member]:
    root = fleet_root(argument) if argument != "-" else None
    if root:
        yield from _of_fleet(fleet_at(root), argument)
        return
    for file in _services_in(argument):
        inner = fleet_root(file) if file not in ("-", argument) else None
        # The fleet.yaml of a fleet in a subfolder stands for its services.
        if inner and Path(file).name == NAME and Path(file).parent == inner:
            yield from _of_fleet(fleet_at(inner), str(inner))
        elif not inner:
            yield Member(file)


def _services_in(argument: str, layers: Sequence[str] = ()) -> list[str]:
    """Return the values files of an argument: in a folder, without other Kubernetes objects beside the values."""
    files = list(values_files([argument], layers))
    if not Path(argument).is_dir():
        return files
    # A folder with nothing else is most likely meant to be checked.
    return [one for one in files if not _is_foreign(one)] or files


def _is_foreign(file: str) -> bool:
    """Return whether a file is a Kubernetes object, or Kustomize's, without values of this chart."""
    if not is_object_file(file):
        return False
    document = load(file)
    # Values with a stray apiVersion are a mistake to report.
    ours = "model" in document.data or (document.readable and "kind" not in document.data)
    return not (ours or values_in_objects(document, plain_schema()["properties"])) or Path(file).name in KUSTOMIZATIONS


def _from_here(path: Path) -> str:
    return str(path) if path.is_absolute() else os.path.relpath(path)


def _of_fleet(fleet: Fleet, argument: str) -> Iterator[Member]:
    asked = PurePosixPath(os.path.relpath(argument, fleet.root))
    layer = any(layer.file == str(asked) for layer in fleet.layers)
    if asked.name in KUSTOMIZATIONS:
        return
    if not (layer or str(asked) == NAME or Path(argument).is_dir()):
        # A file outside of all environments is a service too, because the user named it.
        environment = next((one for one in fleet.environments if PurePosixPath(one.path) == asked.parent), None)
        yield Member(argument, fleet.layers_of(str(asked)), fleet.root, environment)
        return
    for environment in fleet.environments:
        for file in fleet.files_of(environment):
            member = Member(_from_here(fleet.root / file), fleet.layers_of(file), fleet.root, environment)
            below = str(asked) in (".", NAME) or PurePosixPath(file).is_relative_to(asked)
            if _from_here(fleet.root / asked) in member.layers if layer else below:
                yield member
