"""Read from a model's configuration how long a request may be, and how long vLLM allows it to be by default."""

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
# Since this release, that is so for YaRN too; before, its factor multiplied the original length.
_YARN_IS_SCALED_SINCE = (0, 30)
_MOST = 2**40


def longest_context(config: Mapping[str, Any], release: tuple[int, ...] = ()) -> int | None:
    """Return the most tokens that a vLLM release allows, or None if the configuration does not set a length.

    `release` are its numbers, such as (0, 33, 0); without them, this returns the most that any release allows.
    """
    text: Any = next((config[key] for key in _INSIDE if isinstance(config.get(key), Mapping)), config)
    lengths = [size for key in _KEYS if (size := _number(text.get(key)))]
    if not lengths:
        return None
    longest = _number(text.get("model_max_length")) or min(lengths)
    if "gemma3" in str(config.get("model_type", "")) or "gemma3" in str(text.get("model_type", "")):
        return int(longest)
    scaled = [size for rope in _ropes(text) if (size := _scaled(longest, rope, release))]
    return int(scaled[-1] if release and scaled else max([longest, *scaled]))


def default_context(config: Mapping[str, Any], release: tuple[int, ...] = ()) -> int | None:
    """Return the longest request without `--max-model-len`, or None: with LongRoPE, the length before scaling."""
    if any(rope_kind(rope) == "longrope" for rope in _ropes(config)):
        return int(_number(config.get("original_max_position_embeddings"))) or longest_context(config, release)
    return longest_context(config, release)


def _ropes(text: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for key in ("rope_parameters", "rope_scaling"):
        found = text.get(key)
        if isinstance(found, Mapping):
            yield found
            yield from (one for one in found.values() if isinstance(one, Mapping))


def rope_kind(rope: Mapping[str, Any]) -> str:
    """Return the kind of a RoPE configuration, such as "yarn"."""
    return str(rope.get("rope_type", rope.get("type", "default")))


def _scaled(longest: float, rope: Mapping[str, Any], release: tuple[int, ...]) -> float:
    """Return the length that a kind of RoPE makes of another one, or 0 if it leaves it."""
    factor, kind = _number(rope.get("factor")), rope_kind(rope)
    if not factor or kind in _SCALED:
        return 0
    if "yarn" not in kind:
        return longest * factor
    if release >= _YARN_IS_SCALED_SINCE:
        return 0
    return (_number(rope.get("original_max_position_embeddings")) or longest) * factor


def _number(value: Any) -> float:
    """Return a positive number, or 0 for anything else."""
    return value if isinstance(value, int | float) and 0 < value < _MOST else 0
