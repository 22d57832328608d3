"""Compute the memory of the model itself on one GPU: its weights, and what its layers keep."""

from __future__ import annotations

from collections.abc import Mapping

from modelservice.models.architecture import Cache, HeadersNeededError, Kind, NotUnderstoodError, Text, caches_of
from modelservice.models.engine import Engine
from modelservice.models.known_architectures import ENCODERS_OF_MEDIA
from modelservice.models.model_facts import ModelFacts
from modelservice.models.tensor_shapes import dtype_of, tensors_of
from modelservice.models.weights import Loading, weights_per_gpu

_BYTES = {"float32": 4, "float": 4, "F32": 4, "float16": 2, "bfloat16": 2, "half": 2, "BF16": 2, "F16": 2}


def weights_of(facts: ModelFacts, text: Text, engine: Engine, capability: int = 0) -> int:
    """Return the bytes of weights on one GPU; `capability` is its compute capability, or 0 if unknown."""
    tensors = facts.tensors
    packed = text.quantisation or any(one.dtype not in _BYTES for one in tensors)
    if engine.prefetched or (engine.other_method and not packed):
        what = f"--quantization={engine.other_method}" if engine.other_method else "--offload-group-size"
        raise NotUnderstoodError(f"the size of the weights with {what} is not computed")
    if not tensors:
        if facts.config.keys() & set(ENCODERS_OF_MEDIA):
            raise HeadersNeededError("an encoder for images or sound")
        tensors = tensors_of(text)
    if engine.pooling:  # as_embedding_model and the like create no such layer (model_executor/models/adapters.py)
        tensors = tuple(one for one in tensors if not one.pattern.startswith("lm_head."))
    loading = Loading(8 * element_of(text, engine), engine.online, capability, engine.release, engine.eager)
    return max(0, weights_per_gpu(tensors, text, engine.split, loading) - engine.offloaded)


def element_of(text: Text, engine: Engine) -> int:
    """Return the bytes of an element that the model computes with; `--dtype=auto` converts 32 bits to 16."""
    if engine.dtype != "auto":
        return _BYTES.get(engine.dtype, 2)
    return min(2, _BYTES[dtype_of(text.config)])


def lora_element_of(text: Text, engine: Engine) -> int:
    """Return the bytes of an element of an adapter."""
    return _BYTES.get(engine.lora_dtype, element_of(text, engine))


def caches_on_gpu(text: Text, engine: Engine) -> list[Cache]:
    """Return what the layers of one GPU keep."""
    element = element_of(text, engine)
    convolved = _BYTES.get(engine.convolved_dtype, element)
    state = text.config.get("mamba_ssm_dtype") if engine.state_dtype == "auto" else engine.state_dtype
    caches = caches_of(
        text,
        split=engine.split.tensor,
        element=_cached(engine.kv_dtype, element),
        state_element=_BYTES.get(str(state), convolved),
        convolved_element=convolved,
        prefixes=engine.prefixes,
    )
    if engine.split.pipeline > 1:
        caches = caches[: -(-len(caches) // engine.split.pipeline)]
    if not engine.hybrid and {cache.kind for cache in caches} - {Kind.STATE} != {Kind.SLIDING}:
        caches = [cache if cache.kind is Kind.STATE else cache._replace(kind=Kind.FULL, window=0) for cache in caches]
    return caches


def _cached(kv_dtype: str, element: int) -> int:
    if kv_dtype == "auto":
        return element
    known: Mapping[str, int] = {"fp8": 1, "fp8_e4m3": 1, "fp8_e5m2": 1, "fp8_inc": 1, "int8": 1, **_BYTES}
    if kv_dtype not in known:
        raise NotUnderstoodError(f"the element size of --kv-cache-dtype={kv_dtype} is unknown")
    return known[kv_dtype]
