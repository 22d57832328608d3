"""What a file is called in its Git repository."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

from modelservice.errors import InputError


def repository_of(path: str) -> Path | None:
    """Return the folder of the Git repository that a path is in, a submodule's too; None if it is in none."""
    try:
        place = os.path.abspath(path)  # noqa: PTH100  a link has its own path in Git
    except FileNotFoundError:  # the working directory was deleted
        return None
    folders = (place, *map(str, Path(place).parents))
    return next((Path(folder) for folder in folders if os.path.exists(f"{folder}/.git")), None)  # noqa: PTH110


def path_in_git(file: str) -> str:
    """Return a file's path from the root of its Git repository; outside of one, its path from here.

    Raises InputError if that is not a path in a repository.
    """
    if file == "-":
        raise InputError("standard input has no path in Git: name the file, or leave --values-git out")
    if any("\ud800" <= char <= "\udfff" for char in file):
        raise InputError(f"{file}: the name is not UTF-8, which an Application cannot hold: rename the file")
    place = Path(os.path.abspath(file))  # noqa: PTH100  a link has its own path in Git
    if root := repository_of(file):
        return place.relative_to(root).as_posix()
    path = PurePosixPath(Path(file).as_posix())
    if path.is_absolute() or ".." in path.parts:
        raise InputError(f"{file}: values in Git are named by their paths from the repository's root; run it there")
    return str(path)
