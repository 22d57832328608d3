"""Compute the buffers for LoRA adapters, which vLLM allocates before it loads any.

For each slot, every linear layer and every expert gets a matrix A (highest rank by the layer's input) and a matrix B
(the layer's output by highest rank), as do the embeddings of the models that list them (`create_lora_weights` in
vllm/lora/layers, `embedding_modules` in vllm/model_executor/models).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction

from modelservice.models.architecture import Text
from modelservice.models.model_facts import Tensors
from modelservice.models.tensor_shapes import tensors_of
from modelservice.models.weights import EMBEDDING, Lora, Split, share_of

_EMBEDDINGS = {
    **dict.fromkeys(("LlamaForCausalLM", "Phi3ForCausalLM", "Qwen3ForCausalLM", "Qwen3MoeForCausalLM"), 2),
    **dict.fromkeys(("MixtralForCausalLM", "GraniteForCausalLM", "NemotronForCausalLM", "ExaoneForCausalLM"), 2),
    **dict.fromkeys(("Cohere2ForCausalLM", "CohereForCausalLM", "Olmo2ForCausalLM", "Starcoder2ForCausalLM"), 1),
}
# Models in which queries, keys and values, or gate and up, are one layer with a single A.
_ONE_LAYER = {
    "Phi3ForCausalLM": re.compile(r"\b([kv]|up)_proj\."),
    "GptOssForCausalLM": re.compile(r"experts\.\*\.up_proj\."),
}
_ROW_PARALLEL = re.compile(r"(o_proj|down_proj|out_proj|c_proj|fc2)\.weight$")
# The first release with adapters for experts.
_EXPERTS_SINCE = (0, 11, 1)


def lora_bytes(text: Text, split: Split, lora: Lora, element: int, release: tuple[int, ...] = ()) -> int:
    """Return the bytes of the buffers on one GPU. Raises NotUnderstoodError for unknown layers."""
    dense = Text(text.architecture, {**text.config, "quantization_config": None, "compression_config": None})
    sizes = [_of_layer(one, text, split, lora) for one in tensors_of(dense) if _is_adapted(one, release)]
    embeddings = _EMBEDDINGS.get(text.architecture, 0) * (text.number("vocab_size") + text.hidden)
    if split.pipeline > 1:
        sizes = [size * Fraction(-(-text.layers // split.pipeline), text.layers) for size in sizes]
    return round((sum(sizes, Fraction(0)) + embeddings) * lora.rank * lora.slots * element)


def _is_adapted(tensor: Tensors, release: tuple[int, ...]) -> bool:
    experts = ".experts." in tensor.pattern and bool(release) and release < _EXPERTS_SINCE
    is_linear = (
        len(tensor.shape) == 2 and not EMBEDDING.search(tensor.pattern) and "embed_positions" not in tensor.pattern
    )
    return is_linear and not experts


def _of_layer(tensor: Tensors, text: Text, split: Split, lora: Lora) -> Fraction:
    """Return the elements of A and B per rank, for all tensors of a pattern."""
    return tensor.copies * sum(_matrices(tensor, text, split, lora), Fraction(0))


def _matrices(tensor: Tensors, text: Text, split: Split, lora: Lora) -> Iterator[Fraction]:
    rows, columns = tensor.shape
    share = share_of(tensor, text, split)
    if ".experts." in tensor.pattern and split.experts:  # whole experts
        yield Fraction(rows + columns) * share
        return
    whole = share if lora.sharded else Fraction(1)
    a, b = (share, whole) if _ROW_PARALLEL.search(tensor.pattern) else (whole, share)
    one_layer = _ONE_LAYER.get(text.architecture)
    if not (one_layer and one_layer.search(tensor.pattern)):
        yield columns * a
    yield rows * b
