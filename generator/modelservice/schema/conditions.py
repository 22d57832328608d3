"""Evaluate the conditions under which a form shows a field: Rancher's `show_if` in a questions.yaml.

`key=text` compares, `key=` means empty, `key` means not empty; `&&` binds closer than `||`. Not used here: `!=`, which
Rancher's dashboard misreads (shell/components/Questions/index.vue reads the `!` as part of the key).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def holds(condition: str, value_of: Callable[[str], Any]) -> bool:
    """Return whether a condition is true for the values of its keys; an empty condition is true."""
    if "||" in condition:
        return any(holds(part, value_of) for part in condition.split("||"))
    if "&&" in condition:
        return all(holds(part, value_of) for part in condition.split("&&"))
    key, compared, wanted = condition.partition("=")
    return not key or (_text(value_of(key)) == wanted if compared else bool(value_of(key)))


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)
