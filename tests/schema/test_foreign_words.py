"""Words of Docker Compose, other charts and vLLM point to the right field, and no edit loses their values."""

import json
from typing import Any

import pytest
from modelservice.check import check
from modelservice.findings import Action, Finding
from modelservice.reading.document import read
from modelservice.schema.fields import load_fields
from modelservice.schema.foreign_words import WORDS, plain
from modelservice.schema.source import plain_schema

MODEL = {"model": {"name": "Qwen/Qwen3-8B"}}
TOKEN = "hf_abcdefghijklmnopqrstuvwxyz12345678"


def found_in(values: dict[str, Any]) -> list[Finding]:
    return check(read("values.yaml", json.dumps({**MODEL, **values}).encode()))


def test_every_pointer_names_a_field_or_is_a_sentence_and_no_word_is_a_field() -> None:
    keys = {field.key for field in load_fields().fields}
    groups = {key.rpartition(".")[0] for key in keys}
    inner = {"podSecurityContext.runAsUser", "podSecurityContext.fsGroup"}
    assert {known for known in WORDS if " " not in known} <= keys | groups | inner
    words = [plain(word) for words in WORDS.values() for word in words.split()]
    assert len(words) == len(set(words))
    assert {plain(key) for key in plain_schema()["properties"]} & set(words) == set()


@pytest.mark.parametrize(
    ("word", "value", "hint"),
    [
        ("ipc", "host", "sharedMemory.sizeLimit"),
        ("shm-size", "16gb", "sharedMemory.sizeLimit: 16Gi"),
        ("hf_token", "none", "huggingFace.tokenSecret.name"),
        ("apiKey", "none", "apiKeySecret.name"),
        ("extraEnvVars", [{"name": "A", "value": "b"}], "env"),
        ("storage", {"size": "50Gi"}, "modelVolume"),
        ("readinessProbe", {"periodSeconds": 5}, "probes.readiness"),
        ("healthcheck", {}, "probes"),
        ("deploy", {}, "gpu.count"),
        ("numGpus", 2, "gpu.count"),
        ("routerSpec", {}, "one model"),
        ("services", {}, "Compose"),
        ("extra_hosts", ["a:10.0.0.7"], "podSpec.hostAliases"),
        ("dnsPolicy", "Default", "podSpec.dnsPolicy"),
        ("stdin", True, "serverContainer.stdin"),
        ("imagePullPolicy", "Always", "image.pullPolicy"),
        ("NCCL_DEBUG", "INFO", "env"),
    ],
)
def test_a_word_points_to_its_field(word: str, value: Any, hint: str) -> None:
    (finding,) = [one for one in found_in({word: value}) if one.rule == "unknown-key"]
    assert hint in finding.hint
    assert Action.REMOVE not in {edit.action for edit in finding.fix} or len(finding.fix) > 1


@pytest.mark.parametrize("word", ["no_such_word", "zzz"])
def test_an_unknown_key_is_never_removed(word: str) -> None:
    (finding,) = found_in({word: 1})
    assert finding.fix == ()


@pytest.mark.parametrize(
    "values",
    [
        {"HF_TOKEN": TOKEN},
        {"hfTokenSecret": TOKEN},
        {"environment": {"HF_TOKEN": TOKEN}},
        {"environment": [f"HF_TOKEN={TOKEN}"]},
        {"environment": {"DB_PASSWORD": "hunter2"}},
        {"environment": ["DB_PASSWORD=hunter2"]},
        {"env": {"DB_PASSWORD": "hunter2"}},
        {"env": ["DB_PASSWORD=hunter2"]},
        {"DB_PASSWORD": "hunter2"},
        {"image": f"user:{TOKEN}@example.com/a:b"},
    ],
    ids=str,
)
def test_no_hint_or_edit_contains_a_secret(values: dict[str, Any]) -> None:
    said = str(found_in(values))
    assert TOKEN not in said
    assert "hunter2" not in said
    assert "$(…)" not in said


@pytest.mark.parametrize("written", ["$MODEL", "${MODEL}", "$(MODEL)"])
def test_the_name_of_a_variable_is_not_taken_for_a_model(written: str) -> None:
    (finding,) = found_in({"model": {"name": written}})
    assert "write the text itself" in finding.hint


@pytest.mark.parametrize(
    ("reference", "parts"),
    [
        ("vllm/vllm-openai:v0.33.0", {"repository": "vllm/vllm-openai", "tag": "v0.33.0"}),
        ("registry:5000/a:b", {"repository": "registry:5000/a", "tag": "b"}),
        (f"a/b@sha256:{'0' * 64}", {"repository": "a/b", "tag": "", "digest": f"sha256:{'0' * 64}"}),
        (f"a/b:c@sha256:{'0' * 64}", {"repository": "a/b", "tag": "c", "digest": f"sha256:{'0' * 64}"}),
        # Docker uses latest, the chart its own release: a person has to choose.
        ("registry:5000/a", None),
    ],
)
def test_an_image_in_one_text_is_split_into_fields(reference: str, parts: dict[str, str] | None) -> None:
    (finding,) = [one for one in found_in({"image": reference}) if one.path == ("image",)]
    assert [edit.value for edit in finding.fix] == ([parts] if parts else [])


@pytest.mark.parametrize("kind", ["HelmRelease", "Application", "ApplicationSet", "Deployment", "Pod"])
def test_a_whole_object_is_one_error(kind: str) -> None:
    values = {"apiVersion": "v1", "kind": kind, "metadata": {"name": "a"}, "spec": {"values": MODEL}}
    (finding,) = check(read("values.yaml", json.dumps(values).encode()))
    assert (finding.rule, finding.path) == ("kubernetes-object", ("apiVersion",))
