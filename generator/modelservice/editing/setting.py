"""Set single keys of a values file, each value with the type that the schema requires."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple

from modelservice.check import Progress, check_service, counted, errors
from modelservice.editing.fixing import Files
from modelservice.editing.flag_settings import not_a_key
from modelservice.errors import InputError
from modelservice.findings import Action, Edit, Finding, Path, dotted, path_from
from modelservice.layer_findings import MergedFindings
from modelservice.reading.document import Document
from modelservice.reading.parser import compose
from modelservice.reading.values_in_objects import value_at
from modelservice.redact import hidden
from modelservice.report import lines
from modelservice.schema.source import plain_schema
from modelservice.writing.dump import Layout
from modelservice.writing.edits import edited
from modelservice.writing.page import UnclearEditError

_SETTING = re.compile(r'(?P<key>(?:[^="\[\]]|\[[0-9]+\]|\["[^"]*"\])+?)(?:=(?P<text>.*)|-)', re.DOTALL)


class Setting(NamedTuple):
    """A key and the text of its new value; None removes the key."""

    path: Path
    text: str | None


class Checked(NamedTuple):
    """The edited file, the findings in it and new ones of its services, and the new errors among them.

    `sources` are the texts of the services' files by name; `overridden` are the settings without an effect, because
    every service has another value in a file above.
    """

    document: Document
    findings: list[Finding]
    refused: list[Finding]
    sources: dict[str, str]
    overridden: list[Path]


def odd_character(text: str) -> str:
    """Return the first control character, or surrogate for a byte that is not UTF-8, in a text, or ""."""
    return next((char for char in text if unicodedata.category(char) in ("Cc", "Cs")), "")


def parsed(text: str) -> Setting:
    """Return what KEY=VALUE or KEY- sets. Raises InputError for another form."""
    if odd := odd_character(text.replace("\n", "").replace("\t", "")):
        raise InputError(f"the setting has the character {odd!a}, which is not text: remove it")
    found = _SETTING.fullmatch(f"{text}=" if text.startswith("--") and "=" not in text else text)
    try:
        return Setting(path_from(found["key"]), found["text"]) if found else _refuse(text)
    except ValueError:
        return _refuse(text)


def _refuse(text: str) -> Setting:
    key = text.partition("=")[0]
    raise InputError(
        f'{hidden(key)} is neither KEY=VALUE nor KEY-; a key is written as in gpu.count, args[0] or labels["a.b/c"]'
    )


def with_settings(
    files: Files,
    name: str,
    settings: Sequence[Setting],
    ignore: Collection[str] = (),
    progress: Progress | None = None,
) -> Checked:
    """Return the file `name`, which all services use, with its keys set, and what is then wrong with the services.

    Raises InputError for a key that cannot be set, or that has to be set by hand.
    """
    file = files.documents[name]
    for setting in settings:
        _require_possible(file, setting)
        file = _with(files, file, setting, ignore)
    after = files.having({name: file})
    found, refused = MergedFindings(), MergedFindings()
    overridden = [one.path for one in settings if one.text is not None]
    for service in counted(files.services, len(files.services), progress):
        before, now = (check_service(one.layers(service), ignore) for one in (files, after))
        old, new = before.findings, now.findings
        overridden = [path for path in overridden if _is_overridden(now.document, path, name)]
        # A layer of many services is not to blame for what was wrong with them before.
        alone = len(files.services) == 1
        shown = [one for one in new if alone or one.position.file == name or one not in old]
        found.add(service[-1], service[:-1], shown)
        refused.add(service[-1], service[:-1], _refused(old, new, settings))
    sources = {one.name: one.text for one in after.documents.values()}
    return Checked(file, found.findings(), refused.findings(), sources, overridden)


def _is_overridden(service: Document, path: Path, file: str) -> bool:
    """Return whether another file decides a service's value; maps are merged, so none decides one alone."""
    return service.value_position(path).file != file and not isinstance(value_at(service.data, *path), dict)


def _refused(before: list[Finding], after: list[Finding], settings: Sequence[Setting]) -> list[Finding]:
    """Return the new errors of a service."""
    more = _errors(after) - _errors(before)
    # An error that disappears elsewhere does not excuse one of the same rule in the new values.
    old = {(one.rule, _names(one.path)) for one in errors(before)}
    new = {(one.rule, _names(one.path)) for one in after if _within(one.path, settings)} - old
    return [one for one in errors(after) if _is_object(one) or one.rule in more or (one.rule, _names(one.path)) in new]


def _is_object(finding: Finding) -> bool:
    """Return whether the file is a Kubernetes object, in which the keys of values have another place."""
    return finding.rule == "kubernetes-object"


def _within(path: Path, settings: Sequence[Setting]) -> bool:
    return any(path[: len(one.path)] == one.path for one in settings if one.text is not None)


def _names(path: Path) -> tuple[str, ...]:
    """Return a path without list indices, which change when an item is removed."""
    return tuple(part for part in path if isinstance(part, str))


def _require_possible(file: Document, setting: Setting) -> None:
    """Raise InputError, with what to set instead, for a key that the file cannot have."""
    if not file.readable and [one.rule for one in file.findings] != ["empty-file"]:
        raise InputError("\n".join(["the file has to be fixed first:", *lines(file.findings)]))
    key, args = dotted(setting.path), file.data.get("args") if file.readable else None
    if reason := not_a_key(setting.path, setting.text, [str(one) for one in args] if isinstance(args, list) else []):
        raise InputError(reason)
    if whole := _one_key(setting.path):
        raise InputError(f"a key with dots and slashes needs brackets: write {dotted(whole)}")
    if setting.text is None and not file.is_written(setting.path):
        raise InputError(f"{key} is not written in {file.name}")
    if setting.text is not None and (reason := _misplaced(file.data, setting.path)):
        raise InputError(f"{key} cannot be set: {reason}")


def _one_key(path: Path) -> Path:
    """Return the path that is meant if a key such as nvidia.com/gpu was written without brackets, or ()."""
    schema: Any = plain_schema()
    for depth, part in enumerate(path):
        inside = schema.get("properties", {})
        if part not in inside:
            rest = [part for part in path[depth:] if isinstance(part, str)]
            whole = depth and len(rest) > 1 and len(path) == depth + len(rest) and "/" in "".join(rest)
            return (*path[:depth], ".".join(rest)) if whole else ()
        schema = inside[part]
    return ()


def _misplaced(value: Any, path: Path) -> str:
    """Return why the data cannot have a value at a path, or ""."""
    for depth, part in enumerate(path):
        above = dotted(path[:depth])
        items = [] if value is None else value
        if isinstance(part, str):
            if value is not None and not isinstance(value, dict):
                return f"{above} is not a map of keys"
            value = (value or {}).get(part)
        elif not isinstance(items, list):
            return f"{above} is not a list"
        elif part > len(items):
            return (
                f"{above} has {len(items)} item{'' if len(items) == 1 else 's'}: the next one is {above}[{len(items)}]"
            )
        else:
            value = items[part] if part < len(items) else None
    return ""


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
    found = check_service(files.layers(files.services[0]), ignore).errors
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
    return Counter(one.rule for one in errors(findings))
