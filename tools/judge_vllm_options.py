"""Record whether the parser and configuration of a vLLM release accept arguments, for tests/vllm/json-options.txt.

    PYTHON tools/judge_vllm_options.py RELEASE FOLDER < arguments.txt > verdicts.txt

PYTHON and FOLDER are the environment and the unpacked wheel that tools/extract_vllm.py creates in .cache/vllm. Each
line of the input is one command line with its arguments separated by spaces; each line of the output is `ok` or
`refused`. Only the parts of the configuration that need no model are created: checks of a model in `__post_init__` do
not count.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import io
import os
import sys
from pathlib import Path
from typing import Any

import read_vllm_parser

# Classes that EngineArgs.create_engine_config creates from single flags: class → its key → the attribute of EngineArgs.
_MADE = {
    "AttentionConfig": {"backend": "attention_backend"},
    "CacheConfig": {"cache_dtype": "kv_cache_dtype"},
    "LoRAConfig": {"default_mm_loras": "default_mm_loras"},
    "MultiModalConfig": {
        "limit_per_prompt": "limit_mm_per_prompt",
        "media_io_kwargs": "media_io_kwargs",
        "mm_encoder_attn_backend": "mm_encoder_attn_backend",
        "mm_processor_kwargs": "mm_processor_kwargs",
    },
    "ObservabilityConfig": {"custom_histogram_buckets": "custom_histogram_buckets"},
    "ParallelConfig": {"data_parallel_backend": "data_parallel_backend"},
}


def main() -> None:
    """Judge each line."""
    lines = sys.stdin.read().splitlines()
    read_vllm_parser.prepare(sys.argv[1], Path(sys.argv[2]))
    answer = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    sys.argv = ["vllm", "serve"]
    parser = read_vllm_parser.serve_parser()
    for line in lines:
        answer.write(f"{'ok' if accepted(parser, line.split(' ')) else 'refused'}\n")
    answer.close()


def accepted(parser: argparse.ArgumentParser, arguments: list[str]) -> bool:
    """Return whether the parser accepts the arguments, and the configuration accepts the parsed values."""
    with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
        try:
            _configure(parser.parse_args(arguments))
        except SystemExit:
            return False
        except Exception:  # whatever it raises ends vLLM
            return False
    return True


def _configure(parsed: argparse.Namespace) -> None:
    import vllm.config
    from vllm.engine.arg_utils import EngineArgs

    names = {field.name for field in dataclasses.fields(EngineArgs)}
    # Any folder works: no class below reads the model's files.
    own = {key: value for key, value in vars(parsed).items() if key in names}
    given = EngineArgs(**{**own, "model": "/"})
    for name, keys in _MADE.items():
        made = getattr(vllm.config, name, None)
        fields = {field.name for field in dataclasses.fields(made)} if made else set()
        values: dict[str, Any] = {key: getattr(given, one, None) for key, one in keys.items() if key in fields}
        if values := {key: value for key, value in values.items() if value is not None}:
            made(**values)
    if given.speculative_config is not None:
        _speculate(given.speculative_config)
    for name in ("create_diffusion_config", "create_watermark_config"):
        getattr(given, name, lambda: None)()


def _speculate(given: dict[str, Any]) -> None:
    from pydantic import ValidationError
    from vllm.config import SpeculativeConfig
    from vllm.engine import arg_utils

    if 'k.replace("-", "_")' in Path(arg_utils.__file__).read_text(encoding="utf-8"):
        given = {key.replace("-", "_"): value for key, value in given.items()}
    try:
        SpeculativeConfig(**given)
    except Exception as error:  # the keys may be right, and the model that they speak of is not there
        if isinstance(error, ValidationError) and any(one["loc"] for one in error.errors()):
            raise


if __name__ == "__main__":
    main()
