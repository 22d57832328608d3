"""A facts file is untrusted: with any configuration in it, the rules neither fail nor take long."""

import copy
import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from modelservice.check import check_service
from modelservice.models.facts_file import facts_path, write_facts
from modelservice.models.model_facts import ModelFacts, Tensors

CONFIGS = {
    "dense": {
        "architectures": ["Qwen3ForCausalLM"],
        "hidden_size": 4096,
        "intermediate_size": 12288,
        "num_hidden_layers": 36,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "head_dim": 128,
        "vocab_size": 151936,
        "max_position_embeddings": 40960,
        "torch_dtype": "bfloat16",
        "sliding_window": 4096,
        "layer_types": ["full_attention"] * 36,
        "rope_scaling": {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32768},
    },
    "latent": {
        "architectures": ["DeepseekV3ForCausalLM"],
        "hidden_size": 7168,
        "intermediate_size": 18432,
        "moe_intermediate_size": 2048,
        "n_routed_experts": 256,
        "n_shared_experts": 1,
        "first_k_dense_replace": 3,
        "moe_layer_freq": 1,
        "num_nextn_predict_layers": 1,
        "num_hidden_layers": 61,
        "num_attention_heads": 128,
        "kv_lora_rank": 512,
        "q_lora_rank": 1536,
        "qk_nope_head_dim": 128,
        "qk_rope_head_dim": 64,
        "v_head_dim": 128,
        "vocab_size": 129280,
        "max_position_embeddings": 163840,
        "torch_dtype": "bfloat16",
        "quantization_config": {"quant_method": "fp8", "weight_block_size": [128, 128]},
    },
}
NUMBERS = st.sampled_from([-1, 0, 1, 3, 10**9, 2**63, 10**30, 0.5, float("inf"), float("nan")])
ODD = NUMBERS | st.sampled_from([None, True, "", "x", "0", [], {}, [None], {"a": None}, [[]], ["x"] * 50])
VALUES = """\
model: {name: acme/odd, revision: abc}
gpu: {count: 2, memory: 24Gi}
args: [--max-model-len=100000]
"""


@pytest.mark.parametrize("name", CONFIGS)
@settings(max_examples=100, deadline=2000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_rules_accept_any_configuration(name: str, data: st.DataObject, tmp_path: Path) -> None:
    config: dict[str, Any] = json.loads(json.dumps(CONFIGS[name]))
    for key in data.draw(st.lists(st.sampled_from(sorted(config)), max_size=3)):
        inner = config[key] if isinstance(config[key], dict) and data.draw(st.booleans()) else None
        if inner:
            inner[data.draw(st.sampled_from(sorted(inner)))] = copy.deepcopy(data.draw(ODD))
        else:
            config[key] = copy.deepcopy(data.draw(ODD))
    tensors = data.draw(st.sampled_from([(), (Tensors("model.layers.*.mlp.up_proj.weight", "BF16", (8, 0), 2**50),)]))
    values = tmp_path / "chat.yaml"
    values.write_text(VALUES)
    write_facts(ModelFacts("acme/odd", "", "a test", config, tensors), facts_path("acme/odd", str(values)))
    check_service([str(values)])


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("latent", {"q_lora_rank": ["x"] * 50, "quantization_config": {}}),
        ("dense", {"rope_scaling": {"type": "yarn", "factor": 10**9, "original_max_position_embeddings": ["x"] * 50}}),
    ],
)
def test_a_list_is_not_multiplied_as_a_number(name: str, changes: dict[str, Any], tmp_path: Path) -> None:
    values = tmp_path / "chat.yaml"
    values.write_text(VALUES)
    facts = ModelFacts("acme/odd", "", "a test", {**CONFIGS[name], **changes}, ())
    write_facts(facts, facts_path("acme/odd", str(values)))
    start = time.process_time()
    check_service([str(values)])
    assert time.process_time() - start < 2
