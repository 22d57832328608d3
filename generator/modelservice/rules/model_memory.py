"""Rules on the GPU memory that a model needs, by its facts or by the size in its name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from modelservice.findings import Refuser, Severity
from modelservice.rules.given_arguments import adding_argument, given
from modelservice.rules.known_model import (
    engine_for,
    gibibytes,
    model_facts_of,
    one_gpu,
)
from modelservice.rules.model_limits import exceeded_length
from modelservice.rules.rule import Said, Values, put, rule
from modelservice.vllm.argument_rules import in_place

if TYPE_CHECKING:
    from modelservice.models.engine import Engine
    from modelservice.models.fit import Change
    from modelservice.models.memory_plan import MemoryPlan

_LENGTH = "--max-model-len"
# Flags that keep weights out of the GPU's memory, or split the cache, in ways that are not computed.
_NOT_COMPUTED = ("--offload-backend", "--decode-context-parallel-size", "--load-format", "--nnodes")
# Billions of parameters in a name: 70B, 1.5b, 8x7B.
_PARAMETERS = r"(?<![A-Za-z0-9.])(?:(\d{1,2})x)?(\d{1,4}(?:\.\d{1,3})?)[bB](?![A-Za-z0-9])"
# Names of models for tests, of draft models and adapters, and of models whose number in B is the tokens' (-160m-100B).
_OTHER_SIZE = (
    r"(?i)tiny|random|dummy|draft|eagle|medusa|speculator|lora|adapter|(?<![a-z0-9.])\d{2,4}m(?![a-z0-9])|\bb[-_ ]?tok"
)
# Names of checkpoints with fewer than 16 bits; some publishers' names do not show it.
_QUANTISED = (
    r"(?i)awq|gptq|fp8|fp4|nf4|int8|int4|w\d+a\d+|[48].?bit|bnb|gguf|quant|exl\d|mlx|qat|bitnet|q\d(_|-|$)|gpt-oss|"
    r"mistralai/.*-(25[01]\d|26\d\d)$"
)


class _Fit(NamedTuple):
    """Whether a model fits, by a plan for the GPU; `changes` would make it fit."""

    engine: Engine
    plan: MemoryPlan
    too_large: bool
    too_long: bool
    changes: list[Change]


def _fit(values: Values) -> _Fit | None:
    """Return whether the model fits, or None if that is not known."""
    facts, gpu, engine = model_facts_of(values), one_gpu(values), engine_for(values)
    # Some pooling models have no cache.
    if not facts or not gpu or given(values, *_NOT_COMPUTED) or engine.reducing or engine.pooling:
        return None
    from modelservice.models.architecture import ODD_VALUE, NotUnderstoodError
    from modelservice.models.fit import Verdict, changes, verdict_of
    from modelservice.models.memory_plan import plan_memory

    try:
        plan = plan_memory(facts, engine, gpu)
        if plan.unread:
            return None
        verdict = verdict_of(plan, engine)
        too_large, too_long = verdict is Verdict.NOT, verdict is Verdict.SHORTER
        wrong = too_large or too_long
        better = changes(facts, engine, gpu) if wrong else []
    except (NotUnderstoodError, *ODD_VALUE):  # a facts file may contain anything
        return None
    return _Fit(engine, plan, too_large, too_long, better)


@rule(
    "model-fit",
    "The model does not fit the GPUs.",
    why=(
        "vLLM exits after the download, while it loads the weights or when no memory is left for the KV cache. "
        "`modelservice fit` shows how the memory of a GPU is divided."
    ),
    source="vLLM's determine_available_memory and check_enough_kv_cache_memory; docs/fit.md",
    refused_by=Refuser.VLLM,
)
def model_fit(values: Values) -> Iterator[Said]:
    """Find a model whose weights and least KV cache exceed the GPU's memory, beyond the error of the estimate."""
    fit = _fit(values)
    if fit and fit.too_large:
        plan, count = fit.plan, fit.engine.split.gpus
        each = f" on each of {count} GPUs" if count > 1 else ""
        parts = f"{gibibytes(plan.weights)} of weights and about {gibibytes(plan.overhead.total)} of other memory{each}"
        cache = f", plus {gibibytes(plan.reserved)} of KV cache as requested" if plan.reserved else ""
        message = f"{values.at('model.name')} needs {parts}{cache}"
        room = f"vLLM may use {gibibytes(plan.room)} of the {plan.gpu.name}'s {gibibytes(plan.gpu.memory)}"
        path = ("gpu", "count") if values.written("gpu.count") else ("model", "name")
        wanted = "larger" if plan.gpu.is_alone else "more or larger"
        hint = _hint(fit.changes) or f"use {wanted} GPUs, or a smaller model"
        fix = put({one.key: one.value for one in fit.changes[:1] if one.key != "args" and not one.argument})
        yield Said(path, f"{message}, but {room}", hint, fix=fix)


