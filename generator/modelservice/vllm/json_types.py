"""Return whether pydantic accepts a JSON value for the type of a configuration's key, and describe types in words.

pydantic converts in its "lax" mode: "8" is a whole number, "yes" is true.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Sequence
from typing import Any

_TRUE_OR_FALSE = ("0", "off", "f", "false", "n", "no", "1", "on", "t", "true", "y", "yes")
_NAMES = {
    "Literal": "a known name",
    "None": "null",
    "StrictInt": "a whole number",
    "bool": "true or false",
    "dict": "a JSON object",
    "float": "a number",
    "int": "a whole number",
    "list": "a JSON list",
    "str": "text",
}
_MANY = {
    "Literal": "known names",
    "dict[Any]": "JSON objects",
    "float": "numbers",
    "list[float]": "lists of numbers",
    "int": "whole numbers",
    "int | str": "numbers or texts",
    "str": "texts",
}
_SIGNS = {">=": "at least", ">": "above", "<=": "at most", "<": "below"}
_LIMITS: dict[str, Callable[[float, float], bool]] = {
    ">=": float.__ge__,
    ">": float.__gt__,
    "<=": float.__le__,
    "<": float.__lt__,
}


def accepts(kind: str, value: Any, values: Sequence[Any], folded: Callable[[str], str]) -> bool:
    """Return whether pydantic accepts a value for a type; `values` are its Literal's, compared as `folded`."""
    return _accepts(ast.parse(kind, mode="eval").body, value, values, folded)


def _accepts(kind: ast.expr, value: Any, values: Sequence[Any], folded: Callable[[str], str]) -> bool:
    if isinstance(kind, ast.BinOp):
        return any(_accepts(one, value, values, folded) for one in (kind.left, kind.right))
    if isinstance(kind, ast.Constant):
        return value is None
    if isinstance(kind, ast.Subscript):
        items = value.values() if isinstance(value, dict) else value
        whole = isinstance(value, {"list": list, "dict": dict}[ast.unparse(kind.value)])
        return whole and all(_accepts(kind.slice, item, values, folded) for item in items)
    name = ast.unparse(kind)
    if name == "Literal":
        texts = (one for one in values if isinstance(one, str))
        return folded(value) in map(folded, texts) if isinstance(value, str) else value in values
    return _SCALARS[name](value) if name in _SCALARS else False


def _number(value: Any) -> float | None:
    try:
        return float(value) if isinstance(value, str | int | float) else None
    except (ValueError, OverflowError):
        return None


def _is_whole(value: Any) -> bool:
    number = _number(value)
    return isinstance(value, int) or (number is not None and number.is_integer())


_SCALARS: dict[str, Callable[[Any], bool]] = {
    "Any": lambda _: True,
    "bool": lambda value: value in (0, 1) or (isinstance(value, str) and value.lower() in _TRUE_OR_FALSE),
    "dict": lambda value: isinstance(value, dict),
    "float": lambda value: _number(value) is not None,
    "StrictInt": lambda value: isinstance(value, int),
    "int": _is_whole,
    "list": lambda value: isinstance(value, list),
    "str": lambda value: isinstance(value, str),
}


def inside(value: Any, limits: str) -> bool:
    """Return whether a value, if it is a number, is within limits such as `>= 0 and < 1`."""
    number = _number(value)
    pairs = [limit.split() for limit in limits.split(" and ")]
    return number is None or all(_LIMITS[sign](number, float(limit)) for sign, limit in pairs)


def words(kind: str) -> str:
    """Return a type in words, for messages."""
    return _words(ast.parse(kind, mode="eval").body)


def _words(kind: ast.expr) -> str:
    if isinstance(kind, ast.BinOp):
        return f"{_words(kind.left)} or {_words(kind.right)}"
    if isinstance(kind, ast.Subscript):
        inner = _MANY.get(ast.unparse(kind.slice), "")
        return _NAMES[ast.unparse(kind.value)] + (f" of {inner}" if inner else "")
    return _NAMES.get(ast.unparse(kind), "a JSON object")


def limits_in_words(limits: str) -> str:
    """Return limits in words, for messages."""
    return re.sub("[<>]=?", lambda found: _SIGNS[found.group()], limits)
