"""Know what vLLM needs to score with a reranker that was published as a language model."""

from __future__ import annotations

import json
import re
from typing import Any

# vLLM computes a score from the logits of these tokens; without them it looks for a layer that the weights do not have.
# Source: "Load the official original …" in vLLM's docs/models/pooling_models/scoring.md.
_OVERRIDES: dict[str, dict[str, Any]] = {
    r"Qwen/Qwen3-Reranker-(0\.6B|4B|8B)": {
        "architectures": ["Qwen3ForSequenceClassification"],
        "classifier_from_token": ["no", "yes"],
        "is_original_qwen3_reranker": True,
    },
    r"BAAI/bge-reranker-v2-gemma": {
        "architectures": ["GemmaForSequenceClassification"],
        "classifier_from_token": ["Yes"],
        "method": "no_post_processing",
    },
    r"mixedbread-ai/mxbai-rerank-(base|large)-v2": {
        "architectures": ["Qwen2ForSequenceClassification"],
        "classifier_from_token": ["0", "1"],
        "method": "from_2_way_softmax",
    },
}
# https://docs.vllm.ai/en/v0.10.2/examples/offline_inference/qwen3_reranker.html is the oldest page that was read.
_SINCE = (0, 10, 2)


def overrides_of(model: str, release: tuple[int, ...]) -> str:
    """Return the argument that a well-known reranker needs to score, or "".

    `release` is vLLM's, or empty if it is unknown.
    """
    found = next((one for name, one in _OVERRIDES.items() if re.fullmatch(name, model)), None)
    return f"--hf-overrides={json.dumps(found)}" if found and release >= _SINCE else ""
