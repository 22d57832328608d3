"""Read, merge and check values files: every problem is collected before anything stops.

YAML first, then the schema, then the rules. Nothing that leaves here holds a secret.
"""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from modelservice import redact
from modelservice.errors import InputError
from modelservice.findings import MOST, TOO_MANY, Action, Edit, Finding, Path, Problem, Severity
from modelservice.ignores import without_ignored
from modelservice.reading.document import Document, merge
from modelservice.reading.values_files import load
from modelservice.reading.values_in_objects import values_in_objects
from modelservice.schema.defaults import coalesce, default_values, left_out, without_nulls
from modelservice.schema.source import plain_schema

if TYPE_CHECKING:
    from jsonschema import Draft7Validator

    from modelservice.models.model_facts import ModelFacts

# Whatever a file holds, a message stays readable.
_LONGEST = 600
# From so many files on, starting workers takes less time than they save.
_MANY = 200
_MORE = Problem(TOO_MANY.severity, (), f"{MOST} mistakes are listed, and there may be more", "mend these", TOO_MANY.id)


class CheckedService(NamedTuple):
    """One service's values, merged, and what is wrong with them, in no order.

    `ignored` are the findings that someone wants passed over, `hit` the rules of `--ignore` that passed over some.
    """

    document: Document
    findings: list[Finding]
    ignored: list[Finding]
    hit: frozenset[str]

    @property
    def errors(self) -> list[Finding]:
        """The findings that stop every command."""
        return errors(self.findings)


class Result(NamedTuple):
    """Findings of several files, the texts by file name for excerpts, and how many services were checked.

    `ignored` counts the findings that were passed over, `idle` are the rules of `--ignore` that passed over none.
    """

    findings: list[Finding]
    sources: dict[str, str]
    files: int
    ignored: int
    idle: list[str]


def check_service(layers: Iterable[str | Document], ignore: Collection[str] = ()) -> CheckedService:
    """Read, merge and check the layers of one service, later over earlier: paths, or documents read already.

    `ignore` are ids of rules to pass over, beside those that comments and the value `ignoredRules` name.
    """
    document = merge([layer if isinstance(layer, Document) else load(layer) for layer in layers])
    return CheckedService(document, *without_ignored(check(document), document, ignore))


# How many services are done, of how many.
Progress = Callable[[int, int], None]


def check_files(
    services: Iterable[Sequence[str]],
    *,
    strict: bool = False,
    ignore: Collection[str] = (),
    progress: Progress | None = None,
) -> Result:
    """Check services; each is its files, later over earlier."""
    files = [tuple(service) for service in services]
    layers = {path: load(path) for service in files for path in service[:-1]}
    checked = _each(functools.partial(_check_one, layers, ignore), files)
    return _gathered(_counted(checked, len(files), progress), ignore, strict=strict)


def _counted(checked: Iterable[_Checked], of: int, progress: Progress | None) -> Iterator[_Checked]:
    for number, one in enumerate(checked, 1):
        yield one
        if progress:
            progress(number, of)


def check_services(
    services: Iterable[Iterable[Document]], *, strict: bool = False, ignore: Collection[str] = ()
) -> Result:
    """Check services whose files are read already; each is its layers, the lowest first."""
    return _gathered((_checked(check_service(layers, ignore)) for layers in services), ignore, strict=strict)


def _gathered(services: Iterable[_Checked], ignore: Collection[str], *, strict: bool) -> Result:
    findings: dict[Finding, None] = {}
    ignored: dict[Finding, None] = {}
    sources: dict[str, str] = {}
    hit: set[str] = set()
    count = 0
    for count, one in enumerate(services, 1):  # noqa: B007  used below
        findings |= dict.fromkeys(one.findings)
        ignored |= dict.fromkeys(one.ignored)
        sources |= one.sources
        hit |= one.hit
    kept = [_strictly(finding) if strict else finding for finding in findings]
    return Result(kept, sources, count, len(ignored), [rule for rule in ignore if rule not in hit])


class _Checked(NamedTuple):
    findings: list[Finding]
    ignored: list[Finding]
    hit: frozenset[str]
    sources: dict[str, str]


def _each(check_one: Callable[[Sequence[str]], _Checked], files: Sequence[Sequence[str]]) -> Iterator[_Checked]:
    """Check every service, on all cores where there are many."""
    if len(files) < _MANY or any("-" in service for service in files):
        yield from map(check_one, files)
        return
    from concurrent.futures import ProcessPoolExecutor

    check_one(files[0])  # What a check imports and reads once, the workers then have.
    with ProcessPoolExecutor() as pool:
        yield from pool.map(check_one, files, chunksize=32)


