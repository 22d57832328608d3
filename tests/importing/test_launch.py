"""vLLM command lines: the rendered pod starts the server with the flags of the line."""

import json
import shlex
import subprocess
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import yaml
from modelservice.check import check, errors
from modelservice.errors import InputError
from modelservice.importing.container_to_values import part_of_container
from modelservice.importing.launch import launch_of, read_launch
from modelservice.importing.part import Part, values_of
from modelservice.reading.document import read
from modelservice.rules import ABOUT_SIZE
from modelservice.vllm.command_line import Given, Stray
from modelservice.vllm.command_line import read as read_words
from modelservice.vllm.flags import Line, command_line
from modelservice.vllm.releases import newest_release

from tests.chart.rendering import CHART

# From the documentation and recipes in vLLM's source distribution 0.33.0 (Apache-2.0), one line each.
LINES = (Path(__file__).parent / "serve_lines.txt").read_text().splitlines()
LINE = Line(newest_release(), "", command_line(newest_release()))
# Flags that the chart sets itself, or in place of the original's.
CHARTS = {"--host", "--port", "--shutdown-timeout", "--disable-access-log-for-endpoints", "--runner", "--convert"}


def imported(text: str) -> Part:
    return part_of_container(read_launch(text, ""))


def test_a_classifier_keeps_its_task_in_a_release_without_a_runner() -> None:
    found = {
        tag: part_of_container(read_launch("vllm serve a/b --task classify", f"vllm/vllm-openai:{tag}")).settings
        for tag in ("v0.10.0", "v0.10.1")
    }
    assert (found["v0.10.0"]["args"], found["v0.10.1"]["model.task"]) == (["--task=classify"], "score")


def flags_of(words: list[str]) -> dict[str, Any]:
    """Return the values of the arguments after `vllm serve`, by flag."""
    found: dict[str, Any] = defaultdict(list)
    for item in read_words(words, LINE):
        if isinstance(item, Given):
            texts = [word.text for word in item.values]
            found[item.flag.name, item.key] = [item.negated, *texts]
        elif isinstance(item, Stray):
            found["--model", ""] = [False, item.text]
    return {key: value for key, value in found.items() if key[0] not in CHARTS}


@pytest.mark.parametrize("line", LINES)
def test_the_pod_has_the_flags_of_the_line(line: str, newest_helm: str) -> None:
    values = values_of(imported(line).settings)
    found = errors(check(read("values.yaml", json.dumps(values).encode())))
    # The sizes are filled in by the command.
    assert [one for one in found if one.rule not in ABOUT_SIZE] == []
    command = [newest_helm, "template", "x", str(CHART), "-f", "-"]
    answer = subprocess.run(command, input=json.dumps(values), capture_output=True, text=True, check=True)
    objects = {one["kind"]: one for one in yaml.safe_load_all(answer.stdout)}
    server = objects["Deployment"]["spec"]["template"]["spec"]["containers"][0]
    got = flags_of([*server["command"], *server["args"]][2:])
    words = shlex.split(line)
    wanted = flags_of(words[words.index("serve") + 1 :])
    if wanted.get(("--tensor-parallel-size", "")) == [False, "1"]:
        del wanted["--tensor-parallel-size", ""]  # the default
    assert got == wanted
    port = int(words[words.index("--port") + 1]) if "--port" in words else 8000
    assert objects["Service"]["spec"]["ports"][0]["port"] == server["ports"][0]["containerPort"] == port
    for word in words[: words.index("vllm")]:
        name, _, value = word.partition("=")
        assert {"name": name, "value": value} in server["env"]


