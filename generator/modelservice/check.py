"""Read, merge and check values files, and collect all problems.

The checks run in this order: YAML, schema, rules. No result contains a secret.
"""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from modelservice import redact
from modelservice.errors import InputError
from modelservice.findings import MOST, TOO_MANY, Action, Edit, Finding, Path, Problem, Severity
from modelservice.ignores import without_ignored
from modelservice.layer_findings import MergedFindings
from modelservice.reading.document import Document, merge
from modelservice.reading.values_files import load
from modelservice.reading.values_in_objects import values_in_objects
from modelservice.schema.defaults import coalesce, default_values, left_out, without_nulls
from modelservice.schema.source import plain_schema

if TYPE_CHECKING:
    from jsonschema import Draft7Validator

    from modelservice.models.model_facts import ModelFacts

_Item = TypeVar("_Item")
# A long value must not make a message unreadable.
_LONGEST = 600
# From this number of files on, workers save more time than they need to start.
_MANY = 200
_MORE = Problem(
    TOO_MANY.severity,
    (),
    f"{MOST} mistakes are listed, and there may be more",
    "fix these and validate again",
    TOO_MANY.id,
)


class CheckedService(NamedTuple):
    """The merged values of one service and their findings, in no particular order.

    `ignored` are the ignored findings. `hit` are the rules of `--ignore` that matched at least one finding.
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
    """Findings of several files, the files' texts by name (for excerpts), and the number of checked services.

    `ignored` is the number of ignored findings. `idle` are the rules of `--ignore` that matched no finding.
    """

    findings: list[Finding]
    sources: dict[str, str]
    files: int
    ignored: int
    idle: list[str]


def check_service(layers: Iterable[str | Document], ignore: Collection[str] = ()) -> CheckedService:
    """Read, merge and check the layers of one service, later over earlier; a layer is a path or a document.

    `ignore` are ids of rules to ignore, in addition to those in comments and in the value `ignoredRules`.
    """
    document = merge([layer if isinstance(layer, Document) else load(layer) for layer in layers])
    return CheckedService(document, *without_ignored(check(document), document, ignore))


# Is called with the number of checked services and the total.
Progress = Callable[[int, int], None]


def check_files(
    services: Iterable[Sequence[str]],
    *,
    strict: bool = False,
    ignore: Collection[str] = (),
    progress: Progress | None = None,
    others: Iterable[Sequence[str]] = (),
) -> Result:
    """Check services, each given as its files, later over earlier; `others` use the same layers but are not checked."""
    files = [tuple(service) for service in services]
    layers = {path: load(path) for service in files for path in service[:-1]}
    checked = _each(functools.partial(_check_one, layers, ignore), files)
    return _gathered(counted(checked, len(files), progress), ignore, others, strict=strict)


def counted(items: Iterable[_Item], of: int, progress: Progress | None) -> Iterator[_Item]:
    """Yield the items, and report how many of them are done."""
    for number, one in enumerate(items, 1):
        yield one
        if progress:
            progress(number, of)


def check_services(
    services: Iterable[Iterable[Document]],
    *,
    strict: bool = False,
    ignore: Collection[str] = (),
    others: Iterable[Sequence[str]] = (),
) -> Result:
    """Check services whose files are already read, each given as its layers, the lowest first."""
    return _gathered((_checked(check_service(layers, ignore)) for layers in services), ignore, others, strict=strict)


def _gathered(
    services: Iterable[_Checked], ignore: Collection[str], others: Iterable[Sequence[str]], *, strict: bool
) -> Result:
    merged = MergedFindings(others)
    ignored: dict[Finding, None] = {}
    sources: dict[str, str] = {}
    hit: set[str] = set()
    count = 0
    for count, one in enumerate(services, 1):  # noqa: B007  used below
        merged.add(one.file, one.layers, one.findings)
        ignored |= dict.fromkeys(one.ignored)
        sources |= one.sources
        hit |= one.hit
    kept = [_strictly(finding) if strict else finding for finding in merged.findings()]
    return Result(kept, sources, count, len(ignored), [rule for rule in ignore if rule not in hit])


class _Checked(NamedTuple):
    file: str
    layers: tuple[str, ...]
    findings: list[Finding]
    ignored: list[Finding]
    hit: frozenset[str]
    sources: dict[str, str]


def _each(check_one: Callable[[Sequence[str]], _Checked], files: Sequence[Sequence[str]]) -> Iterator[_Checked]:
    """Check every service, on all cores if there are many."""
    if len(files) < _MANY or any("-" in service for service in files):
        yield from map(check_one, files)
        return
    from concurrent.futures import ProcessPoolExecutor

    check_one(files[0])  # Workers inherit what the first check imports and caches.
    with ProcessPoolExecutor() as pool:
        yield from pool.map(check_one, files, chunksize=32)


def _check_one(layers: Mapping[str, Document], ignore: Collection[str], files: Sequence[str]) -> _Checked:
    """Return one service's findings, and its texts only if there are findings, to save memory."""
    *below, values = files
    own, known = load(values), plain_schema()["properties"]
    inside = values_in_objects(own, known)
    each = [check_service([*(layers[path] for path in below), one], ignore) for one in inside or [own]]
    findings = [finding for one in each for finding in one.findings]
    if inside:
        # These paths start at the values in the object, but an edit needs paths from the top of the file.
        findings = [finding._replace(fix=()) for finding in findings]
    return _Checked(
        own.name,
        tuple(below),
        findings,
        [finding for one in each for finding in one.ignored],
        frozenset().union(*(one.hit for one in each)),
        each[-1].document.sources if findings else {},
    )


