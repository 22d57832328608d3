"""Say whether a model fits a GPU, and the smallest changes that make it fit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from modelservice.models.architecture import ODD_VALUE, NotUnderstoodError, text_of
from modelservice.models.engine import AUTOMATIC, Engine
from modelservice.models.gpus import Gpu
from modelservice.models.memory_plan import MemoryPlan, plan_memory
from modelservice.models.model_facts import ModelFacts

_USEFUL = 256
# Compute capability since which GPUs have 8-bit floating point.
_FP8 = 89
# Numbers of GPUs of one pod: few nodes have more.
_NUMBERS_OF_GPUS = (2, 4, 8)


class Verdict(StrEnum):
    """What is said of a model on a GPU; `TIGHT` is within the error of the estimate."""

    FITS = "fits"
    SHORTER = "fits with fewer tokens"
    TIGHT = "tight"
    NOT = "does not fit"


class Change(NamedTuple):
    """A change of the values that makes the model fit: a value at a key, or an argument.

    `argument` must be written with it, in place of the one with the same flag.
    """

    key: str
    value: Any
    argument: str = ""

    @property
    def text(self) -> str:
        """The change as a line of values."""
        if self.key == "args":
            return f"args: [..., {self.value}]"
        return f"{self.key}: {self.value}" + (f" with {self.argument}" if self.argument else "")


def verdict_of(plan: MemoryPlan, engine: Engine) -> Verdict:
    """Return what is to be said of a plan.

    vLLM refuses to start where the longest request does not fit; with `--max-model-len=auto` it shortens that.
    """
    error = 0 if engine.cache is not None or engine.blocks else plan.overhead.error
    if plan.weights + plan.overhead.total - error > plan.budget:
        return Verdict.NOT
    if plan.longest(-error) >= plan.length:
        return Verdict.FITS
    useful = plan.longest(-error) >= _USEFUL
    if useful and engine.length == AUTOMATIC:
        return Verdict.FITS
    if plan.longest(error) >= plan.length:
        return Verdict.TIGHT
    if useful:
        return Verdict.SHORTER
    return Verdict.NOT if plan.longest(error) < _USEFUL else Verdict.TIGHT


def tokens_that_fit(plan: MemoryPlan) -> int:
    """Return a length that fits whatever the error, a round number where it is not small."""
    longest = plan.longest(-plan.overhead.error)
    return longest // 1024 * 1024 if longest >= 4096 else longest // 16 * 16


def changes(facts: ModelFacts, engine: Engine, gpu: Gpu, quantised: Sequence[ModelFacts] = ()) -> list[Change]:
    """Return the smallest changes, each of which alone makes the model fit.

    `quantised` are checkpoints of the same model that may take its place, the one with the most bits first.
    """
    plan = plan_memory(facts, engine, gpu)
    found = []
    if (tokens := tokens_that_fit(plan)) >= _USEFUL and plan.weights < plan.budget:
        found.append(Change("args", f"--max-model-len={tokens}"))
    for change, model, changed in _candidates(facts, engine, gpu, quantised):
        if change.key in {one.key for one in found if one.key != "args"}:
            continue
        if _fits(model, changed, gpu):
            found.append(change)
    return found


def _fits(facts: ModelFacts, engine: Engine, gpu: Gpu) -> bool:
    try:
        return verdict_of(plan_memory(facts, engine, gpu), engine) is Verdict.FITS
    except (NotUnderstoodError, *ODD_VALUE):  # another checkpoint's facts may say less
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
                yield Change("model.name", other.model), other, engine
    for gpus in _numbers_of_gpus(engine, text.heads) if not gpu.is_slice else ():
        argument = f"--tensor-parallel-size={gpus}" if engine.split_said else ""
        yield Change("gpu.count", gpus, argument), facts, engine._replace(split=engine.split._replace(tensor=gpus))


def _numbers_of_gpus(engine: Engine, heads: int) -> Sequence[int]:
    """Return the larger numbers of GPUs of a node that the attention heads can be split over."""
    split = engine.split
    if split.pipeline > 1 or split.data > 1:
        return ()
    return [size for size in _NUMBERS_OF_GPUS if split.tensor < size and heads % size == 0]
