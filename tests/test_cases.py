"""Two lines of defence: what we refuse, and that the chart refuses it too; what we accept, and that helm does.

tests/cases/invalid/<name>/ holds values.yaml, the exact findings.txt, and, where helm cannot refuse, helm-accepts.txt
with the reason. tests/cases/valid/<rule>.yaml just misses that rule.
"""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from modelservice.check import check, errors
from modelservice.findings import Finding, dotted
from modelservice.reading.document import read
from modelservice.report import lines, report
from modelservice.rules.catalogue import catalogue
from modelservice.schema.validation import RULES

ROOT = Path(__file__).parents[1]
CHART = ROOT / "charts/modelservice"
INVALID = sorted((ROOT / "tests/cases/invalid").iterdir())
VALID = sorted((ROOT / "tests/cases/valid").glob("*.yaml"))
EXAMPLES = sorted((ROOT / "values-examples").glob("*.yaml"))
# These are about the file, not what is in it, or take a long one: tests/reading and test_hostile.py make such files.
ABOUT_THE_FILE = {"file-missing", "file-unreadable", "file-size", "too-many"}


def findings(file: Path) -> list[str]:
    return lines(check(read(file.name, file.read_bytes())))


def errors_of(case: Path) -> list[Finding]:
    return errors(check(read("values.yaml", (case / "values.yaml").read_bytes())))


def keys_that_only_rules_refuse(case: Path) -> list[str]:
    """Return the keys at fault; none where the schema refuses something, because helm then gets no further."""
    found = errors_of(case)
    settings = {rule.id for rule in catalogue()["Settings"]}
    # A secret elsewhere is refused for its form, which the chart does not guess, or by the schema.
    found = [finding for finding in found if finding.rule != "secret-literal" or finding.path[0] == "extraObjects"]
    return [dotted(finding.path) for finding in found] if {finding.rule for finding in found} <= settings else []


def helm_template(helm: str, values: Path) -> subprocess.CompletedProcess[str]:
    command = [helm, "template", "x", str(CHART), "-f", str(values)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("case", INVALID, ids=lambda path: path.name)
def test_an_invalid_case_has_exactly_its_findings(case: Path) -> None:
    assert findings(case / "values.yaml") == (case / "findings.txt").read_text().splitlines()


@pytest.mark.parametrize("case", INVALID, ids=lambda path: path.name)
def test_helm_refuses_what_we_refuse(case: Path, helm: str) -> None:
    answer = helm_template(helm, case / "values.yaml")
    if (case / "helm-accepts.txt").is_file():
        assert answer.returncode == 0 or "yaml" in case.name, (
            f"helm refuses it: remove helm-accepts.txt\n{answer.stderr}"
        )
    else:
        assert answer.returncode != 0
        if "undefined variable" in answer.stderr:
            return  # Go's own parser of templates, which knows no key
        keys = keys_that_only_rules_refuse(case)
        if "not what their fields take" in answer.stderr:  # the chart's own check of what is inside a field
            rules = {rule.id for rule in RULES}
            keys = [dotted(finding.path) for finding in errors_of(case) if finding.rule in rules]
        for key in keys:
            assert re.search(rf"(?<![\w.]){re.escape(key)}(?![\w.\[])", answer.stderr), key


def test_a_warning_is_none_that_helm_refuses() -> None:
    for case in INVALID:
        only_warnings = all(": warning: " in line for line in (case / "findings.txt").read_text().splitlines())
        assert not only_warnings or (case / "helm-accepts.txt").is_file(), case.name


@pytest.mark.parametrize("values", [*VALID, *EXAMPLES], ids=lambda path: path.name)
def test_helm_accepts_what_we_accept(values: Path, helm: str) -> None:
    assert findings(values) == []
    answer = helm_template(helm, values)
    assert answer.returncode == 0, answer.stderr


def test_every_rule_has_an_invalid_case_and_one_that_just_misses_it() -> None:
    rules = {rule.id for group in catalogue().values() for rule in group} - ABOUT_THE_FILE
    hit = {
        line.rsplit("[", 1)[1].rstrip("]")
        for case in INVALID
        for line in (case / "findings.txt").read_text().splitlines()
    }
    assert rules - hit == set()
    assert hit - rules == set()
    assert rules ^ {values.stem for values in VALID} == set()


def test_a_rule_is_listed_once() -> None:
    ids = [rule.id for group in catalogue().values() for rule in group]
    assert len(ids) == len(set(ids))


TOKENS = ("hf_abcdefghijklmnopqrstuvwxyz12345678", "sk-abcdefghijklmnopqrstuvwx1234")


def texts_replaced(tree: Any, token: str) -> Iterator[Any]:
    """Yield the tree as often as it has texts and keys, each time with one of them replaced."""
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
@pytest.mark.parametrize("style", ["text", "json", "github", "sarif"])
def test_a_secret_is_never_printed_wherever_it_stands(token: str, style: str) -> None:
    files = [ROOT / "values-examples/everything.yaml", ROOT / "values-examples/everything-statefulset.yaml"]
    for file in files:
        for values in texts_replaced(yaml.safe_load(file.read_text()), token):
            text = yaml.safe_dump(values)
            found = check(read("values.yaml", text.encode()))
            said = report(found, style, sources={"values.yaml": text}, files=1)
            assert found, values
            assert token[3:] not in said, said


def test_no_finding_of_a_case_prints_a_secret() -> None:
    for case in INVALID:
        text = (case / "findings.txt").read_text()
        assert not any(secret in text for secret in ("abcdefghijklmnop", "swordfish")), case.name
