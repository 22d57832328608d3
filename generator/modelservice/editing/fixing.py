"""Apply the certain fixes of findings to values files, in memory, one after the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from modelservice.check import CheckedService, Progress, check_service, counted
from modelservice.findings import MOST, Action, Edit, Finding, Fix, Severity, dotted
from modelservice.reading.document import Document
from modelservice.reading.values_files import load
from modelservice.schema.defaults import default_values
from modelservice.writing.edits import edited
from modelservice.writing.page import UnclearEditError

# Returns the fix to apply for a finding and the service's values, or none if a person has to decide.
Choice = Callable[[Finding, Any], Fix]


class Files(NamedTuple):
    """Values files by name, and the names of each service's layers, the lowest first.

    `others` are services that are not changed, but may use the same layers. `checks` keeps the last check of each
    service, with the layers that were checked.
    """

    documents: Mapping[str, Document]
    services: tuple[tuple[str, ...], ...]
    others: tuple[tuple[str, ...], ...] = ()
    checks: dict[tuple[str, ...], tuple[list[Document], CheckedService]] | None = None

    def layers(self, service: Iterable[str]) -> list[Document]:
        """Return the documents of a service."""
        return [self.documents[name] for name in service]

    def check(self, service: tuple[str, ...], ignore: Collection[str]) -> CheckedService:
        """Return the check of a service; `ignore` must always be the same."""
        layers = self.layers(service)
        known = {} if self.checks is None else self.checks
        then, checked = known.get(service, ((), None))
        if checked is None or any(old is not new for old, new in zip(then, layers, strict=True)):
            checked = check_service(layers, ignore)
            known[service] = layers, checked
        return checked

    def having(self, changed: Mapping[str, Document]) -> Files:
        """Return the files with some of them changed."""
        return self._replace(documents={**self.documents, **changed})

    def changed_since(self, before: Files) -> list[tuple[Document, Document]]:
        """Return each file whose text changed, before and after."""
        pairs = ((before.documents[name], now) for name, now in self.documents.items())
        return [(old, new) for old, new in pairs if old.text != new.text]


def load_files(services: Iterable[Sequence[str]], others: Iterable[Sequence[str]] = ()) -> Files:
    """Read the files of services; each service is its layers, the lowest first, and its own file."""
    named, beside = ([tuple(service) for service in some] for some in (services, others))
    read = {path: load(path) for service in (*named, *beside) for path in service}
    documents = {one.name: one for one in read.values()}
    own, other = (tuple(tuple(read[path].name for path in service) for service in some) for some in (named, beside))
    return Files(documents, own, other, checks={})


def fixed(files: Files, choice: Choice, ignore: Collection[str] = (), progress: Progress | None = None) -> Files:
    """Return the files with every fix applied that `choice` returns, until it returns no more.

    A fix is dropped if it adds an error to any of the services, or if its finding remains.
    """
    for service in counted(files.services, len(files.services), progress):
        files = service_fixed(files, service, choice, ignore)
    return files


def service_fixed(files: Files, service: tuple[str, ...], choice: Choice, ignore: Collection[str] = ()) -> Files:
    """Return the files with the fixes for one of the services applied."""
    tried: set[tuple[Any, ...]] = set()
    checked = files.check(service, ignore)
    own = partial(_choice_for, choice, service[-1])
    for _ in range(MOST):
        finding, fix = _next(checked, own, tried)
        if finding is None:
            break
        tried.add(_name(finding))
        try:
            changed = changed_by(files, checked.document, fix, finding.position.file)
        except UnclearEditError:
            continue
        after = files.having(changed)
        then = after.check(service, ignore)
        if (
            _is_gone(finding, checked, then)
            and not _more_errors(checked, then)
            and not _harms(files, after, service, changed, ignore)
        ):
            files, checked = after, then
            tried.clear()  # their positions changed
    return files


def _choice_for(choice: Choice, own_file: str, finding: Finding, values: Any) -> Fix:
    """Return the choice's fix, without one that removes a key from a layer: other services may need the key."""
    removed = (Edit(Action.REMOVE, finding.path),)
    is_unused = finding.severity is Severity.WARNING and finding.path[:1] not in (("args",), ("env",))
    shared = finding.fix == removed and is_unused and finding.position.file != own_file
    return () if shared else choice(finding, values)


def _name(finding: Finding) -> tuple[Any, ...]:
    return finding.rule, finding.path, finding.message


def _next(checked: CheckedService, choice: Choice, tried: set[tuple[Any, ...]]) -> tuple[Finding | None, Fix]:
    ordered = sorted(checked.findings, key=lambda one: one.position)
    untried = (one for one in ordered if one.fix and _name(one) not in tried)
    return next(((one, fix) for one in untried if (fix := choice(one, checked.document.data))), (None, ()))


def changed_by(files: Files, merged: Document, fix: Iterable[Edit], file: str) -> dict[str, Document]:
    """Return the files that the edits change: a value where it is written, a new key in `file`.

    Raises UnclearEditError if an edit cannot be applied.
    """
    by_file: dict[str, list[Edit]] = {}
    for edit in fix:
        where = merged.value_position(edit.path).file if merged.is_written(edit.path) else file
        if edit.action is Action.APPEND and where != file:
            raise UnclearEditError(f"{dotted(edit.path)} is in {where}, which other services may use")
        by_file.setdefault(where, []).append(edit)
    alone = len(merged.sources) == 1
    return {name: _edited(files.documents[name], tuple(edits), alone=alone) for name, edits in by_file.items()}


def _edited(document: Document, fix: Fix, *, alone: bool) -> Document:
    """Return the file with the edits applied; without layers, a list that becomes empty is removed with its key."""
    after = edited(document, fix)
    emptied = {edit.path[0] for edit in fix if len(edit.path) == 2 and after.data.get(str(edit.path[0])) == []}
    lists = [key for key in emptied if default_values().get(str(key)) == []]
    if alone and lists and len(lists) < len(after.data):
        without = edited(after, tuple(Edit(Action.REMOVE, (key,)) for key in lists))
        if without.text.count("#") == after.text.count("#"):
            return without
    return after


def _is_gone(finding: Finding, before: CheckedService, after: CheckedService) -> bool:
    """Return whether the rule has fewer findings, or only others: once a flag is renamed, its key may be unknown."""
    return _count(after, finding.rule) < _count(before, finding.rule) or _name(finding) not in map(
        _name, after.findings
    )


def _count(checked: CheckedService, rule: str) -> int:
    return sum(one.rule == rule for one in checked.findings)


def _harms(
    before: Files, after: Files, service: tuple[str, ...], changed: Collection[str], ignore: Collection[str]
) -> bool:
    """Return whether another service that uses one of the changed files has a new error."""
    others = [one for one in (*before.services, *before.others) if one != service and set(one) & set(changed)]
    checks = ((files.check(one, ignore) for files in (before, after)) for one in others)
    return any(_more_errors(*pair) for pair in checks)


def _more_errors(before: CheckedService, after: CheckedService) -> bool:
    return bool(Counter(one.rule for one in after.errors) - Counter(one.rule for one in before.errors))
