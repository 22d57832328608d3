"""Write files that are planned in memory, whole or not at all."""

from __future__ import annotations

import contextlib
import difflib
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from modelservice.errors import InputError
from modelservice.reading.special_files import is_special
from modelservice.writing.staging import staging

# Relative path with forward slashes → text.
FileTree = Mapping[str, str]


def read_tree(folder: Path) -> dict[str, bytes]:
    """Return a folder's files by relative path; empty if the folder does not exist."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def entries(folder: Path) -> list[str]:
    """Return the relative paths of a folder's files, links, pipes and empty folders.

    No file is read. Raises OSError if a folder in it cannot be listed.
    """
    found = []
    for root, folders, files in os.walk(folder, onerror=_raise):
        here = Path(root)
        linked = [name for name in folders if (here / name).is_symlink()]
        found += [here / name for name in (*files, *linked)]
        if not folders and not files and here != folder:
            found.append(here)
    return sorted(path.relative_to(folder).as_posix() for path in found)


def _raise(error: OSError) -> None:
    raise error


def require_replaceable(folder: Path) -> None:
    """Raise InputError for a folder that cannot be replaced by another one."""
    with told(folder):
        place = real(folder)
        mounted = place.is_mount()
    if mounted:
        raise InputError(f"{folder} is a mount point: choose a folder in it")
    if _stands_in(place):
        raise InputError(
            f"{folder} cannot be replaced: it is or contains the current folder; run the command from outside it"
        )


def real(path: Path) -> Path:
    """Return the path without links. For a circle of links, Path.resolve raises no OSError, but opening it does."""
    return Path(os.path.realpath(path))


def _stands_in(folder: Path) -> bool:
    try:
        return Path.cwd().is_relative_to(folder)
    except FileNotFoundError:  # removed
        return False


def write_tree(tree: FileTree, folder: Path, *, keep: Iterable[str] = ()) -> None:
    """Replace the folder by the tree in one step; of the old content, only the paths in `keep` stay.

    The files are first written next to the folder. After an error or an interrupt, the folder is unchanged; if the
    process is killed, the next run restores it. Raises InputError if the folder cannot be written.
    """
    require_replaceable(folder)
    folder = real(folder)
    with told(folder), staging(folder.parent) as stage:
        _fill(stage / "new", tree, {path: folder / path for path in keep})
        _swap(stage / "new", folder, stage / "old" / folder.name)


@contextlib.contextmanager
def told(folder: Path) -> Iterator[None]:
    """Turn an OSError into an InputError that says that the folder cannot be written."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(
            f"{folder} cannot be written: {reason}; choose another folder. Nothing was changed."
        ) from error


def _fill(folder: Path, tree: FileTree, kept: Mapping[str, Path]) -> None:
    for path, text in tree.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8", newline="\n")
    for path, source in kept.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        _copy(source, target)


def _copy(source: Path, target: Path) -> None:
    """Copy a file, a link as a link, or an empty folder. Raises InputError for a pipe and the like."""
    if source.is_symlink() or source.is_file():
        shutil.copy2(source, target, follow_symlinks=False)
    elif source.is_dir():
        target.mkdir()
    else:
        raise InputError(f"{source} is neither a file nor a folder: move it away")


def _swap(new: Path, folder: Path, old: Path) -> None:
    if not folder.exists():
        new.rename(folder)
        return
    shutil.copymode(folder, new)
    old.parent.mkdir()
    folder.rename(old)
    try:
        new.rename(folder)
    except BaseException:
        old.rename(folder)
        raise


def replace_file(path: Path, text: str, *, ours: str = "") -> None:
    """Write one file whole or not at all.

    Raises InputError if it cannot be written, or if an existing file does not start with `ours`.
    """
    with told(path), staging(path.parent) as stage:
        _require_file(path)
        if path.exists() and not _begins_with(path, ours):
            raise InputError(f"{path} is a file that modelservice did not write: move it, or choose another folder")
        (stage / "new").write_text(text, encoding="utf-8", newline="\n")
        (stage / "new").replace(path)


def _begins_with(path: Path, text: str) -> bool:
    with path.open("rb") as file:
        start = file.read(len(text.encode()))
    return start in (b"", text.encode())


def rewrite_file(path: Path, old: bytes, new: bytes) -> None:
    """Replace a file's bytes, whole or not at all; a link stays a link, and the mode stays the same.

    Raises InputError if the file cannot be written, or if it no longer contains the old bytes.
    """
    try:
        place = real(path)
        _require_file(place)
        before = place.stat()
        if not os.access(place, os.W_OK):
            raise InputError(f"{path} is read-only. It was not changed.")
        with staging(place.parent) as stage:
            (stage / "new").write_bytes(new)
            shutil.copymode(place, stage / "new")
            with contextlib.suppress(PermissionError):
                os.chown(stage / "new", before.st_uid, before.st_gid)
            if place.read_bytes() != old:
                raise InputError(f"{path} was changed by something else meanwhile: run the command again.")
            (stage / "new").replace(place)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror or error}. It was not changed.") from error


def place_files(files: Mapping[str, Path | None], folder: Path) -> None:
    """Put each file into the folder under its name, each in one step; None removes the file of that name.

    Raises InputError if the folder cannot be written.
    """
    try:
        with staging(folder) as stage:
            for name, file in files.items():
                _require_file(folder / name)
                if file:
                    shutil.copyfile(file, stage / name)
            for name, file in files.items():
                if file:
                    (stage / name).replace(folder / name)
                else:
                    (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"{folder} cannot be written: {error.strerror or error}; choose another folder") from error


def _require_file(path: Path) -> None:
    """Raise InputError for a pipe, a socket or a device, which would be lost."""
    if is_special(path):
        raise InputError(f"{path} is a pipe, a socket or a device: remove it, or choose another place")


def text_diff(name: str, old: str, new: str) -> str:
    """Return a unified diff, or "" if nothing differs."""
    lines = difflib.unified_diff(old.splitlines(True), new.splitlines(True), f"{name} (now)", f"{name} (generated)")
    return "".join(line if line.endswith("\n") else line + "\n" for line in lines)
