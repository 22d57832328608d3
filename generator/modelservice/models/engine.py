"""Read the settings that affect memory from a service's arguments: the split of the model, types, lengths, limits."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from modelservice.models.weights import ONLINE, Lora, Split
from modelservice.vllm.argument_rules import PARALLEL
from modelservice.vllm.argument_values import size
from modelservice.vllm.command_line import Given, read
from modelservice.vllm.flags import Line

GIB = 2**30
AUTOMATIC = -1
# Since 0.20.0 a process uses 92 % of the GPU by default; before that it used 90 %.
# Since 0.28 prefix caching is on by default for models with states (`is_prefix_caching_supported` in config/model.py).
_PREFIXES_SINCE = (0, 28)
_SHARE, _SHARE_BEFORE, _SHARE_SINCE = 0.92, 0.9, (0, 20)


# If the arguments set one of these, the chart does not set the split.
_SPLITTING = (*PARALLEL, "--nnodes")
# Methods that use the layers for multi-token prediction, by vLLM's current and earlier names.
_PREDICTION = re.compile("(.*_)?mtp")


class Draft(NamedTuple):
    """Speculative decoding: its method ("" if unset), number of tokens, and draft model.

    `tensor` is the draft's tensor parallel size; 0 means that of the target model.
    """

    method: str
    tokens: int = 0
    model: str = ""
    tensor: int = 0

    @property
    def predicts(self) -> bool:
        """Whether the target model's own layers draft."""
        return _PREDICTION.fullmatch(self.method) is not None and not self.model

    @property
    def is_another_model(self) -> bool:
        """Whether the draft is a model of its own, whose facts are needed."""
        return bool(self.model) and "ngram" not in self.method


class Engine(NamedTuple):
    """The engine settings. None means vLLM's default, which may depend on the GPU or the model.

    `release` are the numbers of vLLM's release, and `gpus` is the number of GPUs of a pod. `split_said`: an argument
    sets the split. `spread`: the split uses more than tensor parallelism. `length` is AUTOMATIC if vLLM may shorten it.
    `lora` is None without adapters, `draft` without speculative decoding. `online` is a quantisation that vLLM applies
    while it loads the weights; `other_method` is one whose size is known only if the checkpoint is already quantised.
    `cache` are the bytes set by `--kv-cache-memory-bytes`. `offloaded` are the bytes of weights that stay in CPU
    memory; `prefetched`: an uncounted number of layers stays there. `unread` are flags whose effect on memory is not
    computed.
    """

    split: Split = Split()
    gpus: int = 1
    spread: bool = False
    split_said: bool = False
    release: tuple[int, ...] = ()
    length: int | None = None
    tokens: int | None = None
    sequences: int | None = None
    lora: Lora | None = None
    draft: Draft | None = None
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


# Arguments that request a pooling model; --task exists in releases before 0.13.
_POOLING = {
    "--runner": ("pooling",),
    "--convert": ("embed", "classify", "reward"),
    "--task": ("embed", "embedding", "classify", "score", "reward"),
}

# Flags whose effect on memory is not computed; the answer names each of them.
_UNREAD = (
    *("--decode-context-parallel-size", "--config", "--lora-target-modules"),
    *("--hf-overrides", "--hf-config-path", "--model-loader-extra-config"),
)


def engine_of(args: Sequence[str], line: Line, gpus: int, task: str = "generate") -> Engine:
    """Return the engine settings of these arguments for a vLLM release; `gpus` is the number of GPUs of a pod."""
    every = [item for item in read(args, line) if isinstance(item, Given)]
    names = {item.flag.name for item in every}
    given = {item.flag.name: item for item in every if not item.key}
    method = _text(given, "--quantization").removeprefix("None") or (
        "online" if "--quantization-config" in names else ""
    )
    release = _numbers(line.release)
    share = _SHARE if not release or release >= _SHARE_SINCE else _SHARE_BEFORE
    split_said = not names.isdisjoint(_SPLITTING)
    return Engine(
        split=_split(given) if split_said else Split(max(1, gpus), experts=_switch(given, "--enable-expert-parallel")),
        gpus=gpus,
        spread=any((_size(given, flag) or 1) > 1 for flag in _SPLITTING[1:]),
        split_said=split_said,
        release=release,
        length=_length(given),
        tokens=_size(given, "--max-num-batched-tokens"),
        sequences=_size(given, "--max-num-seqs"),
        lora=_lora(given),
        draft=_draft(_object(given, "--speculative-config")) if "--speculative-config" in names else None,
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


def _split(given: dict[str, Given]) -> Split:
    tensor, pipeline, data = (_size(given, f"--{name}-parallel-size") or 1 for name in ("tensor", "pipeline", "data"))
    return Split(tensor, pipeline, data, _switch(given, "--enable-expert-parallel"))


def _lora(given: dict[str, Given]) -> Lora | None:
    if not _switch(given, "--enable-lora"):
        return None
    slots, rank = _size(given, "--max-loras") or 1, _size(given, "--max-lora-rank") or 16
    return Lora(slots, rank, _switch(given, "--fully-sharded-loras"))


def _draft(config: dict[str, Any]) -> Draft:
    """Return a speculative configuration. An unset method is derived from the model's name, as in SpeculativeConfig."""
    tokens, tensor = (config.get(key) for key in ("num_speculative_tokens", "draft_tensor_parallel_size"))
    model, method = str(config.get("model") or ""), str(config.get("method") or "")
    if model and not method:
        named = {"[ngram]": "ngram", "ngram": "ngram"}.get(model)
        method = named or next((word for word in ("eagle3", "eagle") if word in model.lower()), "draft_model")
    return Draft(method, tokens if type(tokens) is int else 0, model, tensor if type(tensor) is int else 0)


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
