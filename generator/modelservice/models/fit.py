"""Decide whether a model fits a GPU, and find the smallest changes that make it fit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from modelservice.models.architecture import ODD_VALUE, NotUnderstoodError, text_of
from modelservice.models.engine import AUTOMATIC, Engine
from modelservice.models.gpus import GIB, Gpu
from modelservice.models.memory_plan import MemoryPlan, plan_memory
from modelservice.models.model_facts import ModelFacts

_USEFUL = 256
# The shortest request for which more GPUs are suggested.
_WORTH_MORE_GPUS = 2048
# The lowest compute capability with 8-bit floating point.
_FP8 = 89
# Suggested numbers of GPUs of one pod: few nodes have more.
_NUMBERS_OF_GPUS = (2, 4, 8)


class Verdict(StrEnum):
    """Whether a model fits a GPU; TIGHT means that the answer is within the error of the estimate."""

    FITS = "fits"
    SHORTER = "fits with fewer tokens"
    TIGHT = "tight"
    NOT = "does not fit"


class Change(NamedTuple):
    """A change of the values that makes the model fit: a value at a key, or an argument.

    If `argument` is set, it must replace the argument with the same flag at the same time.
    """

    key: str
    value: Any
    argument: str = ""

    @property
    def kind(self) -> str:
        """The key or the argument's flag; --tensor-parallel-size counts as gpu.count."""
        kind = str(self.value).partition("=")[0] if self.key == "args" else self.key
        return "gpu.count" if kind == "--tensor-parallel-size" else kind

    @property
    def text(self) -> str:
        """The change as a line of values."""
        if self.key == "args":
            return f"args: [..., {self.value}]"
        return f"{self.key}: {self.value}" + (f" with {self.argument}" if self.argument else "")


def verdict_of(plan: MemoryPlan, engine: Engine) -> Verdict:
    """Return the verdict on a plan.

    vLLM refuses to start if the longest request does not fit; with `--max-model-len=auto` it shortens the request.
    """
    error = plan.overhead.error
    if plan.taken - error > plan.room:
        return Verdict.NOT
    unsure, sure = bool(plan.uncounted), Verdict.FITS
    if plan.reserved:  # the cache's size is certain; whether the rest and the CUDA graphs fit too is not
        unsure |= plan.taken + error + (0 if engine.eager else GIB) > plan.room
        error = 0
    if unsure:
        sure = Verdict.TIGHT
    if plan.longest(-error) >= plan.length:
        return sure
    useful = plan.longest(-error) >= _USEFUL
    if useful and engine.length == AUTOMATIC:
        return sure
    if plan.longest(error) >= plan.length:
        return Verdict.TIGHT
    if useful:
        return Verdict.SHORTER
    return Verdict.NOT if plan.longest(error) < _USEFUL else Verdict.TIGHT


def tokens_that_fit(plan: MemoryPlan) -> int:
    """Return a length in tokens that fits in spite of the estimate's error, rounded down."""
    longest = plan.longest(0 if plan.reserved else -plan.overhead.error)
    return longest // 1024 * 1024 if longest >= 4096 else longest // 16 * 16


def changes(facts: ModelFacts, engine: Engine, gpu: Gpu, quantised: Sequence[ModelFacts] = ()) -> list[Change]:
    """Return the smallest changes, each of which makes the model fit by itself.

    `quantised` are checkpoints of the same model that may replace it, the one with the most bits first.
    """
    plan = plan_memory(facts, engine, gpu)
    found: list[Change] = []
    if plan.uncounted:  # what would fit is unknown
        return found
    tokens = tokens_that_fit(plan)
    if tokens >= _USEFUL and _fits(facts, engine._replace(length=tokens), gpu):
        found.append(Change("args", f"--max-model-len={tokens}"))
    for change, model, changed in _candidates(facts, engine, gpu, quantised):
        if change.kind in {one.kind for one in found}:
            continue
        if _fits(model, changed, gpu):
            found.append(change)
    return found or _more_and_shorter(facts, engine, gpu)


def _more_and_shorter(facts: ModelFacts, engine: Engine, gpu: Gpu) -> list[Change]:
    """Return a change to more GPUs with fewer tokens, for a model that needs both."""
    if engine.split_said or gpu.is_alone:
        return []
    for gpus in _numbers_of_gpus(engine, text_of(facts.config).heads):
        changed = engine._replace(split=engine.split._replace(tensor=gpus))
        tokens = tokens_that_fit(plan_memory(facts, changed, gpu))
        if tokens >= _WORTH_MORE_GPUS and _fits(facts, changed._replace(length=tokens), gpu):
            return [Change("gpu.count", gpus, f"--max-model-len={tokens}")]
    return []


def _fits(facts: ModelFacts, engine: Engine, gpu: Gpu) -> bool:
    try:
        return verdict_of(plan_memory(facts, engine, gpu), engine) is Verdict.FITS
    except (NotUnderstoodError, *ODD_VALUE):  # the facts of another checkpoint may be incomplete
        return False


def _quantisation(facts: ModelFacts) -> str:
    """Return the method of a quantised checkpoint, or "" if it is not understood."""
    try:
        return str(text_of(facts.config).quantisation.get("quant_method", ""))
    except (NotUnderstoodError, *ODD_VALUE):
        return ""


def _candidates(
    facts: ModelFacts, engine: Engine, gpu: Gpu, quantised: Sequence[ModelFacts]
) -> Iterator[tuple[Change, ModelFacts, Engine]]:
    text, has_fp8 = text_of(facts.config), not 0 < gpu.capability < _FP8
    if engine.kv_dtype == "auto" and has_fp8:
        yield Change("args", "--kv-cache-dtype=fp8"), facts, engine._replace(kv_dtype="fp8")
    if not engine.online and not text.quantisation:
        if has_fp8:
            yield Change("args", "--quantization=fp8"), facts, engine._replace(online="fp8")
        for other in quantised:
            if has_fp8 or _quantisation(other) != "fp8":
                yield Change("model.name", other.model), other._replace(draft=facts.draft), engine
    for gpus in _numbers_of_gpus(engine, text.heads) if not gpu.is_alone else ():
        argument = f"--tensor-parallel-size={gpus}"
        change = Change("gpu.count", gpus, argument if engine.split_said else "")
        if gpus <= engine.gpus:
            change = Change("args", argument)
        yield change, facts, engine._replace(split=engine.split._replace(tensor=gpus))


def _numbers_of_gpus(engine: Engine, heads: int) -> Sequence[int]:
    """Return larger numbers of GPUs that the attention heads can be split over, starting with all GPUs of the pod."""
    if engine.spread:
        return ()
    numbers = (engine.gpus, *(size for size in _NUMBERS_OF_GPUS if size > engine.gpus))
    return [size for size in numbers if engine.split.tensor < size and heads % size == 0]