@pytest.mark.parametrize(
    ("words", "arguments", "command"),
    [
        (["--model", "a/b"], ["--model", "a/b"], []),
        (["python3", "-m", "vllm.entrypoints.openai.api_server", "--model", "a/b"], ["--model", "a/b"], []),
        (["/opt/venv/bin/vllm", "serve", "a/b"], ["a/b"], ["/opt/venv/bin/vllm", "serve", "\0model"]),
        (["bash", "-c", "exec vllm serve a/b --seed 1"], ["a/b", "--seed", "1"], []),
        (["env", "A=1", "uv", "run", "vllm", "serve", "a/b"], ["a/b"], []),
        (
            ["sh", "-c", "pip install x && vllm serve a/b --seed 1"],
            ["a/b", "--seed", "1"],
            ["sh", "-c", 'pip install x && exec vllm serve \0model "$@"', "sh"],
        ),
        (
            ["sh", "-c", "cd /app && . bin/activate && vllm serve a/b"],
            ["a/b"],
            ["sh", "-c", 'cd /app && . bin/activate && exec vllm serve \0model "$@"', "sh"],
        ),
        (["uv", "run", "--with", "vllm", "vllm", "serve", "a/b"], ["a/b"], []),
        (["uvx", "--from", "vllm", "vllm", "serve", "a/b"], ["a/b"], []),
        (["uvx", "vllm", "serve", "a/b"], ["a/b"], []),
        (["/start.sh"], [], ["/start.sh"]),
    ],
)
def test_commands(words: list[str], arguments: list[str], command: list[str]) -> None:
    found = launch_of(words)
    assert (list(found.arguments), list(found.command)) == (arguments, command)


@pytest.mark.parametrize(
    "text",
    [
        "echo hello",
        "",
        "vllm bench serve --model a/b",
        "pip install vllm",
        "python -m vllm.entrypoints.api_server --model a/b",
    ],
)
def test_other_programs_are_refused(text: str) -> None:
    with pytest.raises(InputError):
        imported(text)


def test_gpus_follow_the_split_and_the_split_follows_the_gpus() -> None:
    settings = imported("vllm serve a/b -tp 2 -pp 2").settings
    assert (settings["gpu.count"], settings["args"]) == (4, ["-tp", "2", "-pp", "2"])
    assert imported("vllm serve a/b -tp 2").settings["gpu.count"] == 2


@pytest.mark.parametrize(
    ("flags", "count", "args"),
    [
        ("--nnodes 2 --data-parallel-size 2", None, ["--nnodes=2", "--data-parallel-size=2"]),
        ("--nnodes 2 -tp 8", 4, ["--nnodes=2", "-tp", "8"]),
        ("-dp 4 -tp 2 --data-parallel-rank 0", 2, ["-dp", "4", "-tp", "2", "--data-parallel-rank=0"]),
    ],
)
def test_a_pod_has_the_gpus_of_its_node(flags: str, count: int | None, args: list[str]) -> None:
    values = values_of(imported(f"vllm serve a/b {flags}").settings)
    assert (values.get("gpu", {}).get("count"), values["args"]) == (count, args)


def test_the_server_is_found_after_its_installation() -> None:
    assert imported("pip install vllm\nvllm serve a/b --seed 1").settings["args"] == ["--seed=1"]


def test_values_that_only_the_shell_knows_are_kept_with_a_note() -> None:
    part = imported("vllm serve a/b --tensor-parallel-size $(nvidia-smi -L | wc -l) --served-model-name $NAME")
    assert part.settings["args"] == ["--tensor-parallel-size=$nvidia_smi_L_wc_l"]
    assert [note.written for note in part.notes] == ["$nvidia_smi_L_wc_l", "$NAME"]


def test_no_secret_is_kept() -> None:
    part = imported(
        'vllm serve a/b --api-key sk-12345 --hf-token=hf_abc --kv-transfer-config \'{"password": "hunter2"}\''
    )
    text = repr(part)
    assert not any(secret in text for secret in ("sk-12345", "hf_abc", "hunter2"))
    assert [secret.name for secret in part.secrets] == ["llm-api-keys", "hf-token", "llm-secrets"]
    assert part.settings["env"][0]["valueFrom"]["secretKeyRef"]["name"] == "llm-secrets"
