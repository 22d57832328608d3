"""Parse the JSON files of a model, which may be anyone's: config.json and the index of its weights."""

from __future__ import annotations

import json
from typing import Any

# config.json of the largest models, with a word for every layer and module that is not quantised, has 0.3 MB.
MAX_CONFIG = 4 * 1024**2
# The index of a model with 140,000 tensors has 14 MB.
MAX_INDEX = 32 * 1024**2


def json_object(content: bytes) -> dict[str, Any]:
    """Return the object that JSON text holds. Raises ValueError, with a reason to put behind the file's name."""
    try:
        data = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ValueError("is not JSON") from error
    if not isinstance(data, dict):
        raise ValueError("is not a JSON object")
    return data


def with_quantization(config: dict[str, Any], quantization: dict[str, Any] | None) -> dict[str, Any]:
    """Return the configuration as vLLM completes it: with what hf_quant_config.json says, where it says nothing."""
    if quantization and not config.get("quantization_config"):
        return {**config, "quantization_config": quantization}
    return config


def indexed_files(index: dict[str, Any]) -> frozenset[str]:
    """Return the files that an index of weights names. Raises ValueError for one without them."""
    names = index.get("weight_map")
    if not isinstance(names, dict) or not all(isinstance(name, str) for name in names.values()):
        raise ValueError("names no files")
    return frozenset(names.values())
