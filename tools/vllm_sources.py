"""Find where the sources of a vLLM release define a name, without importing them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple


class Place(NamedTuple):
    """A name's definition, and its module."""

    module: str
    node: ast.stmt


class Sources:
    """The modules of a release, each parsed when it is first needed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._modules: dict[str, dict[str, ast.stmt]] = {}

    def names(self, module: str) -> dict[str, ast.stmt]:
        """Return the definitions and imports of a module by name."""
        if module not in self._modules:
            base = self.folder.joinpath(*module.split("."))
            files = [path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file()]
            tree = ast.parse(files[0].read_text(encoding="utf-8")) if files else ast.Module([], [])
            self._modules[module] = dict(_defined(tree.body))
        return self._modules[module]

    def find(self, module: str, name: str) -> Place | None:
        """Return where a name that a module uses is defined, or None outside vLLM."""
        node = self.names(module).get(name)
        if not isinstance(node, ast.ImportFrom):
            return Place(module, node) if node else None
        origin = _origin(module, node, (self.folder / Path(*module.split(".")) / "__init__.py").is_file())
        wanted = next((one.name for one in node.names if (one.asname or one.name) == name), name)
        return self.find(origin, wanted) if origin.startswith("vllm") and (origin, wanted) != (module, name) else None


def _defined(body: list[ast.stmt]) -> Iterator[tuple[str, ast.stmt]]:
    for node in body:
        if isinstance(node, ast.ImportFrom):
            yield from ((one.asname or one.name, node) for one in node.names)
        elif isinstance(node, ast.ClassDef | ast.FunctionDef):
            yield node.name, node
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            yield node.targets[0].id, node
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
            yield node.target.id, node
        elif isinstance(node, ast.If):
            # The branch for run time, such as `= Any`, is last and replaces definitions for type checkers.
            yield from _defined(node.body)
            yield from _defined(node.orelse)
        elif isinstance(node, ast.Try):
            yield from _defined(node.body)


def _origin(module: str, node: ast.ImportFrom, package: bool) -> str:
    if not node.level:
        return node.module or ""
    parts = module.split(".")
    base = parts[: len(parts) - node.level + (1 if package else 0)]
    return ".".join([*base, *([node.module] if node.module else [])])
