"""Create the chart's values.yaml, with a comment above every value, in the order of the console's tabs."""

from __future__ import annotations

import textwrap
from typing import Any

from modelservice.findings import Path
from modelservice.schema.fields import Field
from modelservice.writing.dump import dump


def values_yaml(fields: tuple[Field, ...], values: dict[str, Any], origin: str) -> str:
    """Return the values with a comment above every key, grouped by the console's tabs."""
    by_path = {field.path: field for field in fields}
    lines = [f"# {origin.removeprefix('# ')}", ""]
    tab = ""
    for key, value in values.items():
        first = next(field for field in fields if field.path[0] == key)
        if first.tab != tab:
            tab = first.tab
            lines += [f"# {tab} {'-' * (100 - len(tab))}", ""]
        lines += _commented((key,), value, by_path)
    return "\n".join(lines).rstrip() + "\n"


def _commented(path: Path, value: Any, by_path: dict[Path, Field]) -> list[str]:
    indent = "  " * (len(path) - 1)
    if path not in by_path and isinstance(value, dict):
        inner = [line for key, child in value.items() for line in _commented((*path, key), child, by_path)]
        return [f"{indent}{path[-1]}:", *inner] if inner else []
    lines = [f"{indent}{line}" for line in dump({path[-1]: value}).splitlines()]
    comment = _comment(by_path[path], value, 110 - len(indent)) if path in by_path else []
    return [*(f"{indent}# {line}" for line in comment), *lines, ""]


def _comment(field: Field, value: Any, width: int) -> list[str]:
    comment = textwrap.wrap(field.description, width, break_on_hyphens=False)
    if field.schema.get("examples") and not value:
        example = dump({field.path[-1]: field.schema["examples"][0]})
        comment += ["For example:", *(f"  {line}" for line in example.splitlines())]
    return comment
