"""Make the certain fixes of findings in values files, in memory, one after the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from modelservice.check import CheckedService, check_service
from modelservice.findings import MOST, Action, Edit, Finding, Fix, Severity
from modelservice.reading.document import Document
from modelservice.reading.values_files import load, values_files
from modelservice.schema.defaults import default_values
from modelservice.writing.edits import edited
from modelservice.writing.page import UnclearEditError

# Which fix of a finding to make, none where a person has to decide: the finding, and the service's values.
Choice = Callable[[Finding, Any], Fix]


class Files(NamedTuple):
    """Values files by their names, and of each service the names of its layers, the lowest first."""

    documents: Mapping[str, Document]
    services: tuple[tuple[str, ...], ...]

    def layers(self, service: Iterable[str]) -> list[Document]:
        """Return the documents of a service."""
        return [self.documents[name] for name in service]

    def having(self, changed: Mapping[str, Document]) -> Files:
        """Return the files with some of them changed."""
        return self._replace(documents={**self.documents, **changed})

    def changed_since(self, before: Files) -> list[tuple[Document, Document]]:
        """Return each file that has another text than before, as it was and as it is."""
        pairs = ((before.documents[name], now) for name, now in self.documents.items())
        return [(old, new) for old, new in pairs if old.text != new.text]


def load_files(values: Iterable[str], layers: Sequence[str] = ()) -> Files:
    """Read values files, or all of a folder, over the layers; the layers alone where there is no other."""
    below = [load(path) for path in layers]
    above = [load(path) for path in values_files(values, layers)]
    services = [[*below, one] for one in above] or [below]
    documents = {one.name: one for one in [*below, *above]}
    return Files(documents, tuple(tuple(one.name for one in service) for service in services))


def fixed(files: Files, choice: Choice, ignore: Collection[str] = ()) -> Files:
    """Return the files with every fix made that `choice` returns, until it returns none any more.

    No fix is kept that adds an error to any of the services, or that leaves its finding.
    """
    for service in files.services:
        files = service_fixed(files, service, choice, ignore)
    return files


def service_fixed(files: Files, service: tuple[str, ...], choice: Choice, ignore: Collection[str] = ()) -> Files:
    """Return the files with the fixes of one of the services made."""
    tried: set[tuple[Any, ...]] = set()
    for _ in range(MOST):
        checked = check_service(files.layers(service), ignore)
        finding, fix = _next(checked, choice, tried)
        if finding is None:
            break
        tried.add(_name(finding))
        try:
            changed = changed_by(files, checked.document, fix, finding.position.file)
        except UnclearEditError:
            continue
        after = files.having(changed)
        if _is_gone(finding, checked, after.layers(service), ignore) and not _is_worse(files, after, changed, ignore):
            files = after
            tried.clear()  # their places moved
    return files


def _name(finding: Finding) -> tuple[Any, ...]:
    return finding.rule, finding.path, finding.message


def _next(checked: CheckedService, choice: Choice, tried: set[tuple[Any, ...]]) -> tuple[Finding | None, Fix]:
    ordered = sorted(checked.findings, key=lambda one: one.position)
    untried = (one for one in ordered if one.fix and _name(one) not in tried)
    return next(((one, fix) for one in untried if (fix := choice(one, checked.document.data))), (None, ()))


def changed_by(files: Files, merged: Document, fix: Iterable[Edit], file: str) -> dict[str, Document]:
    """Return the files that the edits change: each where its value is written, and new keys in `file`.

    Raises UnclearEditError where one of them cannot be made.
    """
    by_file: dict[str, list[Edit]] = {}
    for edit in fix:
        written = merged.is_written(edit.path)
        by_file.setdefault(merged.value_position(edit.path).file if written else file, []).append(edit)
    alone = len(merged.sources) == 1
    return {name: _edited(files.documents[name], tuple(edits), alone=alone) for name, edits in by_file.items()}


def _edited(document: Document, fix: Fix, *, alone: bool) -> Document:
    """Return the file with the edits made; a list that they empty goes with its key, where no layer is below it."""
    after = edited(document, fix)
    emptied = {edit.path[0] for edit in fix if len(edit.path) == 2 and after.data.get(str(edit.path[0])) == []}
    lists = [key for key in emptied if default_values().get(str(key)) == []]
    if alone and lists and len(lists) < len(after.data):
        without = edited(after, tuple(Edit(Action.REMOVE, (key,)) for key in lists))
        if without.text.count("#") == after.text.count("#"):
            return without
    return after


def _is_gone(finding: Finding, before: CheckedService, after: Sequence[Document], ignore: Collection[str]) -> bool:
    found = check_service(after, ignore).findings
    return _count(found, finding.rule) < _count(before.findings, finding.rule)


def _count(findings: Iterable[Finding], rule: str) -> int:
    return sum(one.rule == rule for one in findings)


def _is_worse(before: Files, after: Files, changed: Collection[str], ignore: Collection[str]) -> bool:
    """Say whether a service that uses one of the changed files has an error more."""
    hit = [service for service in before.services if set(service) & set(changed)]
    return any(_errors(after.layers(service), ignore) - _errors(before.layers(service), ignore) for service in hit)


def _errors(layers: Sequence[Document], ignore: Collection[str]) -> Counter[str]:
    found = check_service(layers, ignore).findings
    return Counter(one.rule for one in found if one.severity is Severity.ERROR)
