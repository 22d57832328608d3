"""Merge the findings of several services, and name the services that a finding in a shared layer concerns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from modelservice.findings import Finding, Fix


class MergedFindings:
    """The findings of services, each once; `layers` of other services that are not checked count as used too."""

    def __init__(self, others: Iterable[Sequence[str]] = ()) -> None:
        """Start without findings; `others` are the files of services that are not checked, their own file last."""
        self._users = Counter(layer for files in others for layer in files[:-1])
        self._found: dict[Finding, dict[str, Fix]] = {}

    def add(self, file: str, layers: Iterable[str], findings: Iterable[Finding]) -> None:
        """Add the findings of the service of a file with these layers."""
        self._users.update(layers)
        for finding in findings:
            self._found.setdefault(finding._replace(fix=()), {})[file] = finding.fix

    def findings(self) -> list[Finding]:
        """Return the findings, with a fix if it is the same for every service."""
        return [self._for_services(finding, by_file) for finding, by_file in self._found.items()]

    def _for_services(self, finding: Finding, by_file: dict[str, Fix]) -> Finding:
        fixes = list(by_file.values())
        # A value that does not fit the schema is wrong for every service.
        every = finding.position.file in by_file or len(by_file) >= self._users[finding.position.file]
        if every or _is_firm(finding.rule):
            return finding._replace(fix=fixes[0] if all(fix == fixes[0] for fix in fixes) else ())
        message = f"{finding.message} (in {listed(list(by_file))})"
        return finding._replace(message=message, hint=f"override it there, or {finding.hint}")


def _is_firm(rule: str) -> bool:
    from modelservice.rules.catalogue import by_id

    return by_id()[rule].is_firm


def listed(names: Sequence[str]) -> str:
    """Return names as people list them, at most three of them."""
    shown = [*names[:3], *([f"{len(names) - 3} more"] if len(names) > 3 else [])]
    return " and ".join(filter(None, (", ".join(shown[:-1]), shown[-1])))
