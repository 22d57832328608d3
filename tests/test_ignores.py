"""Rules are ignored by a comment, by --ignore, or by the value ignoredRules, if they may be."""

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from modelservice.cli import main
from modelservice.findings import Refuser
from modelservice.rules.catalogue import by_id

MODEL = "model: {name: a/b}\n"
LATEST = "image: {tag: latest}"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments], catch_exceptions=False)


def found(folder: Path, text: str, *options: str) -> list[tuple[str, int]]:
    (folder / "a.yaml").write_text(text)
    answer = run("validate", "--format", "json", *options, folder / "a.yaml")
    return [(finding["rule"], finding["line"]) for finding in json.loads(answer.stdout)["findings"]]


@pytest.mark.parametrize(
    "text",
    [
        f"{MODEL}{LATEST}  # modelservice: ignore[image-not-pinned] a test cluster\n",
        f"{MODEL}# modelservice: ignore[image-not-pinned] a test cluster\n{LATEST}\n",
        f"{MODEL}# modelservice: ignore[image-not-pinned]\n# and another comment\n{LATEST}\n",
        f"# modelservice: ignore[image-not-pinned]\n{MODEL}{LATEST}\n",
        f"{MODEL}{LATEST} #modelservice:ignore[image-not-pinned]\n",
        f"# yaml-language-server: $schema=x.json\n---\n# modelservice: ignore[image-not-pinned]\n\n{MODEL}{LATEST}\n",
    ],
)
def test_a_comment_ignores_a_rule_on_its_line_the_next_or_in_the_whole_file(text: str, tmp_path: Path) -> None:
    assert found(tmp_path, text) == []


@pytest.mark.parametrize(
    "text",
    [
        f"{MODEL}# modelservice: ignore[image-not-pinned]\nreplicas: 1\n{LATEST}\n",
        f"{MODEL}{LATEST}\nreplicas: 1  # modelservice: ignore[image-not-pinned]\n",
    ],
)
def test_a_comment_elsewhere_ignores_nothing_and_is_named(text: str, tmp_path: Path) -> None:
    rules = [rule for rule, _ in found(tmp_path, text)]
    assert sorted(rules) == ["ignore-unused", "image-not-pinned"]


def test_text_is_not_a_comment(tmp_path: Path) -> None:
    text = (
        f"{MODEL}{LATEST}\nextraObjects:\n  - |\n"
        "    # modelservice: ignore[image-not-pinned]\n"
        "    apiVersion: v1\n    kind: ConfigMap\n    metadata: {name: notes}\n"
        'description: "# modelservice: ignore[image-not-pinned]"\n'
    )
    assert found(tmp_path, text) == [("image-not-pinned", 2)]


def test_text_in_quotes_on_the_line_is_not_a_comment(tmp_path: Path) -> None:
    text = f'{MODEL}env: [{{name: VLLM_FOO, value: "x # modelservice: ignore[env-unknown] y"}}]\n'
    assert found(tmp_path, text) == [("env-unknown", 2)]


def test_a_comment_above_the_wrong_key_gets_a_hint_with_the_line(tmp_path: Path) -> None:
    text = f"{MODEL}# modelservice: ignore[image-not-pinned]\nimage:\n  tag: latest\n"
    assert found(tmp_path, text) == [("ignore-unused", 2), ("image-not-pinned", 4)]
    assert "the finding is in line 4; move the comment" in run("validate", tmp_path / "a.yaml").stdout


@pytest.mark.parametrize(
    "comment", ["# modelservice: ignore image-not-pinned", "# modelservice: ignore[]", "# modelservice : ignore[x]"]
)
def test_an_almost_correct_comment_gets_a_hint_with_the_form(comment: str, tmp_path: Path) -> None:
    assert found(tmp_path, f"{MODEL}{LATEST}  {comment}\n") == [("image-not-pinned", 2), ("ignore-unused", 2)]


def test_a_comment_names_several_rules(tmp_path: Path) -> None:
    text = f"# modelservice: ignore[image-not-pinned, model-default]\n{LATEST}\n"
    assert found(tmp_path, text) == []


