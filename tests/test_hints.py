"""What a hint says to write, written: its finding is gone, and no other error takes its place.

Hints are sentences for people, but most keep to a few forms that a program can follow; this one does.
"""

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from modelservice import check, document
from modelservice.findings import Finding, Severity

INVALID = sorted((Path(__file__).parent / "cases/invalid").iterdir())
SETTING = re.compile(r"([A-Za-z]+(?:\.[A-Za-z0-9-]+|\[\"[^\"]+\"\])*): (\"\"|\[[^\]]*\]|[^ ,]+)")
Values = dict[str, Any]


def steps(key: str) -> list[str]:
    return [quoted or plain for plain, quoted in re.findall(r'([A-Za-z0-9-]+)|\["([^"]+)"\]', key)]


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


def write(values: Values, finding: Finding, text: str) -> None:
    path, text = list(finding.path), text.split(", or ")[0]
    if path[0] == "args":
        words = [yaml.safe_load(word) if word[0] in "'\"" else word for word in re.findall(r"`([^`]+)`", text)]
        first = path[1] - text.endswith("in place of both items")
        values["args"][first : path[1] + 1] = words or [yaml.safe_load(text.removeprefix("it in quotes: "))]
    elif (setting := SETTING.fullmatch(text)) and setting[1] in path:
        put(values, path, yaml.safe_load(setting[2]))
    else:
        text = re.sub(r"^it in quotes: | without quotes$|^at (most|least) | or more$|^one such as ", "", text)
        put(values, path, yaml.safe_load(text))


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
    (r"did you mean `?([^?`]+)`?\?", rename),
    (r"(?:remove it|remove both items|remove the line|remove it here)(?: and set (\S+: .*))?(?:, or .*)?$", remove),
    (r"remove ([A-Za-z]+)$", lambda values, finding, key: at(values, list(finding.path)).pop(key)),
    (r"set (\S+: .*?)(?:, or .*)?$", lambda values, finding, text: put_settings(values, text)),
    (r"add (\w+: \S+)$", lambda values, finding, text: put_settings(at(values, list(finding.path)), text)),
    (r"add `(\S+)`$", lambda values, finding, flag: values["args"].append(flag)),
    (
        r"(?:write|use) ((?:one such as |at (?:most|least) |it in quotes: )?[`'\"\[]?\S+(?: and `.*| in place .*| without quotes| or more)?)(?:, or .*)?$",
        write,
    ),
]


def followed(values: Values, finding: Finding) -> Values | None:
    """Return the values with the hint followed, None where it leaves the choice to a person."""
    if not finding.path or "VALUE" in finding.hint:
        return None
    for form, follow in FORMS:
        if found := re.match(form, finding.hint):
            mended = copy.deepcopy(values)
            follow(mended, finding, found[1] or "" if found.groups() else "")
            return mended
    return None


def hinted() -> list[Any]:
    """Return each finding with its values, their findings, and what follows from its hint."""
    cases = []
    for case in INVALID:
        values = document.read("values.yaml", (case / "values.yaml").read_bytes())
        found = check.check(values)
        if values.readable:
            data = json.loads(json.dumps(values.data))
            cases += [
                pytest.param(finding, found, followed(data, finding), id=f"{case.name}-{number}")
                for number, finding in enumerate(found)
                if not finding.rule.startswith(("yaml-", "null-"))
            ]
    return cases


def told(found: list[Finding]) -> set[tuple[str, str]]:
    return {(finding.rule, finding.message) for finding in found}


@pytest.mark.parametrize(("finding", "found", "mended"), [case for case in hinted() if case.values[2] is not None])
def test_a_hint_that_is_followed_mends_its_finding(finding: Finding, found: list[Finding], mended: Values) -> None:
    after = check.check(document.read("values.yaml", json.dumps(mended).encode()))
    assert (finding.rule, finding.message) not in told(after), finding.hint
    assert told([one for one in after if one.severity is Severity.ERROR]) - told(found) == set(), finding.hint


def test_most_hints_say_exactly_what_to_write() -> None:
    cases = hinted()
    exact = sum(case.values[2] is not None for case in cases)
    assert exact >= 0.7 * len(cases), f"{exact} of {len(cases)}"
