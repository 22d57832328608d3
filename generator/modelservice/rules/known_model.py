"""Give rules the model's facts, the GPU and the engine's settings; find a facts file that cannot be read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from modelservice.findings import Path, Severity, dotted
from modelservice.rules.given_arguments import command_line_of, given, words
from modelservice.rules.image import is_own_image
from modelservice.rules.rule import Said, Settings, Values, once, rule, setting

if TYPE_CHECKING:
    from modelservice.models.engine import Engine
    from modelservice.models.gpus import Gpu
    from modelservice.models.model_facts import ModelFacts, Tensors

GIB = 2**30


@once
def model_facts_of(values: Values) -> ModelFacts | None:
    """Return the facts that vLLM uses, or None if they are unknown or changed, or the image is not vLLM's own.

    The facts include `--hf-overrides`, if its effect is known.
    """
    if not values.facts or given(values, "--config", "--hf-config-path", "--config-format"):
        return None
    if not is_own_image(values):
        return None
    overrides = engine_for(values).overrides
    if not overrides:
        return None if given(values, "--hf-overrides") else values.facts
    from modelservice.models.architecture import overridden

    config = overridden(values.facts.config, overrides)
    return None if config is None else values.facts._replace(config=config)


def one_gpu(values: Values) -> Gpu | None:
    """Return the GPU that every pod gets, or None if the values do not determine it."""
    resource = values.at("gpu.resourceName")
    said = values.at("gpu.memory") or values.at("gpu.vgpu.enabled") or values.at("nodeSelector") or "mig" in resource
    if not values.at("gpu.count") or not (said or values.at("affinity.nodeAffinity")):
        return None
    from modelservice.models.node_gpu import gpu_of, may_differ

    return None if may_differ(values.merged) else gpu_of(values.merged)


@once
def engine_for(values: Values) -> Engine:
    """Return the arguments' settings that affect memory."""
    from modelservice.models.engine import engine_of

    return engine_of(words(values), command_line_of(values), int(values.at("gpu.count")), values.at("model.task"))


def stored_tensors(facts: ModelFacts) -> tuple[Tensors, ...]:
    """Return the tensors of the files, or else those that the configuration implies; none if it is not understood."""
    from modelservice.models.architecture import ODD_VALUE, NotUnderstoodError, text_of
    from modelservice.models.tensor_shapes import tensors_of

    try:
        tensors = facts.tensors or tensors_of(text_of(facts.config))
        return tensors if all(type(one.nbytes) is int for one in tensors) else ()
    except (NotUnderstoodError, *ODD_VALUE):  # a facts file may contain anything
        return ()


def gibibytes(size: float) -> str:
    """Return bytes as messages show them: 15.3 GiB."""
    return f"{size / GIB:.1f} GiB"


def too_small(values: Values, path: Path, message: str, settings: Settings, end: str = "") -> Said:
    """Return the finding that a value is too small for the model, placed at the model if the value is a default."""
    if values.has(path):
        return setting(path, message, settings, end)
    return setting(("model", "name"), f"{dotted(path)} {message}", settings, end)


@rule(
    "facts-file",
    "The file with the model's facts cannot be read.",
    why=("The sizes of the model are then unknown. GPUs, volumes and lengths that are too small for it are not found."),
    source="docs/fit.md",
    severity=Severity.WARNING,
)
def facts_file(values: Values) -> Iterator[Said]:
    """Find a file for the model's facts that cannot be read."""
    if values.broken_facts:
        message, _, hint = values.broken_facts.rpartition("; ")
        yield Said(("model", "name"), message or values.broken_facts, hint if message else "check the file")


RULES = (facts_file,)
