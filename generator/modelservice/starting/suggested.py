"""Collect the suggestions for a service: from its model's facts or name, vLLM's recipes and the GPU."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from modelservice.errors import ToolError
from modelservice.importing.part import values_of
from modelservice.models.facts_source import model_facts, wanted_model
from modelservice.models.gpus import Gpu
from modelservice.models.model_facts import ModelFacts
from modelservice.models.rerankers import overrides_of
from modelservice.redact import hidden
from modelservice.rules.image import release_in
from modelservice.schema.defaults import coalesce, default_values
from modelservice.starting.gpu_suggestions import gpu_suggestions, most_gpus, of_gpu
from modelservice.starting.suggestions import Suggestion, default_of, named_task, suggested_parsers, suggestions


class Suggested(NamedTuple):
    """Suggestions, and where the sizes come from or why there are none, a line each."""

    found: list[Suggestion]
    told: tuple[str, ...]


def suggested(settings: Mapping[str, Any], gpu: Gpu | None, values_files: Sequence[str]) -> Suggested:
    """Return the suggestions for settings by dotted key; facts files are looked for next to `values_files`."""
    values = coalesce(default_values(), values_of(settings))
    asked = release_in(values["image"], values["vllmVersion"])
    release = tuple(int(part) for part in asked.asked.split(".") if part)
    name = values["model"]["name"]
    of_name = [*(suggested_parsers(name, asked.name) if asked.asked else ()), *_reranker(name, release)]
    try:
        facts = model_facts(wanted_model(values), values_files)
    except ToolError as error:
        found = [*named_task(name), *of_name, *(of_gpu(gpu) if gpu else ())]
        return Suggested(_changed(found), (f"no sizes: {hidden(str(error))}", *_kept(gpu)))
    on_gpu = _on_gpu(facts, gpu, release) if gpu else Suggested([], ("--gpu NAME adds the number of GPUs",))
    found = [*suggestions(facts), *of_name, *on_gpu.found]
    return Suggested(_changed(found), (f"sizes follow from {facts.origin}", *on_gpu.told))


def _reranker(name: str, release: tuple[int, ...]) -> Iterator[Suggestion]:
    """Yield the task and the arguments of a well-known reranker that was published as a language model."""
    if argument := overrides_of(name, release):
        yield Suggestion("model.task", "score", "it is a reranker")
        reason = (
            "the score follows from these tokens; see also the chat templates in vLLM's examples/pooling/score/template"
        )
        yield Suggestion("args", [argument], reason)


def _on_gpu(facts: ModelFacts, gpu: Gpu, release: tuple[int, ...]) -> Suggested:
    try:
        found = gpu_suggestions(facts, gpu, release)
    except ToolError as error:
        return Suggested(of_gpu(gpu), (hidden(str(error)), *_kept(gpu)))
    too_large = f"{facts.model} does not fit on {most_gpus(gpu)} x {gpu.name}: choose a larger GPU"
    return Suggested(found, () if found else (too_large,))


def _kept(gpu: Gpu | None) -> tuple[str, ...]:
    """Return what follows from a GPU alone."""
    return (f"the memory of {gpu.name} is in the values; set the number of GPUs in gpu.count",) if gpu else ()


def _changed(found: list[Suggestion]) -> list[Suggestion]:
    return [one for one in found if one.value != default_of(one.key)]