def _check_one(layers: Mapping[str, Document], ignore: Collection[str], files: Sequence[str]) -> _Checked:
    """Return one service's findings; its texts only where there are any, for memory."""
    *below, values = files
    own, known = load(values), plain_schema()["properties"]
    inside = values_in_objects(own, known)
    each = [check_service([*(layers[path] for path in below), one], ignore) for one in inside or [own]]
    findings = [finding for one in each for finding in one.findings]
    if inside:
        # A path there begins at the values, not at the top of the file that an edit would be made in.
        findings = [finding._replace(fix=()) for finding in findings]
    return _Checked(
        findings,
        [finding for one in each for finding in one.ignored],
        frozenset().union(*(one.hit for one in each)),
        each[-1].document.sources if findings else {},
    )


def _checked(service: CheckedService) -> _Checked:
    """Return a service's findings; its texts only where there are any, for memory."""
    document, findings, ignored, hit = service
    return _Checked(findings, ignored, hit, document.sources if findings else {})


def check(document: Document) -> list[Finding]:
    """Return what is wrong with one service's values, in no order."""
    findings = list(document.findings)
    if document.readable:
        found = [_finding(document, problem) for problem in _problems(document)]
        misread = {finding.position for finding in findings}
        texts = {one.position for one in found if one.rule == "wrong-type" and _is_quoting(one)}
        findings = [_as_text(one, document) if one.position in texts else one for one in findings]
        # What Helm reads differently from what is meant has a value that nobody meant.
        findings += [finding for finding in found if finding.position not in misread]
        # Nothing else in a file of objects is a mistake.
        findings = [one for one in findings if one.rule == "kubernetes-object"] or findings
    return [_readable(redact.finding(one, document.sources.get(one.position.file, ""))) for one in findings]


def _is_quoting(finding: Finding) -> bool:
    """Say whether a fix makes text of what is not text."""
    return any(edit.path == finding.path and isinstance(edit.value, str) for edit in finding.fix)


def _as_text(finding: Finding, document: Document) -> Finding:
    """Return the finding of a value that only text can be, and that Helm reads as something else."""
    text = document.written(finding.path)
    if finding.rule != "yaml-ambiguous" or not text:
        return finding
    return finding._replace(hint=f'put it in quotes: "{text}"', fix=(Edit(Action.SET, finding.path, text),))


def errors(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings that are errors."""
    return [finding for finding in findings if finding.severity is Severity.ERROR]


@functools.cache
def _validator() -> Draft7Validator:
    from modelservice.schema.validation import validator_of

    return validator_of(plain_schema())


def _problems(document: Document) -> list[Problem]:
    from modelservice.rules import check_rules
    from modelservice.rules.rule import Values
    from modelservice.schema.validation import check_schema, kubernetes_object

    file = document.key_position(("apiVersion",)).file
    if whole := kubernetes_object(document.data, document.sources.get(file, "")):
        return [whole]
    given, secrets = redact.without_secrets(document.data)
    checked, problems = without_nulls(given, plain_schema(), default_values(), plain_schema()["definitions"])
    problems += itertools.islice(check_schema(checked, _validator(), plain_schema(), document.written), MOST)
    said = [redact.problem(problem, given) for problem in problems if problem.on_key or problem.path not in secrets]
    if len(problems) >= MOST:  # rules trust every type
        return [*said, _MORE]
    if document.partial:
        return said
    sound = _without(given, [problem.path for problem in problems])
    refused = frozenset(one.path for one in problems if one.severity is Severity.ERROR)
    merged = left_out(coalesce(default_values(), sound), plain_schema(), plain_schema()["definitions"])
    values = Values(merged, given, default_values(), secrets, refused, *_facts(merged, document))
    found = list(itertools.islice(check_rules(values), MOST))
    return said + found + ([_MORE] if len(found) == MOST else [])


def _facts(merged: Mapping[str, Any], document: Document) -> tuple[ModelFacts | None, str]:
    """Return the facts of the model that are known without a network, and why a file with them is none."""
    from modelservice.models.facts_file import known_facts

    model = merged["model"]
    try:
        # ModelScope's files are not those of the catalogue, though they mostly have the same names and sizes.
        catalogue = model["source"] != "modelscope"
        return known_facts(model["name"], model["revision"], document.sources, catalogue=catalogue), ""
    except InputError as error:
        return None, str(error)


def _without(given: Any, paths: Sequence[Path]) -> Any:
    """Return the values without what the schema refused, so rules can trust every type.

    A key falls back to its default. An item of a list becomes None, so the others keep their indexes; a number
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
    severity, path, message, hint, rule, _, fix = problem
    return Finding(severity, path, message, hint, rule, position(path), fix)


def _readable(finding: Finding) -> Finding:
    return finding._replace(message=_short(finding.message), hint=_short(finding.hint))


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _strictly(finding: Finding) -> Finding:
    return finding._replace(severity=Severity.ERROR)
