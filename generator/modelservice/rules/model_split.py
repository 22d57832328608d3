"""Rules on how a model is split over GPUs, by its facts."""

from __future__ import annotations

from collections.abc import Iterator

from modelservice.findings import Refuser
from modelservice.rules.given_arguments import given
from modelservice.rules.known_model import engine_for, model_facts_of
from modelservice.rules.rule import Said, Values, rule

_FLAG = "--tensor-parallel-size"


@rule(
    "attention-heads",
    "The model's attention heads cannot be split over the GPUs.",
    why=(
        "Tensor parallelism gives each GPU the same number of attention heads. vLLM exits when it starts with another "
        "number: Total number of attention heads must be divisible by tensor parallel size."
    ),
    source="vLLM's ModelConfig.verify_with_parallel_config (config/model.py)",
    refused_by=Refuser.VLLM,
)
def attention_heads(values: Values) -> Iterator[Said]:
    """Find a tensor parallel size that does not divide the model's attention heads."""
    facts = model_facts_of(values)
    if not facts:
        return
    from modelservice.models.architecture import NotUnderstoodError, text_of

    size = engine_for(values).split.tensor
    try:
        heads = text_of(facts.config).heads
    except NotUnderstoodError:
        return
    if size > 1 and heads > 0 and heads % size:
        written = given(values, _FLAG)
        path = ("args", written[-1].values[-1].at) if written else ("gpu", "count")
        key = f"{_FLAG}=" if written else "gpu.count: "
        near = [number for number in _neighbours(heads, size) if number]
        hint = " or ".join(f"{key}{number}" for number in near)
        yield Said(
            path, f"{values.at('model.name')} has {heads} attention heads, not a multiple of {size}", f"write {hint}"
        )


def _neighbours(heads: int, size: int) -> tuple[int, int]:
    """Return the nearest numbers below and above a size that divide the heads, or 0 if there is none above."""
    below = next(number for number in range(min(size, heads), 0, -1) if heads % number == 0)
    return below, next((number for number in range(size + 1, heads + 1) if heads % number == 0), 0)


RULES = (attention_heads,)
