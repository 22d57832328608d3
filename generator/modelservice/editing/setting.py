"""Set single keys of a values file, each value with the type that the schema requires."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple

from modelservice.check import check_service
from modelservice.editing.fixing import Files
from modelservice.errors import InputError
from modelservice.findings import Action, Edit, Finding, Path, Severity, dotted, path_from
from modelservice.reading.document import Document
from modelservice.reading.parser import compose
from modelservice.redact import hidden
from modelservice.writing.dump import Layout
from modelservice.writing.edits import edited
from modelservice.writing.page import UnclearEditError

_SETTING = re.compile(r'(?P<key>(?:[^="\[\]]|\[[0-9]+\]|\["[^"]*"\])+?)(?:=(?P<text>.*)|-)', re.DOTALL)


class Setting(NamedTuple):
    """A key and the text of its new value; None removes the key."""

    path: Path
    text: str | None


class Checked(NamedTuple):
    """The edited file, the findings of its service, and the new errors among them."""

    document: Document
    findings: list[Finding]
    refused: list[Finding]


def parsed(text: str) -> Setting:
    """Return what KEY=VALUE or KEY- sets. Raises InputError for another form."""
    found = _SETTING.fullmatch(text)
    try:
        return Setting(path_from(found["key"]), found["text"]) if found else _refuse(text)
    except ValueError:
        return _refuse(text)


def _refuse(text: str) -> Setting:
    key = text.partition("=")[0]
    raise InputError(
        f'{hidden(key)} is neither KEY=VALUE nor KEY-; a key is written as in gpu.count, args[0] or labels["a.b/c"]'
    )


def with_settings(files: Files, settings: Sequence[Setting], ignore: Collection[str] = ()) -> Checked:
    """Return the last layer of the only service with its keys set, and what is then wrong.

    Raises InputError if a key has to be set by hand.
    """
    (service,) = files.services
    before = check_service(files.layers(service), ignore)
    file = files.documents[service[-1]]
    for setting in settings:
        file = _with(files, file, setting, ignore)
    found = check_service(files.having({file.name: file}).layers(service), ignore).findings
    more = _errors(found) - _errors(before.findings)
    # An error that disappears elsewhere does not excuse one of the same rule in the new values.
    old = {(one.rule, _names(one.path)) for one in before.errors}
    new = {(one.rule, _names(one.path)) for one in found if _within(one.path, settings)} - old
    refused = [
        one
        for one in found
        if one.severity is Severity.ERROR and (one.rule in more or (one.rule, _names(one.path)) in new)
    ]
    return Checked(file, found, refused)


def _within(path: Path, settings: Sequence[Setting]) -> bool:
    return any(path[: len(one.path)] == one.path for one in settings if one.text is not None)


def _names(path: Path) -> tuple[str, ...]:
    """Return a path without list indices, which change when an item is removed."""
    return tuple(part for part in path if isinstance(part, str))


def _with(files: Files, file: Document, setting: Setting, ignore: Collection[str]) -> Document:
    if setting.text is None:
        return _edited(file, Edit(Action.REMOVE, setting.path))
    tried = [_edited(file, Edit(Action.SET, setting.path, value)) for value in _values(setting.text)]
    return min(tried, key=lambda one: _faults(files.having({file.name: one}), setting.path, ignore))


def _values(text: str) -> Iterator[Any]:
    """Yield the values that a text may mean: its value as YAML, and the text itself."""
    data, _, findings, complete = compose("", text)
    if complete and not findings and data is not None and data != text:
        yield data
    yield text


def _faults(files: Files, path: Path, ignore: Collection[str]) -> tuple[int, int]:
    """Return the number of type errors, and of all errors, at a path, inside it or above it."""
    (service,) = files.services
    found = check_service(files.layers(service), ignore).errors
    rules = [one.rule for one in found if one.path and one.path[: len(path)] == path[: len(one.path)]]
    return rules.count("wrong-type"), len(rules)


def _edited(file: Document, edit: Edit) -> Document:
    try:
        return edited(file, (edit,))
    except UnclearEditError as error:
        raise InputError(f"{error}: {_by_hand(edit)}") from error


def _by_hand(edit: Edit) -> str:
    """Return how to make the edit by hand."""
    if edit.action is Action.REMOVE:
        return f"remove {dotted(edit.path)} by hand"
    value = edit.value
    for part in reversed(edit.path):
        value = {part: value} if isinstance(part, str) else [value]
    return "write it by hand:\n" + hidden("\n".join(Layout().lines(value)))


def _errors(findings: list[Finding]) -> Counter[str]:
    return Counter(one.rule for one in findings if one.severity is Severity.ERROR)
