"""Read what `modelservice import` gets: words, files or standard input."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

import click

from modelservice.errors import InputError


def texts(files: tuple[Path, ...]) -> dict[str, str]:
    """Return the texts of all files; - is standard input."""
    from modelservice.importing.cluster_objects import LONGEST

    if not files:
        raise click.UsageError("name a file, or - for standard input")
    return {shown_name(file): _read(file, LONGEST) for file in files}


def shown_name(file: Path) -> str:
    """Return the name of a file in messages."""
    return "standard input" if str(file) == "-" else str(file)


def given(words: tuple[str, ...], file: Path | None) -> tuple[str, Path | None]:
    """Return the line, and the file that has it instead; a single word may name a file."""
    if len(words) == 1 and not file and _is_file(words[0]):
        return "", Path(words[0])
    if len(words) == 1 and not file and words[0] != "-" and not re.search(r"\s", words[0]):
        from modelservice.redact import hidden

        raise InputError(f"{hidden(words[0])} is neither a line nor an existing file: give the line in quotes")
    return words[0] if len(words) == 1 else shlex.join(words), file


def _is_file(word: str) -> bool:
    try:
        return Path(word).is_file()
    except (OSError, ValueError):  # too long, or a NUL
        return False


def source(text: str, file: Path | None) -> str:
    """Return the text to import: the argument, or the text of the file or of standard input."""
    from modelservice.importing.shell import LONGEST

    if bool(text) == bool(file):
        raise click.UsageError("give the line in quotes, a file with -f, or - for standard input")
    if text and text != "-":
        if any("\ud800" <= char <= "\udfff" for char in text):
            raise InputError("the line is not UTF-8 text")
        return text
    text = _read(file or Path("-"), LONGEST)
    if len(text) > LONGEST:
        raise InputError(f"the text is longer than {LONGEST // 1024} KiB: give only the line or the service")
    return text


def _read(file: Path, longest: int) -> str:
    """Return a file's text, and not much more than `longest` characters of it."""
    if str(file) == "-" and sys.stdin is None:
        raise InputError("standard input is closed")
    with click.open_file(str(file), errors="strict") as stream:
        try:
            return str(stream.read(longest + 1))
        except ValueError as error:
            raise InputError(f"{shown_name(file)} is not UTF-8 text") from error
