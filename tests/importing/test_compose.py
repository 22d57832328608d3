"""Services of compose files."""

from pathlib import Path

import pytest
from modelservice.errors import InputError
from modelservice.importing.compose import compose_origins
from modelservice.importing.part import Part, only, values_of

FILE = """
x-common: &common
  restart: unless-stopped
  environment:
    HF_TOKEN: ${HF_TOKEN}
    TZ: ${TZ:-UTC}
services:
  db: {image: postgres}
  llm:
    <<: *common
    image: vllm/vllm-openai:v0.33.0
    command: >
      --model ${MODEL:-Qwen/Qwen3-8B}
      --max-model-len 8192
    ports: ["8080:8000"]
    volumes:
      - hf:/root/.cache/huggingface
      - {type: bind, source: /adapters, target: /adapters, read_only: true}
    shm_size: 8gb
    depends_on: [db]
    deploy:
      resources:
        limits: {memory: 32g}
        reservations:
          devices: [{driver: nvidia, count: 2, capabilities: [gpu]}]
volumes: {hf: {}}
"""


def read(text: str, service: str = "", folder: Path | None = None) -> Part:
    return only(compose_origins(text, service, folder), "--service").part()


def test_a_service_becomes_values() -> None:
    part = read(FILE)
    assert values_of(part.settings) == {
        "model": {"name": "Qwen/Qwen3-8B"},
        "args": ["--max-model-len=8192"],
        "huggingFace": {"tokenSecret": {"name": "hf-token"}},
        "env": [{"name": "TZ", "value": "UTC"}],
        "service": {"port": 8080},
        "resources": {"limits": {"cpu": "", "memory": "32Gi"}},
        "gpu": {"count": 2},
        "modelVolume": {"mountPath": "/root/.cache/huggingface"},
        "sharedMemory": {"sizeLimit": "8Gi"},
        "volumes": [{"name": "volume-1", "hostPath": {"path": "/adapters"}}],
        "volumeMounts": [{"name": "volume-1", "mountPath": "/adapters", "readOnly": True}],
    }
    assert [note.written for note in part.notes] == [
        "depends_on",
        "hf:/root/.cache/huggingface",
        "/adapters:/adapters",
    ]


def test_lists_device_ids_and_an_env_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=1\n")
    text = """
services:
  llm:
    image: vllm/vllm-openai:v0.33.0
    entrypoint: [vllm, serve]
    command: [a/b, --seed, "1"]
    env_file: .env
    environment: [B=2, C]
    deploy: {resources: {reservations: {devices: [{device_ids: ["0", "3"]}]}}}
"""
    part = read(text, "llm", tmp_path)
    assert part.settings["env"] == [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]
    assert (part.settings["gpu.count"], part.settings["model.name"], part.settings["args"]) == (2, "a/b", ["--seed=1"])


def test_a_service_inherits_what_it_extends(tmp_path: Path) -> None:
    # Expected values: the merge rules of the compose specification.
    (tmp_path / "common.yaml").write_text("services: {gpu: {environment: [B=1, C=1], gpus: all, ports: ['80:8000']}}")
    text = """
services:
  base:
    extends: {file: common.yaml, service: gpu}
    image: vllm/vllm-openai:v0.33.0
    command: [--model, a/b]
    environment: [B=0]
  llm:
    extends: base
    profiles: [gpu]
    environment: {A: "1"}
    command: --model c/d
    env_file: [{path: missing.env, required: false}]
"""
    part = read(text, "", tmp_path)
    variables = {entry["name"]: entry["value"] for entry in part.settings["env"]}
    assert (part.settings["model.name"], part.settings["service.port"]) == ("c/d", 80)
    assert (variables, part.notes) == ({"A": "1", "B": "0", "C": "1"}, ())
    (tmp_path / "common.yaml").unlink()
    missing = read(text, "", tmp_path)
    assert [note.written for note in missing.notes] == ["extends"]


@pytest.mark.parametrize(
    ("text", "service", "says"),
    [
        (FILE, "web", "there is no service web; services in the file: db, llm"),
        (
            "services: {a: {image: vllm/x}, b: {image: vllm/y}}",
            "",
            "several services run vLLM; choose one with --service",
        ),
        ("services: {a: {build: ., command: vllm serve a/b}}", "", "names no image"),
        ("services: [", "", "compose file:2:1: a value is missing here"),
        ("services: {a: {extends: {file: no.yaml, service: b}}}", "", "a extends a service that cannot be read here"),
        ("services: {a: {extends: b, image: vllm/x}, b: {extends: a}}", "", "choose one with --service"),
        ("a: 1", "", "no services"),
        ('services: {a: {image: vllm/x, command: "--model it\'s"}}', "", "no closing quotation"),
        ("services: {a: {image: vllm/x, volumes: [null]}}", "", r"volumes\[0\]"),
        ("services: {a: {image: vllm/x, environment: [{A: 1}]}}", "", r"environment\[0\]"),
        ("services: {a: {image: vllm/x, shm_size: [1]}}", "", "shm_size"),
        ("services: {a: {image: vllm/x, env_file: [{path: null}]}}", "", "env_file"),
        ("services: {a: {image: vllm/x, deploy: {resources: {reservations: {devices: [x]}}}}}", "", "devices"),
        ("services: &a\n  vllm: {<<: *a}", "", "compose file:1:11: found unconstructable recursive node"),
    ],
)
def test_unreadable_input_is_reported(text: str, service: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        read(text, service)


def test_the_env_file_next_to_a_compose_file_sets_its_variables(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("TAG=v0.33.0\nMODEL='a/b'\n")
    (tmp_path / "my.env").write_text('A="1 2"\n')
    text = """
services:
  llm:
    image: vllm/vllm-openai:${TAG:?which}
    command: ["--model", "${MODEL}"]
    env_file: my.env
    deploy: {replicas: 3}
"""
    part = read(text, "", tmp_path)
    assert (part.settings["image.tag"], part.settings["model.name"]) == ("v0.33.0", "a/b")
    assert part.settings["env"] == [{"name": "A", "value": "1 2"}]
    assert [note.written for note in part.notes] == ["deploy.replicas: 3"]


@pytest.mark.parametrize(
    ("gpus", "count"),
    [
        ("gpus: [{device_ids: ['0', '1']}]", 2),
        ("gpus: [{device_ids: ['0']}, {device_ids: ['1']}]", 2),
        ("devices: ['nvidia.com/gpu=0', 'nvidia.com/gpu=1']", 2),
        ("devices: ['nvidia.com/gpu=all']", None),
        ("gpus: [{device_ids: ['0', '1']}], environment: {CUDA_VISIBLE_DEVICES: '1'}", 1),
    ],
)
def test_gpus_are_counted(gpus: str, count: int | None) -> None:
    part = read(f"services: {{llm: {{image: vllm/vllm-openai:v0.33.0, command: a/b, {gpus}}}}}")
    assert part.settings.get("gpu.count") == count


def test_what_has_no_field_is_noted() -> None:
    part = read(
        "include: [web.yaml]\nservices: {llm: {image: vllm/vllm-openai:v0.33.0, command: a/b,"
        " labels: [traefik.enable=true], hostname: llm}}"
    )
    assert [note.written for note in part.notes] == ["include", "the labels of traefik"]


def test_a_service_without_an_image_is_named() -> None:
    with pytest.raises(InputError, match="service llm names no image"):
        read("services: {llm: {build: ., command: vllm serve a/b}, web: {image: nginx}}")
