"""Collect the suggestions for a service: from its model's facts or name, vLLM's recipes and the GPU."""

from __future__ import annotations

import re
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
from modelservice.vllm.flags import Line, command_line

# Owners' models that the Hugging Face Hub gives only to accounts that accepted their licence. Gemma 4 is not gated.
_GATED = re.compile(r"meta-llama/.+|google/gemma-(1\.1-|[23]n?-|[27]b).*")
GATED_KEY = "huggingFace.tokenSecret.name"


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
        found = [*named_task(name), *of_name, *(of_gpu(gpu) if gpu else ()), *_token(values)]
        return Suggested(
            _changed(found), (f"no sizes: {hidden(str(error))}", *_kept(gpu, ", and modelVolume.size for the download"))
        )
    on_gpu = Suggested([], ("--gpu NAME adds the number of GPUs",))
    if gpu:
        line = Line(asked.asked, "", command_line(asked.name))
        on_gpu = _on_gpu(facts, gpu, values, line, settings.get("gpu.count"))
    found = [*suggestions(facts), *of_name, *on_gpu.found, *_token(values)]
    return Suggested(_changed(found), (f"sizes follow from {facts.origin}", *on_gpu.told))


def _reranker(name: str, release: tuple[int, ...]) -> Iterator[Suggestion]:
    """Yield the task and the arguments of a well-known reranker that was published as a language model."""
    if argument := overrides_of(name, release):
        yield Suggestion("model.task", "score", "it is a reranker")
        reason = (
            "the score follows from these tokens; see also the chat templates in vLLM's examples/pooling/score/template"
        )
        yield Suggestion("args", [argument], reason)


def _token(values: Mapping[str, Any]) -> Iterator[Suggestion]:
    """Yield the Secret with the token for a gated model, unless a volume may contain the model already."""
    model, volume, hub = (values[key] for key in ("model", "modelVolume", "huggingFace"))
    filled = any(volume[key] for key in ("existingClaim", "volume", "dataSource"))
    own = hub["endpoint"] or any(str(item["name"]).startswith(("HF_", "HUGGING_FACE_")) for item in values["env"])
    if model["source"] == "huggingface" and _GATED.fullmatch(model["name"]) and not (filled or own):
        yield Suggestion(GATED_KEY, "hf-token", "the model is gated: its download needs a token")


def _on_gpu(facts: ModelFacts, gpu: Gpu, values: Mapping[str, Any], line: Line, count: int | None) -> Suggested:
    args = [str(word) for word in values["args"]]
    try:
        found = gpu_suggestions(facts, gpu, args, line, count)
    except ToolError as error:
        return Suggested(of_gpu(gpu), (hidden(str(error)), *_kept(gpu)))
    too_large = f"{facts.model} does not fit on {most_gpus(gpu)} x {gpu.name}: choose a larger GPU"
    return Suggested(found, () if found else (too_large,))


def _kept(gpu: Gpu | None, more: str = "") -> tuple[str, ...]:
    """Return what follows from a GPU alone; `more` is what else is not known."""
    return (f"the memory of {gpu.name} is in the values; set the number of GPUs in gpu.count{more}",) if gpu else ()


def _changed(found: list[Suggestion]) -> list[Suggestion]:
    return [one for one in found if one.value != default_of(one.key)]
