"""Compute the weights on one GPU, from a model's tensors and its split.

vLLM splits linear layers, experts and the vocabulary over the tensor parallel ranks, and copies the rest to each
(vllm/model_executor/layers/linear.py, vocab_parallel_embedding.py, fused_moe). It splits layers over pipeline stages.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from math import prod
from typing import NamedTuple

from modelservice.models.allocation import kept_beside
from modelservice.models.architecture import Text
from modelservice.models.load_buffers import load_buffers
from modelservice.models.model_facts import BITS, FLOATS, Tensors

# The vocabulary is padded to a multiple of this.
_PADDING = 64
EMBEDDING = re.compile(r"(embed_tokens|wte|word_embeddings|tok_embeddings|embeddings?|lm_head)\.weight$")
# Tensors that every rank has a full copy of: norms, routers, the down projections of MLA, per-tensor scales.
_COPIED = re.compile(
    r"(norm|layernorm|ln_\w+|kv_a_proj_with_mqa|q_a_proj|gate\.(weight|e_score_correction_bias)|router|"
    r"(shared_expert_gate|block_sparse_moe\.gate)\.weight|e_score_correction_bias|position|pos_emb)"
)
_ROW_PARALLEL_BIAS = re.compile(r"(o_proj|down_proj|out_proj|dense|c_proj|fc2)\.bias$")
_KEYS_AND_VALUES = re.compile(r"\b[kv]_proj\.")
_EXPERTS = re.compile(r"\bexperts\b")
# Tensors that only layers for multi-token prediction have; vLLM loads these layers for speculative decoding only.
_PREDICTION = re.compile(
    r"(^|\.)(mtp\.|eh_proj|enorm|hnorm|shared_head|layers\.\*\.embed_tokens)|^model\.layers\.\*\.(e|h)norm"
)
_LAYER = re.compile(r"(^|\.)(layers|h|blocks)\.\*\.")
_VISION = re.compile(r"(^|\.)(visual|vision_\w+|multi_modal_projector|mm_projector|image_newline|audio_\w+)\.")


class Split(NamedTuple):
    """How a model is split: tensor, pipeline and data parallel sizes; `experts`: each rank has some whole experts."""

    tensor: int = 1
    pipeline: int = 1
    data: int = 1
    experts: bool = False

    @property
    def gpus(self) -> int:
        """The number of GPUs of one replica."""
        return self.tensor * self.pipeline * self.data


class Lora(NamedTuple):
    """Buffers for adapters: their number and highest rank; `sharded`: they are fully split over the GPUs."""

    slots: int = 1
    rank: int = 16
    sharded: bool = False


class Loading(NamedTuple):
    """How loading changes the weights: `bits` of an element that is not quantised, and `online` quantisation, if any.

    `capability` is the GPU's compute capability, which determines the padding of MXFP4 and the kernels; 0 means
    unknown. `release` are the numbers of vLLM's release, empty if unknown. `eager`: `--enforce-eager` is set.
    """

    bits: int = 16
    online: str = ""
    capability: int = 0
    release: tuple[int, ...] = ()
    eager: bool = False


# Bits of one element of a linear layer or of experts that vLLM quantises while it loads: the value plus its share of a
# scale (bitsandbytes: one float32 for 64 elements). `_ONLINE_SHORTHANDS` in vllm/config/quantization.py.
_OF_EXPERTS = {
    "experts_int8": Fraction(8),
    "int8_per_channel_weight_only": Fraction(8),
    "nvfp4_per_token": Fraction(4) + Fraction(8, 16),
}
ONLINE = {
    "fp8": Fraction(8),
    "fp8_per_tensor": Fraction(8),
    "fp8_per_channel": Fraction(8),
    "fp8_per_block": Fraction(8) + Fraction(32, 128 * 128),
    "mxfp8": Fraction(8) + Fraction(8, 32),
    "mxfp4": Fraction(4) + Fraction(8, 32),
    "bitsandbytes": Fraction(4) + Fraction(32, 64),
    **_OF_EXPERTS,
}


def weights_per_gpu(tensors: Sequence[Tensors], text: Text, split: Split, loading: Loading) -> int:
    """Return the bytes of weights on the GPU with the most."""
    extra = _prediction_layers(tensors, text)
    loaded = [one for one in tensors if not _left_out(one, text)]
    parts = [
        (one, _bytes(one, text, split, loading) * _kept(one, text, extra) * share_of(one, text, split))
        for one in loaded
    ]
    kept = load_buffers(loaded, text, split, loading) + kept_beside(parts, text.experts) // split.pipeline
    layers = sum((size for one, size in parts if _LAYER.search(one.pattern)), Fraction(0))
    ends = [size for one, size in parts if not _LAYER.search(one.pattern)]
    if split.pipeline == 1:
        return round(layers + sum(ends, Fraction(0))) + kept
    # The first stage has the embedding, the last one the head; the later stages have the remainder of the layers.
    largest = -(-text.layers // split.pipeline)
    return round(layers * Fraction(largest, text.layers) + max(ends, default=Fraction(0))) + kept


def _left_out(tensor: Tensors, text: Text) -> bool:
    tied = tensor.pattern.endswith("lm_head.weight") and text.config.get("tie_word_embeddings")
    return bool(tied) or _PREDICTION.search(tensor.pattern) is not None


def _prediction_layers(tensors: Sequence[Tensors], text: Text) -> int:
    """Return the number of layers for multi-token prediction at the end of a checkpoint."""
    found = any(_PREDICTION.search(one.pattern) for one in tensors)
    return int(text.config.get("num_nextn_predict_layers") or 0) if found else 0


def _bytes(tensor: Tensors, text: Text, split: Split, loading: Loading) -> Fraction:
    """Return the bytes of all tensors of a pattern after loading."""
    elements, bits = tensor.elements, Fraction(BITS[tensor.dtype])
    if EMBEDDING.search(tensor.pattern) and tensor.shape and not _VISION.search(tensor.pattern):
        rows = tensor.shape[0]
        elements = elements // max(rows, 1) * (-(-rows // _PADDING) * _PADDING)
    if tensor.dtype in FLOATS and not (text.quantisation and tensor.dtype == "F32"):
        bits = Fraction(loading.bits)
        if loading.online and not text.quantisation and _is_packed(tensor, loading.online):
            bits = ONLINE[loading.online]
    return elements * bits / 8 * _padding(tensor, text, split, loading)


def _padding(tensor: Tensors, text: Text, split: Split, loading: Loading) -> Fraction:
    """Return the factor by which MXFP4 experts grow: Marlin (below 9.0) and Blackwell's kernels pad both dimensions.

    `mxfp4_round_up_hidden_size_and_intermediate_size` in fused_moe/oracle/mxfp4.py.
    """
    if text.quantisation.get("quant_method") != "mxfp4" or not _EXPERTS.search(tensor.pattern):
        return Fraction(1)
    hidden, width = text.hidden, text.expert_width // (1 if split.experts else split.tensor)
    unit = (1, 64) if loading.capability // 10 in (0, 9) else (256, 128) if loading.capability < 90 else (256, 256)
    return Fraction(-(-hidden // unit[0]) * unit[0], hidden) * Fraction(-(-width // unit[1]) * unit[1], width)


def _is_packed(tensor: Tensors, method: str) -> bool:
    """Return whether online quantisation packs a tensor: the weight of a linear layer, or of experts."""
    if method in _OF_EXPERTS and not _EXPERTS.search(tensor.pattern):
        return False
    skipped = EMBEDDING.search(tensor.pattern) or _VISION.search(tensor.pattern)
    return len(tensor.shape) > 1 and not skipped and not re.search(r"gate\.weight$|router", tensor.pattern)


def _kept(tensor: Tensors, text: Text, extra: int) -> Fraction:
    """Return the share of a pattern's tensors that remains without the `extra` layers for multi-token prediction.

    These layers have the highest numbers, so their tensors match the same patterns.
    """
    if not extra or not _LAYER.search(tensor.pattern):
        return Fraction(1)
    each = text.experts if re.search(r"experts\.\*\.", tensor.pattern) else 1
    layers = tensor.copies // max(each, 1)
    sparse = text.layers - text.dense_layers
    return Fraction(layers - extra, layers) if layers in (text.layers + extra, sparse + extra) else Fraction(1)


def share_of(tensor: Tensors, text: Text, split: Split) -> Fraction:
    """Return the share of a tensor that one rank has."""
    pattern = tensor.pattern
    if _EXPERTS.search(pattern) and "shared" not in pattern:
        return Fraction(1, split.tensor * split.data)  # whole experts or parts of each: the bytes are the same
    if split.tensor == 1 or _is_copied(tensor):
        return Fraction(1)
    if _KEYS_AND_VALUES.search(pattern) and not _VISION.search(pattern):
        return Fraction(1, min(split.tensor, text.kv_heads))
    return Fraction(1, split.tensor)


def _is_copied(tensor: Tensors) -> bool:
    whole = prod(tensor.shape) <= 1 or _ROW_PARALLEL_BIAS.search(tensor.pattern)
    return bool(whole) or _COPIED.search(tensor.pattern) is not None
