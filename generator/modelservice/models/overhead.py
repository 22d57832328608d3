"""Estimate vLLM's memory on a GPU other than weights and KV cache: activations, sampler, CUDA graphs, libraries.

vLLM measures it when it starts: it runs the model on a full batch, samples a token for every sequence, and uses the
peak (`determine_available_memory` in vllm/v1/worker/gpu_worker.py). The estimate adds up the tensors that exist at the
two possible peaks: inside a layer, and in the sampler with its logits. The constants are measured; see docs/fit.md.
"""

from __future__ import annotations

from typing import NamedTuple

from modelservice.models.architecture import Text
from modelservice.models.known_architectures import HYBRID, LATENT
from modelservice.models.weights import Split

GIB = 2**30
# The memory of the driver and libraries: 0.26 GiB with one GPU (H100 and H200), 2.1 GiB with NCCL (several H100s), and
# 1.7 or 2.8 GiB with pipelines of two or more stages (llm-d-planner's accuracy report).
_LIBRARIES, _LIBRARIES_SPLIT = int(0.26 * GIB), int(2.1 * GIB)
_LIBRARIES_OF_STAGES = {1: 0, 2: int(1.7 * GIB)}
_LIBRARIES_OF_MORE = int(2.8 * GIB)
# Small buffers of Model Runner V1: the unexplained rest of ten models without a vision encoder was 0.03 to 0.05 GiB.
_BUFFERS = int(0.04 * GIB)
# The CUDA graphs of 36 layers used 1.00 GiB after the start (H200, 0.25.1, Qwen3-8B).
_GRAPHS_OF_A_LAYER = GIB // 36
# A cold compile cache left 0.31 GiB less than a warm one (H200, 0.25.1).
_COMPILING = int(0.31 * GIB)
# Streaming multiprocessors of an H100 or H200; the top-k kernel of V1 keeps a row of logits for each.
_PROCESSORS = 132
# The most tokens that MLA's prefill unpacks at the same time (`determine_chunked_prefill_workspace_size`).
_UNPACKED = 64 * 1024

# Architectures that used Model Runner V2 by default before it became the default for all
# (`_is_default_v2_model_runner_model` in vllm/config/vllm.py).
_SOME_ON_V2 = {
    (0, 22): ("Qwen3ForCausalLM",),
    (0, 23): ("LlamaForCausalLM", "MistralForCausalLM", "Qwen3ForCausalLM"),
    (0, 24): (
        *("Qwen3ForCausalLM", "LlamaForCausalLM", "MistralForCausalLM"),
        *("DeepseekV2ForCausalLM", "Qwen2MoeForCausalLM", "GraniteMoeForCausalLM"),
    ),
}
_SPARSE_ON_V2 = ("DeepseekV2ForCausalLM", "Qwen2MoeForCausalLM", "GraniteMoeForCausalLM")
_ALL_ON_V2 = (0, 29)
# Since these releases: vLLM measures free memory, so that everything that stays allocated counts; V2's sampler copies
# the logits only if a request needs it; vLLM estimates the CUDA graphs and subtracts them.
_ALL_COUNTED, _NO_COPY, _GRAPHS_COUNTED = (0, 27), (0, 28), (0, 20)
_MEASURED = {(0, 19), (0, 25)}


class Batch(NamedTuple):
    """The largest batch that vLLM schedules: tokens, sequences, and draft tokens per sequence."""

    tokens: int
    sequences: int
    drafted: int = 0


class Start(NamedTuple):
    """The settings of vLLM's start: the batch, the split of the model, and the longest request in tokens.

    `element` are the bytes of an element that the model computes with. `eager`: `--enforce-eager` is set. `vision`: the
    model has an encoder for images or sound. `pooling`: the model returns vectors or scores instead of text.
    """

    batch: Batch
    split: Split = Split()
    longest: int = 8192
    element: int = 2
    eager: bool = False
    vision: bool = False
    pooling: bool = False


class Overhead(NamedTuple):
    """The bytes on one GPU other than weights and KV cache; `error` bounds their error, `origin` is its source."""

    activation: int
    libraries: int
    graphs: int
    error: int
    origin: str

    @property
    def total(self) -> int:
        """The sum of the three parts."""
        return self.activation + self.libraries + self.graphs


def overhead_of(text: Text, release: tuple[int, ...], start: Start) -> Overhead:
    """Return the estimate for a release, given as its numbers, such as (0, 25, 1); empty for an unknown release."""
    release, batch = release[:2] or (99,), start.batch
    on_v2 = runs_on_v2(text, release, pooling=start.pooling)
    ends = _pooler(text, start) if start.pooling else _sampler(text, start, release, on_v2)
    peak = max(_layer(text, start, on_v2), ends) + _expert_buffers(text, start)
    seen = batch.tokens * text.hidden * start.element if start.vision else 0
    graphs, unsure = _graphs(text, release, on_v2, start.eager)
    error, origin = _error(text, release, start)
    return Overhead(
        activation=peak + seen + (0 if on_v2 else _BUFFERS),
        libraries=_libraries(start.split),
        graphs=graphs,
        error=error + unsure,
        origin=origin,
    )


