"""Rules on what a model allows: the length of a request, and the GPUs that its quantisation runs on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from modelservice.findings import Refuser
from modelservice.rules.given_arguments import given
from modelservice.rules.image import known_release
from modelservice.rules.known_model import model_facts_of, one_gpu
from modelservice.rules.rule import Said, Values, rule
from modelservice.vllm.argument_rules import in_place, removing

if TYPE_CHECKING:
    from modelservice.models.model_facts import ModelFacts

_LENGTH = "--max-model-len"
_ALLOWED = "VLLM_ALLOW_LONG_MAX_MODEL_LEN"
# The least compute capability by quantisation method: `get_min_capability` of vLLM 0.33.0's quantisation configs.
# Earlier releases require as much or more.
_LEAST_CAPABILITY = {
    "awq": 75,
    "fp8": 75,
    "torchao": 75,
    "experts_int8": 80,
    "fbgemm_fp8": 80,
    "mxfp4": 80,
    "fp_quant": 100,
}
# The methods that need a quantised checkpoint, with the quant_method in its configuration: those with file names in
# `get_config_filenames`, and those whose class has no defaults, in vLLM 0.32.0's quantisation configs.
_NEEDS_CONFIG = {
    **dict.fromkeys(("awq", "auto_awq", "awq_marlin"), "awq"),
    **dict.fromkeys(("gptq", "auto_gptq", "gptq_marlin", "moe_wna16"), "gptq"),
    **dict.fromkeys(("modelopt", "modelopt_fp4", "modelopt_mxfp8", "modelopt_mixed"), "modelopt"),
    **{name: name for name in ("compressed-tensors", "fbgemm_fp8", "inc", "quark", "torchao")},
}


@rule(
    "context-length",
    "`--max-model-len` is greater than the model allows.",
    why=(
        "vLLM compares it with max_position_embeddings and the rope scaling in the model's config.json. It exits when "
        "it starts, unless VLLM_ALLOW_LONG_MAX_MODEL_LEN is set, which risks wrong answers."
    ),
    source="vLLM's _get_and_verify_max_len (config/model.py)",
    refused_by=Refuser.VLLM,
)
def context_length(values: Values) -> Iterator[Said]:
    """Find a length greater than the model's."""
    facts, most = model_facts_of(values), exceeded_length(values)
    if facts and most:
        item = given(values, _LENGTH)[-1]
        message = f"{_LENGTH} {item.values[-1].text} is more than the {most} tokens of {facts.model}"
        fix = in_place(item.items, [f"{_LENGTH}={most}"])
        yield Said(("args", item.values[-1].at), message, f"write `{_LENGTH}={most}`, or less", fix=fix)


def exceeded_length(values: Values) -> int | None:
    """Return the most tokens that the model allows if an argument asks for more; pooling models count differently."""
    facts = model_facts_of(values) if values.at("model.task") == "generate" else None
    lengths = given(values, _LENGTH) if facts else []
    if not facts or not lengths or _allowed(values):
        return None
    from modelservice.models.context_length import longest_context
    from modelservice.vllm.argument_values import size

    most, asked = longest_context(facts.config, known_release(values)), size(lengths[-1].values[-1].text)
    return most if most and asked and asked > most else None


def _allowed(values: Values) -> bool:
    return bool(values.at("envFrom")) or any(variable["name"] == _ALLOWED for _, variable in values.items("env"))


@rule(
    "quantization-gpu",
    "The model's quantisation does not run on the GPU.",
    why="vLLM compares the GPU's compute capability with what the quantisation needs, and exits when it starts.",
    source="get_min_capability of vLLM's quantisation methods (model_executor/layers/quantization)",
    refused_by=Refuser.VLLM,
)
def quantization_gpu(values: Values) -> Iterator[Said]:
    """Find a quantised checkpoint on a GPU of an older generation than it needs."""
    facts, gpu = model_facts_of(values), one_gpu(values)
    if not facts or not gpu or not gpu.capability or given(values, "--quantization"):
        return
    method = _method(facts.config)
    least = _LEAST_CAPABILITY.get(method, 0)
    if gpu.capability < least:
        shown = [f"{number // 10}.{number % 10}" for number in (least, gpu.capability)]
        message = f"{facts.model} is quantised with {method}, which needs compute capability {shown[0]}"
        hint = f"select nodes with a newer GPU than the {gpu.name}, or serve a checkpoint with another quantisation"
        yield Said(("model", "name"), f"{message}, but a {gpu.name} has {shown[1]}", hint)


@rule(
    "quantization-config",
    "`--quantization` names a method that the checkpoint was not quantised with.",
    why=(
        "vLLM quantises a checkpoint of 16 bits only with its own methods, such as fp8. For the others it looks for "
        "the method's settings in the checkpoint, and exits when it starts without them."
    ),
    source="vLLM's get_quant_config (model_loader/weight_utils.py), with each method's get_config_filenames",
    refused_by=Refuser.VLLM,
)
def quantization_config(values: Values) -> Iterator[Said]:
    """Find a method that needs a quantised checkpoint, for a model that is known to have 16 or 32 bits."""
    facts, methods = model_facts_of(values), given(values, "--quantization")
    if not facts or not methods or not _is_plain(facts):
        return
    argument = methods[-1]
    method = argument.values[-1]
    family = _NEEDS_CONFIG.get(method.text)
    if not family:
        return
    message = f"{method.text} needs a checkpoint that is quantised with it, but {facts.model} is not quantised"
    known = _checkpoint(facts.model, family) if values.at("model.source") == "huggingface" else ""
    hint = f"set model.name: {known}" if known else "name a checkpoint that is quantised with it"
    yield Said(("args", argument.at), message, f"{removing(argument.items)}, or {hint}")


def _is_plain(facts: ModelFacts) -> bool:
    """Return whether a model is certainly not quantised: older quantised checkpoints do not say so in config.json."""
    from modelservice.models.facts_file import CATALOGUE, file_name

    nested = [facts.config, *(value for value in facts.config.values() if isinstance(value, Mapping))]
    if any(one.get("quantization_config") or one.get("compression_config") for one in nested):
        return False
    if facts.tensors:
        return all(one.dtype in ("BF16", "F16", "F32") for one in facts.tensors)
    return (CATALOGUE / file_name(facts.model)).is_file()


def _checkpoint(model: str, family: str) -> str:
    """Return the catalogue's checkpoint of a model that is quantised with the method, or ""."""
    from modelservice.models.facts_file import quantised_checkpoints

    return next((one.model for one in quantised_checkpoints(model, ()) if _method(one.config) == family), "")


def _method(config: Mapping[str, Any]) -> str:
    found = config.get("quantization_config")
    return str(found.get("quant_method", "")).lower() if isinstance(found, Mapping) else ""


RULES = (context_length, quantization_gpu, quantization_config)
