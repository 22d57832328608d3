"""The real parser reads imported command lines to the same configuration as the originals."""

import json
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from modelservice.importing.container_to_values import part_of_container
from modelservice.importing.launch import read_launch
from modelservice.importing.part import values_of

from tests.chart.rendering import CHART
from tests.live.serving import ENVIRONMENT
from tests.live.test_upgraded_arguments import PARSE

pytestmark = pytest.mark.live

RELEASE = "0.32.0"
LINES = [
    line.partition("\t")[2]
    for line in (Path(__file__).parents[1] / "vllm/lines.txt").read_text().splitlines()
    if line.startswith("takes\t") and "--model " not in line
]
# The chart listens, drains and logs in its own way, keys come from Secrets, a parser of tool calls comes with their
# choice, and a generating model is vLLM's own guess.
CHARTS = {"host", "port", "shutdown_timeout", "disable_access_log_for_endpoints", "api_key", "hf_token", "uds"}
CHARTS |= {"grpc", "headless", "enable_auto_tool_choice", "runner"}
# Values that differ in each run: addresses of objects, and ids of engines.
ANEW = re.compile(r" at 0x\w+|engine_id='[^']*'")


def server_of(line: str, helm: str) -> list[str]:
    """Return the arguments after the model in the pod's command line, for an imported line."""
    part = part_of_container(read_launch(f"vllm serve acme/chat {line}", f"vllm/vllm-openai:v{RELEASE}"))
    values = json.dumps(values_of(part.settings))
    command = [helm, "template", "x", str(CHART), "-f", "-"]
    answer = subprocess.run(command, input=values, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, f"{line}\n{answer.stderr}"
    pods: list[Any] = [one for one in yaml.safe_load_all(answer.stdout) if one["kind"] == "Deployment"]
    server = pods[0]["spec"]["template"]["spec"]["containers"][0]
    words: list[str] = [*server["command"][3:], *server["args"]]
    return [word.replace("$$", "$") for word in words]


def parsed(lines: list[list[str]]) -> list[dict[str, str]]:
    """Return the real parser's result for arguments, without the settings that the chart decides."""
    python = ENVIRONMENT / "bin/python"
    answer = subprocess.run([python, "-c", PARSE], input=json.dumps(lines), capture_output=True, text=True, check=True)
    return [
        {key: ANEW.sub("", repr(value)) for key, value in one.items() if key not in CHARTS}
        for one in json.loads(answer.stdout.splitlines()[-1])
    ]


def taken(lines: list[str]) -> list[str]:
    """Return the lines that this release's parser accepts; the corpus is from a later release."""
    script = f"""{PARSE.split("parsed =")[0]}
import contextlib, io
def takes(words):
    with contextlib.suppress(SystemExit, Exception), contextlib.redirect_stderr(io.StringIO()):
        parser.parse_args(["m", *words])
        return True
    return False
print(json.dumps([takes(words) for words in json.load(sys.stdin)]))
"""
    python, words = ENVIRONMENT / "bin/python", json.dumps([shlex.split(line) for line in lines])
    answer = subprocess.run([python, "-c", script], input=words, capture_output=True, text=True, check=True)
    return [line for line, takes in zip(lines, json.loads(answer.stdout.splitlines()[-1]), strict=True) if takes]


def test_the_imported_line_has_the_configuration_of_the_original(newest_helm: str) -> None:
    lines = taken(LINES)
    assert len(lines) >= 200
    originals = parsed([shlex.split(line) for line in lines])
    imports = parsed([server_of(line, newest_helm) for line in lines])
    differing = {
        line: {key: (one[key], other.get(key)) for key in one if one[key] != other.get(key)}
        for line, one, other in zip(lines, originals, imports, strict=True)
        if one != other
    }
    assert differing == {}