def _libraries(split: Split) -> int:
    beside = _LIBRARIES if split.tensor * split.data == 1 else _LIBRARIES_SPLIT
    return max(beside, _LIBRARIES_OF_STAGES.get(split.pipeline, _LIBRARIES_OF_MORE))


def runs_on_v2(text: Text, release: tuple[int, ...], *, pooling: bool = False) -> bool:
    """Return whether the release runs the model with Model Runner V2."""
    if release >= _ALL_ON_V2 or pooling:
        return release >= _ALL_ON_V2
    if release in _SOME_ON_V2:
        return text.architecture in _SOME_ON_V2[release] and not (release < (0, 24) and text.experts)
    dense = not text.experts and text.architecture not in HYBRID
    return release >= (0, 25) and (dense or text.architecture in _SPARSE_ON_V2)


def _layer(text: Text, start: Start, on_v2: bool) -> int:
    """Return the peak inside a layer: the MLP's two projections, their product and the hidden states, or MLA."""
    width = text.shared_width or 0
    if not text.experts or text.dense_layers:
        width = max(width, int(text.config.get("intermediate_size") or 4 * text.hidden))
    hidden = text.hidden * (3 if on_v2 else 3.5)
    mlp = int(start.batch.tokens * (3 * width / start.split.tensor + hidden) * start.element)
    return max(mlp, _latent(text, start) if text.architecture in LATENT else 0)


def _latent(text: Text, start: Start) -> int:
    """Return the peak inside MLA: hidden states, queries, latents and values, and the unpacked prefix."""
    batch, heads = start.batch, text.heads // start.split.tensor
    nope, rope, value = (text.number(name) for name in ("qk_nope_head_dim", "qk_rope_head_dim", "v_head_dim"))
    token = 2 * text.hidden + heads * (nope + rope + value) + text.number("kv_lora_rank") + rope
    unpacked = min(max(8 * start.longest, 64 * batch.sequences), _UNPACKED)
    return start.element * (batch.tokens * token + unpacked * heads * (nope + value))


def _pooler(text: Text, start: Start) -> int:
    """Return the peak in the pooler, which converts the hidden states to 32 bits."""
    return (start.element + 4) * start.batch.tokens * text.hidden


def _sampler(text: Text, start: Start, release: tuple[int, ...], on_v2: bool) -> int:
    """Return the peak in the sampler.

    V1 keeps the model's logits and three copies in 32 bits: logits, probabilities and random numbers. V2 keeps one
    copy, and none since 0.28. Since 0.27, vLLM's measurement includes V2's counters for penalties: 33 bits for each
    sequence and word of the vocabulary.
    """
    vocabulary, batch, element = text.number("vocab_size"), start.batch, start.element
    rows = min(batch.sequences, batch.tokens) * (1 + batch.drafted)
    copies = 12 if not on_v2 else 0 if release >= _NO_COPY else 4
    logits = (element + copies) * rows * vocabulary + element * batch.tokens * text.hidden
    if not on_v2:
        return logits + element * rows * text.hidden + min(_PROCESSORS, rows) * vocabulary * 4
    counters = batch.sequences * vocabulary * 33 // 8 if release >= _ALL_COUNTED else 0
    return logits + counters


def _expert_buffers(text: Text, start: Start) -> int:
    """Return the two buffers that the kernel for experts keeps (`workspace_shapes` in fused_moe)."""
    if not text.experts:
        return 0
    width = text.expert_width // (1 if start.split.experts else start.split.tensor)
    rows = start.batch.tokens * text.experts_per_token
    return rows * (max(width, text.hidden) + max(2 * width, text.hidden)) * start.element


def _graphs(text: Text, release: tuple[int, ...], on_v2: bool, eager: bool) -> tuple[int, int]:
    """Return the memory of compilation and CUDA graphs that vLLM subtracts, and the bound of its error."""
    if eager:
        return 0, 0
    compiling = _COMPILING // 2 if release >= _GRAPHS_COUNTED else 0
    counted = release >= _GRAPHS_COUNTED and (not on_v2 or release >= _ALL_ON_V2)
    graphs = text.layers * _GRAPHS_OF_A_LAYER if counted else 0
    return compiling + graphs, compiling + graphs // 2


def _error(text: Text, release: tuple[int, ...], start: Start) -> tuple[int, str]:
    """Return the bound of the estimate's error in bytes, without CUDA graphs, and its source."""
    error, origin = 0.35, f"measured with vLLM {'.'.join(map(str, release))}"
    if release not in _MEASURED:
        error, origin = 0.5, "no measurements of this release: the widest error known"
    if start.vision:
        error += 0.3
    if start.split.gpus > 1:
        error += 0.5
    if text.architecture in HYBRID or start.batch.drafted:
        error += 0.5
    return int(error * GIB), origin
