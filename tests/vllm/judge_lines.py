"""Write the verdict of vLLM's parser and configuration in front of each argument list in a file.

    .cache/vllm/environment/bin/python -m tests.vllm.judge_lines 0.33.0 .cache/vllm/0.33.0 tests/vllm/lines.txt

tools/extract_vllm.py creates the environment and the folder when it reads the release. The verdicts are `takes` and
`refuses`. The model is a small local one without weights, as on CUDA with many GPUs. Errors of the configuration about
the model, or about a package that the environment lacks, do not count as a verdict on the arguments.
"""

import contextlib
import io
import json
import os
import re
import shlex
import signal
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))
import read_vllm_parser

MODEL = {
    "architectures": ["Qwen3MoeForCausalLM"],
    "model_type": "qwen3_moe",
    "hidden_size": 4096,
    "intermediate_size": 4096,
    "moe_intermediate_size": 1024,
    "num_experts": 128,
    "num_experts_per_tok": 8,
    "num_hidden_layers": 64,
    "num_attention_heads": 64,
    "num_key_value_heads": 64,
    "head_dim": 64,
    "vocab_size": 32000,
    "max_position_embeddings": 1 << 21,
    "torch_dtype": "bfloat16",
}
# Configurations that depend only on arguments, and errors before any configuration is created.
ON_ARGUMENTS = re.compile(
    r"for (SchedulerConfig|ParallelConfig|CacheConfig|LoRAConfig|ObservabilityConfig|AttentionConfig|"
    r"StructuredOutputsConfig|EPLBConfig)\b|mutually exclusive|Invalid data-parallel launch options"
)
# Errors about things that are missing here but may exist in a pod.
NOT_HERE = re.compile("chat template|outgoing traffic|No such file|no file|does not exist|grpc-port")


def verdict(parser, words: list[str], model: str) -> str:
    from vllm.engine.arg_utils import AsyncEngineArgs
    from vllm.entrypoints.cli.serve import ServeSubcommand
    from vllm.usage.usage_lib import UsageContext

    quiet = io.StringIO()
    with contextlib.redirect_stderr(quiet), contextlib.redirect_stdout(quiet):
        try:
            given = parser.parse_args([model, *words])
        except (SystemExit, ValueError):
            return "refuses"
        except OSError:
            return "takes"
        try:
            given.subparser, given.model = "serve", model
            ServeSubcommand().validate(given)
            engine = AsyncEngineArgs.from_cli_args(given)
        except Exception as error:
            return "takes" if NOT_HERE.search(str(error)) else "refuses"
        try:
            signal.alarm(20)
            engine.create_engine_config(UsageContext.OPENAI_API_SERVER, headless=given.headless)
        except Exception as error:
            return "refuses" if ON_ARGUMENTS.search(str(error)) else "takes"
        finally:
            signal.alarm(0)
    return "takes"


def late(*_) -> None:
    raise TimeoutError


def main() -> None:
    release, folder, place = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    read_vllm_parser.prepare(release, folder)
    import vllm.platforms

    platform = type(vllm.platforms._current_platform)
    platform.device_count = classmethod(lambda _: 4096)
    platform.check_and_update_config = classmethod(lambda *_: None)
    signal.signal(signal.SIGALRM, late)
    parser = read_vllm_parser.serve_parser()
    lines = place.read_text(encoding="utf-8").splitlines()
    with tempfile.TemporaryDirectory() as model:
        Path(model, "config.json").write_text(json.dumps(MODEL))
        for index, line in enumerate(lines):
            if line and not line.startswith("#"):
                words = line.rpartition("\t")[2]
                lines[index] = f"{verdict(parser, shlex.split(words), model)}\t{words}"
    place.write_text("\n".join(lines) + "\n", encoding="utf-8")
    os._exit(0)  # vLLM leaves threads running


if __name__ == "__main__":
    main()
