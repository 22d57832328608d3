"""The corpus: files that break each rule, files that just pass, and what else refuses them.

tests/cases/<rule>/bad*.yaml breaks the rule. The first line of bad*.txt names the side that refuses the file in
addition to `validate` (`refused by: schema`); the other lines are exactly the findings of `validate`. good*.yaml is
similar to bad*.yaml, but has no findings, and helm accepts it.
"""

import contextlib
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from modelservice.check import check, check_service, errors
from modelservice.findings import Finding, Refuser, dotted
from modelservice.reading.document import read
from modelservice.report import lines, report
from modelservice.rules import fleet_rules
from modelservice.rules.catalogue import by_id, catalogue

ROOT = Path(__file__).parents[1]
CHART = ROOT / "charts/modelservice"
CASES = ROOT / "tests/cases"
BAD = sorted(CASES.glob("*/bad*.yaml"))
GOOD = sorted(CASES.glob("*/good*.yaml"))
EXAMPLES = sorted((ROOT / "values-examples").glob("*.yaml"))
# These are about the file, not what is in it, or take a long one or a folder: tests/reading, test_hostile.py and
# tests/gitops make such files.
ABOUT_THE_FILE = {"file-missing", "file-unreadable", "file-size", "too-many", *(rule.id for rule in fleet_rules.RULES)}
# The message of a template of the chart: the key, what is wrong, and the rule.
CHART_RULE = re.compile(r"\[([a-z-]+)\]$", re.MULTILINE)


def name(file: Path) -> str:
    return f"{file.parent.name}/{file.stem}"


def findings(file: Path) -> list[Finding]:
    with contextlib.chdir(file.parent):  # a case may have the facts of its model
        return check_service([read("values.yaml", file.read_bytes())]).findings


def expected(case: Path) -> tuple[Refuser, list[str]]:
    """Return the sides other than `validate` that refuse a case, and the findings of `validate`."""
    first, *rest = case.with_suffix(".txt").read_text().splitlines()
    return Refuser(first.removeprefix("refused by: ")), rest


