"""Parse the untrusted JSON files of a model: config.json and the index of its weights."""

from __future__ import annotations

import json
from typing import Any

# The config.json of the largest models, which lists all layers and modules that are not quantised, has 0.3 MB.
MAX_CONFIG = 4 * 1024**2
# The index of a model with 140,000 tensors has 14 MB.
MAX_INDEX = 32 * 1024**2


def json_object(content: bytes) -> dict[str, Any]:
    """Return the object in JSON text. Raises ValueError with a reason that follows the file's name in a message."""
    try:
        data = json.loads(content)
        require_text(data)
    except (ValueError, RecursionError) as error:
        raise ValueError("is not JSON") from error
    if not isinstance(data, dict):
        raise ValueError("is not a JSON object")
    return data


def require_text(data: Any) -> None:
    """Raise ValueError for a lone surrogate, which JSON can escape but UTF-8 cannot encode."""
    json.dumps(data, ensure_ascii=False).encode()


def with_quantization(config: dict[str, Any], quantization: dict[str, Any] | None) -> dict[str, Any]:
    """Return the configuration, completed with hf_quant_config.json if it has no quantization_config, as in vLLM."""
    if quantization and not config.get("quantization_config"):
        return {**config, "quantization_config": quantization}
    return config


def indexed_files(index: dict[str, Any]) -> frozenset[str]:
    """Return the files that an index of weights lists. Raises ValueError if it lists none."""
    names = index.get("weight_map")
    if not isinstance(names, dict) or not all(isinstance(name, str) for name in names.values()):
        raise ValueError("lists no files")
    return frozenset(names.values())