def test_an_option_ignores_a_rule_and_an_unused_one_is_reported(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(f"{MODEL}{LATEST}\n")
    answer = run("validate", "--strict", "--ignore", "image-not-pinned", file)
    assert (answer.exit_code, answer.stdout) == (0, "")
    assert answer.stderr == "1 file checked, no problems, 1 ignored\n"
    idle = run("validate", "--ignore", "image-not-pinned", "--ignore", "api-open", file)
    assert (idle.exit_code, "warning: --ignore api-open: nothing here breaks this rule" in idle.stderr) == (0, True)
    counted = run("validate", "--format", "json", "--ignore", "image-not-pinned", file)
    assert json.loads(counted.stdout)["ignored"] == 1


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("gpu-required", "the chart enforces this rule; set ignoredRules: [gpu-required]"),
        ("unknown-key", "this rule cannot be ignored"),
        ("yaml-alias", "this rule cannot be ignored"),
        ("ignore-unused", "this rule cannot be ignored"),
        ("image-not-pined", "there is no such rule; did you mean image-not-pinned?"),
    ],
)
def test_rules_that_cannot_be_ignored_are_reported(rule: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(MODEL)
    answer = run("validate", "--ignore", rule, file)
    assert (answer.exit_code, said in answer.stderr) == (2, True), answer.stderr
    assert ("ignore-unused", 2) in found(tmp_path, f"{MODEL}# modelservice: ignore[{rule}]\nreplicas: 1\n")


def test_the_value_ignores_a_rule_of_the_chart_and_nothing_else(tmp_path: Path) -> None:
    broken = f"{MODEL}gpu: {{count: 0}}\n"
    assert found(tmp_path, broken) == [("gpu-required", 2)]
    assert found(tmp_path, f"{broken}ignoredRules: [gpu-required]\n") == []
    assert found(tmp_path, f"{MODEL}ignoredRules: [gpu-required]\n") == [("ignore-unused", 2)]
    assert found(tmp_path, f"{MODEL}ignoredRules: [image-not-pinned]\n") == [("not-allowed", 2)]


def test_a_comment_does_not_ignore_what_the_chart_enforces(tmp_path: Path) -> None:
    rules = [rule for rule, _ in found(tmp_path, f"{MODEL}gpu: {{count: 0}}  # modelservice: ignore[gpu-required]\n")]
    assert sorted(rules) == ["gpu-required", "ignore-unused"]


def test_a_shared_layer_may_ignore_what_this_service_does_not_break(tmp_path: Path) -> None:
    (tmp_path / "layer.yaml").write_text(f"# modelservice: ignore[image-not-pinned]\n{LATEST}\n")
    (tmp_path / "a.yaml").write_text(f"{MODEL}image: {{tag: v0.33.0}}\n")
    (tmp_path / "b.yaml").write_text(MODEL)
    answer = run("validate", "--strict", "-f", tmp_path / "layer.yaml", tmp_path)
    assert (answer.exit_code, answer.stderr) == (0, "2 files checked, no problems, 1 ignored\n"), answer.stdout


@pytest.mark.parametrize("command", ["template", "render", "access"])
def test_other_commands_ignore_the_same_rules(
    command: str, tmp_path: Path, helm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{Path(helm).parent}:{os.environ['PATH']}")
    file = tmp_path / "a.yaml"
    file.write_text(f"{MODEL}terminationGracePeriodSeconds: 30\nargs: [--shutdown-timeout=60]\n")
    output = ["-o", tmp_path / "chart"] if command == "render" else []
    assert run(command, file, *output).exit_code == 1
    assert run(command, file, *output, "--ignore", "shutdown-timeout").exit_code == 0
    file.write_text(f"# modelservice: ignore[shutdown-timeout] a batch service\n{file.read_text()}")
    assert run(command, file, *output, *(["--force"] if output else [])).exit_code == 0


def test_only_rules_that_helm_does_not_enforce_are_ignored_by_a_comment() -> None:
    enforced = (Refuser.HELM, Refuser.SCHEMA, Refuser.CHART)
    for rule in by_id().values():
        assert rule.is_firm or rule.refused_by not in (Refuser.HELM, Refuser.SCHEMA), rule.id
        assert not (rule.is_firm and rule.refused_by in enforced[2:]), rule.id
