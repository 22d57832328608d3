"""Mask the secrets of Kubernetes objects, so that a diff shows that they differ, but not their values."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Any

from modelservice.command_secrets import without_literals, words_without_literals
from modelservice.secret_forms import (
    has_secret_object,
    is_literal,
    keys_secret,
    may_name_secret,
    without_forms,
    without_logins,
)

# Secrets → their numbers: the same secret has the same mask everywhere.
Numbers = dict[str, int]

# The fields of a Secret that are not values.
_ABOUT = ("apiVersion", "kind", "metadata", "type", "immutable")
# Fields with the name of a secret's key, which is not secret.
_NAMES = ("secretKey",)
# A name in a text and its separator from the value: API_KEY=x, "password": "x", --api-key x, password x in .netrc.
_NAME = re.compile(r"(?<![\w.-])(?P<name>[\w.-]{1,100})[\"']?(?P<mark>\s{0,20}[:=]\s{0,20}|\s{1,20}(?=\S)|>(?=[^<\s]))")
# The keys of a registry login in Docker's and npm's files.
_LOGINS = ("auth", "_auth")
# Keys next to or below a name, with the value for that name.
_VALUES = ("value", "stringValue", "plaintext", "literal", "inline", "text")
# A password after mysql's -p; other programs use words, numbers and settings after this letter.
_GLUED = re.compile(
    r"(-p)(?!(?:ackage|arallel|assword|ath|eer|id|lugin|od|olicy|ort|refix|reserve|rint|rivate|rofile|roxy|ublic)s?\b|[^=]*=)"
    r"(?=\S{0,200}[^\s\d])(\S+)"
)
# The word after -p may be a password, unless it is a port, or the command is known to use -p for something else.
_LONE = re.compile(r"(?<![\w.-])(?<!mkdir )(?<!read )(-p\s{1,20})(?![\d.:-]+(?:\s|$))([^\s-]\S*)")
# The length of a value that is checked for a secret; checking all of it for each name would take quadratic time.
_NEAR = 200
# Longer texts are not cached.
_SHORT = 200
_BLOCK = re.compile(r"[|>][-+0-9]*|[\[{]|")


def masked(item: Any, numbers: Numbers) -> Any:
    """Return an object, or a part of one, with each secret replaced by a mask; new secrets get the next numbers."""
    if isinstance(item, str):
        return item if len(item) < _SHORT and _shows_nothing(item) else _text(item, numbers)
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
        elif key in _VALUES and (name := str(item.get("name") or item.get("key"))) and _is_called_secret(name):
            found[key] = _named(name, value, numbers)
        elif (keys_secret(str(key)) and key not in _NAMES) or key in _LOGINS or key == "secret":
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
    """Return the value of a name, masked if the name is that of a secret."""
    single = isinstance(value, str | int | float) and not isinstance(value, bool)
    if single and _is_called_secret(name) and is_literal(str(value)):
        return _mask(str(value), numbers)
    if isinstance(value, list):
        return [_named(name, one, numbers) for one in value]
    if isinstance(value, Mapping):
        return masked(
            {key: _named(name, one, numbers) if key in _VALUES else one for key, one in value.items()}, numbers
        )
    return masked(value, numbers)


@functools.lru_cache(maxsize=1024)
def _is_called_secret(name: str) -> bool:
    return may_name_secret(name) or keys_secret(name.rpartition(".")[2]) or name in _LOGINS


def _words(items: list[Any], numbers: Numbers) -> list[Any]:
    """Return a list, such as a command, with the words after a secret's flag masked."""
    found = []
    for before, word in zip(["", *items], items, strict=False):
        if before == "-p" and isinstance(word, str) and items[0] != "mkdir":
            found.append(_LONE.sub(lambda one: _lone(one, numbers), f"-p {word}").removeprefix("-p "))
            continue
        flag = isinstance(before, str) and before.startswith("-") and isinstance(word, str)
        found.append(_named(before, word, numbers) if flag and not word.startswith("-") else word)
    if not all(isinstance(word, str) for word in found):
        return found
    safe = words_without_literals(found, lambda text: _mask(text, numbers))
    return [word if " " in word else _GLUED.sub(lambda part: part[1] + _mask(part[2], numbers), word) for word in safe]


def _lone(found: re.Match[str], numbers: Numbers) -> str:
    return found[1] + (_mask(found[2], numbers) if is_literal(found[2]) else found[2])


@functools.lru_cache(maxsize=4096)
def _shows_nothing(text: str) -> bool:
    """Return whether no part of a text is masked. Cached, because the services of a fleet share most texts."""
    return _text(text, {}) == text


def _text(text: str, numbers: Numbers) -> str:
    if has_secret_object(text):
        return _mask(text, numbers)
    lines, block = [], None
    text = without_forms(text, lambda found: _mask(found[0], numbers))
    text = _LONE.sub(lambda found: _lone(found, numbers), text)
    text = without_logins(text, lambda found: f"{_mask(found[0], numbers)}@")
    for line in without_literals(text, lambda secret: _mask(secret, numbers)).split("\n"):
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
    """Return the start of the value of the first secret that a line names, or 0 if it names none."""
    for found in _NAME.finditer(line):
        name, spaced = found["name"], not found["mark"].strip()
        fits = not spaced or name.startswith("-") or name == "password"
        if fits and _is_called_secret(name):
            value = line[found.end() : found.end() + _NEAR].strip("\"' ,")
            if is_literal(value) or not value:
                return found.end()
    return 0
