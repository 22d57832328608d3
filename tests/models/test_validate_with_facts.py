"""`validate` with a facts file next to the values: used without an option, and only if it is for the model."""

from pathlib import Path

import pytest
from modelservice.check import check_service
from modelservice.models.facts_file import facts_path, write_facts
from modelservice.models.model_facts import ModelFacts, Tensors

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


def test_facts_next_to_the_values_are_used(folder: Path) -> None:
    assert rules(folder, MODEL) == {"model-volume-size", "startup-download"}


def test_facts_next_to_a_layer_are_used(folder: Path) -> None:
    (folder / "prod").mkdir()
    file = folder / "prod" / "chat.yaml"
    file.write_text("args: [--max-model-len=4096]\n")
    (folder / "base.yaml").write_text(MODEL)
    found = check_service([str(folder / "base.yaml"), str(file)]).findings
    assert "context-length" in {finding.rule for finding in found}


@pytest.mark.parametrize("another_repository", [False, True])
def test_facts_beside_the_fleet_are_used(folder: Path, another_repository: bool) -> None:
    (folder / "fleet.yaml").write_text("environments: {prod: {}}\n")
    (folder / "live/prod").mkdir(parents=True)
    (folder / "live/prod/chat.yaml").write_text(MODEL)
    if another_repository:
        (folder / "live/.git").mkdir()
    assert bool(check_service([str(folder / "live/prod/chat.yaml")]).findings) is not another_repository


@pytest.mark.parametrize(
    ("dtype", "method", "says"),
    [
        ("BF16", "awq", True),
        ("BF16", "compressed-tensors", True),
        ("BF16", "fp8", False),
        # An older checkpoint of GPTQ or AWQ has its settings in a file of its own.
        ("I32", "gptq", False),
    ],
)
def test_a_quantisation_needs_a_checkpoint_with_it(tmp_path: Path, dtype: str, method: str, says: bool) -> None:
    tensors = (Tensors("model.layers.*.mlp.down_proj.weight", dtype, (8, 8)),)
    write_facts(FACTS._replace(tensors=tensors, files={}), facts_path("acme/tiny", str(tmp_path / "chat.yaml")))
    found = rules(tmp_path, MODEL + f"args: [--quantization={method}]\n")
    assert ("quantization-config" in found) is says


@pytest.mark.parametrize(
    "text",
    [
        "model: {name: acme/other}\n",
        "model: {name: acme/tiny, revision: eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee}\n",
    ],
)
def test_facts_of_another_model_are_not_used(folder: Path, text: str) -> None:
    assert rules(folder, text) == set()


def test_another_image_gets_no_error_about_the_length(folder: Path) -> None:
    image = "image: {repository: acme/server, tag: v1}\nvllmVersion: 0.33.0\n"
    found = rules(folder, MODEL + image + "args: [--max-model-len=4096]\n")
    assert "context-length" not in found


def test_the_catalogue_is_not_used_for_modelscope(tmp_path: Path) -> None:
    text = "model: {name: Qwen/Qwen3-32B, source: %s}\n"
    assert "model-volume-size" in rules(tmp_path, text % "huggingface")
    assert "model-volume-size" not in rules(tmp_path, text % "modelscope")


@pytest.mark.parametrize(
    ("name", "warned"),
    [
        ("acme/Big-70B-Instruct", True),
        ("acme/Mixture-8x7B", True),
        ("acme/big-13.5b", True),
        ("acme/Mixture-30B-A3B", True),
        ("acme/Small-8B", False),
        ("acme/Small-v3.1-8B", False),
        ("acme/Big-70B-AWQ", False),
        ("acme/Big-70B-Instruct-w4a16", False),
        ("acme/Big-70B-NVFP4", False),
        ("acme/Big-70B-4bit", False),
        ("acme/Big-70B-Q4_K_M-GGUF", False),
        ("openai/gpt-oss-999b", False),
        ("acme/70Billion", False),
    ],
)
def test_a_size_in_the_name_is_a_warning_only_where_weights_have_16_bits(
    tmp_path: Path, name: str, warned: bool
) -> None:
    assert ("model-name-size" in rules(tmp_path, f"model: {{name: {name}}}\ngpu: {{memory: 24Gi}}\n")) is warned


@pytest.mark.parametrize(
    ("argument", "found"),
    [
        ("--enforce-eager", True),
        ("--quantization=fp8_per_tensor", False),
        ("--quantization=online", False),
        ("--runner=pooling", False),
        ("--offload-group-size=8", False),
        ("--offload-group-size=0", True),
    ],
)
def test_weights_that_vllm_makes_smaller_or_keeps_elsewhere(tmp_path: Path, argument: str, found: bool) -> None:
    text = f"model: {{name: Qwen/Qwen3-32B}}\nargs: [{argument}, --max-model-len=4096]\ngpu: {{memory: 48Gi}}\n"
    assert ("model-fit" in rules(tmp_path, text)) == found
