"""Answer whether a model fits, as text for people and as data for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from modelservice.errors import ToolError
from modelservice.models.architecture import ODD_VALUE, NotUnderstoodError
from modelservice.models.engine import AUTOMATIC, Engine
from modelservice.models.fit import Change, Verdict, changes, tokens_that_fit, verdict_of
from modelservice.models.gpus import Gpu
from modelservice.models.memory_plan import MemoryPlan, plan_memory, plan_of_weights
from modelservice.models.model_facts import ModelFacts

GIB = 2**30
_WIDTH = 48
_MOST_CHANGES = 5


class Answer(NamedTuple):
    """The verdict on a model on a GPU; `changes` make it fit if it does not."""

    facts: ModelFacts
    engine: Engine
    plan: MemoryPlan
    verdict: Verdict
    changes: tuple[Change, ...]

    @property
    def fits(self) -> bool:
        """Whether vLLM may start with these settings."""
        return self.verdict in (Verdict.FITS, Verdict.TIGHT)

    @property
    def max_model_len(self) -> int:
        """The longest request that fits by the estimate, at most the requested length."""
        return self.plan.longest()


def answer_for(facts: ModelFacts, engine: Engine, gpu: Gpu, quantised: Sequence[ModelFacts] = ()) -> Answer:
    """Return the answer; `quantised` are checkpoints of the model that may replace it.

    Raises ToolError if the model's memory cannot be computed.
    """
    try:
        plan = plan_memory(facts, engine, gpu)
        verdict = verdict_of(plan, engine)
        unsure = (*plan.unread, *engine.reducing)
        if unsure and verdict in (Verdict.SHORTER, Verdict.NOT):  # the flag may reduce the memory
            raise NotUnderstoodError(f"the effect of {unsure[0]} on memory is not computed")
        better = () if verdict is Verdict.FITS else changes(facts, engine, gpu, quantised)
    except NotUnderstoodError as error:
        if too_large := plan_of_weights(facts, engine, gpu, str(error)):
            return Answer(facts, engine, too_large, Verdict.NOT, ())
        raise ToolError(f"{facts.model}: cannot tell whether it fits: {error}") from error
    except ODD_VALUE as error:
        raise ToolError(f"{facts.model}: its config.json has a value of an unexpected type or size") from error
    return Answer(facts, engine, plan, verdict, tuple(better)[:_MOST_CHANGES])


def as_data(answer: Answer) -> dict[str, Any]:
    """Return the answer as data for programs; docs/fit.md describes the keys."""
    plan, facts = answer.plan, answer.facts
    return {
        "model": facts.model,
        "verdict": answer.verdict.value,
        "gpu": {"name": plan.gpu.name, "memory_bytes": plan.gpu.memory},
        "gpus": answer.engine.split.gpus,
        "vllm": ".".join(map(str, answer.engine.release)),
        "budget_bytes": plan.budget,
        "weights_bytes": plan.weights,
        "overhead_bytes": plan.overhead.total,
        "overhead_error_bytes": plan.overhead.error,
        "overhead_origin": plan.overhead.origin,
        "kv_bytes_per_token": plan.kv_bytes_per_token,
        "kv_cache_bytes": max(0, plan.available) if plan.kv else 0,
        "kv_cache_tokens": plan.tokens,
        "kv_block_bytes": plan.kv.block_bytes if plan.kv else 0,
        "kv_blocks": plan.blocks,
        "requests": round(plan.requests, 2),
        "requested_len": plan.length,
        "max_model_len": answer.max_model_len,
        "download_bytes": facts.download_bytes,
        "changes": [
            {"key": one.key, "value": one.value} | ({"argument": one.argument} if one.argument else {})
            for one in answer.changes
        ],
        "not_counted": list(plan.uncounted),
        "facts": {"model": facts.model, "revision": facts.revision, "source": facts.source},
    }


def as_line(answer: Answer) -> str:
    """Return the answer as one line, with the changes that make it fit."""
    gpus = answer.engine.split.gpus
    where = f"{answer.facts.model} on {f'{gpus} x ' if gpus > 1 else ''}{answer.plan.gpu.name}"
    changes = ", or ".join(change.text for change in answer.changes)
    return f"{where}: {_said(answer)}" + (f" It fits with {changes}." if changes else "")


def as_text(answer: Answer) -> str:
    """Return the answer as text for people, with a bar chart of one GPU."""
    return "".join(line + "\n" for line in _lines(answer))


def _lines(answer: Answer) -> Iterator[str]:
    plan, facts, engine = answer.plan, answer.facts, answer.engine
    release = f"vLLM {'.'.join(map(str, engine.release))}" if engine.release else "an unknown vLLM release"
    gpus = f"{engine.split.gpus} x {plan.gpu.name}" if engine.split.gpus > 1 else plan.gpu.name
    yield f"{facts.model} on {gpus} ({plan.gpu.memory / GIB:.2f} GiB each), {release}"
    yield f"  facts: {facts.origin}"
    if size := facts.download_bytes:
        yield f"  download: {size / GIB:.2f} GiB"
    yield ""
    yield from _picture(answer)
    yield ""
    if plan.kv:
        yield f"  KV cache: {plan.kv_bytes_per_token:,} bytes per token, {plan.tokens:,} tokens in total"
        yield f"  concurrent requests of {plan.length:,} tokens: {plan.requests:.2f}"
        yield ""
    yield _said(answer)
    if answer.changes:
        yield "Any one of these makes it fit:"
        yield from (f"  {change.text}" for change in answer.changes)
    for one in plan.uncounted:
        yield f"Not counted: {one}"


def _picture(answer: Answer) -> Iterator[str]:
    """Yield a line for each part of one GPU's memory, with a bar of its share."""
    plan = answer.plan
    error = f"  ± {plan.overhead.error / GIB:.2f} ({plan.overhead.origin})"
    parts = [
        ("weights", plan.weights, ""),
        ("overhead", plan.overhead.total, error),
        ("KV cache", max(0, plan.available) if plan.kv else 0, ""),
    ]
    used = sum(size for _, size, _ in parts)
    if used <= plan.gpu.memory:
        parts.append(("unused", plan.gpu.memory - used, f"  --gpu-memory-utilization={answer.engine.share}"))
    for name, size, note in parts:
        bar = "#" * max(0, round(_WIDTH * size / max(plan.gpu.memory, used)))
        yield f"  {name:<11}{size / GIB:>8.2f} GiB  {bar}{note}"


def _said(answer: Answer) -> str:
    plan, verdict = answer.plan, answer.verdict
    if verdict is Verdict.FITS:
        shortened = answer.engine.length == AUTOMATIC and plan.longest() < plan.length
        return f"Fits with at most {tokens_that_fit(plan):,} tokens: vLLM sets the length." if shortened else "Fits."
    if verdict is Verdict.TIGHT and plan.uncounted:
        return "Tight: the counted memory fits, but not everything is counted."
    if verdict is Verdict.TIGHT:
        return "Tight: the estimate is not accurate enough to tell whether it fits."
    if verdict is Verdict.SHORTER:
        return (
            f"Does not fit with {plan.length:,} tokens: vLLM will not start. "
            f"Fits with at most {tokens_that_fit(plan):,} tokens."
        )
    short = (plan.taken - plan.room) / GIB
    if short > 0 and plan.reserved:
        return f"Does not fit: with the requested KV cache, a GPU needs {short:.2f} GiB more memory than it has."
    if short > 0:
        return f"Does not fit: weights and overhead are {short:.2f} GiB larger than vLLM's share of a GPU."
    return "Does not fit: too little memory is left for the KV cache."
