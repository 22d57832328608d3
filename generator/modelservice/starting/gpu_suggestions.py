"""Suggest the number of GPUs, and a context length that fits on them."""

from __future__ import annotations

from collections.abc import Iterator

from modelservice.models.engine import Engine
from modelservice.models.fit import Verdict, tokens_that_fit
from modelservice.models.fit_report import Answer, answer_for
from modelservice.models.gpus import Gpu
from modelservice.models.model_facts import ModelFacts
from modelservice.models.weights import Split
from modelservice.starting.suggestions import Suggestion

_GIB = 2**30
# A shorter request length is of little use: more GPUs are tried first.
_USEFUL_LENGTH = 32768
_NUMBERS_OF_GPUS = (1, 2, 4, 8)


def gpu_suggestions(facts: ModelFacts, gpu: Gpu, release: tuple[int, ...]) -> list[Suggestion]:
    """Return the suggestions for a model on GPUs of one kind, or none if it does not fit on the largest number of them.

    `release` is vLLM's. Raises ToolError if the model is not understood.
    """
    answer = _smallest(facts, gpu, release)
    return [*of_gpu(gpu), *_count(answer)] if answer else []


def of_gpu(gpu: Gpu) -> list[Suggestion]:
    """Return the suggestions for a GPU, whatever the model is."""
    memory = Suggestion("gpu.memory", f"{gpu.memory // 2**20}Mi", f"as the driver of {gpu.name} reports it")
    return [*_resource(gpu), memory]


def most_gpus(gpu: Gpu) -> int:
    """Return the largest number of GPUs that is suggested."""
    return 1 if gpu.is_slice else _NUMBERS_OF_GPUS[-1]


def _count(answer: Answer) -> Iterator[Suggestion]:
    gpus, plan = answer.engine.split.gpus, answer.plan
    weights, usable = plan.weights / _GIB, plan.budget / _GIB
    yield Suggestion(
        "gpu.count", gpus, f"{weights:.1f} GiB of weights on each GPU; vLLM may use {usable:.1f} GiB of its memory"
    )
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


def _smallest(facts: ModelFacts, gpu: Gpu, release: tuple[int, ...]) -> Answer | None:
    """Return the answer for the fewest GPUs that hold the model and a request of a useful length."""
    numbers = [gpus for gpus in _NUMBERS_OF_GPUS if gpus <= most_gpus(gpu)]
    answers = [answer_for(facts, Engine(split=Split(tensor=gpus), release=release), gpu) for gpus in numbers]
    for least in (_USEFUL_LENGTH, 2048):
        for answer in answers:
            if answer.verdict is Verdict.FITS or tokens_that_fit(answer.plan) >= min(least, answer.plan.length):
                return answer
    return None
