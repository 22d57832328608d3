"""List the tensors of a model's checkpoint from its config.json only.

The shapes follow the constructors in vllm/model_executor/models. They are needed only if the headers of the safetensors
files are not available; an architecture that is not listed raises NotUnderstoodError.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from modelservice.models.architecture import HeadersNeededError, NotUnderstoodError, Text, hybrid_kinds
from modelservice.models.known_architectures import LATENT
from modelservice.models.model_facts import Tensors

_DTYPES = {"bfloat16": "BF16", "float16": "F16", "float32": "F32", "half": "F16"}
# How the constructors differ from the plain form: a bias of queries, keys and values; norms of queries and keys, with
# the width of one head or of all heads; the number of norms of a layer.
_BIASED = {"Qwen2ForCausalLM", "Qwen2MoeForCausalLM", "GptOssForCausalLM", "SeedOssForCausalLM"}
_HEAD_NORMS = {"Qwen3ForCausalLM", "Qwen3MoeForCausalLM", "Gemma3ForCausalLM"}
_WHOLE_NORMS = {"MiniMaxM2ForCausalLM", "Olmo2ForCausalLM"}
_NORMS = {"Gemma2ForCausalLM": 4, "Gemma3ForCausalLM": 4, "Glm4ForCausalLM": 4, "CohereForCausalLM": 1}
# Models whose head is always the embedding, whatever the configuration sets, and models where it is by default.
_ALWAYS_TIED = {"GemmaForCausalLM", "Gemma2ForCausalLM", "CohereForCausalLM", "Cohere2ForCausalLM"}
_TIED = {"Gemma3ForCausalLM"}
_PLAIN = {
    *("LlamaForCausalLM", "MistralForCausalLM", "MixtralForCausalLM", "Qwen2ForCausalLM", "Qwen2MoeForCausalLM"),
    *("Qwen3ForCausalLM", "Qwen3MoeForCausalLM", "Phi3ForCausalLM", "GemmaForCausalLM", "Gemma2ForCausalLM"),
    *("Gemma3ForCausalLM", "GraniteForCausalLM", "Olmo2ForCausalLM", "Glm4ForCausalLM", "Glm4MoeForCausalLM"),
    *("SmolLM3ForCausalLM", "GptOssForCausalLM", "SeedOssForCausalLM", "Cohere2ForCausalLM", "MiniMaxM2ForCausalLM"),
    *("DeepseekV2ForCausalLM", "DeepseekV3ForCausalLM", "Qwen3NextForCausalLM"),
}
_BIASED_EVERYWHERE = {"OPTForCausalLM", "Starcoder2ForCausalLM"}


class _Part(NamedTuple):
    """A tensor of a layer or of the model; quantisation packs only `linear` ones."""

    name: str
    shape: tuple[int, ...]
    copies: int = 1
    linear: bool = False


def tensors_of(text: Text) -> tuple[Tensors, ...]:
    """Return the tensors of the language model. Raises NotUnderstoodError for an architecture that is not listed."""
    if text.architecture not in _PLAIN | _BIASED_EVERYWHERE:
        raise HeadersNeededError(text.architecture)
    dtype = dtype_of(text.config)
    biased = text.architecture in _BIASED_EVERYWHERE
    attention = _linear_attention if text.architecture == "Qwen3NextForCausalLM" else _attention
    parts = [*_biased(text)] if biased else [*_ends(text), *attention(text), *_feed_forward(text)]
    packed = _packing(text)
    return tuple(
        tensor
        for part in parts
        for tensor in (packed(part, dtype) if part.linear else (Tensors(part.name, dtype, part.shape, part.copies),))
    )


def dtype_of(config: Any) -> str:
    """Return the safetensors name of the type of the weights. Raises NotUnderstoodError for an unknown type.

    If the configuration sets none, vLLM loads them in 16 bits (`_get_and_verify_dtype` in vllm/config/model.py).
    """
    named = str(config.get("torch_dtype") or config.get("dtype") or "bfloat16").removeprefix("torch.")
    if named not in _DTYPES:
        raise NotUnderstoodError(f"the weights' type {named} is unknown")
    return _DTYPES[named]


def _ends(text: Text) -> Iterator[_Part]:
    vocabulary, hidden = text.number("vocab_size"), text.hidden
    yield _Part("model.embed_tokens.weight", (vocabulary, hidden))
    yield _Part("model.norm.weight", (hidden,))
    tied = text.config.get("tie_word_embeddings", text.architecture in _TIED)
    if not tied and text.architecture not in _ALWAYS_TIED:
        yield _Part("lm_head.weight", (vocabulary, hidden))


def _biased(text: Text) -> Iterator[_Part]:
    """Yield the tensors of OPT and StarCoder2, whose layers have biases everywhere and an MLP without a gate."""
    hidden, layers, keys = text.hidden, text.layers, text.kv_heads * text.head_dim
    width = text.number("ffn_dim", "intermediate_size")
    yield from _biased_part("model.norm", (hidden,))
    if text.architecture == "OPTForCausalLM":  # two more positions for padding
        yield _Part("model.embed_positions.weight", (text.number("max_position_embeddings") + 2, hidden))
    yield _Part("model.embed_tokens.weight", (text.number("vocab_size"), hidden))
    if not text.config.get("tie_word_embeddings", True):
        yield _Part("lm_head.weight", (text.number("vocab_size"), hidden))
    for name, rows in (("input_layernorm", (hidden,)), ("post_attention_layernorm", (hidden,))):
        yield from _biased_part(f"model.layers.*.{name}", rows, layers)
    sizes = {"q_proj": (hidden, hidden), "k_proj": (keys, hidden), "v_proj": (keys, hidden), "o_proj": (hidden, hidden)}
    for name, shape in (*sizes.items(), ("c_fc", (width, hidden)), ("c_proj", (hidden, width))):
        yield from _biased_part(f"model.layers.*.{name}", shape, layers)


def _biased_part(name: str, shape: tuple[int, ...], copies: int = 1) -> Iterator[_Part]:
    yield _Part(f"{name}.weight", shape, copies, linear=len(shape) > 1)
    yield _Part(f"{name}.bias", shape[:1], copies)


def _attention(text: Text) -> Iterator[_Part]:
    layers, hidden, prefix = text.layers, text.hidden, "model.layers.*."
    norms = _NORMS.get(text.architecture, 1 if text.architecture == "Cohere2ForCausalLM" else 2)
    for number in range(norms):
        yield _Part(f"{prefix}{'input' if not number else f'post_{number}'}_layernorm.weight", (hidden,), layers)
    prefix += "self_attn."
    if text.architecture in LATENT:
        yield from _latent_attention(text, prefix)
        return
    queries, keys = text.heads * text.head_dim, text.kv_heads * text.head_dim
    sizes = {"q_proj": queries, "k_proj": keys, "v_proj": keys}
    for name, size in sizes.items():
        yield _Part(f"{prefix}{name}.weight", (size, hidden), layers, linear=True)
        if text.config.get("attention_bias") or text.architecture in _BIASED:
            yield _Part(f"{prefix}{name}.bias", (size,), layers)
    yield _Part(f"{prefix}o_proj.weight", (hidden, queries), layers, linear=True)
    if text.architecture == "GptOssForCausalLM":
        yield _Part(f"{prefix}o_proj.bias", (hidden,), layers)
        yield _Part(f"{prefix}sinks", (text.heads,), layers)
    if text.architecture in _HEAD_NORMS | _WHOLE_NORMS or text.config.get("use_qk_norm"):
        whole = text.architecture in _WHOLE_NORMS
        yield _Part(f"{prefix}q_norm.weight", (queries if whole else text.head_dim,), layers)
        yield _Part(f"{prefix}k_norm.weight", (keys if whole else text.head_dim,), layers)


def _linear_attention(text: Text) -> Iterator[_Part]:
    """Yield the attention of Qwen3-Next: gated in some layers, a gated delta net in the others."""
    hidden, kinds, prefix = text.hidden, hybrid_kinds(text), "model.layers.*."
    for name in ("input_layernorm", "post_attention_layernorm"):
        yield _Part(f"{prefix}{name}.weight", (hidden,), text.layers)
    full = kinds.count("full")
    queries, keys = text.heads * text.head_dim, text.kv_heads * text.head_dim
    shapes = {"q_proj": (2 * queries, hidden), "k_proj": (keys, hidden), "v_proj": (keys, hidden)}
    for name, shape in (*shapes.items(), ("o_proj", (hidden, queries))):
        yield _Part(f"{prefix}self_attn.{name}.weight", shape, full, linear=True)
    for name in ("q_norm", "k_norm"):
        yield _Part(f"{prefix}self_attn.{name}.weight", (text.head_dim,), full)
    heads, value = text.number("linear_num_value_heads"), text.number("linear_value_head_dim")
    key = text.number("linear_num_key_heads") * text.number("linear_key_head_dim")
    convolved = (2 * key + heads * value, 1, text.number("linear_conv_kernel_dim"))
    linear, prefix = text.layers - full, prefix + "linear_attn."
    yield _Part(f"{prefix}in_proj_qkvz.weight", (2 * key + 2 * heads * value, hidden), linear, linear=True)
    yield _Part(f"{prefix}in_proj_ba.weight", (2 * heads, hidden), linear, linear=True)
    yield _Part(f"{prefix}out_proj.weight", (hidden, heads * value), linear, linear=True)
    for name, rest in (
        ("conv1d.weight", convolved),
        ("dt_bias", (heads,)),
        ("A_log", (heads,)),
        ("norm.weight", (value,)),
    ):
        yield _Part(f"{prefix}{name}", rest, linear)


def _latent_attention(text: Text, prefix: str) -> Iterator[_Part]:
    layers, hidden, heads, latent = text.layers, text.hidden, text.heads, text.number("kv_lora_rank")
    nope, rope, value = (text.number(name) for name in ("qk_nope_head_dim", "qk_rope_head_dim", "v_head_dim"))
    # A missing key has the default of the class in transformers, and null means that there is no such projection.
    if text.config.get("q_lora_rank", 1536):
        query = text.number("q_lora_rank") if "q_lora_rank" in text.config else 1536
        yield _Part(f"{prefix}q_a_proj.weight", (query, hidden), layers, linear=True)
        yield _Part(f"{prefix}q_a_layernorm.weight", (query,), layers)
        yield _Part(f"{prefix}q_b_proj.weight", (heads * (nope + rope), query), layers, linear=True)
    else:
        yield _Part(f"{prefix}q_proj.weight", (heads * (nope + rope), hidden), layers, linear=True)
    yield _Part(f"{prefix}kv_a_proj_with_mqa.weight", (latent + rope, hidden), layers, linear=True)
    yield _Part(f"{prefix}kv_a_layernorm.weight", (latent,), layers)
    yield _Part(f"{prefix}kv_b_proj.weight", (heads * (nope + value), latent), layers, linear=True)
    yield _Part(f"{prefix}o_proj.weight", (hidden, heads * value), layers, linear=True)


def _feed_forward(text: Text) -> Iterator[_Part]:
    experts, prefix = text.experts, "model.layers.*.mlp."
    if not experts:
        yield from _mlp(text, prefix, text.number("intermediate_size"), text.layers)
        return
    dense = text.dense_layers
    sparse = text.layers - dense
    if dense:
        yield from _mlp(text, prefix, text.number("intermediate_size"), dense)
    yield _Part(f"{prefix}gate.weight", (experts, text.hidden), sparse)
    if text.config.get("topk_method") == "noaux_tc" or text.architecture in (
        "Glm4MoeForCausalLM",
        "MiniMaxM2ForCausalLM",
    ):
        yield _Part(f"{prefix}gate.e_score_correction_bias", (experts,), sparse)
    yield from _mlp(text, f"{prefix}experts.*.", text.expert_width, sparse * experts)
    if text.architecture == "GptOssForCausalLM":
        yield _Part(f"{prefix}router.bias", (experts,), sparse)
        yield _Part(f"{prefix}experts.gate_up_proj_bias", (experts, 2 * text.expert_width), sparse)
        yield _Part(f"{prefix}experts.down_proj_bias", (experts, text.hidden), sparse)
    if shared := text.shared_width:
        yield from _mlp(text, f"{prefix}shared_experts.", shared, sparse)
        if text.architecture in ("Qwen2MoeForCausalLM", "Qwen3NextForCausalLM"):
            yield _Part(f"{prefix}shared_expert_gate.weight", (1, text.hidden), sparse)


def _mlp(text: Text, prefix: str, width: int, count: int) -> Iterator[_Part]:
    yield _Part(f"{prefix}gate_proj.weight", (width, text.hidden), count, linear=True)
    yield _Part(f"{prefix}up_proj.weight", (width, text.hidden), count, linear=True)
    yield _Part(f"{prefix}down_proj.weight", (text.hidden, width), count, linear=True)


def _packing(text: Text) -> Any:
    """Return a function from a linear layer's weight to its tensors in the checkpoint, which may be quantised.

    Raises NotUnderstoodError for an unknown quantisation.
    """
    quantisation = text.quantisation
    method = str(quantisation.get("quant_method", ""))
    if not quantisation:
        return lambda part, dtype: (Tensors(part.name, dtype, part.shape, part.copies),)
    if method == "fp8":
        return lambda part, _: _fp8(part, quantisation.get("weight_block_size"))
    if method == "mxfp4":
        return lambda part, dtype: _mxfp4(part, dtype)
    if method in ("awq", "gptq") and quantisation.get("bits") == 4:
        return lambda part, _: _int4(part, int(quantisation.get("group_size") or 128))
    raise HeadersNeededError(f"a checkpoint quantised with {method or 'an unnamed method'}")


def _fp8(part: _Part, block: Any) -> Iterator[Tensors]:
    rows, columns = part.shape
    yield Tensors(part.name, "F8_E4M3", part.shape, part.copies)
    scales = (-(-rows // block[0]), -(-columns // block[1])) if block else (1,)
    yield Tensors(part.name + "_scale_inv", "F32", scales, part.copies)


def _mxfp4(part: _Part, dtype: str) -> Iterator[Tensors]:
    if ".experts." not in part.name:
        yield Tensors(part.name, dtype, part.shape, part.copies)
        return
    rows, columns = part.shape
    yield Tensors(part.name + "_blocks", "U8", (rows, columns // 2), part.copies)
    yield Tensors(part.name + "_scales", "U8", (rows, columns // 32), part.copies)


def _int4(part: _Part, group: int) -> Iterator[Tensors]:
    rows, columns = part.shape
    base = part.name.removesuffix("weight")
    yield Tensors(base + "qweight", "I32", (columns // 8, rows), part.copies)
    yield Tensors(base + "scales", "F16", (columns // group, rows), part.copies)
    yield Tensors(base + "qzeros", "I32", (columns // group, rows // 8), part.copies)
