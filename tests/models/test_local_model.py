"""Facts from this machine: a folder, a single configuration, the cache of the hub's library, and facts files."""

import json
import os
from pathlib import Path

import pytest
from modelservice.errors import InputError
from modelservice.models.facts_file import CATALOGUE, facts_path, file_name, known_facts, read_facts, write_facts
from modelservice.models.local_model import cached_snapshot, config_facts, folder_facts, hub_cache
from modelservice.models.model_facts import ModelFacts, Tensors

from tests.models.hub_server import SHA, safetensors

LAYER = safetensors({"layers.0.weight": {"dtype": "BF16", "shape": [4, 2], "data_offsets": [0, 16]}}, 16)
FACTS = ModelFacts("acme/tiny", SHA, "a test", {"a": 1}, (Tensors("x.*", "F4", (3, 2), 2),), {"x.bin": 6})


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "tiny"
    folder.mkdir()
    (folder / "config.json").write_text('{"hidden_size": 4, "limits": [0.0, Infinity]}')
    (folder / "model.safetensors").write_bytes(LAYER)
    return folder


def test_a_folder(model: Path) -> None:
    (model / "original").mkdir()
    (model / "original" / "weights.pth").write_bytes(bytes(9))
    found = folder_facts(model)
    assert found.config["hidden_size"] == 4
    assert found.tensors == (Tensors("layers.*.weight", "BF16", (4, 2)),)
    assert found.files == {"config.json": 45, "model.safetensors": len(LAYER)}


def test_a_folder_without_weights_gives_only_the_configuration(model: Path) -> None:
    (model / "model.safetensors").unlink()
    found = folder_facts(model, "acme/tiny")
    assert (found.model, found.tensors, found.files) == ("acme/tiny", (), {})
    assert config_facts(model / "config.json", "acme/tiny") == found


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("config.json", b"[]", "config.json is not a JSON object"),
        ("config.json", b"[" * 100_000, "config.json is not JSON"),
        ("config.json", b" " * (4 * 1024**2 + 1), "config.json has more than 4 MiB"),
        ("model.safetensors", LAYER[:-1], "is the download complete"),
        ("model.safetensors", b"", "model.safetensors is not a valid safetensors file: it ends before its header"),
        ("model.safetensors.index.json", b"{}", "model.safetensors.index.json lists no files"),
    ],
)
def test_a_broken_file_is_named(model: Path, file: str, content: bytes, message: str) -> None:
    (model / file).write_bytes(content)
    with pytest.raises(InputError, match=message):
        folder_facts(model)


def test_a_pipe_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "config.json")
    with pytest.raises(InputError, match="is a pipe"):
        config_facts(tmp_path / "config.json")


def cached(root: Path, model: Path) -> Path:
    """Create the library's cache, as documented, with a model in it."""
    folder = root / "models--acme--tiny"
    (folder / "blobs").mkdir(parents=True)
    (folder / "refs").mkdir()
    snapshot = folder / "snapshots" / SHA
    snapshot.mkdir(parents=True)
    (folder / "refs" / "main").write_text(SHA)
    for path in model.iterdir():
        (folder / "blobs" / path.name).write_bytes(path.read_bytes())
        (snapshot / path.name).symlink_to(f"../../blobs/{path.name}")
    return snapshot


def test_the_cache_of_the_hubs_library(model: Path, tmp_path: Path) -> None:
    snapshot = cached(tmp_path / "hub", model)
    environment = {"HF_HUB_CACHE": str(tmp_path / "hub")}
    assert cached_snapshot("acme/tiny", "", environment) == snapshot
    assert cached_snapshot("acme/tiny", SHA, environment) == snapshot
    assert cached_snapshot("acme/tiny", "v1", environment) is None
    assert cached_snapshot("acme/tiny", "../../../etc/passwd", environment) is None
    assert cached_snapshot("acme/other", "", environment) is None
    assert folder_facts(snapshot).files["model.safetensors"] == len(LAYER)
    index = {"weight_map": {"a": "model.safetensors", "b": "model-2.safetensors"}}
    (snapshot / "model.safetensors.index.json").write_text(json.dumps(index))
    assert cached_snapshot("acme/tiny", "", environment) is None


def test_the_cache_is_at_the_librarys_path() -> None:
    assert hub_cache({"HF_HOME": "/a"}) == Path("/a/hub")
    assert hub_cache({"XDG_CACHE_HOME": "/b"}) == Path("/b/huggingface/hub")
    assert hub_cache({}) == Path.home() / ".cache/huggingface/hub"


def test_facts_are_read_as_they_were_written(tmp_path: Path) -> None:
    write_facts(FACTS, tmp_path / "facts" / "a.json")
    assert read_facts(tmp_path / "facts" / "a.json") == FACTS


def test_facts_next_to_a_values_file_are_found(tmp_path: Path) -> None:
    values = str(tmp_path / "chat.yaml")
    assert known_facts("acme/tiny", "", [values]) is None
    write_facts(FACTS, facts_path("acme/tiny", values))
    assert facts_path("acme/tiny", values) == tmp_path / "facts" / "acme--tiny.json"
    assert known_facts("acme/tiny", "", [values]) == FACTS
    assert known_facts("acme/tiny", "main", [values]) == FACTS
    assert known_facts("acme/tiny", "f" * 40, [values]) is None
    assert known_facts("acme-tiny", "", [values]) is None


def test_names_of_files() -> None:
    assert file_name("/root/.cache/a model/") == "root--.cache--a-model.json"
    assert file_name("../../etc") == "..--..--etc.json"


def test_the_catalogue_consists_of_facts_files() -> None:
    for file in CATALOGUE.glob("*.json"):
        assert file.name == file_name(read_facts(file).model)


GOOD = {"format": 1, "model": "a", "revision": "", "source": "", "config": {}, "tensors": [], "files": {}}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], "must have exactly the keys"),
        (GOOD | {"more": 1}, "must have exactly the keys"),
        (GOOD | {"format": 2}, "has the format 2"),
        (GOOD | {"model": 1}, "has a model that is not a str"),
        (GOOD | {"config": []}, "has a config that is not a dict"),
        (GOOD | {"tensors": [["a", "Q9", [1], 1]]}, "a row of tensors"),
        (GOOD | {"tensors": [["a", "U8", [-1], 1]]}, "a row of tensors"),
        (GOOD | {"tensors": [["a", "U8", [1], True]]}, "a row of tensors"),
        (GOOD | {"tensors": [["a", "U8", [1] * 99, 1]]}, "a row of tensors"),
        (GOOD | {"tensors": [["a"]] * 100_001}, "more than 100000 rows"),
        (GOOD | {"files": {"a": -1}}, "files without valid sizes"),
        (GOOD | {"files": {"a": None}}, "files without valid sizes"),
    ],
)
def test_invalid_facts_files_are_refused(tmp_path: Path, data: object, message: str) -> None:
    file = tmp_path / "a.json"
    file.write_text(json.dumps(data))
    with pytest.raises(InputError, match=message):
        read_facts(file)


@pytest.mark.parametrize("content", [b"", b"[" * 100_000, b"\xff", b"1" * 5000, b" " * (8 * 1024**2 + 1)])
def test_invalid_json_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "a.json"
    file.write_bytes(content)
    with pytest.raises(InputError, match="is not a facts file"):
        read_facts(file)