def helm_runs(helm: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([helm, *arguments], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("case", BAD, ids=name)
def test_a_bad_case_has_exactly_its_findings(case: Path) -> None:
    found = findings(case)
    assert lines(found) == expected(case)[1]
    assert case.parent.name in {finding.rule for finding in found}


@pytest.mark.parametrize("case", BAD, ids=name)
def test_helm_refuses_a_bad_case_as_recorded(case: Path, helm: str) -> None:
    side, _ = expected(case)
    template = helm_runs(helm, "template", "x", str(CHART), "-f", str(case))
    said = template.stderr
    assert (template.returncode != 0) == (side in (Refuser.HELM, Refuser.SCHEMA, Refuser.CHART)), said
    if side in (Refuser.HELM, Refuser.SCHEMA) and "execution error" not in said:  # lint passes over a `fail`
        lint = helm_runs(helm, "lint", str(CHART), "-f", str(case))
        said += lint.stdout
        assert lint.returncode != 0, said
    if side is Refuser.CHART:
        named = [finding for finding in errors(findings(case)) if by_id()[finding.rule].refused_by is Refuser.CHART]
        for finding in named:
            key = rf"(?m)^- {re.escape(dotted(finding.path))}: .*\[{finding.rule}\]$"
            assert re.search(key, template.stderr) or _names_both(finding, template.stderr), f"{key}\n{template.stderr}"
    if side is Refuser.SCHEMA:
        wrong = [finding for finding in findings(case) if by_id()[finding.rule].refused_by is Refuser.SCHEMA]
        assert not wrong or any(_pointed_at(finding, said) for finding in wrong), said


def test_helm_lint_does_not_report_a_fail_of_a_template_as_an_error(helm: str) -> None:
    case = next(case for case in BAD if expected(case)[0] is Refuser.CHART)
    assert helm_runs(helm, "lint", str(CHART), "-f", str(case)).returncode == 0


def _names_both(finding: Finding, said: str) -> bool:
    """Return whether a line about one of two conflicting keys names this one; we report the key that is set."""
    return any(f"[{finding.rule}]" in line and dotted(finding.path) in line for line in said.splitlines())


def _pointed_at(finding: Finding, said: str) -> bool:
    """Return whether Helm names the key: as /a/0/b (Helm 4), or a.0.b (Helm 3)."""
    parts = [str(part) for part in finding.path]
    return not parts or any(mark.join(parts[:-1]) in said or mark.join(parts) in said for mark in ("/", "."))


def test_the_chart_enforces_its_rules() -> None:
    templates = "".join(file.read_text() for file in (CHART / "templates").glob("_*.tpl"))
    ours = {rule.id for rule in by_id().values() if rule.refused_by is Refuser.CHART}
    schema = yaml.safe_load((ROOT / "schemas/modelservice.schema.yaml").read_text())
    assert set(CHART_RULE.findall(templates)) == ours
    assert set(schema["properties"]["ignoredRules"]["items"]["enum"]) == ours


def test_a_case_is_refused_by_the_same_side_as_one_of_its_rules() -> None:
    for case in BAD:
        side, said = expected(case)
        rules = {by_id()[line.rsplit("[", 1)[1].rstrip("]")].refused_by for line in said}
        read_otherwise = side is Refuser.SCHEMA and rules == {Refuser.NOBODY}  # such as yes, which Helm reads as true
        assert side in rules or read_otherwise, name(case)


@pytest.mark.parametrize("case", [case for case in BAD if expected(case)[0] is Refuser.CHART], ids=name)
def test_a_rule_of_the_chart_can_be_ignored_by_a_value(case: Path, helm: str, tmp_path: Path) -> None:
    given = yaml.safe_load(case.read_text())
    rules = sorted(rule for rule in {one.rule for one in findings(case)} if by_id()[rule].refused_by is Refuser.CHART)
    file = tmp_path / "values.yaml"
    file.write_text(yaml.safe_dump({**given, "ignoredRules": rules}))
    answer = helm_runs(helm, "template", "x", str(CHART), "-f", str(file))
    assert not set(CHART_RULE.findall(answer.stderr)) & set(rules), answer.stderr


def test_helm_does_not_refuse_a_warning() -> None:
    for case in BAD:
        side, said = expected(case)
        only_warnings = all(": warning: " in line for line in said)
        assert not only_warnings or side not in (Refuser.HELM, Refuser.SCHEMA, Refuser.CHART), name(case)


@pytest.mark.parametrize("values", [*GOOD, *EXAMPLES], ids=name)
def test_helm_accepts_what_we_accept(values: Path, helm: str) -> None:
    assert lines(findings(values)) == []
    answer = helm_runs(helm, "template", "x", str(CHART), "-f", str(values))
    assert answer.returncode == 0, answer.stderr


def test_every_rule_has_a_bad_case_and_a_good_one() -> None:
    rules = by_id().keys() - ABOUT_THE_FILE
    assert {case.parent.name for case in BAD} == rules
    assert {case.parent.name for case in GOOD} == rules


def test_a_rule_is_listed_once() -> None:
    ids = [rule.id for group in catalogue().values() for rule in group]
    assert len(ids) == len(set(ids))


TOKENS = ("hf_abcdefghijklmnopqrstuvwxyz12345678", "sk-abcdefghijklmnopqrstuvwx1234")


def texts_replaced(tree: Any, token: str) -> Iterator[Any]:
    """Yield copies of the tree, each with one of its texts or keys replaced."""
    if isinstance(tree, str):
        yield token
    elif isinstance(tree, list):
        for index, item in enumerate(tree):
            yield from ([*tree[:index], other, *tree[index + 1 :]] for other in texts_replaced(item, token))
    elif isinstance(tree, dict):
        for key, value in tree.items():
            yield from ({**tree, key: other} for other in texts_replaced(value, token))
            yield {token if name == key else name: child for name, child in tree.items()}


@pytest.mark.parametrize("token", TOKENS)
@pytest.mark.parametrize("file", ["everything", "everything-statefulset"])
def test_a_secret_is_never_printed_in_any_place(token: str, file: str) -> None:
    given = yaml.safe_load((ROOT / f"values-examples/{file}.yaml").read_text())
    for values in texts_replaced(given, token):
        text = json.dumps(values, indent=1)
        found = check(read("values.yaml", text.encode()))
        assert found, values
        for style in ("text", "json", "github", "sarif"):
            said = report(found, style, sources={"values.yaml": text}, files=1)
            assert token[3:] not in said, said


def test_no_finding_of_a_case_prints_a_secret() -> None:
    for case in BAD:
        text = case.with_suffix(".txt").read_text()
        assert not any(secret in text for secret in ("abcdefghijklmnop", "swordfish")), name(case)
