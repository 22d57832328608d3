"""Read vLLM's configuration classes from their syntax: fields, defaults, limits, validators, enums."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_LIMITS = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<"}


def fields(node: ast.ClassDef) -> Iterator[tuple[str, ast.AnnAssign]]:
    """Yield the fields of a dataclass by name."""
    for item in node.body:
        if not isinstance(item, ast.AnnAssign) or "ClassVar" in ast.unparse(item.annotation):
            continue
        if isinstance(item.target, ast.Name):
            yield item.target.id, item


def is_hidden(field: ast.AnnAssign) -> bool:
    """Return whether a field is not an argument of the class."""
    return isinstance(field.value, ast.Call) and any(
        one.arg == "init" and isinstance(one.value, ast.Constant) and one.value.value is False
        for one in field.value.keywords
    )


def is_required(default: ast.expr | None) -> bool:
    """Return whether a field has no default."""
    if not isinstance(default, ast.Call) or not ast.unparse(default.func).endswith("Field"):
        return default is None
    return not default.args and not {"default", "default_factory"} & {word.arg for word in default.keywords}


def limits_of(field: ast.AnnAssign) -> str:
    """Return the limits of a number, such as `>= 0 and < 1`."""
    calls = [node for node in ast.walk(field) if isinstance(node, ast.Call)]
    words = [word for call in calls for word in call.keywords if word.arg in _LIMITS]
    numbers = [word for word in words if isinstance(word.value, ast.Constant | ast.UnaryOp)]
    return " and ".join(f"{_LIMITS[str(word.arg)]} {ast.literal_eval(word.value):g}" for word in numbers)


def validators(node: ast.ClassDef) -> dict[str, str]:
    """Return the keys whose values a validator may change before pydantic checks them, with the validator's text.

    `key?` stands for a validator that only accepts null in addition, `key!` for one that refuses values that are not in
    a list, `*` for every key.
    """
    found: dict[str, str] = {}
    for method in (item for item in node.body if isinstance(item, ast.FunctionDef)):
        for decorator in method.decorator_list:
            text = ast.unparse(decorator)
            if not isinstance(decorator, ast.Call) or not re.match("(field|model)_validator", text):
                continue
            body = ast.unparse(method).replace("'", '"')
            names = [str(one.value) for one in decorator.args if isinstance(one, ast.Constant)] or ["*"]
            if not re.search("'(before|wrap|plain)'", text):
                refuses = re.search(" not in |not is_known", body) and "raise ValueError" in body
                found |= {f"{name}!": body for name in names if refuses}
                continue
            if text.startswith("model") and not re.search(r"\] = |\.pop\(|\.update\(", body):
                continue  # it only refuses values
            found |= {f"{name}?" if "skip_none" in method.name else name: body for name in names}
    return found


def is_enum(node: ast.ClassDef) -> bool:
    """Return whether a class is an enum."""
    return any("Enum" in ast.unparse(base) for base in node.bases)


def is_open(node: ast.ClassDef) -> bool:
    """Return whether plugins can add members to an enum: it has a method `register`."""
    return any(isinstance(item, ast.FunctionDef) and item.name == "register" for item in node.body)


def is_configuration(node: ast.ClassDef) -> bool:
    """Return whether a class is a dataclass, by its decorators."""
    return any("dataclass" in text or "config" in text for text in map(ast.unparse, node.decorator_list))


def assigned(node: ast.ClassDef) -> Iterator[tuple[str, ast.expr]]:
    """Yield the names of the members of an enum."""
    for item in node.body:
        if isinstance(item, ast.Assign) and isinstance(item.targets[0], ast.Name):
            yield item.targets[0].id, item.value


def members(node: ast.ClassDef) -> Iterator[Any]:
    """Yield the values of the members of an enum that are strings or numbers."""
    for _, value in assigned(node):
        if isinstance(value, ast.Constant) and isinstance(value.value, str | int):
            yield value.value


def registered(factory: Path) -> Iterator[str]:
    """Yield the names of the connectors that are registered in a factory."""
    for node in ast.walk(ast.parse(factory.read_text(encoding="utf-8"))):
        called = isinstance(node, ast.Call) and ast.unparse(node.func).endswith("Factory.register_connector")
        if called and isinstance(node.args[0], ast.Constant):  # type: ignore[attr-defined]
            yield str(node.args[0].value)  # type: ignore[attr-defined]
