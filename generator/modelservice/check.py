"""Files in, findings out: read, schema, then rules; every problem is collected before anything stops."""

from __future__ import annotations

import functools
import itertools
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from modelservice import document as documents
from modelservice.fields import Schema, load_schema
from modelservice.findings import MOST, Finding, Path, Problem, Severity, lines_of
from modelservice.nulls import without_nulls
from modelservice.rule import Rule
from modelservice.secrets import IN_A_SECRET, has_secret_object, hidden, may_hold_secret
from modelservice.service import coalesce

if TYPE_CHECKING:
    from jsonschema import Draft7Validator

    from modelservice.document import Document


# Whatever a file holds, a message stays readable.
_LONGEST = 600
_NUMBER_IN_QUOTES = re.compile(r'in quotes: "(-?[0-9][0-9.eE+-]*)"')
_PLAIN = re.compile(r"[^\s,\]}#]+")
# Rules of reading whose messages quote what is written.
_QUOTING = ("yaml-ambiguous", "yaml-tag", "yaml-alias")
# From so many files on, starting workers takes less time than they save.
_MANY = 200
_Checked = tuple[list[Finding], dict[str, str]]
TOO_MANY = Rule("too-many", Severity.WARNING, f"At most {MOST} mistakes of a kind are listed.", "this tool's own bound")
_MORE = Problem(TOO_MANY.severity, (), f"{MOST} mistakes are listed, and there may be more", "mend these", TOO_MANY.id)


class Result(NamedTuple):
    """Findings of several files, the texts by file name for excerpts, and how many services were checked."""

    findings: list[Finding]
    sources: dict[str, str]
    files: int


def check_files(values: Iterable[str], layers: Sequence[str] = (), *, strict: bool = False) -> Result:
    """Check each file, or all files of a folder, over the layers; the layers alone where there is no other."""
    below = [documents.load(path) for path in layers]
    files = list(documents.values_files(values, layers))
    checked = _each(functools.partial(_check_over, below), files or [""])
    findings: dict[Finding, None] = {}
    sources: dict[str, str] = {}
    for found, texts in checked:
        findings |= dict.fromkeys(found)
        sources |= texts
    return Result([_strictly(finding) if strict else finding for finding in findings], sources, len(files) or 1)


def _each(check_one: Callable[[str], _Checked], files: list[str]) -> Iterator[_Checked]:
    """Check every file, on all cores where there are many."""
    if len(files) < _MANY or "-" in files:
        yield from map(check_one, files)
        return
    from concurrent.futures import ProcessPoolExecutor

    check_one(files[0])  # What a check imports and reads once, the workers then have.
    with ProcessPoolExecutor() as pool:
        yield from pool.map(check_one, files, chunksize=32)


def _check_over(below: list[Document], path: str) -> _Checked:
    """Return one file's findings, and its texts where there are any: memory stays flat in the number of files."""
    service = documents.merge([*below, documents.load(path)] if path else below)
    findings = check(service)
    return findings, service.sources if findings else {}


def check(document: Document) -> list[Finding]:
    """Return what is wrong with one service's values, in the order of the file."""
    findings = [_without_secrets(_misread(finding, document)) for finding in document.findings]
    if not document.readable:
        return findings
    misread = {finding.position for finding in findings}
    found = [_finding(document, problem) for problem in _problems(document.data)]
    # What Helm reads differently from what is meant has a value that nobody meant.
    findings += [finding for finding in found if finding.position not in misread]
    return sorted(findings, key=lambda finding: finding.position)


