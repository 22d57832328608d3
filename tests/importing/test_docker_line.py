"""`docker run` lines become values."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from modelservice.errors import InputError
from modelservice.importing.container_to_values import part_of_container
from modelservice.importing.docker_line import read_line
from modelservice.importing.part import Part, values_of

LINES = yaml.safe_load((Path(__file__).parent / "docker_lines.yaml").read_text())


def imported(line: str, folder: Path | None = None) -> Part:
    return part_of_container(read_line(line, folder))


@pytest.mark.parametrize(("line", "values", "noted"), [tuple(one.values()) for one in LINES])
def test_a_line_becomes_these_values_and_notes(line: str, values: dict[str, Any], noted: list[str]) -> None:
    part = imported(line)
    assert values_of(part.settings) == values
    assert sorted(note.written for note in part.notes) == sorted(noted)


@pytest.mark.parametrize(
    ("options", "requests", "shared"),
    [
        ("--memory 8g --cpus 2", {"cpu": "2", "memory": "8Gi"}, {"sizeLimit": "8Gi"}),
        ("--memory 64g --cpus 16", None, None),
        ("--memory 12g --shm-size 1g", None, {"sizeLimit": "1Gi"}),
        ("--shm-size 1g", None, {"sizeLimit": "1Gi"}),
    ],
)
def test_no_default_of_the_chart_exceeds_a_limit(options: str, requests: object, shared: object) -> None:
    values = values_of(imported(f"docker run --gpus all {options} vllm/vllm-openai:v0.33.0 --model a/b").settings)
    assert (values["resources"].get("requests"), values.get("sharedMemory")) == (requests, shared)


@pytest.mark.parametrize(
    ("options", "count", "noted"),
    [
        # docker reads the value as CSV, see opts/gpus.go of docker/cli.
        ("--gpus 2", 2, []),
        ("--gpus count=2,driver=nvidia", 2, []),
        ("--gpus capabilities=utility", 1, []),
        ("--gpus all,capabilities=utility", None, []),
        ("""--gpus '"device=0,1","capabilities=compute,utility"'""", 2, ["device=0,1,capabilities=compute,utility"]),
        ("""--gpus '"device=0,2",capabilities=utility'""", 2, ["device=0,2,capabilities=utility"]),
        ("--gpus device=0 --gpus device=1", 2, ["device=0", "device=1"]),
        ("--gpus device=0,1 -e CUDA_VISIBLE_DEVICES=1", 1, ["device=0,1"]),
        ("--gpus 2 -e CUDA_VISIBLE_DEVICES=-1", 2, []),
        # podman's names of devices
        ("--device nvidia.com/gpu=0 --device nvidia.com/gpu=1", 2, ["nvidia.com/gpu=0", "nvidia.com/gpu=1"]),
        ("--device nvidia.com/gpu=0 --device nvidia.com/gpu=all", None, ["nvidia.com/gpu=0"]),
    ],
)
def test_gpus_are_counted(options: str, count: int | None, noted: list[str]) -> None:
    part = imported(f"docker run {options} vllm/vllm-openai:v0.33.0 --model a/b")
    assert part.settings.get("gpu.count") == count
    assert [note.written.partition(" ")[2] for note in part.notes if note.written.startswith("--")] == noted


def test_an_env_file_is_read_relative_to_the_line(tmp_path: Path) -> None:
    (tmp_path / "my.env").write_text("# tokens\nHF_TOKEN=hf_secret\n\nexport A=1\n")
    part = imported("docker run --env-file my.env vllm/vllm-openai --model a/b", tmp_path)
    assert part.settings["env"] == [{"name": "A", "value": "1"}]
    assert part.settings["huggingFace.tokenSecret.name"] == "hf-token"
    missing = imported("docker run --env-file no.env vllm/vllm-openai --model a/b", tmp_path)
    assert [note.written for note in missing.notes] == ["--env-file no.env"]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("ls", "no `docker run`"),
        ("docker run -p 8000:8000", "no image"),
        ("docker run ghcr.io/open-webui/open-webui:main", "names vLLM"),
        ("docker run -it --entrypoint bash vllm/vllm-openai", "opens a shell"),
        ("docker run 'vllm", "cannot be read"),
        ("docker run - x", "names vLLM"),
        ("docker run –gpus all vllm/vllm-openai", "not a hyphen"),  # noqa: RUF001
        ("docker run --model a/b vllm/vllm-openai", "write vLLM's flags after the image"),
        ("docker run vllm/vllm-openai --model a/b -p 80:8000", "^-p comes after the image"),
        ("docker run vllm/vllm-openai a/b --ipc=host", "^--ipc comes after the image"),
        ("docker run vllm/vllm-openai vllm serve a/b --shm-size 1g", "^--shm-size comes after the image"),
    ],
)
def test_input_that_makes_no_service_is_refused(line: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        imported(line)


def test_an_option_of_several_words_is_noted_by_its_name() -> None:
    part = imported(
        "docker run --health-cmd 'curl -H \"Authorization: Bearer Zq8xR4mN7vT2\" x' vllm/vllm-openai --model a/b"
    )
    assert [note.written for note in part.notes] == ["--health-cmd"]


def test_windows_folders_and_hosts() -> None:
    part = imported(
        r"docker run -v C:\Users\me\.cache\huggingface:/root/.cache/huggingface -v $env:USERPROFILE\t:/t"
        " --add-host host.docker.internal:host-gateway --add-host a:::1 --add-host b=10.0.0.1"
        " vllm/vllm-openai --model a/b"
    )
    assert part.settings["modelVolume.mountPath"] == "/root/.cache/huggingface"
    assert "volumes" not in part.settings
    assert part.settings["podSpec"]["hostAliases"] == [
        {"ip": "::1", "hostnames": ["a"]},
        {"ip": "10.0.0.1", "hostnames": ["b"]},
    ]
    assert [note.written for note in part.notes] == [
        "C:/Users/me/.cache/huggingface:/root/.cache/huggingface",
        "$env:USERPROFILE/t:/t",
        "--add-host host.docker.internal:host-gateway",
    ]


@pytest.mark.parametrize(
    ("line", "noted"),
    [
        ("-l traefik.enable=true -l traefik.http.routers.llm.rule=x -l a=b IMAGE", ["the labels of traefik"]),
        ("--gpus $GPUS IMAGE", ["--gpus $GPUS"]),
        ("IMAGE@sha256:abc", ["@sha256:abc"]),
        (r"-v ${env:USERPROFILE}\.cache\huggingface:/root/.cache/huggingface IMAGE", [
            "${env:USERPROFILE}/.cache/huggingface:/root/.cache/huggingface"
        ]),
        ("--log-level debug IMAGE", []),
    ],
)  # fmt: skip
def test_what_would_be_lost_is_noted(line: str, noted: list[str]) -> None:
    part = imported(f"docker run {line.replace('IMAGE', 'vllm/vllm-openai:v0.33.0')} --model a/b")
    assert [note.written for note in part.notes] == noted


def test_serve_before_the_model_is_not_the_model() -> None:
    settings = imported("docker run vllm/vllm-openai:v0.33.0 serve a/b --seed 1").settings
    assert (settings["model.name"], settings["args"], "command" in settings) == ("a/b", ["--seed=1"], False)


def test_a_flag_with_a_dash_is_not_the_model() -> None:
    settings = imported("docker run vllm/vllm-openai:v0.33.0 –seed 1 --model a/b").settings  # noqa: RUF001
    assert settings["model.name"] == "a/b"
    assert settings["args"] == ["–seed", "1"]  # noqa: RUF001


def test_variables_in_a_script_are_resolved_except_secrets() -> None:
    script = "pip install x; vllm serve $MODEL --max-model-len $LENGTH --api-key $VLLM_API_KEY"
    variables = "-e MODEL=m/n -e LENGTH=4096 -e VLLM_API_KEY=hunter2hunter2"
    part = imported(f"docker run {variables} --entrypoint sh vllm/vllm-openai -c '{script}'")
    assert part.settings["command"] == ["sh", "-c", 'pip install x; exec vllm serve m/n "$@"', "sh"]
    assert (part.settings["model.name"], part.settings["args"]) == ("m/n", ["--max-model-len=4096"])
    assert "hunter2" not in str(part)


def test_an_offline_cache_keeps_its_folder() -> None:
    line = "docker run -v /mnt/hf:/root/.cache/huggingface -e HF_HUB_OFFLINE={} vllm/vllm-openai:v0.33.0 --model a/b"
    assert imported(line.format(1)).settings["modelVolume.volume"]["hostPath"]["path"] == "/mnt/hf"
    assert "modelVolume.volume" not in imported(line.format(0)).settings
