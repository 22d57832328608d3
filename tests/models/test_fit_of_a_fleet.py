"""`modelservice fit` on a folder: a line for each service, with the same values as `validate`."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from modelservice.cli import main

from tests.repositories import git


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    files = {
        "fleet.yaml": "layers: [{file: l4.yaml, for: prod/*}]\nenvironments: {dev: {}, prod: {}}\n",
        "l4.yaml": "gpu: {memory: 22558Mi}\nargs: [--max-model-len=4096]\n",
        "prod/small.yaml": "model: {name: Qwen/Qwen3-8B}\n",
        "prod/large.yaml": "model: {name: Qwen/Qwen3-32B}\n",
        "dev/small.yaml": "model: {name: Qwen/Qwen3-8B}\ngpu: {memory: 80Gi}\n",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return tmp_path


def fit(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["fit", *arguments], catch_exceptions=False)


def test_a_line_for_each_service_with_its_layers(fleet: Path) -> None:
    result = fit(".")
    lines = result.stdout.splitlines()
    assert (result.exit_code, [line.partition(":")[0] for line in lines]) == (
        1,
        ["dev/small.yaml", "prod/large.yaml", "prod/small.yaml"],
    )
    assert lines[0] == "dev/small.yaml: Qwen/Qwen3-8B on GPU: Fits."
    assert lines[1].startswith("prod/large.yaml: Qwen/Qwen3-32B on GPU: Does not fit: ")
    assert " It fits with " in lines[1]
    assert lines[2] == "prod/small.yaml: Qwen/Qwen3-8B on GPU: Fits."


@pytest.mark.parametrize(("argument", "code", "count"), [("dev", 0, 1), ("prod", 1, 2), ("l4.yaml", 1, 2)])
def test_an_argument_selects_services(fleet: Path, argument: str, code: int, count: int) -> None:
    result = fit(argument, "--format=json")
    found = json.loads(result.stdout)
    assert (result.exit_code, len(found)) == (code, count)


def test_one_file_has_the_layers_of_its_fleet(fleet: Path) -> None:
    result = fit("prod/small.yaml", "--format=json")
    assert json.loads(result.stdout)["requested_len"] == 4096


def test_a_service_without_an_answer_does_not_stop_the_others(fleet: Path) -> None:
    (fleet / "dev/new.yaml").write_text("model: {name: acme/new}\ngpu: {memory: 80Gi}\n")
    (fleet / "dev/bare.yaml").write_text("model: {name: Qwen/Qwen3-8B}\n")
    result = fit("dev", "--format=json")
    found = {one["values"]: one for one in json.loads(result.stdout)}
    assert result.exit_code == 3
    assert {name: one["verdict"] for name, one in found.items()} == {
        **dict.fromkeys(("dev/new.yaml", "dev/bare.yaml")),
        "dev/small.yaml": "fits",
    }
    assert found["dev/bare.yaml"]["error"].startswith("the values do not say which GPU")
    assert "HF_HUB_OFFLINE" in found["dev/new.yaml"]["error"]


def test_a_service_without_a_gpu_is_not_a_failure(fleet: Path) -> None:
    (fleet / "dev/cpu.yaml").write_text("model: {name: Qwen/Qwen3-8B}\ngpu: {count: 0}\nimage: {repository: a/b}\n")
    result = fit("dev")
    assert (result.exit_code, "dev/cpu.yaml: not known: it requests no GPU" in result.stdout) == (0, True)


def test_wrong_values_have_no_answer(fleet: Path) -> None:
    (fleet / "dev/wrong.yaml").write_text("model: {nme: Qwen/Qwen3-8B}\n")
    result = fit("dev")
    assert result.exit_code == 1
    assert "dev/wrong.yaml: not known: its values have errors" in result.stdout


def test_only_changed_services_are_checked(fleet: Path) -> None:
    git("init", "--quiet")
    git("add", ".")
    git("commit", "--quiet", "--message", "Begin")
    (fleet / "dev/small.yaml").write_text("model: {name: Qwen/Qwen3-8B}\ngpu: {memory: 40Gi}\n")
    result = fit(".", "--changed-since=HEAD")
    assert (result.exit_code, len(result.stdout.splitlines())) == (0, 1)


def test_model_config_is_refused_for_several_services(fleet: Path) -> None:
    (fleet / "config.json").write_text("{}")
    assert fit("dev", "--model-config=config.json").exit_code == 2
