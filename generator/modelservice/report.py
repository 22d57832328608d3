"""Format findings as text, JSON, GitHub workflow commands or SARIF. Nothing is printed here."""

from __future__ import annotations

import json
import os
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from modelservice import __version__
from modelservice.findings import Action, Edit, Finding, Severity, dotted, lines_of
from modelservice.redact import hidden, hides_excerpt

_WIDTH = 100
_COLORS = {Severity.ERROR: "\x1b[31m", Severity.WARNING: "\x1b[33m"}
_BOLD, _DIM, _RESET = "\x1b[1m", "\x1b[2m", "\x1b[0m"


def report(
    findings: Sequence[Finding],
    style: str,
    *,
    sources: Mapping[str, str],
    files: int,
    color: bool = False,
    ignored: int = 0,
) -> str:
    """Return the findings in a `style`: text, json, github or sarif.

    `sources` maps a file's name to its text; `ignored` is the number of ignored findings.
    """
    ordered = _ordered(findings)
    if style == "text":
        return "".join(_text(finding, sources, color=color) for finding in ordered)
    if style == "json":
        return _json(ordered, files, ignored)
    return _github(ordered) if style == "github" else _sarif(ordered)


def summary(findings: Sequence[Finding], files: int, ignored: int = 0) -> str:
    """Return one line: how many errors and warnings, in how many files and services, and how many more were ignored."""
    return _found(findings, files) + (f", {ignored} ignored" if ignored else "")


def _found(findings: Sequence[Finding], files: int) -> str:
    if not findings:
        return f"{_count(files, 'file')} checked, no problems"
    errors = sum(finding.severity is Severity.ERROR for finding in findings)
    parts = [
        _count(number, word) for number, word in ((errors, "error"), (len(findings) - errors, "warning")) if number
    ]
    hit = len({finding.position.file for finding in findings})
    if max(hit, files) < 2:
        return ", ".join(parts)
    # A file with findings may be a layer of several services.
    return f"{', '.join(parts)} in {_count(hit, 'file')}; {_count(files, 'service')} checked"


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def line(finding: Finding) -> str:
    """Return a finding in the format of compiler errors, so editors can jump to it."""
    return printable(f"{_place(finding)} {finding.severity}: {_said(finding)} [{finding.rule}]")


def lines(findings: Iterable[Finding]) -> list[str]:
    """Return the findings in the format of compiler errors, in the order of their files."""
    return [line(finding) for finding in _ordered(findings)]


def _ordered(findings: Iterable[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda finding: (*finding.position, finding.rule))


def _place(finding: Finding) -> str:
    return f"{hidden(finding.position.file)}:{finding.position.line}:{finding.position.column}:"


def _said(finding: Finding) -> str:
    key = f"{dotted(finding.path)}: " if finding.path else ""
    return f"{key}{finding.message}; {finding.hint}"


def printable(text: str) -> str:
    """Escape characters that move a terminal's cursor or colour it: keys and values may contain any text."""
    return re.sub(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]", lambda found: f"\\x{ord(found[0]):02x}", text)


def _text(finding: Finding, sources: Mapping[str, str], *, color: bool) -> str:
    text = line(finding)
    if color:
        place, severity = printable(_place(finding)), f" {finding.severity}:"
        rest = text[len(place) + len(severity) :]
        text = f"{_BOLD}{place}{_RESET}{_COLORS[finding.severity]}{severity}{_RESET}{rest}"
    excerpt = _excerpt(finding, sources.get(finding.position.file, ""))
    if color and excerpt:
        excerpt = f"{_DIM}{excerpt}{_RESET}"
    return f"{text}\n{excerpt}"


def _excerpt(finding: Finding, source: str) -> str:
    """Return the source line and a caret below it, or "" if the line may hold a secret."""
    lines = lines_of(source)
    if not 1 <= finding.position.line <= len(lines):
        return ""
    text = lines[finding.position.line - 1]
    if not text.strip() or hides_excerpt(finding, source):
        return ""
    column = finding.position.column - 1
    start = max(0, column - _WIDTH // 2) if len(text) > _WIDTH else 0
    part = printable(text[start : start + _WIDTH])
    before = text[start:column]
    blank = "".join("\t" if char == "\t" else " " * _columns(char) for char in before)
    return f"    {part}\n    {blank}^\n"


def _columns(char: str) -> int:
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _json(findings: list[Finding], files: int, ignored: int) -> str:
    errors = sum(finding.severity is Severity.ERROR for finding in findings)
    listed = [
        {
            "severity": str(finding.severity),
            "rule": finding.rule,
            "path": dotted(finding.path),
            **finding.position._asdict(),
            "message": finding.message,
            "hint": finding.hint,
            **({"fix": [_edit(edit) for edit in finding.fix]} if finding.fix else {}),
        }
        for finding in findings
    ]
    counts = {"files": files, "errors": errors, "warnings": len(findings) - errors, "ignored": ignored}
    result = {"version": 1, **counts, "findings": listed}
    return json.dumps(result, indent=2, ensure_ascii=False) + "\n"


def _edit(edit: Edit) -> dict[str, Any]:
    value = dotted(edit.value) if edit.action is Action.MOVE else edit.value
    shown = {} if edit.action is Action.REMOVE else {"value": value}
    return {"action": str(edit.action), "path": dotted(edit.path), **shown}


def _github(findings: list[Finding]) -> str:
    """Return workflow commands, with the escapes that GitHub's runner undoes."""
    lines = []
    for finding in findings:
        place = {"file": finding.position.file, "line": finding.position.line, "col": finding.position.column}
        properties = {**place, "title": finding.rule}
        listed = ",".join(f"{key}={_github_property(str(value))}" for key, value in properties.items())
        lines.append(f"::{finding.severity} {listed}::{_github_text(_said(finding))}\n")
    return "".join(lines)


def _github_text(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _github_property(text: str) -> str:
    return _github_text(text).replace(":", "%3A").replace(",", "%2C")


def _sarif(findings: list[Finding]) -> str:
    """Return a SARIF 2.1.0 log."""
    rules = sorted({finding.rule for finding in findings})
    driver = {
        "name": "modelservice",
        "version": __version__,
        "rules": [_sarif_rule(rule) for rule in rules],
    }
    results = [_sarif_result(finding, rules.index(finding.rule)) for finding in findings]
    log = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}],
    }
    return json.dumps(log, indent=2, ensure_ascii=False) + "\n"


def _sarif_rule(rule_id: str) -> dict[str, Any]:
    from modelservice.rules.catalogue import by_id
    from modelservice.rules.documentation import help_of

    rule = by_id()[rule_id]
    described = {
        "id": rule.id,
        "shortDescription": {"text": rule.summary},
        "help": {"text": help_of(rule), "markdown": help_of(rule)},
    }
    return {**described, "helpUri": rule.source} if rule.source.startswith("https://") else described


def _sarif_result(finding: Finding, rule_index: int) -> dict[str, Any]:
    region = {"startLine": finding.position.line, "startColumn": finding.position.column}
    place = {"artifactLocation": {"uri": quote(os.fsencode(finding.position.file))}, "region": region}
    return {
        "ruleId": finding.rule,
        "ruleIndex": rule_index,
        "level": str(finding.severity),
        "message": {"text": _said(finding)},
        "locations": [{"physicalLocation": place}],
    }