def errors(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings that are errors."""
    return [finding for finding in findings if finding.severity is Severity.ERROR]


@functools.cache
def schema() -> Schema:
    """Return the plain schema, read once."""
    return load_schema()


@functools.cache
def _validator() -> Draft7Validator:
    from modelservice.schema import validator_of

    return validator_of(schema())


@functools.cache
def defaults() -> dict[str, Any]:
    """Return the chart's default values, from the schema."""
    return _defaults(schema())


def _defaults(node: Schema) -> dict[str, Any]:
    return {
        key: child["default"] if "default" in child else _defaults(child) for key, child in node["properties"].items()
    }


def _problems(given: Mapping[str, Any]) -> list[Problem]:
    from modelservice.rules import check_rules
    from modelservice.rules.values import Values
    from modelservice.schema import check_schema

    checked, problems = without_nulls(given, schema(), defaults())
    problems += itertools.islice(check_schema(checked, _validator(), schema()), MOST)
    if len(problems) >= MOST:  # rules trust every type
        return [_private(problem, given) for problem in problems] + [_MORE]
    sound = _without(given, [problem.path for problem in problems])
    found = list(itertools.islice(check_rules(Values(coalesce(defaults(), sound), given, defaults())), MOST))
    return [_private(problem, given) for problem in problems] + found + ([_MORE] if len(found) == MOST else [])


def _private(problem: Problem, given: Mapping[str, Any]) -> Problem:
    """Return the problem without a value that its key, or its variable's name, says to be a secret."""
    last = str(problem.path[-1]) if problem.path and not problem.on_key else ""
    names = ["secret" if last.endswith("Secret") else last]
    item: Any = given
    for part in problem.path:
        if isinstance(item, Mapping):
            names += [str(item.get("name"))] if "env" in problem.path else []
            item = item.get(str(part))
        elif isinstance(item, list) and isinstance(part, int):
            # --api-key, and its value in an item of its own
            names += [str(item[part - 1])] if part and problem.path[0] == "args" else []
            item = item[part]
    if isinstance(item, str | int | float) and any(may_hold_secret(name) for name in names):
        return problem._replace(message="a secret in plain text (not shown)", hint=IN_A_SECRET, rule="secret-literal")
    return problem


def _misread(finding: Finding, document: Document) -> Finding:
    """Return a finding of the text itself, without the text where that, or the line above, is called a secret."""
    source = document.sources.get(finding.position.file, "")
    lines = lines_of(source)
    around = "\n".join(lines[max(0, finding.position.line - 2) : finding.position.line])
    if finding.rule not in _QUOTING or not (may_hold_secret(around) or has_secret_object(source)):
        return finding
    return finding._replace(message="Helm may not read this as it is meant (not shown)", hint="put it in quotes")


def _without(given: Any, paths: Sequence[Path]) -> Any:
    """Return the values without what the schema refused, so that rules can trust every type.

    A key falls back to its default. An item of a list becomes None, so that the others keep their indexes; a number
    among the arguments becomes the text that was meant.
    """
    if () in paths:
        return {}
    for path in paths:
        given = _cut(given, path)
    return given


def _cut(tree: Any, path: Path) -> Any:
    head, rest = path[0], path[1:]
    if isinstance(tree, Mapping) and head in tree:
        if head == "args" and len(rest) == 1 and isinstance(tree[head], list):
            return {**tree, head: [_text(item) if index == rest[0] else item for index, item in enumerate(tree[head])]}
        if rest:
            return {**tree, head: _cut(tree[head], rest)}
        return {key: value for key, value in tree.items() if key != head}
    if isinstance(tree, list) and isinstance(head, int) and head < len(tree):
        return [*tree[:head], None, *tree[head + 1 :]]
    return tree


def _text(item: Any) -> str | None:
    return json.dumps(item) if isinstance(item, int | float) else None


def _finding(document: Document, problem: Problem) -> Finding:
    position = document.key_position if problem.on_key else document.value_position
    finding = Finding(*problem[:5], position(problem.path))
    return _without_secrets(_as_written(finding, document) if problem.rule == "wrong-type" else finding)


def _as_written(finding: Finding, document: Document) -> Finding:
    """Return the finding with a number as the file has it: what is meant by 1.10 is not 1.1."""
    read = _NUMBER_IN_QUOTES.search(finding.hint)
    lines = lines_of(document.sources[finding.position.file])
    written = _PLAIN.match(lines[finding.position.line - 1], finding.position.column - 1) if read else None
    if read is None or written is None or _as_number(written[0]) != _as_number(read[1]):
        return finding
    message = finding.message.replace(read[1], written[0], 1)
    return finding._replace(message=message, hint=finding.hint.replace(read[1], written[0]))


def _as_number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _without_secrets(finding: Finding) -> Finding:
    """Return the finding with nothing in it that looks like a secret, wherever somebody put one."""
    path = tuple(hidden(part) if isinstance(part, str) else part for part in finding.path)
    return finding._replace(path=path, message=_short(hidden(finding.message)), hint=_short(hidden(finding.hint)))


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _strictly(finding: Finding) -> Finding:
    return finding._replace(severity=Severity.ERROR)
