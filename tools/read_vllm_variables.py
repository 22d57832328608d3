"""Read the names of the environment variables of a vLLM release from its sources."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

_NAMED = re.compile(r"""["'](VLLM_[A-Z0-9_]+)["']""")


def variables(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the VLLM_ variables of a release: the keys of vllm/envs.py, and names in other modules."""
    names = {name for path in folder.glob("vllm/**/*.py") for name in _NAMED.findall(path.read_text(encoding="utf-8"))}
    return {name: {} for name in sorted(names)}
