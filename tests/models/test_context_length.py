"""How many tokens a model allows, as vLLM 0.33.0 counts them: `_get_and_verify_max_len`, run on each configuration."""

from typing import Any

import pytest
from modelservice.models.context_length import default_context, longest_context

VLLM: dict[str, tuple[dict[str, Any], int]] = {
    "qwen3": ({"model_type": "qwen3", "max_position_embeddings": 40960, "rope_scaling": None}, 40960),
    "qwen yarn": (
        {
            "model_type": "qwen3",
            "max_position_embeddings": 40960,
            "rope_scaling": {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32768},
        },
        40960,
    ),
    "linear": (
        {"model_type": "llama", "max_position_embeddings": 4096, "rope_scaling": {"type": "linear", "factor": 4.0}},
        16384,
    ),
    "dynamic": (
        {"model_type": "llama", "max_position_embeddings": 4096, "rope_scaling": {"type": "dynamic", "factor": 2.0}},
        8192,
    ),
    "llama3": (
        {
            "model_type": "llama",
            "max_position_embeddings": 131072,
            "rope_scaling": {
                "rope_type": "llama3",
                "factor": 8.0,
                "low_freq_factor": 1.0,
                "high_freq_factor": 4.0,
                "original_max_position_embeddings": 8192,
            },
        },
        131072,
    ),
    "deepseek": (
        {
            "model_type": "deepseek_v3",
            "max_position_embeddings": 163840,
            "rope_scaling": {
                "type": "yarn",
                "factor": 40,
                "original_max_position_embeddings": 4096,
                "beta_fast": 32,
                "beta_slow": 1,
                "mscale": 1.0,
                "mscale_all_dim": 1.0,
            },
        },
        163840,
    ),
    "gpt2": ({"model_type": "gpt2", "n_positions": 1024}, 1024),
    "opt": ({"model_type": "opt", "max_position_embeddings": 2048}, 2048),
    "cohere": ({"model_type": "cohere", "max_position_embeddings": 8192, "model_max_length": 131072}, 131072),
    "gemma3": (
        {
            "model_type": "gemma3",
            "text_config": {
                "model_type": "gemma3_text",
                "max_position_embeddings": 131072,
                "rope_scaling": {"rope_type": "linear", "factor": 8.0},
            },
        },
        131072,
    ),
    "gpt-oss": (
        {
            "model_type": "gpt_oss",
            "max_position_embeddings": 131072,
            "rope_scaling": {
                "rope_type": "yarn",
                "factor": 32.0,
                "original_max_position_embeddings": 4096,
                "beta_fast": 32.0,
                "beta_slow": 1.0,
                "truncate": False,
            },
        },
        131072,
    ),
}
# Until 0.29, original_max_position_embeddings times the factor counted.
MORE_BEFORE = {"qwen yarn": 131072}


@pytest.mark.parametrize("name", VLLM)
def test_the_longest_request_is_the_same_as_in_vllm(name: str) -> None:
    config, longest = VLLM[name]
    before = MORE_BEFORE.get(name, longest)
    found = [longest_context(config, release) for release in ((0, 33, 0), (0, 30, 0), (0, 29, 0), ())]
    assert found == [longest, longest, before, before]


def test_long_rope_is_short_by_default() -> None:
    # "For LongRoPE, default to original_max_position_embeddings": _get_and_verify_max_len, for Phi-4-mini.
    scaling = {"type": "longrope", "short_factor": [1.0], "long_factor": [2.0]}
    lengths = {"max_position_embeddings": 131072, "original_max_position_embeddings": 4096}
    config = {**lengths, "rope_scaling": scaling}
    assert (default_context(config), longest_context(config)) == (4096, 131072)


@pytest.mark.parametrize("config", [{}, {"hidden_size": 4}, {"max_position_embeddings": None}, {"text_config": {}}])
def test_no_length_is_returned_without_one_in_the_configuration(config: dict[str, Any]) -> None:
    assert longest_context(config) is None
