"""What a file is called in its Git repository."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

from modelservice.errors import InputError


def path_in_git(file: str) -> str:
    """Return a file's path from the root of its Git repository; outside of one, its path from here.

    Raises InputError if that is not a path in a repository.
    """
    if file == "-":
        raise InputError("standard input has no path in Git: name the file, or leave --values-git out")
    if any("\ud800" <= char <= "\udfff" for char in file):
        raise InputError(f"{file}: the name is not UTF-8, which an Application cannot hold: rename the file")
    place = Path(os.path.abspath(file))  # noqa: PTH100  a link has its own path in Git
    for above in (place, *place.parents):
        if (above / ".git").exists():
            return place.relative_to(above).as_posix()
    path = PurePosixPath(Path(file).as_posix())
    if path.is_absolute() or ".." in path.parts:
        raise InputError(f"{file}: values in Git are named by their paths from the repository's root; run it there")
    return str(path)
