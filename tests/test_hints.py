"""Following a hint removes its finding, and causes no other error.

Hints are sentences for people, but most have one of a few forms that this module can follow. A finding also contains
the same edits for programs; both must give the same values.
"""

import contextlib
import copy
import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from modelservice.check import check
from modelservice.findings import Action, Edit, Finding, Fix, Severity
from modelservice.reading.document import read

BAD = sorted((Path(__file__).parent / "cases").glob("*/bad*.yaml"))
SETTING = re.compile(r"([A-Za-z]+(?:\.[A-Za-z0-9-]+|\[\"[^\"]+\"\]|\[\d+\])*): (\"\"|\[[^\]]*\]|[^ ,]+)")
Values = dict[str, Any]


def steps(key: str) -> list[Any]:
    found = re.findall(r'\[(\d+)\]|([A-Za-z0-9-]+)|\["([^"]+)"\]', key)
    return [int(index) if index else plain or quoted for index, plain, quoted in found]


def at(values: Any, path: list[Any]) -> Any:
    for part in path:
        values = values[part] if isinstance(values, list) else values.setdefault(part, {})
    return values


def put(values: Values, path: list[Any], value: Any) -> None:
    at(values, path[:-1])[path[-1]] = value


def put_settings(values: Values, text: str) -> None:
    for key, value in SETTING.findall(text):
        put(values, steps(key), yaml.safe_load(value))


def remove(values: Values, finding: Finding, rest: str) -> None:
    """Remove the key; for a variable that must not exist, the whole item."""
    path = list(finding.path)
    item = path[:-1] if finding.rule.startswith("env-") else path
    place = at(values, item[:-1])
    several = re.match(r"remove (both|all (\d+)) items", finding.hint)
    for _ in range(int(several[2] or 2) - 1 if several else 0):
        del place[item[-1] + 1]
    del place[item[-1]]
    put_settings(values, rest)
    if argument := re.match(r" and add (\S+) to args$", rest):
        values.setdefault("args", []).append(argument[1])


def write_arguments(values: Values, finding: Finding, text: str) -> None:
    at_ = finding.path[1]
    words = [yaml.safe_load(word) if word[0] in "'\"" else word for word in re.findall(r"`([^`]+)`", text)]
    values["args"][at_ - ("in place of both items" in text) : at_ + 1] = words


def write(values: Values, finding: Finding, text: str) -> None:
    path = list(finding.path)
    setting = SETTING.fullmatch(text)
    put(values, path, yaml.safe_load(setting[2] if setting and setting[1] in path else text))


def write_map(values: Values, finding: Finding, text: str) -> None:
    put(values, list(finding.path), {key: yaml.safe_load(value) for key, value in SETTING.findall(text)})


def rename(values: Values, finding: Finding, meant: str) -> None:
    path = list(finding.path)
    if finding.rule == "unknown-key":
        value = at(values, path[:-1]).pop(path[-1])
        put(values, steps(meant) if "." in meant else [*path[:-1], meant], value)
    elif finding.rule == "argument-key":
        wrong = re.findall(r"`([^`]+)`", finding.message)[0].rpartition(".")[2]
        put(values, path, values["args"][path[1]].replace(wrong, meant))
    elif path[0] == "args":
        put(values, path, re.sub(r"^--[\w-]+", meant, values["args"][path[1]]))
    else:
        put(values, path, meant)


def move(values: Values, finding: Finding, target: str) -> None:
    path = list(finding.path)
    put(values, steps(target), at(values, path[:-1]).pop(path[-1]))


def replace(values: Values, finding: Finding, text: str) -> None:
    path = list(finding.path)
    del at(values, path[:-1])[path[-1]]
    put_settings(values, text)


def set_and_add(values: Values, _: Finding, text: str) -> None:
    setting, _, argument = text.removesuffix("` to args").partition(" and add `")
    put_settings(values, setting)
    values.setdefault("args", []).append(argument)


FORMS: list[tuple[str, Callable[[Values, Finding, str], None]]] = [
    (r"did you mean `?([^?`(]+)`?\?", rename),
    (r"move it to (\S+)$", move),
    (r"use ([\w.]+: \S+)$", replace),
    (r"remove (?:it|both items|all \d+ items|the line)\b(.*)", remove),
    (r"remove ([A-Za-z]+)$", lambda values, finding, key: at(values, list(finding.path)).pop(key)),
    (r"set (\S+: \S+ and add `.*?` to args)(?:, or .*)?$", set_and_add),
    (r"set (\S+: .*?)(?:, or .*)?$", lambda values, finding, text: put_settings(values, text)),
    (r"add (\w+: \S+)$", lambda values, finding, text: put_settings(at(values, list(finding.path)), text)),
    (r"add `(\S+)`$", lambda values, finding, flag: values["args"].append(flag)),
    (r"(?:write|use) (`.*)", write_arguments),
    (r"write it in quotes: (.*)", write),
    (r"(?:write|choose) .*such as (\S+)$", write),
    (r"write a number from (\d+) to", write),
    (r"write (?:at (?:most|least) )?(\S+)(?: without quotes| or more.*| or less.*|, or .*)?$", write),
    (r"write (\w+: \S+)$", write),
    (r"write (\w+: \S+(?:, \w+: \S+)+)$", write_map),
]


