"""`validate` with a file of facts beside the values: found without an option, and only where it is of the model."""

from pathlib import Path

import pytest
from modelservice.check import check_service
from modelservice.models.facts_file import facts_path, write_facts
from modelservice.models.model_facts import ModelFacts

FACTS = ModelFacts("acme/tiny", "f" * 40, "a test", {"max_position_embeddings": 2048}, (), {"model.safetensors": 2**40})
MODEL = "model: {name: acme/tiny}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_facts(FACTS, facts_path("acme/tiny", str(tmp_path / "chat.yaml")))
    return tmp_path


def rules(folder: Path, *texts: str) -> set[str]:
    files = []
    for number, text in enumerate(texts):
        files.append(folder / f"values-{number}.yaml")
        files[-1].write_text(text)
    return {finding.rule for finding in check_service(list(map(str, files))).findings}


def test_facts_beside_the_values_count(folder: Path) -> None:
    assert rules(folder, MODEL) == {"model-volume-size", "startup-download"}


def test_facts_beside_a_layer_count(folder: Path) -> None:
    (folder / "prod").mkdir()
    file = folder / "prod" / "chat.yaml"
    file.write_text("args: [--max-model-len=4096]\n")
    (folder / "base.yaml").write_text(MODEL)
    found = check_service([str(folder / "base.yaml"), str(file)]).findings
    assert "context-length" in {finding.rule for finding in found}


@pytest.mark.parametrize(
    "text",
    [
        "model: {name: acme/other}\n",
        "model: {name: acme/tiny, revision: eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee}\n",
    ],
)
def test_facts_of_something_else_do_not_count(folder: Path, text: str) -> None:
    assert rules(folder, text) == set()


def test_another_image_may_do_otherwise(folder: Path) -> None:
    image = "image: {repository: acme/server, tag: v1}\nvllmVersion: 0.33.0\n"
    found = rules(folder, MODEL + image + "args: [--max-model-len=4096]\n")
    assert "context-length" not in found


def test_the_catalogue_is_not_of_modelscope(tmp_path: Path) -> None:
    text = "model: {name: Qwen/Qwen3-32B, source: %s}\n"
    assert "model-volume-size" in rules(tmp_path, text % "huggingface")
    assert "model-volume-size" not in rules(tmp_path, text % "modelscope")
