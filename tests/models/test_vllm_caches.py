"""KV caches and parameters against those of the real vLLM; tests/live/test_kv_cache.py computes them again."""

import json
from pathlib import Path

import pytest
from modelservice.models.architecture import NotUnderstoodError, caches_of, context_of, text_of
from modelservice.models.kv_cache import KVCache, kv_cache_of
from modelservice.models.load_buffers import rotary_tables
from modelservice.models.tensor_shapes import tensors_of
from modelservice.models.weights import Loading, Split, weights_per_gpu

RECORDED = json.loads((Path(__file__).parent / "vllm_caches.json").read_text())
# Models whose sizes need the headers of the files.
HEADERS_ONLY = {"llama4"}
CPU_KERNEL_BLOCK = 32


def cache(name: str) -> KVCache:
    found = kv_cache_of(caches_of(text_of(RECORDED[name]["config"])), 16, CPU_KERNEL_BLOCK)
    assert found
    return found


@pytest.mark.parametrize("name", RECORDED)
def test_the_bytes_of_a_block_and_a_request_are_as_in_vllm(name: str) -> None:
    recorded, found = RECORDED[name], cache(name)
    blocks = found.blocks(recorded["max_model_len"], recorded["in_flight"])
    assert (found.block_bytes, blocks * found.block_bytes) == (recorded["block_bytes"], recorded["request_bytes"])


@pytest.mark.parametrize("name", RECORDED)
def test_the_default_length_is_as_in_vllm(name: str) -> None:
    assert context_of(text_of(RECORDED[name]["config"]), (0, 32, 0)) == RECORDED[name]["max_model_len"]


@pytest.mark.parametrize("name", RECORDED)
def test_the_groups_are_as_in_vllm(name: str) -> None:
    recorded = sorted([block, page] for _, _, block, page in RECORDED[name]["groups"])
    assert sorted([group.block_size, group.page] for group in cache(name).groups) == recorded


@pytest.mark.parametrize("name", sorted(set(RECORDED) - HEADERS_ONLY))
def test_the_parameters_follow_from_the_configuration(name: str) -> None:
    text = text_of(RECORDED[name]["config"])
    found = weights_per_gpu(tensors_of(text), text, Split(), Loading()) - rotary_tables(text)
    assert found == 2 * RECORDED[name]["parameters"]


# vLLM 0.32 runs these with the layers of transformers, and gpt-oss' class has a scaling of its own.
@pytest.mark.parametrize("name", sorted(set(RECORDED) - {"olmo2", "starcoder2", "gptoss"}))
def test_the_tables_of_positions_are_as_in_vllm(name: str) -> None:
    assert rotary_tables(text_of(RECORDED[name]["config"])) == 2 * RECORDED[name]["rotary"]


@pytest.mark.parametrize("name", sorted(HEADERS_ONLY))
def test_values_that_cannot_be_derived_are_not_guessed(name: str) -> None:
    with pytest.raises(NotUnderstoodError, match="headers of the weight files"):
        tensors_of(text_of(RECORDED[name]["config"]))


def test_an_unknown_architecture_is_not_guessed() -> None:
    with pytest.raises(NotUnderstoodError, match="the architecture NewForCausalLM is unknown"):
        text_of({"architectures": ["NewForCausalLM"], "num_hidden_layers": 4})
