"""Weights on one GPU, from the tensors in a checkpoint's headers."""

from typing import Any

import pytest
from modelservice.models.architecture import Text
from modelservice.models.model_facts import Tensors
from modelservice.models.weights import Loading, Split, weights_per_gpu

LLAMA = Text("LlamaForCausalLM", {"num_hidden_layers": 4, "num_attention_heads": 8, "num_key_value_heads": 2})
MOE = Text(
    "DeepseekV3ForCausalLM",
    {"num_hidden_layers": 4, "num_attention_heads": 8, "first_k_dense_replace": 1, "n_routed_experts": 8}
    | {"num_nextn_predict_layers": 1, "quantization_config": {"quant_method": "fp8"}},
)
ONE = Split()


def on_gpu(
    pattern: str, shape: tuple[int, ...], copies: int, split: Split = ONE, dtype: str = "BF16", **how: Any
) -> int:
    return weights_per_gpu([Tensors(pattern, dtype, shape, copies)], how.pop("text", LLAMA), split, Loading(**how))


@pytest.mark.parametrize(
    ("pattern", "shape", "share"),
    [
        ("model.layers.*.mlp.down_proj.weight", (64, 128), 1 / 4),
        ("model.layers.*.self_attn.k_proj.weight", (32, 64), 1 / 2),  # two heads on four GPUs: each is stored twice
        ("model.layers.*.input_layernorm.weight", (64,), 1),
        ("model.layers.*.mlp.gate.weight", (8, 64), 1),
        ("model.layers.*.mlp.experts.*.up_proj.weight", (32, 64), 1 / 4),
        ("model.layers.*.self_attn.kv_a_proj_with_mqa.weight", (576, 64), 1),
        ("model.layers.*.self_attn.o_proj.bias", (64,), 1),
        ("model.embed_tokens.weight", (128, 64), 1 / 4),
    ],
)
def test_tensor_parallelism_splits_these_tensors(pattern: str, shape: tuple[int, ...], share: float) -> None:
    assert on_gpu(pattern, shape, 4, Split(tensor=4)) == on_gpu(pattern, shape, 4) * share


def test_the_vocabulary_is_padded_to_64() -> None:
    assert on_gpu("model.embed_tokens.weight", (49_155, 2), 1) == 49_216 * 2 * 2


def test_layers_are_split_over_the_stages_of_a_pipeline() -> None:
    assert on_gpu("model.layers.*.mlp.up_proj.weight", (8, 8), 4, Split(pipeline=3)) == 2 * 8 * 8 * 2


def test_loading_changes_these_types() -> None:
    size = 8 * 8 * 4
    pattern = "model.layers.*.mlp.up_proj.weight"
    assert on_gpu(pattern, (8, 8), 4, dtype="F32") == 2 * size  # auto converts 32 bits to 16
    assert on_gpu(pattern, (8, 8), 4, bits=32) == 4 * size
    assert on_gpu(pattern, (8, 8), 4, online="fp8") == size
    assert on_gpu(pattern, (8, 8), 4, online="mxfp4") == size * 4.25 / 8
    assert on_gpu(pattern, (8, 8), 4, online="experts_int8") == 2 * size
    assert on_gpu("model.layers.*.mlp.experts.*.up_proj.weight", (8, 8), 4, online="experts_int8") == size
    assert on_gpu(pattern, (8, 8), 4, dtype="F8_E4M3", text=MOE) == size
    # A quantised checkpoint keeps its scales as they are.
    assert on_gpu("model.layers.*.mlp.up_proj.weight_scale_inv", (8, 8), 4, dtype="F32", text=MOE) == 4 * size
    assert on_gpu("model.embed_tokens.weight", (64, 8), 1, online="fp8") == 64 * 8 * 2


def test_layers_for_multi_token_prediction_are_not_loaded() -> None:
    # As in DeepSeek-V3: their layer comes after the others.
    tensors = [
        Tensors("model.layers.*.input_layernorm.weight", "BF16", (8,), 5),
        Tensors("model.layers.*.mlp.experts.*.up_proj.weight", "F8_E4M3", (4, 4), 4 * 8),
        Tensors("model.layers.*.eh_proj.weight", "BF16", (8, 16)),
        Tensors("model.layers.*.mlp.down_proj.weight", "F8_E4M3", (4, 4), 1),
    ]
    assert weights_per_gpu(tensors, MOE, ONE, Loading()) == 4 * 8 * 2 + 3 * 8 * 16 + 16


def test_a_tied_head_is_loaded_once() -> None:
    text = LLAMA._replace(config={**LLAMA.config, "tie_word_embeddings": True})
    assert on_gpu("lm_head.weight", (64, 8), 1, text=text) == 0


def test_mla_keeps_16_bits_of_a_quantised_projection() -> None:
    sizes = {"kv_lora_rank": 16, "qk_nope_head_dim": 4, "v_head_dim": 4, "qk_rope_head_dim": 2}
    text = MOE._replace(config={**MOE.config, **sizes})
    name, shape = "model.layers.*.self_attn.kv_b_proj.weight", (8 * 8, 16)
    one = 8 * 8 * 16
    assert on_gpu(name, shape, 4, dtype="F8_E4M3", text=text) == 4 * (one + 2 * one)
    assert on_gpu(name, shape, 4, text=text) == 4 * 2 * one


@pytest.mark.parametrize(("capability", "hidden", "width"), [(0, 2880, 2880), (90, 2880, 2880), (89, 3072, 2944)])
def test_mxfp4_experts_are_padded_for_marlin(capability: int, hidden: int, width: int) -> None:
    sizes = {"hidden_size": 2880, "intermediate_size": 2880, "num_hidden_layers": 1, "num_local_experts": 2}
    text = Text("GptOssForCausalLM", {**sizes, "quantization_config": {"quant_method": "mxfp4"}})
    found = on_gpu(
        "model.layers.*.mlp.experts.down_proj_blocks", (2880, 1440), 2, dtype="U8", text=text, capability=capability
    )
    assert found == 2 * hidden * width // 2