def followed(values: Values, finding: Finding) -> Values | None:
    """Return the values with the hint followed, or None if it leaves the choice to a person."""
    if not finding.path or "VALUE" in finding.hint:
        return None
    for form, follow in FORMS:
        if found := re.match(form, finding.hint):
            fixed = copy.deepcopy(values)
            follow(fixed, finding, found[1])
            return fixed
    return None


def applied(values: Values, fix: Fix) -> Values:
    """Return the values with the edits made; paths refer to the values before the edits."""
    fixed = copy.deepcopy(values)
    for edit in sorted(fix, key=from_the_back):
        make(fixed, edit)
    return fixed


def from_the_back(edit: Edit) -> tuple[bool, int]:
    """Sort edits that change the indexes of a list last, and start with its last items."""
    last = edit.path[-1]
    return edit.action in (Action.REMOVE, Action.REPLACE), -last if isinstance(last, int) else 0


def make(values: Values, edit: Edit) -> None:
    place, last = at(values, list(edit.path[:-1])), edit.path[-1]
    if edit.action is Action.SET:
        place[last] = edit.value
    elif edit.action is Action.MOVE:
        put(values, list(edit.value), place.pop(last))
    elif edit.action is Action.REMOVE:
        del place[last]
    elif edit.action is Action.REPLACE:
        place[last : last + 1] = edit.value
    else:
        place[last].append(edit.value)


# Hints that a program can follow, although a person has to choose.
CHOICES = {
    r", or (?!8000|less)": "one of two ways",
    r"such as \S+$": "an example",
    r"\b(at least|at most|or more|a number from)\b": "one of many numbers",
    r"set apiKeySecret.name: llm-api-keys$": "a Secret that someone has to make, under a name of theirs",
    r"and set [\w.]+$": "the field cannot be what was given",
    r"remove it and name ": "a Secret that someone has to make",
    r"remove it, (put it into|and (revoke|create)) ": "a secret that has to go somewhere else",
    r"remove it, unless ": "only the person knows what the arguments need",
    r"remove it: set modelVolume.mountPath$": "where the models are to be",
}


class Case(NamedTuple):
    """A finding, all findings of its values, the values, and the values after its hint and its fix.

    `folder` contains the facts of the case's model.
    """

    finding: Finding
    found: list[Finding]
    values: Values
    by_hint: Values | None
    by_fix: Values | None
    folder: Path


def is_choice(case: Case) -> bool:
    """Return whether the hint leaves a choice to a person; so does a misspelled key if the right key is also set."""
    rule, path, hint = case.finding.rule, list(case.finding.path), case.finding.hint
    twice = rule == "unknown-key" and hint.removeprefix("did you mean ")[:-1] in at(case.values, path[:-1])
    return twice or any(re.search(form, hint) for form in CHOICES)


def cases() -> dict[str, Case]:
    """Return each finding of the invalid values, by a unique name."""
    named = {}
    for file in BAD:
        document = read("values.yaml", file.read_bytes())
        with contextlib.chdir(file.parent):
            found = [] if document.findings else check(document)
        values = json.loads(json.dumps(document.data)) if found else {}
        for number, one in enumerate(found):
            by_fix = applied(values, one.fix) if one.fix else None
            named[f"{file.parent.name}-{file.stem}-{number}"] = Case(
                one, found, values, followed(values, one), by_fix, file.parent
            )
    return {name: case for name, case in named.items() if case.finding.rule != "null-value"}


CASES = cases()


def told(found: list[Finding], severity: Severity) -> Counter[str]:
    return Counter(finding.rule for finding in found if finding.severity is severity)


def assert_mended(case: Case, fixed: Values | None) -> None:
    with contextlib.chdir(case.folder):
        after = check(read("values.yaml", json.dumps(fixed).encode()))
    finding, found = case.finding, case.found
    rule, severity = finding.rule, finding.severity
    assert told(after, severity)[rule] < told(found, severity)[rule], finding.hint
    assert told(after, Severity.ERROR) - told(found, Severity.ERROR) == Counter(), finding.hint


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.by_hint is not None])
def test_following_a_hint_removes_its_finding(name: str) -> None:
    assert_mended(CASES[name], CASES[name].by_hint)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.by_fix is not None])
def test_a_fix_removes_its_finding(name: str) -> None:
    assert_mended(CASES[name], CASES[name].by_fix)


BOTH = [name for name, case in CASES.items() if case.by_hint is not None and case.by_fix is not None]


@pytest.mark.parametrize("name", BOTH)
def test_a_hint_and_its_fix_have_the_same_result(name: str) -> None:
    case = CASES[name]
    # Compared as text, because 1 equals True in Python.
    assert json.dumps(case.by_fix, sort_keys=True) == json.dumps(case.by_hint, sort_keys=True), case.finding.hint


def test_most_hints_say_exactly_what_to_write() -> None:
    # No edit of a file can create the Secret for a literal.
    cases = [case for case in CASES.values() if case.by_hint is not None or "Secret" not in case.finding.hint]
    exact = sum(case.by_hint is not None for case in cases)
    assert exact >= 2 / 3 * len(cases), f"{exact} of {len(cases)}"


def test_an_exact_hint_has_its_fix_unless_a_person_has_to_choose() -> None:
    exact = {name: case for name, case in CASES.items() if case.by_hint is not None and not is_choice(case)}
    assert {name: case.finding.hint for name, case in exact.items() if case.by_fix is None} == {}
