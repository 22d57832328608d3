"""Words of Docker Compose, other charts and vLLM point to the right field, and no edit loses their values."""

import json
from typing import Any

import pytest
from modelservice.check import check
from modelservice.findings import Action, Finding
from modelservice.reading.document import read
from modelservice.schema.foreign_words import WORDS, plain
from modelservice.schema.source import plain_schema
from modelservice.schema.validation import validator_of
from modelservice.spelling import nearest

MODEL = {"model": {"name": "Qwen/Qwen3-8B"}}
TOKEN = "hf_abcdefghijklmnopqrstuvwxyz12345678"


def found_in(values: dict[str, Any]) -> list[Finding]:
    return check(read("values.yaml", json.dumps({**MODEL, **values}).encode()))


def names_a_field(key: str) -> bool:
    schema: Any = validator_of(plain_schema()).schema
    for part in key.split("."):
        schema = schema.get("properties", {}).get(part, {})
    return bool(schema)


def test_every_pointer_names_a_field_or_is_a_sentence_and_no_word_is_a_field() -> None:
    assert [known for known in WORDS if " " not in known and not names_a_field(known)] == []
    pairs = [(" " in known, plain(word)) for known, words in WORDS.items() for word in words.split()]
    assert len(pairs) == len(set(pairs))  # a word has at most one key and one sentence
    assert {plain(key) for key in plain_schema()["properties"]} & {word for _, word in pairs} == set()


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


@pytest.mark.parametrize(
    ("values", "path", "hint"),
    [
        ({"gpu": {"type": "L40S"}}, ("gpu", "type"), "choose nodes with that GPU by a label in nodeSelector, such as"),
        (
            {"gpu": {"model": "L40S"}},
            ("gpu", "model"),
            "choose nodes with that GPU by a label in nodeSelector, such as",
        ),
        ({"gpuType": "L40S"}, ("gpuType",), "choose nodes with that GPU by a label in nodeSelector, such as"),
        ({"gpuType": "amd.com/gpu"}, ("gpuType",), "move it to gpu.resourceName"),
        ({"gpu": {"gpus": 2}}, ("gpu", "gpus"), "move it to gpu.count"),
        ({"gpu": {"size": "80Gi"}}, ("gpu", "size"), "move it to gpu.memory"),
        ({"resources": {"limits": {"gpu": 1}}}, ("resources", "limits", "gpu"), "move it to gpu.count"),
        ({"resources": {"memory": "16Gi"}}, ("resources", "memory"), "use resources.requests and resources.limits"),
        ({"image": {"name": "a/b"}}, ("image", "name"), "move it to image.repository"),
        ({"ingress": {"host": "a.example.com"}}, ("ingress", "host"), "use ingress.hosts: [a.example.com]"),
        ({"ingress": {"tlsSecret": "a"}}, ("ingress", "tlsSecret"), "use ingress.tls, such as"),
        ({"service": {"targetPort": 8080}}, ("service", "targetPort"), "move it to containerPort"),
        ({"service": {"loadBalancerIP": "10.0.0.1"}}, ("service", "loadBalancerIP"), "use service.annotations"),
        ({"networkPolicy": {"ingress": [{}]}}, ("networkPolicy", "ingress"), "use networkPolicy.from"),
        ({"modelVolume": {"type": "nfs"}}, ("modelVolume", "type"), "use modelVolume.volume"),
        ({"modelVolume": {"accessMode": "ReadWriteMany"}}, ("modelVolume", "accessMode"), "[ReadWriteMany]"),
        (
            {"podSecurityContext": {"privileged": True}},
            ("podSecurityContext", "privileged"),
            "securityContext.privileged",
        ),
        ({"model": {"shmSize": "16Gi"}}, ("model", "shmSize"), "move it to sharedMemory.sizeLimit"),
        ({"model": {"modelName": "a/b"}}, ("model", "modelName"), "did you mean model.name?"),
        ({"maxModelLen": 8192}, ("maxModelLen",), "use args: [--max-model-len=8192]"),
        ({"gpu": {"memoryUtilization": 0.9}}, ("gpu", "memoryUtilization"), "use args: [--gpu-memory-utilization=0.9]"),
        ({"volumes": [{"name": "a", "pvc": {}}]}, ("volumes", 0, "pvc"), "use persistentVolumeClaim"),
        ({"env": [{"key": "A", "value": "b"}]}, ("env", 0, "key"), "write name"),
        ({"model": {"dtype": "half"}}, ("model", "dtype"), "use args: [--dtype=half]"),
        ({"enableLora": True}, ("enableLora",), "use args: [--enable-lora]"),
        ({"chatTemplate": "x"}, ("chatTemplate",), "did you mean model.chatTemplate?"),
        ({"apiKeySecret": {"secretName": "a"}}, ("apiKeySecret", "secretName"), "move it to apiKeySecret.name"),
        (
            {"modelVolume": {"nfs": {"server": "a", "path": "/b"}}},
            ("modelVolume", "nfs"),
            "did you mean modelVolume.volume.nfs?",
        ),
        ({"resources": {"limits": {"mem": "16Gi"}}}, ("resources", "limits", "mem"), "resources.limits.memory"),
        ({"hostPath": "/data"}, ("hostPath",), "use modelVolume.volume for the model"),
        ({"config": {}}, ("config",), "`modelservice explain` lists the keys"),
        ({"values": {"model": {}}}, ("values",), "write its keys at the top level of the file"),
        ({"container": {"image": "a"}}, ("container",), "write the fields of this chart"),
        # No other place is surely meant.
        ({"gpu": {"kind": "x/y"}}, ("gpu", "kind"), "nodeSelector"),
        ({"tls": {"enabled": True}}, ("tls", "enabled"), "the only key of tls is secretName"),
        ({"gpu": {"strategy": 1}}, ("gpu", "strategy"), "the keys of gpu are"),
    ],
    ids=str,
)
def test_a_key_inside_a_part_points_to_its_field_or_to_none(values: dict[str, Any], path: Any, hint: str) -> None:
    (finding,) = [one for one in found_in(values) if one.path == path and one.rule == "unknown-key"]
    assert hint in finding.hint


