"""Ignore rules by a comment, by `--ignore` or by the value `ignoredRules`.

A rule that the chart enforces can be ignored only by the value, which the chart reads too. Errors of the schema or of
YAML cannot be ignored.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from modelservice.errors import InputError
from modelservice.findings import (
    IGNORE_UNUSED,
    Action,
    Edit,
    Finding,
    Fix,
    Path,
    Position,
    Refuser,
    Rule,
    lines_of,
)
from modelservice.reading.document import Document

_COMMENT = re.compile(r"(?:^|(?<=\s))#\s*modelservice:\s*ignore\[([^\]\n]*)\]")
# A comment that was most likely meant to ignore a rule.
_NEARLY = re.compile(r"(?:^|(?<=\s))#.*\bmodelservice\s*:?\s*ignore")
_ONLY_COMMENT = re.compile(r"\s*(#.*|---\s*)?")


class Wish(NamedTuple):
    """A request to ignore one rule: the position of the request, and the line it applies to (0: every line).

    `path` is the path of the item in the value `ignoredRules`, or empty for a comment.
    """

    rule: str
    position: Position
    line: int
    path: Path = ()


class Ignored(NamedTuple):
    """The kept findings, the ignored findings, and the rules of `--ignore` that matched at least one finding."""

    kept: list[Finding]
    passed_over: list[Finding]
    hit: frozenset[str]


def require_ignorable(options: Iterable[str]) -> None:
    """Raise InputError if an `--ignore` names an unknown rule, or one that Helm or the chart enforces."""
    for option in options:
        from modelservice.rules.catalogue import by_id

        if why := _refusal(option, by_id()):
            raise InputError(f"--ignore {option}: {why[0]}; {why[1]}")


def without_ignored(findings: Iterable[Finding], document: Document, options: Collection[str]) -> Ignored:
    """Separate the ignored findings from the kept ones, and add a warning for each request that ignores nothing."""
    wishes = [*_comments(document), *_values(document)]
    if not (wishes or options):
        return Ignored(list(findings), [], frozenset())
    from modelservice.rules.catalogue import by_id

    rules = by_id()
    kept: list[Finding] = []
    passed_over: list[Finding] = []
    used: set[Wish] = set()
    hit: set[str] = set()
    for finding in findings:
        rule = rules[finding.rule]
        by = [wish for wish in wishes if _covers(wish, finding, rule, document.name)]
        option = rule.id in options and not rule.is_firm and rule.refused_by is not Refuser.CHART
        (passed_over if by or option else kept).append(finding)
        used.update(by)
        hit |= {finding.rule} if option else set()
    # A lower layer is shared: its request may match a finding in another service.
    idle = [wish for wish in wishes if wish not in used and wish.position.file == document.name]
    if document.readable:
        kept += [_idle(wish, rules, kept) for wish in idle if not wish.path or _is_the_charts(wish.rule, rules)]
    return Ignored(kept, passed_over, frozenset(hit))


def _covers(wish: Wish, finding: Finding, rule: Rule, own: str) -> bool:
    if wish.rule != rule.id or rule.is_firm:
        return False
    if wish.path or rule.refused_by is Refuser.CHART:
        return bool(wish.path) and rule.refused_by is Refuser.CHART
    if wish.line == 0 and wish.position.file == own:  # the service's whole file, which stands for its merged values
        return True
    return wish.position.file == finding.position.file and wish.line in (0, finding.position.line)


def _comments(document: Document) -> Iterator[Wish]:
    for file, text in document.sources.items():
        if "modelservice" not in text:
            continue
        written = [one for one in _texts(document.data) if "modelservice" in one]
        lines = lines_of(text)
        for number, line in enumerate(lines, 1):
            found = _COMMENT.search(line) or _NEARLY.search(line)
            # A match inside a text, such as an extra object, is not a comment of this file.
            if found and not any(found[0] in one for one in written):
                rules = list(filter(None, map(str.strip, found[1].split(",")))) if found.lastindex else []
                for rule in rules or [""]:
                    yield Wish(rule, Position(file, number, found.start() + 1), _meant(lines, number))


def _meant(lines: list[str], number: int) -> int:
    """Return the line that a comment applies to: its own, or the next line with content; 0 before the first key."""
    if not _ONLY_COMMENT.fullmatch(lines[number - 1]):
        return number
    if all(map(_ONLY_COMMENT.fullmatch, lines[:number])):
        return 0
    return next((at for at, line in enumerate(lines[number:], number + 1) if not _ONLY_COMMENT.fullmatch(line)), number)


def _texts(tree: Any) -> Iterator[str]:
    if isinstance(tree, str):
        yield tree
    for child in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        yield from _texts(child)


def _values(document: Document) -> Iterator[Wish]:
    given = document.data.get("ignoredRules")
    for index, rule in enumerate(given if isinstance(given, list) else ()):
        path = ("ignoredRules", index)
        if isinstance(rule, str):
            yield Wish(rule, document.value_position(path), 0, path)


def _refusal(rule: str, rules: Mapping[str, Rule]) -> tuple[str, str] | None:
    """Return why a rule cannot be ignored by a comment or an option, and what to do instead."""
    if rule not in rules:
        from modelservice.spelling import nearest

        near = nearest(rule, rules)
        return (
            "there is no such rule",
            f"did you mean {near}?" if near else "`modelservice validate --list-rules` lists them",
        )
    if rules[rule].refused_by is Refuser.CHART:
        return "the chart enforces this rule", f"set ignoredRules: [{rule}]"
    if rules[rule].is_firm:
        return "this rule cannot be ignored", "correct the value"
    return None


def _is_the_charts(rule: str, rules: Mapping[str, Rule]) -> bool:
    """Return whether `ignoredRules` may list the rule; the schema refuses any other."""
    return rule in rules and rules[rule].refused_by is Refuser.CHART


def _idle(wish: Wish, rules: Mapping[str, Rule], findings: list[Finding]) -> Finding:
    path, position = wish.path, wish.position
    fix: Fix = ()
    elsewhere = [one.position.line for one in findings if (one.rule, one.position.file) == (wish.rule, position.file)]
    if not wish.rule:
        message, hint = "this comment ignores nothing", "write # modelservice: ignore[RULE] reason"
    elif not path and (refusal := _refusal(wish.rule, rules)):
        message, hint = f"{wish.rule} cannot be ignored here: {refusal[0]}", refusal[1]
    elif elsewhere and not path:
        message = f"{wish.rule} is ignored here, but the finding is in line {elsewhere[0]}"
        hint = "move the comment to that line, or to the one above it"
    else:
        message, hint = f"{wish.rule} is ignored, but nothing here breaks this rule", "remove it"
        fix = (Edit(Action.REMOVE, path),) if path else ()
    return Finding(IGNORE_UNUSED.severity, path, message, hint, IGNORE_UNUSED.id, position, fix)
