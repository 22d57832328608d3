"""Reports as text, JSON, GitHub annotations and SARIF."""

import json

from modelservice.findings import Finding, Position, Severity
from modelservice.report import report, summary
from sarif_pydantic import Sarif

ERROR = Finding(
    Severity.ERROR,
    ("gpu", "count"),
    '"two" is not a whole number',
    "write 2",
    "wrong-type",
    Position("a b.yaml", 2, 10),
)
WARNING = Finding(
    Severity.WARNING, ("args", 0), "100%, deprecated", "use: this", "argument-deprecated", Position("a b.yaml", 1, 1)
)
SOURCE = {"a b.yaml": "args: [x]\n  count: two\n"}


def text(finding: Finding, source: str, *, color: bool = False) -> str:
    return report([finding], "text", sources={finding.position.file: source}, files=1, color=color)


def test_a_finding_is_a_line_that_editors_can_jump_to_and_a_caret() -> None:
    assert report([ERROR, WARNING], "text", sources=SOURCE, files=1) == (
        "a b.yaml:1:1: warning: args[0]: 100%, deprecated; use: this [argument-deprecated]\n"
        "    args: [x]\n"
        "    ^\n"
        'a b.yaml:2:10: error: gpu.count: "two" is not a whole number; write 2 [wrong-type]\n'
        "      count: two\n"
        "             ^\n"
    )


def test_the_caret_is_in_the_right_column_after_wide_letters_and_tabs() -> None:
    finding = ERROR._replace(position=Position("v", 1, 5))
    assert text(finding, "日\ta two").splitlines()[1:] == ["    日\ta two", "      \t  ^"]


def test_a_long_line_is_cut_around_the_place() -> None:
    line = "x" * 500 + "HERE" + "y" * 500
    shown = text(ERROR._replace(position=Position("v", 1, 501)), line).splitlines()
    assert len(shown[1]) <= 110
    assert shown[1][len(shown[2]) - 1 :].startswith("HERE")


def test_a_line_with_a_secret_is_not_shown() -> None:
    secret = "hf_" + "a1" * 17
    assert secret not in text(ERROR, f"\n  token: {secret}\n")
    finding = ERROR._replace(rule="secret-literal")
    assert "swordfish" not in text(finding, "\n  password: swordfish\n")


def test_a_key_cannot_colour_or_clear_the_terminal() -> None:
    finding = ERROR._replace(path=("\x1b[2J",), position=Position("v", 1, 1))
    assert "\x1b" not in text(finding, "\x1b[2Jkey: 1")


def test_only_terminals_get_colours() -> None:
    assert "\x1b[31m error:" in text(ERROR, SOURCE["a b.yaml"], color=True)
    assert "\x1b" not in text(ERROR, SOURCE["a b.yaml"])


def test_the_summary_counts_findings_and_files() -> None:
    assert summary([], 3) == "3 files checked, no problems"
    assert summary([ERROR], 1) == "1 error"
    assert summary([ERROR, ERROR._replace(rule="x"), WARNING], 3) == "2 errors, 1 warning in 1 file; 3 services checked"


def test_json_has_every_part_of_a_finding() -> None:
    answer = json.loads(report([ERROR, WARNING], "json", sources=SOURCE, files=3))
    assert {key: answer[key] for key in ("version", "files", "errors", "warnings")} == {
        "version": 1, "files": 3, "errors": 1, "warnings": 1,
    }  # fmt: skip
    assert answer["findings"][1] == {
        "severity": "error", "rule": "wrong-type", "path": "gpu.count", "file": "a b.yaml", "line": 2, "column": 10,
        "message": '"two" is not a whole number', "hint": "write 2",
    }  # fmt: skip


def test_github_annotations_are_escaped_for_its_runner() -> None:
    finding = WARNING._replace(message="100%\nsure", position=Position("a,b:c.yaml", 1, 1))
    assert report([finding], "github", sources={}, files=1) == (
        "::warning file=a%2Cb%3Ac.yaml,line=1,col=1,title=argument-deprecated::args[0]: 100%25%0Asure; use: this\n"
    )


def test_sarif_is_as_its_standard_requires() -> None:
    log = Sarif.model_validate_json(report([ERROR, WARNING], "sarif", sources=SOURCE, files=1))
    run = log.runs[0]
    assert run.tool.driver.name == "modelservice"
    assert [rule.id for rule in run.tool.driver.rules] == ["argument-deprecated", "wrong-type"]
    assert [result.rule_id for result in run.results] == ["argument-deprecated", "wrong-type"]
    place = run.results[1].locations[0].physical_location
    assert (place.artifact_location.uri, place.region.start_line, place.region.start_column) == ("a%20b.yaml", 2, 10)
    assert str(run.results[0].level.value) == "warning"


def test_an_empty_report_is_valid() -> None:
    assert report([], "text", sources={}, files=1) == ""
    assert report([], "github", sources={}, files=1) == ""
    assert json.loads(report([], "json", sources={}, files=1))["findings"] == []
    assert Sarif.model_validate_json(report([], "sarif", sources={}, files=1)).runs[0].results == []
