"""Compute the memory of one GPU as vLLM does when it starts: weights, overhead, KV cache, and the remaining rest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from modelservice.models.architecture import (
    Cache,
    Kind,
    NotUnderstoodError,
    Text,
    context_of,
    overridden,
    text_of,
)
from modelservice.models.draft import draft_on_gpu
from modelservice.models.engine import AUTOMATIC, Engine
from modelservice.models.gpus import Gpu
from modelservice.models.known_architectures import ENCODERS, ENCODERS_OF_MEDIA
from modelservice.models.kv_cache import KVCache, kv_cache_of
from modelservice.models.lora import lora_bytes
from modelservice.models.model_facts import BITS, ModelFacts
from modelservice.models.model_on_gpu import caches_on_gpu, element_of, lora_element_of, weights_of
from modelservice.models.overhead import Batch, Overhead, Start, overhead_of, runs_on_v2

GIB = 2**30
# Types that `--dtype=auto` converts to 16 bits, and the smallest share of a checkpoint that vLLM loads: it skips layers
# for multi-token prediction, and encoders that a service does not use.
_WIDE, _SURELY_LOADED = ("F32", "F64"), 0.75
# More bytes than any model needs.
_MOST = 2**60
# The additional error of the overhead's estimate on GPUs whose libraries are not measured.
_UNMEASURED = 3 * GIB // 2
# The additional error with adapters: what they need in addition to their buffers is not measured.
_UNSURE_OF_LORA = 3 * GIB // 10
# The memory of a GPU that is already used when vLLM checks its share (`request_memory` in vllm/v1/worker/utils.py):
# 529 MiB of an H200 with 0.25.1.
_NEVER_FREE = 529 * 2**20
# Since this release, sliding windows reserve the tokens of all steps in flight (VllmConfig.max_in_flight_tokens).
_IN_FLIGHT_SINCE = (0, 28)


class MemoryPlan(NamedTuple):
    """The memory of one GPU, in bytes.

    `budget` is vLLM's share, and `available` the rest of it for the KV cache. `caches` is what each layer keeps, and
    `kv` its layout (None: the model keeps nothing). `length` is the requested longest request, `model_length` the one
    that the model allows, both in tokens. `in_flight` tokens may be scheduled but not yet computed. `uncounted` names
    what is not in the plan; `unread` are the flags among them. `reserved` is the size of a cache that an argument sets,
    however much is left.
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
    uncounted: tuple[str, ...] = ()
    reserved: int = 0
    unread: tuple[str, ...] = ()

    @property
    def room(self) -> int:
        """The limit for `taken`: vLLM's share, or the whole GPU if an argument reserves a cache."""
        return self.gpu.memory if self.reserved else self.budget

    @property
    def taken(self) -> int:
        """The bytes of the weights, the overhead, and a cache that an argument reserves."""
        return self.weights + self.overhead.total + self.reserved

    @property
    def kv_bytes_per_token(self) -> int:
        """The bytes of a token in all layers that keep tokens, for requests of any length."""
        return sum(cache.nbytes for cache in self.caches if cache.kind is not Kind.STATE)

    @property
    def blocks(self) -> int:
        """The number of blocks of the cache."""
        return max(0, self.available) // self.kv.block_bytes if self.kv else 0

    @property
    def tokens(self) -> int:
        """The tokens that the cache holds if all requests have full length, as vLLM's log counts them."""
        return int(self.requests * self.length)

    @property
    def requests(self) -> float:
        """The number of requests of full length that fit at the same time."""
        return self.kv.requests(max(0, self.available), self.length, self.in_flight) if self.kv else 0.0

    def longest(self, more: int = 0) -> int:
        """Return the longest request that fits, with `more` bytes added to the available ones (or removed)."""
        if not self.kv:
            return self.model_length
        return self.kv.longest(self.available + more, self.length, self.in_flight)


