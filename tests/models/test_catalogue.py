"""The catalogue of well-known models: each entry is read, is sized, and names its source."""

from pathlib import Path

import pytest
from modelservice.models.architecture import text_of
from modelservice.models.engine import Engine
from modelservice.models.facts_file import CATALOGUE, file_name, read_facts
from modelservice.models.gpus import gpu_named
from modelservice.models.memory_plan import plan_memory
from modelservice.models.tensor_shapes import tensors_of

ENTRIES = sorted(CATALOGUE.glob("*.json"))
# `total_size` in the model.safetensors.index.json of the hub's repositories; of Qwen3-32B-AWQ the sum of
# its files' headers, which its index does not say; of openai/gpt-oss-120b at b5c939de8f754692c1647ca79fbf85e8c1e70f8a.
STORED = {
    "meta-llama/Llama-3.1-8B-Instruct": 16_060_522_496,
    "meta-llama/Llama-3.3-70B-Instruct": 141_107_412_992,
    "Qwen/Qwen2.5-7B-Instruct": 15_231_233_024,
    "Qwen/Qwen3-8B": 16_381_470_720,
    "Qwen/Qwen3-30B-A3B": 61_064_245_248,
    "Qwen/Qwen3-32B": 65_524_246_528,
    "Qwen/Qwen3-32B-AWQ": 19_325_298_688,
    "mistralai/Mistral-7B-Instruct-v0.3": 14_496_047_104,
    "microsoft/phi-4": 29_319_014_400,
    "openai/gpt-oss-120b": 65_248_815_744,
}


@pytest.mark.parametrize("path", ENTRIES, ids=lambda path: path.stem)
def test_an_entry_is_read_and_sized(path: Path) -> None:
    facts = read_facts(path)
    gpu = gpu_named("H200")
    assert gpu
    plan = plan_memory(facts, Engine(), gpu)
    assert plan.kv_bytes_per_token > 0
    assert facts.source.startswith(("https://github.com/", "https://huggingface.co/"))
    assert file_name(facts.model) == path.name


@pytest.mark.parametrize("model", STORED)
def test_the_tensors_equal_those_of_the_checkpoint(model: str) -> None:
    facts = read_facts(CATALOGUE / file_name(model))
    assert sum(one.nbytes for one in tensors_of(text_of(facts.config))) == STORED[model]


def test_block_scales_are_loaded_in_32_bits() -> None:
    # The files of Qwen/Qwen3-32B-FP8 hold 34,322,434,048 bytes, with scales in 16 bits.
    facts = read_facts(CATALOGUE / file_name("Qwen/Qwen3-32B-FP8"))
    tensors = tensors_of(text_of(facts.config))
    scales = sum(one.nbytes for one in tensors if one.pattern.endswith("weight_scale_inv"))
    assert sum(one.nbytes for one in tensors) - scales // 2 == 34_322_434_048
