"""Read from a service's arguments what decides over memory: how the model is split, its types, lengths and limits."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from modelservice.models.weights import ONLINE, Split
from modelservice.vllm.argument_values import size
from modelservice.vllm.command_line import Given, read
from modelservice.vllm.flags import Line

GIB = 2**30
AUTOMATIC = -1
# Since 0.20.0 a process takes 92 % of the GPU by default, before that 90 %.
# Since 0.28 prefixes of models with states are cached by default (`is_prefix_caching_supported` in config/model.py).
_PREFIXES_SINCE = (0, 28)
_SHARE, _SHARE_BEFORE, _SHARE_SINCE = 0.92, 0.9, (0, 20)


class Engine(NamedTuple):
    """What the arguments say. None is vLLM's default, which may depend on the GPU or the model.

    `length` is AUTOMATIC where vLLM shortens it by itself. `offloaded` are bytes of weights that stay in the CPU's
    memory, `cache` those that `--kv-cache-memory-bytes` gives the cache, `release` the numbers of vLLM's release.
    `online` is a quantisation of weights while they load, `other_method` one of which the size is known only where the
    checkpoint is quantised; `split_said` is whether an argument says the tensor parallel size; `prefetched` says that
    layers lie in the CPU's memory, in a number that is not counted.
    """

    split: Split = Split()
    split_said: bool = False
    release: tuple[int, ...] = ()
    length: int | None = None
    tokens: int | None = None
    sequences: int | None = None
    drafted: int = 0
    dtype: str = "auto"
    online: str = ""
    other_method: str = ""
    prefetched: bool = False
    kv_dtype: str = "auto"
    state_dtype: str = "auto"
    block_size: int = 16
    share: float = _SHARE
    cache: int | None = None
    blocks: int | None = None
    offloaded: int = 0
    eager: bool = False
    hybrid: bool = True
    prefixes: bool = True
    pooling: bool = False
    unread: tuple[str, ...] = ()


# How arguments ask for a pooling model; --task is of releases before 0.13.
_POOLING = {
    "--runner": ("pooling",),
    "--convert": ("embed", "classify", "reward"),
    "--task": ("embed", "embedding", "classify", "score", "reward"),
}

# Flags that change the memory in a way that is not computed: each is named in the answer.
_UNREAD = (
    *("--enable-lora", "--speculative-config", "--decode-context-parallel-size"),
    *("--hf-overrides", "--hf-config-path", "--model-loader-extra-config"),
)


def engine_of(args: Sequence[str], line: Line, gpus: int, task: str = "generate") -> Engine:
    """Return what arguments say to the vLLM of a release, in a service for a task with so many GPUs."""
    every = [item for item in read(args, line) if isinstance(item, Given)]
    names = {item.flag.name for item in every}
    given = {item.flag.name: item for item in every if not item.key}
    method = _text(given, "--quantization").removeprefix("None") or (
        "online" if "--quantization-config" in names else ""
    )
    release = _numbers(line.release)
    share = _SHARE if not release or release >= _SHARE_SINCE else _SHARE_BEFORE
    speculative = _object(given, "--speculative-config")
    return Engine(
        split=_split(given, gpus),
        split_said="--tensor-parallel-size" in given,
        release=release,
        length=_length(given),
        tokens=_size(given, "--max-num-batched-tokens"),
        sequences=_size(given, "--max-num-seqs"),
        drafted=int(speculative.get("num_speculative_tokens") or 0),
        dtype=_text(given, "--dtype") or "auto",
        online=method if method in ONLINE else "",
        other_method="" if method in ONLINE else method,
        prefetched=bool(_size(given, "--offload-group-size")) or _text(given, "--offload-backend") == "prefetch",
        kv_dtype=_text(given, "--kv-cache-dtype") or "auto",
        state_dtype=_text(given, "--mamba-ssm-cache-dtype") or "auto",
        block_size=_size(given, "--block-size") or 16,
        share=_number(given, "--gpu-memory-utilization", share),
        cache=_size(given, "--kv-cache-memory-bytes"),
        blocks=_size(given, "--num-gpu-blocks-override"),
        offloaded=int(_number(given, "--cpu-offload-gb", 0) * GIB),
        eager=_switch(given, "--enforce-eager"),
        pooling=task != "generate" or any(_text(given, flag) in words for flag, words in _POOLING.items()),
        prefixes=_prefixes(given, release),
        hybrid=not _switch(given, "--disable-hybrid-kv-cache-manager"),
        unread=tuple(flag for flag in _UNREAD if flag in names),
    )


def _numbers(release: str) -> tuple[int, ...]:
    parts = release.split(".")
    return tuple(map(int, parts)) if all(part.isdecimal() for part in parts) else ()


def _split(given: dict[str, Given], gpus: int) -> Split:
    sizes = {name: _size(given, f"--{name}-parallel-size") for name in ("tensor", "pipeline", "data")}
    unsaid = not any(sizes.values())
    tensor = max(1, gpus) if unsaid else sizes["tensor"] or 1
    return Split(tensor, sizes["pipeline"] or 1, sizes["data"] or 1, _switch(given, "--enable-expert-parallel"))


def _length(given: dict[str, Given]) -> int | None:
    text = _text(given, "--max-model-len")
    return AUTOMATIC if text in ("auto", "-1") else size(text)


def _text(given: dict[str, Given], flag: str) -> str:
    item = given.get(flag)
    return item.values[-1].text if item and item.values else ""


def _size(given: dict[str, Given], flag: str) -> int | None:
    return size(_text(given, flag))


def _number(given: dict[str, Given], flag: str, default: float) -> float:
    try:
        return float(_text(given, flag) or default)
    except ValueError:
        return default


def _switch(given: dict[str, Given], flag: str) -> bool:
    item = given.get(flag)
    return item is not None and not item.negated


def _prefixes(given: dict[str, Given], release: tuple[int, ...]) -> bool:
    item = given.get("--enable-prefix-caching")
    return not item.negated if item else not release or release >= _PREFIXES_SINCE


def _object(given: dict[str, Given], flag: str) -> dict[str, Any]:
    try:
        found = json.loads(_text(given, flag) or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
