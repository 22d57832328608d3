"""Turn a YAML parser's error into a message for people, with the position to look at."""

from __future__ import annotations

from typing import NamedTuple

import yaml


class Complaint(NamedTuple):
    """What is wrong with the text of a file; `line` and `column` count from 1."""

    rule: str
    message: str
    hint: str
    line: int
    column: int


class _Words(NamedTuple):
    message: str
    hint: str
    # The parser notices an unclosed quote or bracket at the end; a person must look where it is opened.
    at_start: bool = False


_QUOTE = _Words(
    "this quote is never closed", "close it, or put the whole value in the other kind of quotes", at_start=True
)
_MISFIT = _Words(
    "this does not fit what comes before it",
    "indent it like its neighbours, close quotes and brackets, or put the whole value in quotes",
)
_SPECIAL = _Words("a plain value cannot start with this character", "put the value in quotes")
_UNKNOWN_HINT = "see https://helm.sh/docs/chart_template_guide/yaml_techniques/ for the rules of YAML"

# libyaml's messages; Helm's parser is the Go port of libyaml and has the same ones.
_WORDS = {
    "found unexpected end of stream": _QUOTE,
    "found unexpected document indicator": _QUOTE,
    "did not find expected ',' or ']'": _Words(
        "this [ list is not closed", "separate items with commas and close it with ]", at_start=True
    ),
    "did not find expected ',' or '}'": _Words(
        "this { map is not closed", "separate keys with commas and close it with }", at_start=True
    ),
    "did not find expected key": _MISFIT,
    "did not find expected '-' indicator": _MISFIT,
    "did not find expected <document start>": _Words(
        "this is outside the map or list that the file began with: Helm silently drops it and everything after it",
        "indent all top-level keys alike, and write nothing after the bracket that closes the file",
    ),
    "could not find expected ':'": _Words(
        "this is neither `key: value` nor a list item",
        "write a colon and a space after the key, or indent the text below the key that it belongs to",
        at_start=True,
    ),
    "mapping values are not allowed in this context": _Words(
        "a colon is not expected here",
        "put a value that contains `: ` in quotes, indent the line like its neighbours, "
        "and write a space after each key's colon",
    ),
    "found unexpected ':'": _Words(
        "a colon is not expected here", "write a space after a key's colon, or put the text in quotes"
    ),
    "block sequence entries are not allowed in this context": _Words(
        "a list item is not expected here", "start the list on a line of its own: `- item` below the key"
    ),
    "found character that cannot start any token": _SPECIAL,
    "did not find expected alphabetic or numeric character": _SPECIAL,
    "found unexpected non-alphabetical character": _SPECIAL,
    "could not find expected directive name": _SPECIAL,
    "found unknown directive name": _SPECIAL,
    "did not find expected comment or line break": _Words(
        "the text of a | or > block starts on the next line", "put the value in quotes if it begins with | or >"
    ),
    "did not find expected node content": _Words(
        "a value is missing here", "remove the extra comma or bracket, or put the value in quotes"
    ),
    "found unhashable key": _Words("a list or a map is used where a key is expected", "write text as the key"),
    "found unknown escape character": _Words(
        "this escape does not exist in double quotes", "write \\\\ for a backslash, or use single quotes"
    ),
}

_JSON_HINT = "put an argument that contains JSON in single quotes: YAML interprets its { } and commas"
_TEMPLATE_HINT = "Helm does not render templates in a values file: put {{ }} in quotes if it is text"


def complaint(error: Exception, text: str) -> Complaint:
    """Return the parser's error in `text` as a complaint."""
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return Complaint("yaml-syntax", "this is not YAML", _UNKNOWN_HINT, 1, 1)
    problem = error.problem or "this is not YAML"
    words = _WORDS.get(problem, _Words(problem, _UNKNOWN_HINT))
    noticed = error.problem_mark
    mark = error.context_mark if words.at_start and error.context_mark else noticed
    lines = text.splitlines()
    tab = _tab(lines[noticed.line], noticed.column) if noticed.line < len(lines) else -1
    if tab >= 0:
        message = "a tab is used where YAML allows only spaces"
        return Complaint("yaml-tab", message, "use spaces", noticed.line + 1, tab + 1)
    line = lines[mark.line] if mark.line < len(lines) else ""
    hint = _TEMPLATE_HINT if "{{" in line else _JSON_HINT if "--" in line and "{" in line else words.hint
    return Complaint("yaml-syntax", words.message, hint, mark.line + 1, mark.column + 1)


def placed(error: Exception, name: str, text: str) -> str:
    """Return the error of a file that is not a values file, with its position, in the form of a finding."""
    if not isinstance(error, yaml.MarkedYAMLError):
        return f"{name}: {str(error).splitlines()[0]}"
    found = complaint(error, text)
    line = text.splitlines()[found.line - 1 : found.line]
    is_template = any("{{" in one for one in line)
    hint = "this is a template: render its chart with `helm template` first" if is_template else found.hint
    hint = f"; {hint}" if hint != _UNKNOWN_HINT else ""
    return f"{name}:{found.line}:{found.column}: {found.message}{hint}"


def _tab(line: str, column: int) -> int:
    """Return the index of the tab that stopped the parser, or -1 if something else did."""
    indentation = line[: len(line) - len(line.lstrip())]
    if "\t" in indentation:
        return indentation.index("\t")
    return column if line[column : column + 1] == "\t" else -1
