"""Put a model's parts on a GPU: weights, KV cache, overhead, and what is left; the arithmetic of vLLM's start."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from modelservice.models.architecture import (
    ENCODERS,
    Cache,
    HeadersNeededError,
    Kind,
    NotUnderstoodError,
    Text,
    caches_of,
    context_of,
    text_of,
)
from modelservice.models.engine import AUTOMATIC, Engine
from modelservice.models.gpus import Gpu
from modelservice.models.kv_cache import KVCache, kv_cache_of
from modelservice.models.model_facts import BITS, ModelFacts
from modelservice.models.overhead import Batch, Overhead, Start, overhead_of, runs_on_v2
from modelservice.models.tensor_shapes import dtype_of, tensors_of
from modelservice.models.weights import Loading, weights_per_gpu

GIB = 2**30
_BYTES = {"float32": 4, "float": 4, "F32": 4, "float16": 2, "bfloat16": 2, "half": 2, "BF16": 2, "F16": 2}
# Encoders of images and sound, whose tokens the start-up run makes too.
_ENCODERS = ("vision_config", "audio_config", "visual", "vision_model_name")
# Types that `--dtype=auto` makes 16 bits of, and the least share of a checkpoint that vLLM loads: it leaves out layers
# for multi-token prediction, and encoders that a service does without.
_WIDE, _SURELY_LOADED = ("F32", "F64"), 0.75
# How much further off the estimate of the overhead may be on GPUs whose libraries nobody has measured.
_UNMEASURED = 3 * GIB // 2
# Since this release, tokens of every step in flight are reserved in sliding windows (VllmConfig.max_in_flight_tokens).
_IN_FLIGHT_SINCE = (0, 28)


class MemoryPlan(NamedTuple):
    """The bytes of one GPU.

    `budget` is vLLM's share, `available` what is left of it for the KV cache; `caches` is what each layer keeps and
    `kv` how that is laid out (None: the model keeps nothing); `length` is the longest request that is asked for,
    `model_length` what the model allows, `in_flight` the tokens that may be scheduled and not yet done.
    """

    gpu: Gpu
    budget: int
    weights: int
    overhead: Overhead
    available: int
    caches: tuple[Cache, ...]
    kv: KVCache | None
    length: int
    model_length: int
    in_flight: int

    @property
    def kv_bytes_per_token(self) -> int:
        """How many bytes a token takes in all layers that keep it, whatever the length of a request."""
        return sum(cache.nbytes for cache in self.caches if cache.kind is not Kind.STATE)

    @property
    def blocks(self) -> int:
        """How many blocks the cache has."""
        return max(0, self.available) // self.kv.block_bytes if self.kv else 0

    @property
    def tokens(self) -> int:
        """How many tokens of requests of full length the cache holds, as vLLM's log counts them."""
        return int(self.requests * self.length)

    @property
    def requests(self) -> float:
        """How many requests of full length fit at once."""
        return self.kv.requests(max(0, self.available), self.length, self.in_flight) if self.kv else 0.0

    def longest(self, more: int = 0) -> int:
        """Return the longest request that fits, with so many bytes more than the plan's, or fewer."""
        if not self.kv:
            return self.model_length
        return self.kv.longest(self.available + more, self.length, self.in_flight)


def plan_memory(facts: ModelFacts, engine: Engine, gpu: Gpu) -> MemoryPlan:
    """Return the plan of one GPU. Raises NotUnderstoodError if something of the model is not understood."""
    text = text_of(facts.config)
    model_length = context_of(text)
    length = engine.length if engine.length and engine.length != AUTOMATIC else model_length
    batch = batch_of(engine, gpu)
    vision = any(facts.config.get(key) for key in _ENCODERS)
    pooling = engine.pooling or text.architecture in ENCODERS
    overhead = overhead_of(
        text, engine.release, Start(batch, engine.split, length, eager=engine.eager, vision=vision, pooling=pooling)
    )
    if gpu.is_amd:
        overhead = overhead._replace(error=overhead.error + _UNMEASURED, origin="no measurements of AMD's GPUs")
    weights = weights_of(facts, text, engine, gpu.capability)
    budget = int(gpu.memory * engine.share)
    available = budget - weights - overhead.total if engine.cache is None else engine.cache
    caches = caches_on_gpu(text, engine)
    kv = kv_cache_of(caches, engine.block_size)
    if engine.blocks and kv:
        available = engine.blocks * kv.block_bytes
    in_flight = _in_flight(text, engine, batch)
    return MemoryPlan(gpu, budget, weights, overhead, available, tuple(caches), kv, length, model_length, in_flight)


