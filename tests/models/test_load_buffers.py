"""What vLLM allocates beside the parameters of MLA models; test_vllm_caches has the tables of positions."""

import pytest
from modelservice.models.architecture import Text
from modelservice.models.load_buffers import load_buffers
from modelservice.models.model_facts import Tensors
from modelservice.models.weights import Loading, Split

MIB = 2**20
# DeepSeek-V2-Lite: 27 layers, 16 heads, 163,840 positions.
TEXT = Text(
    "DeepseekV2ForCausalLM",
    {
        "num_hidden_layers": 27,
        "num_attention_heads": 16,
        "kv_lora_rank": 512,
        "qk_nope_head_dim": 128,
        "qk_rope_head_dim": 64,
        "v_head_dim": 128,
        "max_position_embeddings": 163_840,
        "rope_scaling": {"type": "yarn", "factor": 40, "original_max_position_embeddings": 4096},
    },
)
TABLE = 163_840 * 64 * 2
WEIGHT = Tensors("model.layers.*.self_attn.kv_b_proj.weight", "BF16", (4096, 512), 27)


def buffers(loading: Loading, tensors: tuple[Tensors, ...] = (WEIGHT,), split: Split | None = None) -> int:
    return load_buffers(tensors, TEXT, split or Split(), loading) - TABLE


@pytest.mark.parametrize(
    ("release", "capability", "size"),
    [
        ((0, 19, 0), 90, 128 * MIB),  # 29.43 GiB on an H100: tests/models/measured.json
        ((0, 24, 0), 80, 128 * MIB),
        ((0, 25, 1), 90, 0),
        ((0, 19, 0), 100, 256 * MIB),
        ((0, 33, 0), 103, 128 * MIB),
        ((0, 24, 0), 120, 0),
        ((), 90, 0),
    ],
)
def test_workspaces_of_mla(release: tuple[int, ...], capability: int, size: int) -> None:
    assert buffers(Loading(capability=capability, release=release)) == size


@pytest.mark.parametrize(
    ("tensors", "online", "split", "size"),
    [
        ((WEIGHT,), "", Split(), 0),  # W_UK and W_UV are views
        ((WEIGHT,), "fp8", Split(), 108 * MIB),  # 27 x 16 x (128 + 128) x 512 x 2 bytes
        ((WEIGHT._replace(dtype="F8_E4M3"),), "", Split(), 108 * MIB),
        ((WEIGHT._replace(dtype="F8_E4M3"),), "", Split(tensor=4), 27 * MIB),
        ((WEIGHT._replace(pattern="model.layers.*.self_attn.kv_b_proj.qweight", dtype="I32"),), "", Split(), 108 * MIB),
        ((WEIGHT._replace(pattern="model.layers.*.self_attn.o_proj.weight", dtype="F8_E4M3"),), "", Split(), 0),
    ],
)
def test_quantised_latents_are_copied(tensors: tuple[Tensors, ...], online: str, split: Split, size: int) -> None:
    assert buffers(Loading(online=online), tensors, split) == size


@pytest.mark.parametrize(
    ("loading", "more"),
    [
        (Loading(), 0),
        (Loading(eager=True), TABLE),
        (Loading(bits=32), TABLE),
        (Loading(bits=32, eager=True), TABLE),
    ],
)
def test_the_type_of_the_table_of_positions(loading: Loading, more: int) -> None:
    # DeepseekScalingRotaryEmbedding keeps 32 bits if its operator is not compiled.
    assert buffers(loading) == more
