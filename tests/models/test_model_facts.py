"""Facts of models."""

from modelservice.models.architecture import caches_of, context_of, text_of
from modelservice.models.model_facts import ModelFacts, Tensors, as_json, collapsed


def test_tensors_that_differ_in_numbers_are_counted_together() -> None:
    tensors = [(f"model.layers.{layer}.mlp.down_proj.weight", "BF16", (8, 4)) for layer in range(3)]
    found = collapsed(
        [*tensors, ("lm_head.weight", "F8_E4M3", (10, 8)), ("model.layers.3.mlp.down_proj.weight", "U8", (8, 2))]
    )
    assert found == (
        Tensors("lm_head.weight", "F8_E4M3", (10, 8)),
        Tensors("model.layers.*.mlp.down_proj.weight", "BF16", (8, 4), 3),
        Tensors("model.layers.*.mlp.down_proj.weight", "U8", (8, 2)),
    )
    assert [one.nbytes for one in found] == [80, 192, 16]


def test_facts_as_json() -> None:
    facts = ModelFacts("a/b", "c0ffee", "a test", {"hidden_size": 8}, (Tensors("x", "F4", (3, 2), 2),), {"x.bin": 6})
    assert as_json(facts)["tensors"] == [["x", "F4", [3, 2], 2]]
    assert (facts.download_bytes, facts.tensors[0].nbytes) == (6, 6)


def test_a_language_model_inside_another_has_the_defaults_of_its_class() -> None:
    # google/gemma-3-4b-it: its text_config leaves out the heads and the length.
    inside = {"hidden_size": 2560, "num_hidden_layers": 34, "sliding_window": 1024, "model_type": "gemma3_text"}
    rope = {"rope_scaling": {"rope_type": "linear", "factor": 8.0}}
    text = text_of({"architectures": ["Gemma3ForConditionalGeneration"], "text_config": {**inside, **rope}})
    assert (text.heads, text.kv_heads, text.head_dim, context_of(text)) == (8, 4, 256, 131_072)
    assert sum(cache.nbytes for cache in caches_of(text)) == 34 * 2 * 4 * 256 * 2
