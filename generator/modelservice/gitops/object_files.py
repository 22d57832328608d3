"""Manage the files of Argo CD's and Flux's objects: record the source of each, and find stale or conflicting files."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from modelservice.gitops.git_paths import path_below, repository_of
from modelservice.writing.files import real


class Made(NamedTuple):
    """The objects of one file: its name without .yaml, the values file or folder of the objects, and their text."""

    name: str
    source: str
    text: str


def begins(command: str) -> str:
    """Return the start of every file that a command writes."""
    return f"# Made by: modelservice {command} "


def made_by(command: str, words: Sequence[str], source: str) -> str:
    """Return the comment with the command line and the values that a file was made from."""
    line, source = _one_line(shlex.join(words)), _one_line(source)
    return f"{begins(command)}{line}\n{_SOURCE}{source}\n# Change the values, and run it again.\n"


def left_behind(made: Sequence[Made], failed: Sequence[str], folder: Path, begin: str) -> dict[Path, str]:
    """Return the files that an earlier run of the same command line wrote and that are not needed now, with the reason.

    The values file no longer exists, or the objects of a folder are not made any more. `failed` are the files without
    objects because of errors; `begin` is the first line that the command line writes.
    """
    kept = {folder / f"{one.name}.yaml" for one in made}
    files = sorted({*folder.glob("*.yaml"), *folder.glob("*/*.yaml")} - kept)
    inside = [file for file in files if file.is_file() and real(file.parent).is_relative_to(real(folder))]
    texts = ((file, _beginning(file)) for file in inside)
    mine = ((file, made_of(text)) for file, text in texts if text.partition("\n")[0] == begin)
    whole, root = any(not _is_values(one.source) for one in made), repository_of(str(folder))
    wrong = [Path(path_below(root, one)) for one in failed]
    found = {}
    for file, source in mine:
        if _is_values(source) and not _located(source, folder):
            found[file] = "its values file is gone"
        elif whole and not _is_values(source) and not any(one.is_relative_to(source) for one in wrong):
            found[file] = "nothing needs it any more"
    return found


def _located(source: str, folder: Path) -> str:
    """Return where the file is that a comment in a folder names, from its repository or from here; "" if nowhere."""
    root = repository_of(str(folder))
    # The text is untrusted: Path raises if it is too long for a name.
    return next((one for one in (os.path.join(root or "", source), source) if os.path.isfile(one)), "")  # noqa: PTH113, PTH118


def _is_values(source: str) -> bool:
    return source.endswith((".yaml", ".yml"))


def _beginning(file: Path) -> str:
    with file.open(encoding="utf-8", errors="replace") as opened:
        return opened.read(10_000)


def _one_line(text: str) -> str:
    """Escape the characters of a text that would end a comment."""
    return "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in text)


_SOURCE = "# Values: "


def made_of(text: str) -> str:
    """Return the values that a file was made from according to its comment, or "" without one."""
    found = [line.removeprefix(_SOURCE) for line in text.splitlines() if line.startswith(_SOURCE)]
    return found[0] if found else ""


def rivals(made: Sequence[Made], what: str, way: str) -> dict[str, str]:
    """Return a message for each values file whose object would have the same name as another one.

    `what` is the object's kind, `way` the hint.
    """
    named: dict[str, list[str]] = {}
    for one in made:
        named.setdefault(one.name, []).append(one.source)
    return {
        one.source: f"{other} would be the {what} {one.name} too: {way}"
        for one in made
        for other in named[one.name]
        if other != one.source
    }


def overwriting(made: Sequence[Made], folder: Path, what: str, way: str) -> dict[str, str]:
    """Return a message for each values file that would overwrite the file of other values that still exist."""
    found = {}
    for one in made:
        file = folder / f"{one.name}.yaml"
        said = made_of(file.read_text(encoding="utf-8", errors="replace")) if file.is_file() else ""
        if said and (other := _located(said, folder)) and real(Path(other)) != real(Path(one.source)):
            found[one.source] = f"{file} is already the {what} of {other}: {way}"
    return found