def plan_memory(facts: ModelFacts, engine: Engine, gpu: Gpu) -> MemoryPlan:
    """Return the plan of one GPU. Raises NotUnderstoodError if the model's memory cannot be computed."""
    config = overridden(facts.config, engine.overrides)
    text = text_of(facts.config if config is None else config)
    model_length = context_of(text, engine.release)
    length = engine.length if engine.length and engine.length != AUTOMATIC else model_length
    pooling = engine.pooling or text.architecture in ENCODERS
    batch = batch_of(engine, gpu, length, chunked=engine.chunked and text.architecture not in ENCODERS)
    vision = any(facts.config.get(key) for key in ENCODERS_OF_MEDIA)
    start = Start(
        batch,
        engine.split,
        length,
        element_of(text, engine),
        eager=engine.eager,
        vision=vision,
        pooling=pooling,
    )
    overhead = overhead_of(text, engine.release, start)
    if gpu.is_amd:
        overhead = overhead._replace(error=overhead.error + _UNMEASURED, origin="no measurements of AMD's GPUs")
    lora, draft = _lora_on_gpu(text, engine), draft_on_gpu(facts, text, engine)
    more = (_UNSURE_OF_LORA if engine.lora else 0) + (draft.unsure if draft else 0)
    overhead = overhead._replace(error=overhead.error + more)
    weights = weights_of(facts, text, engine, gpu.capability) + (lora or 0) + (draft.weights if draft else 0)
    budget = int(gpu.memory * engine.share)
    available = budget - weights - overhead.total if engine.cache is None else engine.cache
    caches = [*caches_on_gpu(text, engine), *(draft.caches if draft else ())]
    if not 0 <= weights + overhead.total < _MOST or any(one.nbytes < 1 or one.window < 0 for one in caches):
        raise NotUnderstoodError("its config.json has a value of an unexpected size")
    kv = kv_cache_of(caches, engine.block_size)
    if engine.blocks and kv:
        available = engine.blocks * kv.block_bytes
    in_flight = _in_flight(text, engine, batch)
    unread = engine.unread + (engine.unread_of_windows if {one.kind for one in caches} - {Kind.FULL} else ())
    unread += ("--hf-overrides",) if config is None else ()
    uncounted = tuple(_uncounted(engine, gpu, unread, lora=lora is None, draft=draft is None))
    return MemoryPlan(
        gpu,
        budget,
        weights,
        overhead,
        available,
        tuple(caches),
        kv,
        length,
        model_length,
        in_flight,
        uncounted,
        available if engine.cache is not None or engine.blocks else 0,
        unread,
    )


def _lora_on_gpu(text: Text, engine: Engine) -> int | None:
    """Return the bytes of the buffers for adapters, or None if they are unknown."""
    if not engine.lora:
        return 0
    try:
        return lora_bytes(text, engine.split, engine.lora, lora_element_of(text, engine), engine.release)
    except NotUnderstoodError:
        return None


def _uncounted(engine: Engine, gpu: Gpu, unread: Sequence[str], *, lora: bool, draft: bool) -> Iterator[str]:
    """Yield what is not in the plan: flags, and other users of the GPU."""
    if lora:
        yield "--enable-lora"
    if draft and engine.draft:
        yield f"--speculative-config ({engine.draft.model or engine.draft.method or 'unknown method'})"
    yield from unread
    if gpu.memory * engine.share > gpu.memory - _NEVER_FREE:
        yield f"memory already used when vLLM starts, with --gpu-memory-utilization={engine.share}"
    if gpu.shared:
        yield "other pods on the shared GPU"


def plan_of_weights(facts: ModelFacts, engine: Engine, gpu: Gpu, reason: str) -> MemoryPlan | None:
    """Return a plan of only the weights if they are already too large, so that no other part is needed.

    Returns None if they are not, if vLLM makes them smaller, or if only the configuration is known. `reason` is why
    there is no complete plan.
    """
    size = sum(one.elements * min(BITS[one.dtype], 16 if one.dtype in _WIDE else 64) // 8 for one in facts.tensors)
    weights = max(0, size - engine.offloaded * engine.split.gpus) // engine.split.gpus
    budget = int(gpu.memory * engine.share)
    smaller = engine.online or engine.other_method or engine.prefetched
    if smaller or weights * _SURELY_LOADED <= budget:
        return None
    none, length = Overhead(0, 0, 0, 0, reason), max(0, engine.length or 0)
    return MemoryPlan(gpu, budget, weights, none, budget - weights, (), None, length, 0, 0)


def batch_of(engine: Engine, gpu: Gpu, length: int, *, chunked: bool = True) -> Batch:
    """Return the batch that vLLM schedules; its defaults depend on the GPU (EngineArgs.get_batch_defaults).

    `length` is the longest request in tokens; without `chunked` prefill, the default batch has room for it.
    """
    tokens, sequences = 2048, 256
    if gpu.memory >= 70 * GIB and "A100" not in gpu.name.upper():
        tokens, sequences = (16384 if gpu.memory >= 160 * GIB else 8192), 1024
    sequences = engine.sequences or sequences * (2 if engine.doubled else 1)
    if not engine.tokens:
        tokens *= 2 if engine.doubled else 1
        tokens = min(tokens if chunked else max(tokens, length), sequences * length)
    tokens = engine.tokens or tokens
    return Batch(tokens, min(sequences, tokens), engine.draft.tokens if engine.draft else 0)


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
