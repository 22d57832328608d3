"""Read the names of the environment variables of a vLLM release from its sources."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

_READ = re.compile(r"""(?:environ(?:\.get\(|\[|\.pop\()|getenv\()\s*["'](VLLM_\w+)["']""")


def variables(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the VLLM_ variables of a release: the keys of `environment_variables`, and what other modules read."""
    names = set(_listed(ast.parse((folder / "vllm" / "envs.py").read_text(encoding="utf-8"))))
    for path in folder.glob("vllm/**/*.py"):
        names.update(_READ.findall(path.read_text(encoding="utf-8")))
    return {name: {} for name in sorted(names)}


def _listed(tree: ast.Module) -> list[str]:
    for node in ast.walk(tree):
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        value = getattr(node, "value", None)
        if isinstance(value, ast.Dict) and [getattr(t, "id", "") for t in targets] == ["environment_variables"]:
            keys = [str(key.value) for key in value.keys if isinstance(key, ast.Constant)]
            return [key for key in keys if key.startswith("VLLM_")]
    raise SystemExit("vllm/envs.py holds no environment_variables: has it moved?")
