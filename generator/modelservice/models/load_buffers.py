"""Compute what vLLM allocates in addition to a model's parameters while it loads it.

Tables of sines and cosines for the positions (vllm/model_executor/layers/rotary_embedding), MLA's unpacked latents, and
the workspaces of MLA's kernels. "Model loading took" in vLLM's log includes all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from modelservice.models.architecture import Text
from modelservice.models.context_length import rope_kind
from modelservice.models.known_architectures import LATENT
from modelservice.models.model_facts import FLOATS, Tensors

if TYPE_CHECKING:
    from modelservice.models.weights import Loading, Split

_MIB = 2**20
# Models that learn their positions or have none.
_WITHOUT_ROPE = {"OPTForCausalLM", "GPT2LMHeadModel", "BambaForCausalLM", "BertModel", "RobertaModel"}
# The share of a head that is rotated, if config.json does not set it: the defaults of the classes in transformers.
_ROTATED = {
    "Qwen3NextForCausalLM": 0.25,
    "StableLmForCausalLM": 0.25,
    "GPTNeoXForCausalLM": 0.25,
    "PhiForCausalLM": 0.5,
}
# A table for images and videos has four times the positions (MRotaryEmbedding).
_PLACES_OF_MEDIA = 4
# The workspace of a kernel for MLA, as FLASHINFER_MLA_WORKSPACE_BUFFER_SIZE and SM100Workspace in
# vllm/v1/attention/backends/mla.
_WORKSPACE = 128 * _MIB
# Since this release, FlashInfer's workspace is made when the kernel runs, not when its module is imported.
_LAZY_SINCE = (0, 25)


def load_buffers(tensors: Sequence[Tensors], text: Text, split: Split, loading: Loading) -> int:
    """Return the bytes of the buffers on one GPU."""
    tables = rotary_tables(text) * loading.bits // 16
    if loading.eager and loading.bits == 16 and text.architecture in LATENT and any(map(_is_yarn, ropes_of(text))):
        tables *= 2  # FlashInfer's kernel for this RoPE needs 32 bits; compiled code does not use it
    return tables + _unpacked_latents(tensors, text, split, loading) + _workspaces(text, loading)


def rotary_tables(text: Text) -> int:
    """Return the bytes of the 16-bit tables of sines and cosines: one for each kind of RoPE, shared by all layers."""
    longest = text.config.get("max_position_embeddings")
    if not isinstance(longest, int) or text.architecture in _WITHOUT_ROPE:
        return 0
    return sum(int(_positions(rope, text.config, longest)) for rope in ropes_of(text)) * _rotated_width(text) * 2


def ropes_of(text: Text) -> Iterator[Mapping[str, Any]]:
    """Yield the parameters of each kind of RoPE: usually one, and two if layers with a window have their own."""
    found = text.config.get("rope_parameters") or text.config.get("rope_scaling") or {}
    nested = [one for one in found.values() if isinstance(one, Mapping)]
    yield from {str(one): one for one in nested}.values() if nested else [found]
    local = text.config.get("rope_local_base_freq")
    if local and not nested and (found or local != text.config.get("rope_theta")):
        yield {"rope_type": "default"}


def _is_yarn(rope: Mapping[str, Any]) -> bool:
    return "yarn" in rope_kind(rope)


def _positions(rope: Mapping[str, Any], config: Mapping[str, Any], longest: int) -> float:
    """Return the number of positions in a table (`_compute_cos_sin_cache` of each class)."""
    factor = float(rope.get("factor") or 1)
    original = rope.get("original_max_position_embeddings") or config.get("original_max_position_embeddings") or longest
    places = _PLACES_OF_MEDIA if "mrope_section" in rope else 1
    if _is_yarn(rope):
        return places * int(original) * factor
    if rope_kind(rope) == "linear":
        return places * longest * factor
    if rope_kind(rope) in ("longrope", "su"):  # one table for short and one for long requests
        return longest + int(original)
    return places * longest


def _rotated_width(text: Text) -> int:
    if text.architecture in LATENT:
        return text.number("qk_rope_head_dim")
    if isinstance(text.config.get("rotary_dim"), int):
        return text.number("rotary_dim")
    ropes: Any = text.config.get("rope_parameters") or {}
    share = next(
        (one[key] for one in (text.config, ropes) for key in ("partial_rotary_factor", "rotary_pct") if one.get(key)),
        _ROTATED.get(text.architecture, 1),
    )
    return int(text.head_dim * float(share))


def _unpacked_latents(tensors: Sequence[Tensors], text: Text, split: Split, loading: Loading) -> int:
    """Return the bytes of MLA's 16-bit copies of `kv_b_proj`.

    They exist only if the weight is quantised; otherwise W_UK and W_UV are views of it
    (`process_weights_after_loading` in vllm/model_executor/layers/attention/mla_attention.py).
    """
    found = [one for one in tensors if ".kv_b_proj." in one.pattern]
    quantised = loading.online or not all(one.dtype in FLOATS for one in found)
    if text.architecture not in LATENT or not found or not quantised:
        return 0
    width = text.number("qk_nope_head_dim") + text.number("v_head_dim")
    layers = -(-text.layers // split.pipeline)
    return layers * (text.heads // split.tensor) * width * text.number("kv_lora_rank") * 2


def _workspaces(text: Text, loading: Loading) -> int:
    """Return the bytes of the workspaces that MLA's kernels make when vLLM imports them to select one.

    It imports every kernel in the list for the GPU's generation (`get_valid_backends` in vllm/platforms/cuda.py):
    FlashInfer's on all but the consumer cards of Blackwell, and CUTLASS' on Blackwell.
    """
    if text.architecture not in LATENT:
        return 0
    generation = loading.capability // 10
    eager = loading.release and loading.release < _LAZY_SINCE and generation != 12
    return _WORKSPACE * (bool(eager) + (generation == 10))
