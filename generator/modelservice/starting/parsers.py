"""Find vLLM's parsers for a model's tool calls and reasoning."""

from __future__ import annotations

import functools
import json
from typing import Any

from modelservice.schema.source import SCHEMAS
from modelservice.vllm.flags import command_line

_FLAGS = {"toolCallParser": "--tool-call-parser", "reasoningParser": "--reasoning-parser"}


def parsers_of(model: str, release: str) -> dict[str, tuple[str, str]]:
    """Return the parsers in vLLM's recipe for a model: (name, source) by key, such as `model.toolCallParser`.

    `release` is a listed release of vLLM; a parser that it does not have is left out. Quantized checkpoints
    in the recipes have the parsers of their model.
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