@rule(
    "context-memory",
    "The GPUs have too little memory for one request of the longest length.",
    why=(
        "vLLM refuses to start when its KV cache cannot hold one request of `--max-model-len`, by default the model's "
        "longest."
    ),
    source="vLLM's check_enough_kv_cache_memory (v1/core/kv_cache_utils.py); docs/fit.md",
    refused_by=Refuser.VLLM,
)
def context_memory(values: Values) -> Iterator[Said]:
    """Find a length that does not fit into the KV cache, beyond the error of the estimate."""
    fit = _fit(values)
    if not fit or not fit.too_long:
        return
    lengths = given(values, _LENGTH)
    shorter = next((str(one.value) for one in fit.changes if str(one.value).startswith(_LENGTH)), "")
    most = exceeded_length(values)
    if most and shorter and int(shorter.partition("=")[2]) >= most:
        return  # the model's own limit, which context-length names, also fits
    message = f"a request of {fit.plan.length} tokens does not fit into the KV cache of the {fit.plan.gpu.name}"
    path = ("args", lengths[-1].values[-1].at) if lengths else ("model", "name")
    others = _hint([one for one in fit.changes if one.value != shorter])
    if not shorter:
        yield Said(path, message, others or "use larger GPUs")
    elif lengths:
        fix = in_place(lengths[-1].items, [shorter])
        yield Said(path, message, f"write `{shorter}`" + (f", or {others}" if others else ""), fix=fix)
    else:
        hint = f"add {shorter} to args" + (f", or {others}" if others else "")
        yield Said(path, message, hint, fix=adding_argument(values, shorter))


def _hint(changes: list[Change]) -> str:
    said = [f"add {one.value} to args" if one.key == "args" else f"set {one.text}" for one in changes]
    return ", or ".join(said[:3])


@rule(
    "model-name-size",
    "Judging by the size in its name, the model does not fit the GPUs.",
    why=(
        "Weights of 16 bits need two bytes for each parameter. vLLM exits after the download if they are larger than "
        "the memory of the GPUs."
    ),
    source="docs/fit.md",
    severity=Severity.WARNING,
)
def model_name_size(values: Values) -> Iterator[Said]:
    """Find a size in the name that exceeds the GPUs' memory, if no facts are known and nothing is quantised."""
    name, gpu = str(values.at("model.name")), None if values.facts else one_gpu(values)
    smaller = ("--quantization", "--quantization-config", "--cpu-offload-gb", "--offload-group-size")
    changed = given(values, *smaller, "--hf-overrides", *_NOT_COMPUTED)
    if not gpu or changed or re.search(_QUANTISED, name) or values.at("command"):
        return
    engine = engine_for(values)
    if engine.reducing:
        return
    count = max(int(values.at("gpu.count")), engine.split.gpus)
    least, room = 2 * parameters_in(name), count * gpu.memory
    if least > room:
        message = f"judging by its name, {name} needs about {gibibytes(least)}, but the GPUs have {gibibytes(room)}"
        yield Said(("model", "name"), message, "run `modelservice fit`, which reads the model's true size")


def parameters_in(name: str) -> float:
    """Return the least number of parameters by the size in a model's name, or 0 unless it has exactly one size."""
    sizes = set(re.findall(_PARAMETERS, name))
    if len(sizes) != 1 or re.search(_OTHER_SIZE, name):
        return 0
    experts, size = sizes.pop()
    # Experts share attention and embeddings: Mixtral 8x7B has 47 billion, 8x22B has 141.
    return (int(experts) * 0.8 if experts else 1) * float(size) * 1e9


RULES = (model_fit, context_memory, model_name_size)
