"""The order of the sources for a model's facts."""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from modelservice.errors import ToolError
from modelservice.models.facts_file import facts_path, write_facts
from modelservice.models.facts_source import WantedModel, model_facts, wanted_model
from modelservice.schema.defaults import coalesce, default_values

from tests.models.hub_server import SHA, Hub, safetensors, serving
from tests.models.test_local_model import FACTS


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving() as server:
        server.files = {"config.json": b'{"hidden_size": 4}', "model.safetensors": safetensors({}, 0)}
        yield server


def wanted(hub: Hub, revision: str = "", **more: Any) -> WantedModel:
    return WantedModel("acme/tiny", revision, "huggingface", hub.url, with_token=False)._replace(**more)


def test_the_hub_is_called_once(hub: Hub) -> None:
    assert model_facts(wanted(hub)).revision == SHA
    asked = len(hub.asked)
    assert model_facts(wanted(hub)).revision == SHA
    assert len(hub.asked) == asked
    model_facts(wanted(hub), refresh=True)
    assert len(hub.asked) == 2 * asked


def test_the_facts_of_a_branch_expire_and_those_of_a_commit_do_not(hub: Hub, tmp_path: Path) -> None:
    for revision, more in (("", 3), (SHA, 0)):
        model_facts(wanted(hub, revision))
        week_ago = time.time() - 8 * 24 * 3600
        for file in (tmp_path / "cache").rglob("*.json"):
            os.utime(file, (week_ago, week_ago))
        asked = len(hub.asked)
        model_facts(wanted(hub, revision))
        assert len(hub.asked) == asked + more


def test_facts_next_to_the_values_come_first(hub: Hub, tmp_path: Path) -> None:
    values = str(tmp_path / "chat.yaml")
    write_facts(FACTS, facts_path("acme/tiny", values))
    assert model_facts(wanted(hub), [values]) == FACTS
    assert hub.asked == []


def test_a_given_configuration_comes_before_all_others(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"hidden_size": 8}))
    for path in (tmp_path, tmp_path / "config.json"):
        assert model_facts(wanted(hub), config=path).config == {"hidden_size": 8}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"source": "modelscope"},
            "is not in the catalogue, and facts are not read from ModelScope: copy its config.json from there",
        ),
        ({"name": "s3://models/tiny"}, "facts are not read from an object store: copy its config.json"),
        ({"name": "/models/tiny", "source": "local"}, "/models/tiny is not a folder on this machine"),
    ],
)
def test_unavailable_facts_are_reported(hub: Hub, change: dict[str, str], message: str) -> None:
    with pytest.raises(ToolError, match=message):
        model_facts(wanted(hub, **change))


def test_a_model_in_a_folder(hub: Hub, tmp_path: Path) -> None:
    for name, content in hub.files.items():
        (tmp_path / name).write_bytes(content)
    assert model_facts(wanted(hub, name=str(tmp_path), source="local")).config == {"hidden_size": 4}


@pytest.mark.parametrize(
    ("endpoint", "secret", "own", "sent"),
    [
        ("", "", "", True),
        ("https://huggingface.co/", "", "", True),
        ("https://mirror.example", "", "", False),
        ("https://mirror.example", "", "https://mirror.example/", True),
        ("https://mirror.example", "hf-token", "", True),
    ],
)
def test_the_users_token_is_sent_to_a_mirror_only_if_the_service_or_the_user_does(
    endpoint: str, secret: str, own: str, sent: bool
) -> None:
    given = {"model": {"name": "acme/tiny"}, "huggingFace": {"endpoint": endpoint, "tokenSecret": {"name": secret}}}
    found = wanted_model(coalesce(default_values(), given), {"HF_ENDPOINT": own})
    assert (found.name, found.with_token) == ("acme/tiny", sent)
