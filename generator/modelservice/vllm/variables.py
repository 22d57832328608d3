"""The environment variables that vLLM reads."""

from __future__ import annotations

from modelservice.spelling import nearest
from modelservice.vllm.facts import facts


def unknown_variable(name: str) -> str | None:
    """Return the nearest variable ("": none is near) for a VLLM_ name that no listed release reads, else None."""
    known = facts("environment")["variables"]
    if not name.startswith("VLLM_") or name in known:
        return None
    return nearest(name, known, cutoff=0.8) or ""
