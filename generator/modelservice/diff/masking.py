"""Mask the secrets of Kubernetes objects: a diff then shows that they differ, and not what they are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from modelservice.secret_forms import has_secret_object, is_literal, keys_secret, may_name_secret, without_forms

# Secrets → their numbers: the same secret has the same mask wherever it is.
Numbers = dict[str, int]

# What a Secret has beside its values.
_ABOUT = ("apiVersion", "kind", "metadata", "type", "immutable")
# Fields that hold the name of a secret's key.
_NAMES = ("secretKey",)
# A name in a text and what separates it from its value: API_KEY=x, "password": "x", --api-key x, password x of .netrc.
_NAME = re.compile(r"(?<![\w.-])(?P<name>[\w.-]{1,100})[\"']?(?P<mark>\s{0,20}[:=]\s{0,20}|\s{1,20}(?=\S))")
_BLOCK = re.compile(r"[|>][-+0-9]*|[\[{]|")


def masked(item: Any, numbers: Numbers) -> Any:
    """Return an object, or a part of one, with a mask in the place of each secret; new secrets get the next numbers."""
    if isinstance(item, str):
        return _text(item, numbers)
    if isinstance(item, list):
        return _words([masked(one, numbers) for one in item], numbers)
    if not isinstance(item, Mapping):
        return item
    secret, config = (str(item.get("kind")).lower() == kind for kind in ("secret", "configmap"))
    found = {}
    for key, value in item.items():
        if (secret and key not in _ABOUT) or key == "binaryData":
            found[key] = _whole(value, numbers)
        elif config and key == "data" and isinstance(value, Mapping):
            found[key] = {name: _named(str(name), text, numbers) for name, text in value.items()}
        elif key == "value" and may_name_secret(str(item.get("name"))):
            found[key] = _named(str(item["name"]), value, numbers)
        elif keys_secret(str(key)) and key not in _NAMES:
            found[key] = _named(str(key), value, numbers)
        else:
            found[key] = masked(value, numbers)
    return found


def _mask(text: str, numbers: Numbers) -> str:
    return f"(not shown, {numbers.setdefault(text, len(numbers) + 1)})"


def _whole(value: Any, numbers: Numbers) -> Any:
    if isinstance(value, Mapping):
        return {key: _whole(one, numbers) for key, one in value.items()}
    if isinstance(value, list):
        return [_whole(one, numbers) for one in value]
    return _mask(str(value), numbers) if value not in (None, "") else value


def _named(name: str, value: Any, numbers: Numbers) -> Any:
    """Return what stands under a name, masked where the name calls it a secret."""
    single = isinstance(value, str | int | float) and not isinstance(value, bool)
    if single and may_name_secret(name) and is_literal(str(value)):
        return _mask(str(value), numbers)
    return masked(value, numbers)


def _words(items: list[Any], numbers: Numbers) -> list[Any]:
    """Return a list, such as a command, with masks in the place of the words behind a secret's flag."""
    found = []
    for before, word in zip(["", *items], items, strict=False):
        flag = isinstance(before, str) and before.startswith("--") and isinstance(word, str)
        found.append(_named(before, word, numbers) if flag and not word.startswith("-") else word)
    return found


def _text(text: str, numbers: Numbers) -> str:
    if has_secret_object(text):
        return _mask(text, numbers)
    lines, block = [], None
    for line in without_forms(text, lambda found: _mask(found[0], numbers)).split("\n"):
        indent = len(line) - len(line.lstrip())
        if block is not None and (indent > block or not line.strip()):
            lines.append(line[:indent] + _mask(line[indent:], numbers) if line.strip() else line)
            continue
        begin = _value_at(line)
        value = line[begin:] if begin else ""
        block = indent if begin and _BLOCK.fullmatch(value.strip()) else None
        lines.append(line[:begin] + _mask(value, numbers) if begin and block is None else line)
    return "\n".join(lines)


def _value_at(line: str) -> int:
    """Return where the value of the first secret begins that a line names, 0 where it names none."""
    for found in _NAME.finditer(line):
        name, spaced = found["name"], not found["mark"].strip()
        value = line[found.end() :].strip("\"' ,")
        fits = not spaced or name.startswith("--") or name == "password"
        if fits and may_name_secret(name) and (is_literal(value) or not value):
            return found.end()
    return 0
