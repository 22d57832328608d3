"""Files of Argo CD's objects: what each says that it was made of, and which may be written."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from modelservice.writing.files import real

BEGINS = "# Made by: modelservice argocd"


class Made(NamedTuple):
    """An Application or ApplicationSet: its name, the values file or folder that it is for, and its text."""

    name: str
    source: str
    text: str


def made_by(words: Sequence[str], source: str) -> str:
    """Return the comment that says how a file was made, and of which values."""
    command, source = _one_line(shlex.join(words)), _one_line(source)
    return f"{BEGINS} {command}\n{_SOURCE}{source}\n# Change the values, and run it again.\n"


def _one_line(text: str) -> str:
    """Return a text without what would end a comment."""
    return "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in text)


_SOURCE = "# Values: "


def made_of(text: str) -> str:
    """Return the values that a file says it was made of, "" where it does not say so."""
    found = [line.removeprefix(_SOURCE) for line in text.splitlines() if line.startswith(_SOURCE)]
    return found[0] if found else ""


def rivals(made: Sequence[Made]) -> dict[str, str]:
    """Return the values whose Application has another one's name, each with a sentence."""
    return {
        one.source: f"{other.source} would be the Application {one.name} too: rename one, or use --application-set"
        for one in made
        for other in made
        if one.name == other.name and one.source != other.source
    }


def overwriting(made: Sequence[Made], folder: Path) -> dict[str, str]:
    """Return the values whose file is that of other values, which are still there, each with a sentence."""
    found = {}
    for one in made:
        file = folder / f"{one.name}.yaml"
        other = made_of(file.read_text(encoding="utf-8", errors="replace")) if file.is_file() else ""
        # The text is anybody's: Path raises where it is too long for a name.
        if os.path.isfile(other) and real(Path(other)) != real(Path(one.source)):  # noqa: PTH113
            found[one.source] = f"{file} is the Application of {other}: rename one, or use --application-set"
    return found
