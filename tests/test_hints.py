"""What a hint says to write, written: its finding is gone, and no other error takes its place.

Hints are sentences for people, but most keep to a few forms that a program can follow; this one does.
"""

import copy
import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from modelservice.check import check
from modelservice.findings import Finding, Severity
from modelservice.reading.document import read

INVALID = sorted((Path(__file__).parent / "cases/invalid").iterdir())
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
    """Remove the key; of a variable that is not to be there, the whole item."""
    path = list(finding.path)
    item = path[:-1] if finding.rule.startswith("env-") else path
    place = at(values, item[:-1])
    if "both items" in finding.hint:
        del place[item[-1] + 1]
    del place[item[-1]]
    put_settings(values, rest)


def write_arguments(values: Values, finding: Finding, text: str) -> None:
    at_ = finding.path[1]
    words = [yaml.safe_load(word) if word[0] in "'\"" else word for word in re.findall(r"`([^`]+)`", text)]
    values["args"][at_ - ("in place of both items" in text) : at_ + 1] = words


def write(values: Values, finding: Finding, text: str) -> None:
    path = list(finding.path)
    setting = SETTING.fullmatch(text)
    put(values, path, yaml.safe_load(setting[2] if setting and setting[1] in path else text))


def rename(values: Values, finding: Finding, meant: str) -> None:
    path = list(finding.path)
    if finding.rule == "unknown-key":
        value = at(values, path[:-1]).pop(path[-1])
        put(values, steps(meant) if "." in meant else [*path[:-1], meant], value)
    elif path[0] == "args":
        put(values, path, re.sub(r"^--[\w-]+", meant, values["args"][path[1]]))
    else:
        put(values, path, meant)


FORMS: list[tuple[str, Callable[[Values, Finding, str], None]]] = [
    (r"did you mean `?([^?`(]+)`?\?", rename),
    (r"remove (?:it|both items|the line)\b(.*)", remove),
    (r"remove ([A-Za-z]+)$", lambda values, finding, key: at(values, list(finding.path)).pop(key)),
    (r"set (\S+: .*?)(?:, or .*)?$", lambda values, finding, text: put_settings(values, text)),
    (r"add (\w+: \S+)$", lambda values, finding, text: put_settings(at(values, list(finding.path)), text)),
    (r"add `(\S+)`$", lambda values, finding, flag: values["args"].append(flag)),
    (r"(?:write|use) (`.*)", write_arguments),
    (r"write it in quotes: (.*)", write),
    (r"(?:write|choose) .*such as (\S+)$", write),
    (r"write a number from (\d+) to", write),
    (r"write (?:at (?:most|least) )?(\S+)(?: without quotes| or more.*| or less.*|, or .*)?$", write),
    (r"write (\w+: \S+)$", write),
]


def followed(values: Values, finding: Finding) -> Values | None:
    """Return the values with the hint followed, None where it leaves the choice to a person."""
    if not finding.path or "VALUE" in finding.hint:
        return None
    for form, follow in FORMS:
        if found := re.match(form, finding.hint):
            mended = copy.deepcopy(values)
            follow(mended, finding, found[1])
            return mended
    return None


def hinted() -> list[Any]:
    """Return each finding with its values, their findings, and what follows from its hint."""
    cases = []
    for case in INVALID:
        values = read("values.yaml", (case / "values.yaml").read_bytes())
        if not values.findings:
            found = check(values)
            data = json.loads(json.dumps(values.data))
            cases += [
                pytest.param(finding, found, followed(data, finding), id=f"{case.name}-{number}")
                for number, finding in enumerate(found)
                if finding.rule != "null-value"
            ]
    return cases


def told(found: list[Finding], severity: Severity) -> Counter[str]:
    return Counter(finding.rule for finding in found if finding.severity is severity)


@pytest.mark.parametrize(("finding", "found", "mended"), [case for case in hinted() if case.values[2] is not None])
def test_a_hint_that_is_followed_mends_its_finding(finding: Finding, found: list[Finding], mended: Values) -> None:
    after = check(read("values.yaml", json.dumps(mended).encode()))
    rule, severity = finding.rule, finding.severity
    assert told(after, severity)[rule] < told(found, severity)[rule], finding.hint
    assert told(after, Severity.ERROR) - told(found, Severity.ERROR) == Counter(), finding.hint


def test_most_hints_say_exactly_what_to_write() -> None:
    cases = hinted()
    exact = sum(case.values[2] is not None for case in cases)
    assert exact >= 0.7 * len(cases), f"{exact} of {len(cases)}"
