"""Tell which parsers of vLLM read a model's tool calls and its reasoning."""

from __future__ import annotations

import functools
import json
from typing import Any

from modelservice.schema.source import SCHEMAS
from modelservice.vllm.flags import command_line

_FLAGS = {"toolCallParser": "--tool-call-parser", "reasoningParser": "--reasoning-parser"}


def parsers_of(model: str, release: str) -> dict[str, tuple[str, str]]:
    """Return the parsers that vLLM's recipe for the model names, as `model.toolCallParser` → (name, source).

    `release` is a listed release of vLLM; a parser that it does not have is left out. The recipes' quantised
    checkpoints of a model have its parsers.
    """
    catalogue, line = _catalogue(), command_line(release)
    named = catalogue["models"].get(model, {})
    return {
        f"model.{field}": (name, catalogue["source"])
        for field, name in named.items()
        if name in line[_FLAGS[field]].values
    }


@functools.cache
def _catalogue() -> dict[str, Any]:
    catalogue: dict[str, Any] = json.loads((SCHEMAS / "model-parsers.json").read_text())
    return catalogue
