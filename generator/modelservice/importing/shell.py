"""Read shell lines as people paste them into a terminal, without running anything.

Quotes, line continuations, comments, variables and several commands are understood. What only a shell can know, such as
the output of another command, stays as it is written.
"""

from __future__ import annotations

import io
import re
import shlex
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from modelservice.errors import InputError

LONGEST = 1_000_000
# MAX_ARG_STRLEN of Linux.
LONGEST_WORD = 131_072
# A continued line; spaces or a comment behind the backslash are a slip of the paste, comment lines in between as well.
# PowerShell writes a backtick, cmd.exe a caret.
_CONTINUED = re.compile(r"(?<!\\)[\\`^](?:[ \t]+#[^\n]*)?[ \t]*\r?\n(?:[ \t]*#[^\n]*\n)*")
_CONTROL = ";&|\n<>"
_PROMPT = re.compile(r"^[ \t]*(?:[\w.@:~/-]*[$%]|[\w.@:~/-]+#|>) (?=\S)", re.MULTILINE)
# What documentation writes for something that the reader has to fill in; it becomes a variable.
# So does the output of another command.
_BLANK = re.compile(r"<([A-Za-z][\w .-]{0,60})>|\$\(([^()\n]{1,200})\)")
_STREAM = re.compile(r"(?<=\s)\d(?=[<>])")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)(?:(:?[-=])([^{}]*))?\})")
# A variable with what a shell says where it is not set.
_REQUIRED = re.compile(r"\$\{(\w+):?\?[^{}\n]*\}")
# A folder of Windows in front of a volume's colon: its backslashes quote nothing.
_WINDOWS = re.compile(
    r"((?:-v|--volume|source=|src=)[ \t=]?[\"']?)"
    r"((?:[A-Za-z]:|%\w{1,40}%|\$env:\w{1,40}|\$\{PWD\}|\.{1,2})\\[^\s\"':,]*)"
)


class Command(NamedTuple):
    """One command: the variables in its environment that the text sets, and its words."""

    variables: Mapping[str, str]
    words: list[str]


def commands(text: str, known: Mapping[str, str] | None = None) -> list[Command]:
    """Return the commands of a pasted text, with the variables filled in that the text sets (or `known`).

    Raises InputError for a text whose quotes do not close, or that is longer than a megabyte.
    """
    if len(text) > LONGEST:
        raise InputError("the command line is longer than a megabyte")
    shell_variables = dict(known or {})
    exported: dict[str, str] = {}
    found = []
    for words in _split(text):
        words = [expanded(word, shell_variables) for word in words]
        is_export = words[0] == "export"
        words = words[is_export:]
        count = next((at for at, word in enumerate(words) if not _ASSIGNMENT.match(word)), len(words))
        variables = dict(word.split("=", 1) for word in words[:count])
        if count == len(words):
            shell_variables |= variables
            exported |= variables if is_export else {}
        else:
            found.append(Command(exported | variables, words[count:]))
    return found


def _split(text: str) -> Iterator[list[str]]:
    """Yield the words of each command; what a command's streams are redirected to is left out."""
    lines = _PROMPT.sub("", text.replace("\r\n", "\n"))
    lines = _REQUIRED.sub(r"${\1}", lines)
    lines = _WINDOWS.sub(lambda found: found[1] + re.sub(r"\\+", "/", found[2]), lines)
    filled = _BLANK.sub(_as_variable, _CONTINUED.sub(" ", lines))
    # The reader does not say what was quoted; a quoted # begins no comment.
    joined = re.sub("(['\"])#", "\\1\0#", _STREAM.sub("", filled).replace("\0", ""))
    reader = _reader(joined, _CONTROL)
    reader.whitespace = " \t\r"
    words: list[str] = []
    skipped = redirected = False
    try:
        for word in reader:
            if not set(word) - set(_CONTROL) and word:
                redirected = word[0] in "<>" or word in (">&", "&>")
                skipped = skipped and "\n" not in word
                if not redirected and words:
                    yield words
                    words = []
            elif redirected:
                redirected = False
            else:
                skipped = skipped or word.startswith("#")
                words += [] if skipped else [word.replace("\0", "")]
    except ValueError as error:
        raise InputError(f"the command line cannot be read: {str(error).lower()}") from error
    if words:
        yield words


class _Text(io.StringIO):
    """A text that shlex reads, which takes quadratic time for a long word."""

    reader: shlex.shlex

    def read(self, size: int | None = -1) -> str:
        if len(self.reader.token) > LONGEST_WORD:
            raise ValueError(f"a word is longer than {LONGEST_WORD} characters")
        return super().read(size)


def _reader(text: str, control: str = "") -> shlex.shlex:
    stream = _Text(text)
    stream.reader = shlex.shlex(stream, posix=True, punctuation_chars=control)
    stream.reader.commenters, stream.reader.whitespace_split = "", True
    return stream.reader


def words_of(text: str) -> list[str]:
    """Return the words of one command. Raises InputError where its quotes do not close."""
    try:
        return list(_reader(text))
    except ValueError as error:
        raise InputError(f"the command cannot be read: {str(error).lower()}") from error


def _as_variable(found: re.Match[str]) -> str:
    return "$" + re.sub(r"\W+", "_", found[1] or found[2]).strip("_")


def expanded(word: str, variables: Mapping[str, str]) -> str:
    """Return a word with the variables filled in that are known or that have a default, the others as they are."""

    def value(found: re.Match[str]) -> str:
        name = found[1] or found[2]
        default = found[4] if found[3] else found[0]
        return variables.get(name, default if default is not None else found[0])

    return _VARIABLE.sub(value, _REQUIRED.sub(r"${\1}", word))
