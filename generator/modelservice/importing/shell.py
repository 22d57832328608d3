"""Read shell lines as people paste them into a terminal, without running anything.

Quotes, line continuations, comments, variables and several commands are understood. Unset variables are kept as
written, and the output of another command becomes a variable.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from modelservice.errors import InputError

LONGEST = 256 * 1024
# A continued line. Pasted text may have spaces or a comment after the backslash, and comment lines in between.
# PowerShell writes a backtick, cmd.exe a caret.
_CONTINUED = re.compile(r"(?<!\\)[\\`^](?:[ \t]+#[^\n]*)?[ \t]*\r?\n(?:[ \t]*#[^\n]*\n)*")
_CONTROL = ";&|\n<>"
_PROMPT = re.compile(
    r"^[ \t]*(?:\([\w.@:/ -]{1,60}\) ?)?"
    r"(?:(?:[\w.@:~/-]*[$%]|[\w.@:~/-]+#|\[[\w.@:~/ -]{1,60}\][$#]|>{1,3}|\u276f) +|!(?=\w)"
    r"|(?:PS [A-Za-z]:[^>\n]{0,200}|[A-Za-z]:\\[^>\n]{0,200})> ?)(?=\S)",
    re.MULTILINE,
)
# The command of a Dockerfile in exec form.
_EXEC_FORM = re.compile(r"^[ \t]*CMD[ \t]+(\[.*\])[ \t]*$", re.MULTILINE)
# A line of vLLM's log.
_LOG = re.compile(
    r"^[ \t]*(?:\(\w{1,40} pid=\d+\) )?(?:INFO|WARNING|ERROR|DEBUG|CRITICAL)(?::| \d\d-\d\d ).*$", re.MULTILINE
)
# How PowerShell and cmd.exe set an environment variable.
_SET = re.compile(r"^[ \t]*(?:\$env:(\w+)[ \t]*=[ \t]*|set (\w+)=)", re.MULTILINE | re.IGNORECASE)
# Placeholders of documentation, such as <model>, and the output of another command: both become variables.
_BLANK = re.compile(r"<([A-Za-z][\w .-]{0,60})>|\$\(([^()\n]{1,200})\)|`([^`\n]{1,200})`")
# Quoted text, comments, and the number of a stream that is redirected.
_QUOTED = re.compile(
    r"\\.|'[^']*'|\"(?:\\.|[^\"\\])*\"|(?<![^\s;&|()])#[^\n]*|(?<=\s)\d(?=[<>])",
    re.DOTALL,
)
# Special spaces and invisible characters that web pages and editors insert.
_ODD = dict.fromkeys(map(ord, "\xa0\u2007\u202f\u3000"), " ") | dict.fromkeys(map(ord, "\0\u200b\u2060\ufeff"), "")
_DOLLAR = "\0"  # a dollar that does not start a variable
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)(?:(:?[-=])([^{}]*))?\})")
# A variable with an error message for when it is unset.
_REQUIRED = re.compile(r"\$\{(\w+):?\?[^{}\n]*\}")
# A Windows folder before a volume's colon: its backslashes are not escapes.
_WINDOWS = re.compile(
    r"((?:-v|--volume|source=|src=)[ \t=]?[\"']?)"
    r"((?:[A-Za-z]:|%\w{1,40}%|\$env:\w{1,40}|\$\{(?:PWD|env:\w{1,40})\}|\.{1,2})\\[^\s\"':,]*)"
)


class Command(NamedTuple):
    """One command: the variables in its environment that the text sets, and its words.

    `redirected` are its redirections as written, `operator` is the operator after it ("" at the end).
    """

    variables: Mapping[str, str]
    words: list[str]
    redirected: tuple[str, ...] = ()
    operator: str = ""


def commands(text: str, known: Mapping[str, str] | None = None) -> list[Command]:
    """Return the commands of a pasted text, with variables filled in that the text or `known` sets.

    Raises InputError for a text whose quotes do not close, or that is longer than 256 KiB.
    """
    if len(text) > LONGEST:
        raise InputError("the command line is longer than 256 KiB")
    shell_variables = dict(known or {})
    exported: dict[str, str] = {}
    found = []
    for command in _split(text):
        words = [expanded(word, shell_variables).replace(_DOLLAR, "$") for word in command.words]
        is_export = words[0] == "export"
        words = words[is_export:]
        variables = leading_assignments(words)
        if len(variables) == len(words):
            shell_variables |= variables
            exported |= variables if is_export else {}
        else:
            rest = words[len(variables) :]
            found.append(command._replace(variables=exported | variables, words=rest))
    return found


def leading_assignments(words: Sequence[str]) -> dict[str, str]:
    """Return the variables that the first words set, as in `A=1 B=2 program`."""
    count = next((at for at, word in enumerate(words) if not _ASSIGNMENT.match(word)), len(words))
    return dict(word.split("=", 1) for word in words[:count])


def _split(text: str) -> Iterator[Command]:
    """Yield the commands, with their assignments and variables still in their words."""
    reader = shlex.shlex(_prepared(text), posix=True, punctuation_chars=_CONTROL)
    reader.whitespace, reader.commenters, reader.whitespace_split = " \t\r", "", True
    words: list[str] = []
    redirected: list[str] = []
    into = ""
    try:
        for word in reader:
            if into:
                redirected.append(f"{into} {word}".replace(_DOLLAR, "$"))
                into = ""
            elif not word or set(word) - set(_CONTROL):
                words.append(word)
            elif set(word) & set("<>"):
                into = word
            else:
                if words:
                    yield Command({}, words, tuple(redirected), word.strip("\n") or "\n")
                words, redirected = [], []
    except ValueError as error:
        raise InputError(f"the command line cannot be read: {str(error).lower()}") from error
    if words:
        yield Command({}, words, tuple(redirected))


def _prepared(text: str) -> str:
    """Return the lines without prompts, comments and continuations, with placeholders as variables."""
    lines = _PROMPT.sub("", _LOG.sub("", _fenced(text.translate(_ODD).replace("\r\n", "\n"))))
    lines = _EXEC_FORM.sub(_as_words, lines)
    lines = _REQUIRED.sub(r"${\1}", _SET.sub(lambda found: f"export {found[1] or found[2]}=", lines))
    lines = _WINDOWS.sub(lambda found: found[1] + re.sub(r"\\+", "/", found[2]), lines)
    return _BLANK.sub(_as_variable, _QUOTED.sub(_as_text, _CONTINUED.sub(" ", lines)))


def _as_words(found: re.Match[str]) -> str:
    """Return a command in exec form, which is a JSON list of words, as a shell line."""
    try:
        words = json.loads(found[1])
    except ValueError:
        return found[0]
    return shlex.join(map(str, words))


def _fenced(text: str) -> str:
    """Return the text between Markdown fences, or the whole text if it has none."""
    inside, found = "", list[str]()
    for line in text.split("\n"):
        mark = re.match(r"[ \t]*(`{3,}|~{3,})", line)
        if mark and not inside:
            inside = mark[1]
        elif mark and line.strip().startswith(inside) and len(set(line.strip())) == 1:
            inside = ""
        elif inside:
            found.append(line)
    return "\n".join(found) or re.sub(r"^\s*`([^`]+)`\s*$", r"\1", text)


def _as_text(found: re.Match[str]) -> str:
    """Return quoted text with its literal dollars marked, or "" for comments and numbers of streams."""
    text = found[0]
    if text[0] == "'":
        return text.replace("$", _DOLLAR)
    if text[0] == '"':
        return text.replace("\\$", _DOLLAR)
    return _DOLLAR if text == "\\$" else text if text[0] == "\\" else ""


def _as_variable(found: re.Match[str]) -> str:
    return "$" + re.sub(r"\W+", "_", found[1] or found[2] or found[3]).strip("_")


def expanded(word: str, variables: Mapping[str, str]) -> str:
    """Return a word with variables replaced by their values or defaults; the others are kept as written."""

    def value(found: re.Match[str]) -> str:
        name = found[1] or found[2]
        default = found[4] if found[3] else found[0]
        return variables.get(name, default if default is not None else found[0])

    return _VARIABLE.sub(value, _REQUIRED.sub(r"${\1}", word))
