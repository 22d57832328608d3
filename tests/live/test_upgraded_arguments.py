"""Upgraded arguments, read by the real parser of the new release."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from modelservice.reading.document import read

from tests.killing import run
from tests.live.serving import ENVIRONMENT

pytestmark = pytest.mark.live

RELEASE = "0.32.0"
PARSE = """
import json, sys
from vllm.entrypoints.cli.serve import ServeSubcommand
from vllm.utils.argparse_utils import FlexibleArgumentParser
parser = ServeSubcommand().subparser_init(FlexibleArgumentParser(prog="vllm").add_subparsers(dest="subparser"))
parsed = [vars(parser.parse_args(["m", *words])) for words in json.load(sys.stdin)]
print(json.dumps(parsed, default=repr))
"""
# An old release, its arguments, and the values that the new release must read.
SERVICES: dict[str, tuple[list[str], dict[str, Any]]] = {
    "0.10.1.1": (
        [
            "--max-model=8192",
            "--swap-space=4",
            "--task=embed",
            "--disable-log-requests",
            "--disable-mm-preprocessor-cache",
            "--rope-theta=10000",
            "--cuda-graph-sizes",
            "8",
            "--max-num-seqs=16",
            "--no-enable-prefix-caching",
        ],
        {
            "max_model_len": 8192,
            "runner": "pooling",
            "convert": "embed",
            "enable_log_requests": False,
            "mm_processor_cache_gb": 0,
            "hf_overrides": {"rope_theta": 10000},
            "cudagraph_capture_sizes": [8],
            "max_num_seqs": 16,
            "enable_prefix_caching": False,
        },
    ),
    "0.17.1": (
        ["--swap-space", "4", "--max-num-partial-prefills=2", "--gpu-memory-utilization=0.8", "--enforce-eager"],
        {"gpu_memory_utilization": 0.8, "enforce_eager": True},
    ),
    "0.26.0": (
        [
            "--calculate-kv-scales",
            "--log-config-file=/a.json",
            "--kv-cache-dtype=fp8",
            "--max-num-batched-tokens",
            "4k",
        ],
        {"kv_cache_dtype": "fp8", "max_num_batched_tokens": 4000},
    ),
}


@pytest.fixture(scope="module")
def parsed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Return the real parser's result for each service's upgraded arguments."""
    lines = [upgraded(tmp_path_factory.mktemp("upgraded"), *item) for item in SERVICES.items()]
    command = [str(ENVIRONMENT / "bin/python"), "-c", PARSE]
    answer = subprocess.run(command, input=json.dumps(lines), capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr[-2000:]
    return dict(zip(SERVICES, json.loads(answer.stdout.splitlines()[-1]), strict=True))


def upgraded(folder: Path, old: str, service: tuple[list[str], dict[str, Any]]) -> list[str]:
    file = folder / "values.yaml"
    file.write_text(json.dumps({"model": {"name": "a/b"}, "image": {"tag": f"v{old}"}, "args": service[0]}))
    answer = run("upgrade", file, "--to", RELEASE)
    assert answer.exit_code == 0, answer.output
    words: list[str] = read("values.yaml", file.read_bytes()).data["args"]
    return words


@pytest.mark.parametrize("old", SERVICES)
def test_the_parser_of_the_new_release_accepts_them_with_the_same_meaning(old: str, parsed: dict[str, Any]) -> None:
    wanted = SERVICES[old][1]
    assert {name: parsed[old][name] for name in wanted} == wanted
