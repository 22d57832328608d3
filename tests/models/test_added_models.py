"""Memory of adapters and speculative decoding, by vLLM's code and by buffers of the real vLLM."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from modelservice.cli import main
from modelservice.models.architecture import NotUnderstoodError, text_of
from modelservice.models.draft import draft_on_gpu
from modelservice.models.engine import Draft, Engine
from modelservice.models.facts_file import known_facts, write_facts
from modelservice.models.fit import Verdict, changes, verdict_of
from modelservice.models.gpus import GIB, Gpu
from modelservice.models.lora import lora_bytes
from modelservice.models.memory_plan import plan_memory
from modelservice.models.model_facts import ModelFacts, Tensors
from modelservice.models.weights import Lora, Split

from tests.models.test_vllm_caches import RECORDED

LARGE, SMALL = (known_facts(name, "", []) for name in ("Qwen/Qwen3-32B", "Qwen/Qwen3-4B"))
DEEPSEEK = known_facts("deepseek-ai/DeepSeek-V3", "", [])
H200 = Gpu("H200", 140 * GIB, 90)


@pytest.mark.parametrize("name", [name for name in RECORDED if "lora_bytes" in RECORDED[name]])
def test_buffers_for_adapters_equal_those_made_by_vllm(name: str) -> None:
    found = lora_bytes(text_of(RECORDED[name]["config"]), Split(), Lora(2, 16), 2)
    assert found == RECORDED[name]["lora_bytes"]


def test_buffers_for_adapters_of_experts() -> None:
    # FusedMoEWithLoRA: A of gate and up and B of down have the hidden size, the others the width of an expert; plus
    # attention, the router, and both embeddings (embedding_modules of Qwen3MoeForCausalLM).
    config = RECORDED["qwen3moe"]["config"]
    hidden, width, experts, layers = (
        config[key] for key in ("hidden_size", "moe_intermediate_size", "num_experts", "num_hidden_layers")
    )
    queries, keys = (config[key] * config["head_dim"] for key in ("num_attention_heads", "num_key_value_heads"))
    attention = 3 * hidden + queries + 2 * keys + queries + hidden
    layer = attention + hidden + experts + experts * 3 * (hidden + width)
    expected = (layers * layer + 2 * (config["vocab_size"] + hidden)) * 16 * 2
    assert lora_bytes(text_of(config), Split(), Lora(1, 16), 2) == expected


def test_each_of_several_gpus_has_a_part_of_the_buffers() -> None:
    # ColumnParallelLinearWithLoRA splits only B, RowParallelLinearWithLoRA only A.
    text = text_of(RECORDED["mistral-swa"]["config"])
    one, two, sharded = (
        lora_bytes(text, split, lora, 2)
        for split, lora in ((Split(), Lora()), (Split(2), Lora()), (Split(2), Lora(sharded=True)))
    )
    assert one / 2 < two < one
    assert sharded == one / 2


def test_buffers_of_an_unknown_architecture_are_not_guessed() -> None:
    with pytest.raises(NotUnderstoodError):
        lora_bytes(text_of(RECORDED["llama4"]["config"]), Split(), Lora(), 2)


def drafted(draft: Draft, facts: ModelFacts | None = None, **engine: Any) -> Any:
    assert LARGE
    used = Engine(release=(0, 25, 1), draft=draft, **engine)
    return draft_on_gpu(LARGE._replace(draft=facts), text_of(LARGE.config), used)


def test_an_n_gram_draft_needs_no_memory() -> None:
    assert drafted(Draft("ngram", 3)) == (0, 0, ())


def test_a_draft_model_adds_its_own_weights_and_cache() -> None:
    assert SMALL
    found = drafted(Draft("draft_model", 3, SMALL.model), SMALL)
    assert found.weights == plan_memory(SMALL, Engine(release=(0, 25, 1)), H200).weights
    assert sum(cache.nbytes for cache in found.caches) == 36 * 2 * 8 * 128 * 2  # Qwen3-4B: 36 layers, 8 heads of 128


def test_an_eagle_head_shares_the_embedding_if_it_can() -> None:
    config = {
        "architectures": ["LlamaForCausalLMEagle3"],
        "num_hidden_layers": 1,
        "hidden_size": 512,
        "vocab_size": 1024,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 128,
        "torch_dtype": "bfloat16",
    }
    tensors = (Tensors("embed_tokens.weight", "BF16", (1024, 512)), Tensors("fc.weight", "BF16", (512, 1536)))
    found = drafted(Draft("eagle3", 3, "acme/head"), ModelFacts("acme/head", "", "a test", config, tensors))
    assert (found.weights, found.unsure) == (512 * 1536 * 2, 1024 * 512 * 2)
    assert [cache.nbytes for cache in found.caches] == [2 * 2 * 128 * 2]


def test_multi_token_prediction_loads_one_more_layer() -> None:
    assert DEEPSEEK
    engine = Engine(split=Split(8), draft=Draft("deepseek_mtp", 1))
    found = draft_on_gpu(DEEPSEEK, text_of(DEEPSEEK.config), engine)
    assert found
    # The model card: 11.5 billion parameters of its own, in 8 bits over 8 GPUs; it shares the embedding and the head.
    # The projection of two states of 7168 to one is an nn.Linear, in 16 bits and on every GPU.
    projection = 2 * 7168 * 7168
    assert found.weights == pytest.approx((11.5e9 - projection) / 8 + 2 * projection, rel=0.03)
    assert [cache.nbytes for cache in found.caches] == [(512 + 64) * 2]


@pytest.mark.parametrize(
    "draft", [Draft("medusa", 3, "acme/heads"), Draft("draft_model", 3, "acme/unknown"), Draft(""), Draft("mtp", 1)]
)
def test_the_verdict_is_never_fits_if_something_is_not_counted(draft: Draft) -> None:
    assert LARGE
    engine = Engine(release=(0, 25, 1), length=4096, draft=draft)
    plan = plan_memory(LARGE, engine, H200)
    assert plan.uncounted
    assert verdict_of(plan, engine) is Verdict.TIGHT
    assert changes(LARGE, engine, H200) == []


def fit(tmp_path: Path, *args: str, gpu: str = "--gpu=H200") -> tuple[int, dict[str, Any]]:
    file = tmp_path / "service.yaml"
    file.write_text(json.dumps({"model": {"name": "Qwen/Qwen3-32B"}, "args": list(args)}))
    result = CliRunner().invoke(main, ["fit", str(file), gpu, "--format=json"])
    return result.exit_code, json.loads(result.stdout) if result.stdout else {}


def test_the_facts_of_a_draft_are_looked_up(tmp_path: Path) -> None:
    assert SMALL
    write_facts(SMALL._replace(model="acme/draft"), tmp_path / "facts" / "acme--draft.json")
    config = json.dumps({"model": "acme/draft", "num_speculative_tokens": 3})
    (_, alone), (code, both) = fit(tmp_path), fit(tmp_path, f"--speculative-config={config}")
    assert (code, both["not_counted"]) == (0, [])
    assert both["weights_bytes"] - alone["weights_bytes"] == plan_memory(SMALL, Engine(), H200).weights


def test_a_flag_that_may_need_less_memory_is_not_refused(tmp_path: Path) -> None:
    code, found = fit(tmp_path, '--hf-overrides={"num_hidden_layers": 2}', gpu="--gpu=L4")
    assert (code, found) == (3, {})
