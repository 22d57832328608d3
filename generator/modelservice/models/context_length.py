"""Read a model's longest context from its configuration: every vLLM release refuses a larger `--max-model-len`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

# `derive_max_model_len_and_key` in vLLM's transformers_utils/model_arch_config_convertor.py, which uses the smallest.
_KEYS = (
    *("max_position_embeddings", "n_positions", "max_seq_len", "seq_length", "model_max_length"),
    *("max_target_positions", "max_sequence_length", "max_seq_length", "seq_len"),
)
_INSIDE = ("text_config", "llm_config", "language_config", "decoder")
# Kinds of RoPE scaling for which the length is already scaled: `_get_and_verify_max_len` in vLLM's config/model.py.
_SCALED = ("su", "longrope", "llama3", "deepseek_llama_scaling")
_MOST = 2**40


def longest_context(config: Mapping[str, Any]) -> int | None:
    """Return the most tokens that any vLLM release allows, or None if the configuration does not set a length.

    Releases apply YaRN's factor differently; this returns the largest result.
    """
    text: Any = next((config[key] for key in _INSIDE if isinstance(config.get(key), Mapping)), config)
    lengths = [size for key in _KEYS if (size := _number(text.get(key)))]
    if not lengths:
        return None
    longest = _number(text.get("model_max_length")) or min(lengths)
    if "gemma3" in str(config.get("model_type", "")) or "gemma3" in str(text.get("model_type", "")):
        return int(longest)
    return int(max([longest, *(_scaled(longest, rope) for rope in _ropes(text))]))


def _ropes(text: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for key in ("rope_parameters", "rope_scaling"):
        found = text.get(key)
        if isinstance(found, Mapping):
            yield found
            yield from (one for one in found.values() if isinstance(one, Mapping))


def _scaled(longest: float, rope: Mapping[str, Any]) -> float:
    factor = _number(rope.get("factor"))
    if not factor or rope.get("rope_type", rope.get("type")) in _SCALED:
        return 0
    if "yarn" in str(rope.get("rope_type", rope.get("type"))):
        return (_number(rope.get("original_max_position_embeddings")) or longest) * factor
    return longest * factor


def _number(value: Any) -> float:
    """Return a positive number, or 0 for anything else."""
    return value if isinstance(value, int | float) and 0 < value < _MOST else 0
