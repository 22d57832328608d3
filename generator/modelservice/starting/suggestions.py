"""Suggest settings from the facts of a model, each with a reason."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from modelservice.check import check
from modelservice.errors import ToolError
from modelservice.findings import Action, Finding, Severity, dotted
from modelservice.importing.part import values_of
from modelservice.models.engine import Engine
from modelservice.models.fit import Verdict, tokens_that_fit
from modelservice.models.fit_report import Answer, answer_for
from modelservice.models.gpus import Gpu
from modelservice.models.model_facts import ModelFacts
from modelservice.models.weights import Split
from modelservice.reading.document import read
from modelservice.rules import ABOUT_SIZE
from modelservice.rules.known_model import stored_tensors
from modelservice.schema.defaults import default_values
from modelservice.starting.parsers import parsers_of
from modelservice.starting.tasks import task_of, task_of_name
from modelservice.writing.dump import dump

_GIB = 2**30
# A shorter request length is of little use: more GPUs are tried first.
_USEFUL_LENGTH = 32768
_NUMBERS_OF_GPUS = (1, 2, 4, 8)
# Bytes per second of a download, as in the rule startup-download, and of loading from the volume.
_DOWNLOAD_RATE, _LOAD_RATE = 125_000_000, 500_000_000
_COMPILE_SECONDS = 300


class Suggestion(NamedTuple):
    """A value for a dotted key, and the reason."""

    key: str
    value: Any
    reason: str


def suggestions(facts: ModelFacts, gpu: Gpu | None, release: tuple[int, ...]) -> list[Suggestion]:
    """Return the suggestions that differ from the defaults; without a GPU, none about GPUs.

    Raises ToolError if the model is not understood, or if it does not fit the largest number of GPUs.
    """
    found = [*_task(facts), *(_gpus(facts, gpu, release) if gpu else ()), *_volume(facts), *_start(facts)]
    return [one for one in found if one.value != _default(one.key)]


def fixed(settings: Mapping[str, Any]) -> list[Suggestion]:
    """Return the settings that rules on sizes propose, such as memory, if the model's facts are known."""
    return [one for found in _findings(settings) if found.rule in ABOUT_SIZE for one in _sets(found)]


def completed(settings: Mapping[str, Any]) -> list[Suggestion]:
    """Return the settings without which the given ones are not valid, such as the mount path of a local model."""
    wrong = [_sets(found) for found in _findings(settings) if found.severity is Severity.ERROR]
    return [one for sets in wrong if not settings.keys() & {one.key for one in sets} for one in sets]


def _findings(settings: Mapping[str, Any]) -> list[Finding]:
    return check(read("values.yaml", dump(values_of(settings)).encode()))


def _sets(found: Finding) -> list[Suggestion]:
    """Return the settings of a finding's fix."""
    edits = [edit for edit in found.fix if edit.action is Action.SET and edit.path[0] != "args"]
    return [
        Suggestion(dotted(edit.path), edit.value, found.message.removeprefix(f"{dotted(edit.path)} ")) for edit in edits
    ]


def _default(key: str) -> Any:
    place: Any = default_values()
    for part in key.split("."):
        place = place.get(part) if isinstance(place, dict) else None
    return place


def named_task(model: str) -> list[Suggestion]:
    """Return the suggestions from a model's name, for a model without known facts."""
    return [Suggestion("model.task", *found)] if (found := task_of_name(model)) else []


def suggested_parsers(model: str, release: str) -> list[Suggestion]:
    """Return the parsers for tool calls and reasoning in vLLM's recipe for the model, if the release has them."""
    found = parsers_of(model, release)
    return [Suggestion(key, name, f"the parser that {source} names") for key, (name, source) in found.items()]


def _task(facts: ModelFacts) -> Iterator[Suggestion]:
    if found := task_of(facts):
        yield Suggestion("model.task", *found)


def _gpus(facts: ModelFacts, gpu: Gpu, release: tuple[int, ...]) -> Iterator[Suggestion]:
    answer = _smallest(facts, gpu, release)
    gpus, plan = answer.engine.split.gpus, answer.plan
    yield from _resource(gpu)
    yield Suggestion("gpu.memory", f"{gpu.memory // 2**20}Mi", f"as the driver of {gpu.name} reports it")
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


def _smallest(facts: ModelFacts, gpu: Gpu, release: tuple[int, ...]) -> Answer:
    """Return the answer for the fewest GPUs that hold the model and a request of a useful length."""
    numbers = _NUMBERS_OF_GPUS[:1] if gpu.is_slice else _NUMBERS_OF_GPUS
    answers = [answer_for(facts, Engine(split=Split(tensor=gpus), release=release), gpu) for gpus in numbers]
    for least in (_USEFUL_LENGTH, 2048):
        for answer in answers:
            if answer.verdict is Verdict.FITS or tokens_that_fit(answer.plan) >= min(least, answer.plan.length):
                return answer
    raise ToolError(f"{facts.model} does not fit on {numbers[-1]} x {gpu.name}: choose a larger GPU")


def _size(facts: ModelFacts) -> int:
    """Return the bytes of a download: of all files, else of the weights, or 0 if neither is known."""
    return facts.download_bytes or sum(one.nbytes for one in stored_tensors(facts))


def _volume(facts: ModelFacts) -> Iterator[Suggestion]:
    if size := _size(facts):
        wanted = math.ceil(2.1 * size / _GIB / 10) * 10
        reason = f"a download of {size / _GIB:.1f} GiB, and room for the next revision"
        yield Suggestion("modelVolume.size", f"{max(20, wanted)}Gi", reason)


def _start(facts: ModelFacts) -> Iterator[Suggestion]:
    size = _size(facts)
    seconds = math.ceil((size / _DOWNLOAD_RATE + size / _LOAD_RATE + _COMPILE_SECONDS) / 300) * 300
    if seconds > int(_default("startupSeconds")):
        yield Suggestion("startupSeconds", seconds, "time to download at 1 Gbit/s, load and compile")