def _checked(service: CheckedService) -> _Checked:
    """Return a service's findings, and its texts only if there are findings, to save memory."""
    document, findings, ignored, hit = service
    layers = tuple(name for name in document.sources if name != document.name)
    return _Checked(document.name, layers, findings, ignored, hit, document.sources if findings else {})


def check(document: Document) -> list[Finding]:
    """Return the findings of one service's values, in no particular order."""
    findings = list(document.findings)
    if document.readable or document.partial:
        found = [_finding(document, problem) for problem in _problems(document)]
        misread = {finding.position for finding in findings}
        texts = {one.position for one in found if one.rule == "wrong-type" and _is_quoting(one)}
        findings = [_as_text(one, document) if one.position in texts else one for one in findings]
        # Other findings about a value that Helm misreads are about a value that nobody meant.
        findings += [finding for finding in found if finding.position not in misread]
        # If the file is a Kubernetes object, its other findings are of no use.
        findings = [one for one in findings if one.rule == "kubernetes-object"] or findings
    return [_readable(redact.finding(one, document.sources.get(one.position.file, ""))) for one in findings]


def _is_quoting(finding: Finding) -> bool:
    """Return whether a fix turns the value into text."""
    return any(edit.path == finding.path and isinstance(edit.value, str) for edit in finding.fix)


def _as_text(finding: Finding, document: Document) -> Finding:
    """Return the finding of an ambiguous value with quotes as its fix, because only text is allowed there."""
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
    sound = without(given, [problem.path for problem in problems])
    refused = frozenset(one.path for one in problems if one.severity is Severity.ERROR)
    merged = left_out(coalesce(default_values(), sound), plain_schema(), plain_schema()["definitions"])
    values = Values(merged, given, default_values(), secrets, refused, *_facts(merged, document))
    found = list(itertools.islice(check_rules(values), MOST))
    return said + found + ([_MORE] if len(found) == MOST else [])


def _facts(merged: Mapping[str, Any], document: Document) -> tuple[ModelFacts | None, str]:
    """Return the model's facts that are known without a network, and why a facts file is not valid, or ""."""
    from modelservice.models.facts_file import known_facts

    model = merged["model"]
    try:
        # The catalogue does not cover ModelScope's files, although most have the same names and sizes.
        catalogue = model["source"] != "modelscope"
        return known_facts(model["name"], model["revision"], document.sources, catalogue=catalogue), ""
    except InputError as error:
        return None, str(error)


def without(given: Any, paths: Sequence[Path]) -> Any:
    """Return the values without those that the schema refused, so rules can trust every type.

    A removed key falls back to its default. A list item becomes None, so the other items keep their indexes; a number
    in `args` becomes the text that was meant.
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