@pytest.mark.parametrize(
    ("args", "meant"),
    [
        ([{"--max-model-len": 8192}], ["--max-model-len=8192"]),
        ([{"--enforce-eager": None}], ["--enforce-eager"]),
        ([{"--enforce-eager": True}], ["--enforce-eager"]),
        ([{"max-model-len": 8192}], ["--max-model-len=8192"]),
        ([["--max-model-len", 8192]], ["--max-model-len=8192"]),
        ([{"--hf-overrides": {"a": 1}}], ['--hf-overrides={"a":1}']),
        ({"max_model_len": 8192, "enforce-eager": True}, ["--max-model-len=8192", "--enforce-eager"]),
        ("--max-model-len 8192 \\\n --enforce-eager", ["--max-model-len=8192", "--enforce-eager"]),
        ("--served-model-name a b", ["--served-model-name", "a", "b"]),
        # false may be the default or switch a flag off; JSON has keys too; a shell reads the others.
        ([{"--enforce-eager": False}], None),
        ([{"method": "ngram"}], None),
        ("--chat-template $HOME/a.jinja", None),
        ("--seed 1 # comment", None),
        ({"--api-key": "hunter2"}, None),
        ("--api-key hunter2", None),
    ],
    ids=str,
)
def test_arguments_in_another_form_become_a_list_of_texts(args: Any, meant: list[str] | None) -> None:
    found = [one for one in found_in({"args": args}) if one.rule == "wrong-type"]
    written = [text for one in found for edit in one.fix for text in ([edit.value] if one.path[1:] else edit.value)]
    assert written == (meant or [])
    assert "hunter2" not in str(found_in({"args": args}))


@pytest.mark.parametrize(
    ("labels", "meant"),
    [
        ("team=a", {"team": "a"}),
        (["team=a", "b=c"], {"team": "a", "b": "c"}),
        ([{"team": "a"}], {"team": "a"}),
        ("a", None),
    ],
    ids=str,
)
def test_labels_in_another_form_become_a_map(labels: Any, meant: dict[str, str] | None) -> None:
    (finding,) = [one for one in found_in({"nodeSelector": labels}) if one.rule == "wrong-type"]
    assert [edit.value for edit in finding.fix] == ([meant] if meant else [])


@pytest.mark.parametrize("variable", ["A=b", {"A": "b"}], ids=str)
def test_a_variable_in_another_form_gets_a_name_and_a_value(variable: Any) -> None:
    (finding,) = found_in({"env": [variable]})
    assert [edit.value for edit in finding.fix] == [{"name": "A", "value": "b"}]


@pytest.mark.parametrize(
    ("word", "choices", "near"),
    [
        ("loadBalancerIP", ["loadBalancerClass"], None),
        ("runAsUser", ["runAsGroup"], None),
        ("ingress", ["egress"], None),
        ("mountPoint", ["mountPath"], "mountPath"),
        ("ingresClasName", ["ingressClassName"], "ingressClassName"),
        ("--max-model-length", ["--max-model-len"], "--max-model-len"),
    ],
)
def test_a_similar_word_with_another_meaning_is_not_near(word: str, choices: list[str], near: str | None) -> None:
    assert nearest(word, choices) == near


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
        {"apiKeySecret": {"key": "hunter2"}},
        {"env": [{"DB_PASSWORD": "hunter2"}]},
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
        ("vllm/vllm-openai:0.33.0", {"repository": "vllm/vllm-openai", "tag": "v0.33.0"}),
        (
            "mirror.example.com/vllm/vllm-openai:0.33.0",
            {"repository": "mirror.example.com/vllm/vllm-openai", "tag": "0.33.0"},
        ),
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
