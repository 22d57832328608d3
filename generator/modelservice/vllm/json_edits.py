"""Edit one key or value of a JSON option, in its JSON or in its dotted key."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from modelservice.findings import Fix
from modelservice.redact import PLACEHOLDER
from modelservice.vllm.argument_rules import in_place
from modelservice.vllm.command_line import Given, Word

Keys = tuple[str, ...]


class Part(NamedTuple):
    """A value that an argument gives to an option, with its item, its word, and the dotted keys before it."""

    item: Given
    word: Word
    keys: Keys
    value: Any


class Fault(NamedTuple):
    """What is wrong at a path of keys: the rule, the end of the message, and the hint.

    `key` and `value` are what to write instead of the last key or its value; `ignored` says that vLLM still starts.
    """

    path: Keys
    rule: str
    message: str
    hint: str = ""
    key: str = ""
    value: Any = None
    ignored: bool = False


def nested(keys: Keys, value: Any) -> Any:
    """Return a value inside one object for each dotted key."""
    for key in reversed(keys):
        value = {key: value}
    return value


def edited(part: Part, fault: Fault) -> Fix:
    """Return the edits that write a fault's key or value; none if it has neither, or if a key would be duplicated."""
    if not (fault.key or fault.value is not None) or not fault.path or part.item.key.endswith("+"):
        return ()
    if PLACEHOLDER in part.word.text:  # a secret must not be written over
        return ()
    *above, last = fault.path
    held = nested(part.keys, part.value)
    for key in above:
        held = held[key]
    if not isinstance(held, dict) or fault.key in held:
        return ()
    keys, text = part.keys, part.word.text
    if len(fault.path) <= len(keys) and fault.key:
        keys = (*above, fault.key, *keys[len(fault.path) :])
    elif len(fault.path) == len(keys):
        text = str(fault.value)
    else:
        changed = {fault.key if fault.key and key == last else key: value for key, value in held.items()}
        changed |= {last: fault.value} if fault.value is not None else {}
        text = json.dumps(_put(part.value, above[len(keys) :], changed), separators=(",", ":"), ensure_ascii=False)
    return _written(part, keys, text)


def _put(tree: Any, path: list[str], value: Any) -> Any:
    return {**tree, path[0]: _put(tree[path[0]], path[1:], value)} if path else value


def _written(part: Part, keys: Keys, text: str) -> Fix:
    name = ".".join([part.item.spelling, *keys])
    if part.item.attached:
        return in_place([part.item.at], [f"{name}={text}"])
    named = in_place([part.item.at], [name]) if keys != part.keys else ()
    return (*named, *(in_place([part.word.at], [text]) if text != part.word.text else ()))
