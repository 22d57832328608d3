"""Read the facts on vLLM from `schemas/vllm/`, each file once and only when needed.

`tools/vllm_data.py`, which writes them, describes their format and lives such as `0.10.0..0.12.0` or `0.13.0..`.
"""

from __future__ import annotations

import functools
import json
from typing import Any

from modelservice.schema.source import SCHEMAS


@functools.cache
def facts(name: str) -> dict[str, Any]:
    """Return one file of `schemas/vllm/`: flags, json_options, history, constraints, environment or help."""
    data: dict[str, Any] = json.loads((SCHEMAS / "vllm" / f"{name}.json").read_bytes())
    return data
