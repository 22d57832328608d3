"""Suggest the number of GPUs, and a context length that fits on them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from modelservice.models.engine import engine_of
from modelservice.models.fit import Verdict, tokens_that_fit
from modelservice.models.fit_report import Answer, answer_for
from modelservice.models.gpus import Gpu
from modelservice.models.model_facts import ModelFacts
from modelservice.starting.suggestions import Suggestion
from modelservice.vllm.flags import Line

_GIB = 2**30
# A shorter request length is of little use: more GPUs are tried first.
_USEFUL_LENGTH, _LEAST_LENGTH = 32768, 2048
_NUMBERS_OF_GPUS = (1, 2, 4, 8)


def gpu_suggestions(
    facts: ModelFacts, gpu: Gpu, args: Sequence[str], line: Line, count: int | None = None
) -> list[Suggestion]:
    """Return the suggestions for a model on GPUs of one kind, or none if it does not fit on the largest number of them.

    `args` and `line` are vLLM's arguments and command line. A given `count` of GPUs is kept, even if the model does not
    fit. Raises ToolError if the model is not understood.
    """
    numbers = [count] if count and not gpu.is_slice else [one for one in _NUMBERS_OF_GPUS if one <= most_gpus(gpu)]
    answers = [answer_for(facts, engine_of(args, line, gpus), gpu) for gpus in numbers]
    if not (answer := _smallest(answers, _USEFUL_LENGTH)):
        return of_gpu(gpu) if count else []
    return [*of_gpu(gpu), *_count(answer, _smallest(answers, _LEAST_LENGTH))]


def of_gpu(gpu: Gpu) -> list[Suggestion]:
    """Return the suggestions for a GPU, whatever the model is."""
    memory = Suggestion("gpu.memory", f"{gpu.memory // 2**20}Mi", f"as the driver of {gpu.name} reports it")
    return [*_resource(gpu), memory]


def most_gpus(gpu: Gpu) -> int:
    """Return the largest number of GPUs that is suggested."""
    return 1 if gpu.is_slice else _NUMBERS_OF_GPUS[-1]


def _count(answer: Answer, cheaper: Answer | None) -> Iterator[Suggestion]:
    gpus, plan = answer.engine.split.gpus, answer.plan
    weights, usable = plan.weights / _GIB, plan.budget / _GIB
    reason = f"{weights:.1f} GiB of weights on each GPU; vLLM may use {usable:.1f} GiB of its memory"
    if cheaper and cheaper.engine.split.gpus < gpus:
        reason += f"; with gpu.count: {cheaper.engine.split.gpus}, {tokens_that_fit(cheaper.plan):,} tokens would fit"
    yield Suggestion("gpu.count", gpus, reason)
    if answer.verdict is not Verdict.FITS:
        tokens = tokens_that_fit(plan)
        reason = f"the model allows {plan.model_length:,} tokens, but only {tokens:,} fit next to the weights"
        yield Suggestion("args", [f"--max-model-len={tokens}"], reason)


def _resource(gpu: Gpu) -> Iterator[Suggestion]:
    """Yield the settings for a GPU that is not a whole NVIDIA GPU."""
    if gpu.is_slice:
        name = "nvidia.com/" + gpu.name.lower().replace(" ", "-")
        yield Suggestion("gpu.resourceName", name, "the device plugin's name for slices of this size")
    elif gpu.is_amd:
        yield Suggestion("gpu.resourceName", "amd.com/gpu", "the resource name of AMD's device plugin")
        yield Suggestion("image.repository", "vllm/vllm-openai-rocm", "vLLM's image for AMD GPUs")
        yield Suggestion("runtimeClassName", "", "the class nvidia is for NVIDIA GPUs")


def _smallest(answers: Sequence[Answer], length: int) -> Answer | None:
    """Return the answer for the fewest GPUs that hold the model and a request of the length, or else a shorter one."""
    for least in (length, _LEAST_LENGTH):
        for answer in answers:
            if answer.verdict is Verdict.FITS or tokens_that_fit(answer.plan) >= min(least, answer.plan.length):
                return answer
    return None
