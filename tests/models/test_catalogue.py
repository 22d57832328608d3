"""The catalogue of well-known models: each entry is read, is sized, and names its source."""

from pathlib import Path

import pytest
from modelservice.models.engine import Engine
from modelservice.models.facts_file import CATALOGUE, file_name, read_facts
from modelservice.models.gpus import gpu_named
from modelservice.models.memory_plan import plan_memory

ENTRIES = sorted(CATALOGUE.glob("*.json"))
# Parameters that the makers' model cards name, in billions.
PARAMETERS = {
    "meta-llama/Llama-3.1-8B-Instruct": 8.03,
    "meta-llama/Llama-3.3-70B-Instruct": 70.6,
    "Qwen/Qwen2.5-7B-Instruct": 7.62,
    "Qwen/Qwen3-8B": 8.19,
    "Qwen/Qwen3-30B-A3B": 30.5,
    "Qwen/Qwen3-32B": 32.8,
    "mistralai/Mistral-7B-Instruct-v0.3": 7.25,
    "microsoft/phi-4": 14.7,
}


@pytest.mark.parametrize("path", ENTRIES, ids=lambda path: path.stem)
def test_an_entry_is_read_and_sized(path: Path) -> None:
    facts = read_facts(path)
    gpu = gpu_named("H200")
    assert gpu
    plan = plan_memory(facts, Engine(), gpu)
    assert plan.kv_bytes_per_token > 0
    assert facts.source.startswith("https://github.com/")
    assert file_name(facts.model) == path.name
    if facts.model in PARAMETERS:
        assert plan.weights / 2e9 == pytest.approx(PARAMETERS[facts.model], rel=0.006)