def plan_of_weights(facts: ModelFacts, engine: Engine, gpu: Gpu, reason: str) -> MemoryPlan | None:
    """Return a plan with the weights alone where they are too large already, so nothing else need be understood.

    None where they are not, where vLLM makes them smaller, and where only the configuration is known. `reason` is why
    there is no whole plan.
    """
    size = sum(one.elements * min(BITS[one.dtype], 16 if one.dtype in _WIDE else 64) // 8 for one in facts.tensors)
    weights = max(0, size - engine.offloaded * engine.split.gpus) // engine.split.gpus
    budget = int(gpu.memory * engine.share)
    smaller = engine.online or engine.other_method or engine.prefetched
    if smaller or weights * _SURELY_LOADED <= budget:
        return None
    none, length = Overhead(0, 0, 0, 0, reason), max(0, engine.length or 0)
    return MemoryPlan(gpu, budget, weights, none, budget - weights, (), None, length, 0, 0)


def weights_of(facts: ModelFacts, text: Text, engine: Engine, capability: int = 0) -> int:
    """Return the bytes of weights on one GPU of a compute capability, 0 for an unknown one."""
    tensors = facts.tensors
    packed = text.quantisation or any(one.dtype not in _BYTES for one in tensors)
    if engine.prefetched or (engine.other_method and not packed):
        what = f"--quantization={engine.other_method}" if engine.other_method else "--offload-group-size"
        raise NotUnderstoodError(f"what {what} leaves of the weights is not counted")
    if not tensors:
        if facts.config.keys() & set(_ENCODERS):
            raise HeadersNeededError("an encoder for images or sound")
        tensors = tensors_of(text)
    if engine.pooling:  # as_embedding_model and its like make no such layer (model_executor/models/adapters.py)
        tensors = tuple(one for one in tensors if not one.pattern.startswith("lm_head."))
    loading = Loading(8 * element_of(text, engine), engine.online, capability)
    return max(0, weights_per_gpu(tensors, text, engine.split, loading) - engine.offloaded)


def element_of(text: Text, engine: Engine) -> int:
    """Return the bytes of an element that the model computes with; `auto` makes 16 bits of 32."""
    if engine.dtype != "auto":
        return _BYTES.get(engine.dtype, 2)
    return min(2, _BYTES[dtype_of(text.config)])


def caches_on_gpu(text: Text, engine: Engine) -> list[Cache]:
    """Return what the layers of one GPU keep."""
    element = element_of(text, engine)
    state = text.config.get("mamba_ssm_dtype") if engine.state_dtype == "auto" else engine.state_dtype
    caches = caches_of(
        text,
        split=engine.split.tensor,
        element=_cached(engine.kv_dtype, element),
        state_element=_BYTES.get(str(state), element),
        convolved_element=element,
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
        raise NotUnderstoodError(f"the bytes of --kv-cache-dtype={kv_dtype} are not known")
    return known[kv_dtype]


def batch_of(engine: Engine, gpu: Gpu) -> Batch:
    """Return what vLLM schedules at once; its defaults depend on the GPU (EngineArgs.get_batch_defaults)."""
    tokens, sequences = 2048, 256
    if gpu.memory >= 70 * GIB and "A100" not in gpu.name.upper():
        tokens, sequences = (16384 if gpu.memory >= 160 * GIB else 8192), 1024
    tokens = engine.tokens or tokens
    return Batch(tokens, min(engine.sequences or sequences, tokens), engine.drafted)


def _in_flight(text: Text, engine: Engine, batch: Batch) -> int:
    release = engine.release[:2] or (99,)
    if release < _IN_FLIGHT_SINCE:
        return batch.tokens
    steps = (
        engine.split.pipeline + 1
        if runs_on_v2(text, release, pooling=engine.pooling)
        else max(2, engine.split.pipeline)
    )
    return steps * batch.tokens
