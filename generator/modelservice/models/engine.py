"""Read the settings that affect memory from a service's arguments: the split of the model, types, lengths, limits."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from modelservice.models.known_architectures import LANGUAGE_MODELS
from modelservice.models.uncounted_flags import flags_about_windows_and_states, flags_that_add, flags_that_reduce
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
    memory; `prefetched`: an uncounted number of layers stays there. `chunked` is False if a prompt must fit one batch,
    and `doubled`: the default batch is twice as large. `overrides` replace keys of the model's configuration.

    The memory that `unread` flags add is not computed, nor what `unread_of_windows` flags change in models whose layers
    keep a window or a state. `reducing` flags need less memory than is computed.
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
    convolved_dtype: str = "auto"
    lora_dtype: str = "auto"
    block_size: int = 16
    share: float = _SHARE
    cache: int | None = None
    blocks: int | None = None
    offloaded: int = 0
    eager: bool = False
    hybrid: bool = True
    prefixes: bool = True
    pooling: bool = False
    chunked: bool = True
    doubled: bool = False
    overrides: Mapping[str, Any] = {}
    unread: tuple[str, ...] = ()
    unread_of_windows: tuple[str, ...] = ()
    reducing: tuple[str, ...] = ()


# Arguments that request a pooling model; --task exists in releases before 0.13.
_POOLING = {
    "--runner": ("pooling",),
    "--convert": ("embed", "classify", "reward"),
    "--task": ("embed", "embedding", "classify", "score", "reward"),
}

# Keys of config.json that affect only the length and the table of positions; other overrides are not computed.
_OVERRIDABLE = {"max_position_embeddings", "original_max_position_embeddings"}
_OVERRIDABLE |= {"rope_scaling", "rope_parameters", "rope_theta"}


def engine_of(args: Sequence[str], line: Line, gpus: int, task: str = "generate") -> Engine:
    """Return the engine settings of these arguments for a vLLM release; `gpus` is the number of GPUs of a pod."""
    every = [item for item in read(args, line) if isinstance(item, Given)]
    names = {item.flag.name for item in every}
    given = {item.flag.name: item for item in every if not item.key}
    compilation, overrides = _object(every, "--compilation-config"), _overrides(every)
    unread = tuple(flags_that_add(every, compilation))
    if unknown := ("--hf-overrides" in names and not overrides) or not _are_lengths(overrides):
        unread += ("--hf-overrides",)
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
        draft=_draft(every),
        dtype=_text(given, "--dtype") or "auto",
        online=method if method in ONLINE else "",
        other_method="" if method in ONLINE else method,
        prefetched=bool(_size(given, "--offload-group-size")) or _text(given, "--offload-backend") == "prefetch",
        kv_dtype=_text(given, "--kv-cache-dtype") or "auto",
        state_dtype=_text(given, "--mamba-ssm-cache-dtype") or "auto",
        convolved_dtype=_text(given, "--mamba-cache-dtype") or "auto",
        lora_dtype=_text(given, "--lora-dtype") or "auto",
        block_size=_size(given, "--block-size") or 16,
        share=_number(given, "--gpu-memory-utilization", share),
        cache=_size(given, "--kv-cache-memory-bytes"),
        blocks=_size(given, "--num-gpu-blocks-override"),
        offloaded=int(_number(given, "--cpu-offload-gb", 0) * GIB),
        eager=_switch(given, "--enforce-eager") or _text(given, "--optimization-level") == "0",
        pooling=task != "generate" or any(_text(given, flag) in words for flag, words in _POOLING.items()),
        prefixes=_prefixes(given, release),
        hybrid=not _switch(given, "--disable-hybrid-kv-cache-manager"),
        chunked="--enable-chunked-prefill" not in given or _switch(given, "--enable-chunked-prefill"),
        doubled=_text(given, "--performance-mode") == "throughput",
        overrides={} if unknown else overrides,
        unread=unread,
        unread_of_windows=tuple(flags_about_windows_and_states(every)),
        reducing=tuple(flags_that_reduce(every, compilation)),
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


# The short flags for keys of --speculative-config (0.22 and later).
_SHORT = {"--spec-method": "method", "--spec-model": "model", "--spec-tokens": "num_speculative_tokens"}


def _draft(every: Sequence[Given]) -> Draft | None:
    """Return the speculative settings. An unset method is derived from the model's name, as in SpeculativeConfig."""
    if not any(one.flag.name in ("--speculative-config", *_SHORT) for one in every):
        return None
    config = _object(every, "--speculative-config")
    config |= {_SHORT[one.flag.name]: one.values[-1].text for one in every if one.flag.name in _SHORT and one.values}
    tokens, tensor = (_count(config.get(key)) for key in ("num_speculative_tokens", "draft_tensor_parallel_size"))
    model, method = str(config.get("model") or ""), str(config.get("method") or "")
    if model and not method:
        named = {"[ngram]": "ngram", "ngram": "ngram"}.get(model)
        method = named or next((word for word in ("eagle3", "eagle") if word in model.lower()), "draft_model")
    return Draft(method, tokens, model, tensor)


def _count(value: Any) -> int:
    return value if type(value) is int else size(value) or 0 if isinstance(value, str) else 0


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


def _overrides(every: Sequence[Given]) -> dict[str, Any]:
    """Return the keys of the model's configuration that arguments replace."""
    scaling = _object(every, "--rope-scaling")  # a flag of its own until 0.11
    return _object(every, "--hf-overrides") | ({"rope_scaling": scaling} if scaling else {})


def _are_lengths(overrides: Mapping[str, Any]) -> bool:
    return all(
        _are_lengths(value) if key in LANGUAGE_MODELS and isinstance(value, dict) else key in _OVERRIDABLE
        for key, value in overrides.items()
    )


def _object(every: Sequence[Given], flag: str) -> dict[str, Any]:
    """Return the JSON object of a flag, merged with its dotted keys (`--flag.key=value`); empty if it is invalid."""
    found: dict[str, Any] = {}
    for one in every:
        if one.flag.name != flag or not one.values:
            continue
        try:
            value = json.loads(one.values[-1].text)
        except (ValueError, RecursionError):
            value = one.values[-1].text if one.key else {}
        if one.key:
            found[one.key] = value
        elif isinstance(value, dict):
            found |= value
    return found
