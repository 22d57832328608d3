"""Convert a file's path to its path in its Git repository."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

from modelservice.errors import InputError


def repository_of(path: str) -> Path | None:
    """Return the root of the Git repository or submodule that a path is in, or None if it is in none."""
    try:
        place = os.path.abspath(path)  # noqa: PTH100  a link has its own path in Git
    except FileNotFoundError:  # the working directory was deleted
        return None
    folders = (place, *map(str, Path(place).parents))
    return next((Path(folder) for folder in folders if os.path.exists(f"{folder}/.git")), None)  # noqa: PTH110


def path_in_git(file: str) -> str:
    """Return a file's path from the root of its Git repository, or from the working directory outside of one.

    Raises InputError if that cannot be a path in a repository.
    """
    if file == "-":
        raise InputError("standard input has no path in Git: name a file, or remove --values-git")
    if any("\ud800" <= char <= "\udfff" for char in file):
        raise InputError(f"{file}: the name is not UTF-8, which an Application cannot contain: rename the file")
    place = Path(os.path.abspath(file))  # noqa: PTH100  a link has its own path in Git
    if root := repository_of(file):
        return place.relative_to(root).as_posix()
    path = PurePosixPath(Path(file).as_posix())
    if path.is_absolute() or ".." in path.parts:
        raise InputError(f"{file}: Argo CD needs its path from the repository's root: run the command there")
    return str(path)


def path_below(root: Path | None, path: str) -> str:
    """Return a path from a folder, so that it is the same wherever a command runs; as written if it is not below it."""
    if not root or path == "-":
        return path
    place = Path(os.path.abspath(path))  # noqa: PTH100  a link has its own path in Git
    return place.relative_to(root).as_posix() if place.is_relative_to(root) else path
