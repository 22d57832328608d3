"""`modelservice fit` with facts from a hub: its exit code, its output, and its cache."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from modelservice.cli import main
from modelservice.models.architecture import text_of
from modelservice.models.tensor_shapes import tensors_of

from tests.models.hub_server import SHA, TOKEN, Hub, endless, reply, safetensors, serving

FILES = f"/acme/tiny/resolve/{SHA}/"
LIST = "/api/models/acme/tiny"
CONFIG = {
    "architectures": ["Qwen3ForCausalLM"],
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "vocab_size": 640,
    "max_position_embeddings": 2048,
    "torch_dtype": "bfloat16",
    "tie_word_embeddings": False,
}


def header() -> tuple[dict[str, Any], int]:
    """Return the header of the model's weights, and how many bytes they have."""
    entries, end = {}, 0
    for tensors in tensors_of(text_of(CONFIG)):
        for number in range(tensors.copies):
            start, end = end, end + tensors.nbytes // tensors.copies
            name = tensors.pattern.replace("*", str(number))
            entries[name] = {"dtype": "BF16", "shape": tensors.shape, "data_offsets": [start, end]}
    return entries, end


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    with serving() as server:
        server.files = {"config.json": json.dumps(CONFIG).encode(), "model.safetensors": safetensors(*header())}
        yield server


def fit(hub: Hub, tmp_path: Path, *options: str) -> Result:
    file = tmp_path / "chat.yaml"
    secret = "tokenSecret: {name: hf-token}"
    file.write_text(f"model: {{name: acme/tiny}}\nhuggingFace: {{endpoint: '{hub.url}', {secret}}}\n")
    return CliRunner().invoke(main, ["fit", str(file), "--gpu", "L4", *options], catch_exceptions=False)


def test_a_model_of_the_hub_fits(hub: Hub, tmp_path: Path) -> None:
    result = fit(hub, tmp_path, "--format", "json")
    answer = json.loads(result.stdout)
    assert (result.exit_code, answer["verdict"], answer["facts"]["revision"]) == (0, "fits", SHA)
    assert answer["download_bytes"] == sum(map(len, hub.files.values()))
    assert {one.authorization for one in hub.asked} == {f"Bearer {TOKEN}"}
    assert TOKEN not in result.output


def test_saved_facts_need_no_hub(hub: Hub, tmp_path: Path) -> None:
    assert fit(hub, tmp_path, "--save").exit_code == 0
    assert (tmp_path / "facts" / "acme--tiny.json").is_file()
    asked = len(hub.asked)
    assert fit(hub, tmp_path).exit_code == 0
    assert len(hub.asked) == asked


BAD: dict[str, tuple[str, Any]] = {
    "gated": (LIST, reply(401, TOKEN.encode(), X_Error_Code="GatedRepo", X_Error_Message=TOKEN)),
    "forbidden": (LIST, reply(403, TOKEN.encode(), X_HF_Warning=f"a; {TOKEN}")),
    "missing": (LIST, reply(404)),
    "moved to a place of another kind": (LIST, reply(301, Location="ftp://example.com/")),
    "without an end": (LIST, endless(b" " * 1024**2)),
    "truncated": (FILES + "model.safetensors", reply(206, safetensors(*header())[:100])),
    "hostile": (FILES + "model.safetensors", reply(206, safetensors(b"[" * 100_000, 0))),
    "huge": (FILES + "model.safetensors", endless(bytes(1024**2), b"\xff" * 8)),
}


@pytest.mark.parametrize("name", BAD)
def test_unavailable_facts_have_exit_code_3(hub: Hub, tmp_path: Path, name: str) -> None:
    path, answer = BAD[name]
    hub.answers[path] = answer
    result = fit(hub, tmp_path)
    assert result.exit_code == 3, result.output
    assert result.stderr.startswith("error: ")
    assert result.stdout == ""
    assert TOKEN not in result.output
    assert not list((tmp_path / "cache").rglob("*.json"))


@pytest.mark.parametrize("option", ["--facts", "--model-config"])
def test_an_invalid_file_has_exit_code_3(hub: Hub, tmp_path: Path, option: str) -> None:
    (tmp_path / "odd.json").write_text("[]")
    result = fit(hub, tmp_path, option, str(tmp_path / "odd.json"))
    assert result.exit_code == 3
    assert hub.asked == []
