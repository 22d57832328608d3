"""An error of jsonschema in, the words for a person out: what was found, what is allowed, what to write."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from modelservice.secrets import may_hold_secret

# A jsonschema ValidationError; its stubs say of every part that it may be anything.
_Error = Any
Said = tuple[str, str]  # message, hint
TYPES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a map of keys",
    "null": "null",
}


def worded(error: _Error) -> tuple[str, Said]:
    """Return the id of the rule that an error breaks, and what to say of it."""
    rule, words = _WORDS.get(error.validator, ("bad-format", _generic))
    return rule, words(error)


def shown(value: Any) -> str:
    """Return a value as messages show it: short, and never a secret."""
    if isinstance(value, Mapping):
        return "a map of keys" if value else "{}"
    if isinstance(value, list):
        return "a list" if value else "[]"
    if isinstance(value, str) and may_hold_secret(value):
        return "a secret (not shown)"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}…"


def _wrong_type(error: _Error) -> Said:
    wanted = [error.validator_value] if isinstance(error.validator_value, str) else list(error.validator_value)
    wanted = [name for name in wanted if not (name == "integer" and "number" in wanted)]
    named = " or ".join(TYPES[name] for name in wanted if name != "null")
    return f"{shown(error.instance)} is not {named}", _type_hint(error, wanted)


def _type_hint(error: _Error, wanted: list[str]) -> str:
    value, kind = error.instance, wanted[0]
    if value is None:
        return "give a value, or remove the key"
    if isinstance(value, list | dict):
        return _shape_hint(error, kind)
    if kind == "string":
        return f'write it in quotes: "{json.dumps(value)}"'
    if kind in ("array", "object"):
        return _list_hint(error) if kind == "array" else "write its keys on lines of their own, indented"
    text = str(value)
    if kind == "boolean":
        return f"write {text.lower()} without quotes" if text.lower() in ("true", "false") else "write true or false"
    if re.fullmatch(r"-?\d+", text):
        return f"write {text} without quotes"
    return f"write a {'whole number' if kind == 'integer' else 'number'}, such as {error.schema.get('default') or 1}"


def _shape_hint(error: _Error, kind: str) -> str:
    value = error.instance
    if kind == "string" and isinstance(value, dict) and error.absolute_path and error.absolute_path[0] == "args":
        return "put the whole argument in single quotes, as YAML reads { } and : for itself"
    if kind == "array" and isinstance(value, dict):
        first = next(iter(value), "NAME")
        inside = error.schema.get("items", {}).get("properties", {})
        begin = f"- {first}: …" if first in inside else f"- name: {first}"
        return f'write a list: "{begin}", and its other keys indented below'
    if kind == "array":
        return 'write a list: each item on a line that begins with "- "'
    if kind == "object":
        return 'write keys, without the "- " before them'
    return "write a single value"


def _list_hint(error: _Error) -> str:
    if may_hold_secret(str(error.instance)):
        return 'write a list of "- " lines'
    words = str(error.instance).split()
    if words and words[0].startswith("-"):
        return 'write a list, each argument on a line that begins with "- "'
    return f'write a list: "- {error.instance}"' if len(str(error.instance)) < 40 else 'write a list of "- " lines'


def _not_allowed(error: _Error) -> Said:
    from modelservice.suggest import nearest

    allowed = error.validator_value if error.validator == "enum" else [error.validator_value]
    options = [str(option) for option in allowed if option]
    short = next((option for option in options if _initials(option) == str(error.instance).upper()), None)
    near = short or nearest(str(error.instance), options, cutoff=0.5)
    listed = ", ".join(json.dumps(option) if option == "" else str(option) for option in allowed)
    if len(allowed) == 1:
        return f"{shown(error.instance)} is not {listed}, the only value there is", f"write {listed}"
    return f"{shown(error.instance)} is none of {listed}", f"did you mean {near}?" if near else "choose one of them"


def _initials(option: str) -> str:
    """Return RWX for ReadWriteMany, as kubectl shows it, and HPA for HorizontalPodAutoscaler."""
    return re.sub("[a-z]", "", option.replace("Many", "X"))


# What people write for a quantity's unit → Kubernetes' own.
_UNITS = {"k": "Ki", "kb": "Ki", "kib": "Ki", "m": "Mi", "mb": "Mi", "mib": "Mi", "g": "Gi", "gb": "Gi", "gib": "Gi"}
_UNITS |= {"t": "Ti", "tb": "Ti", "tib": "Ti", "gi": "Gi", "mi": "Mi", "ki": "Ki", "ti": "Ti", "gig": "Gi"}


_HUB_ID_HINT = "write the id as the model's page on the hub shows it, such as Qwen/Qwen3-8B"


def _bad_format(error: _Error) -> Said:
    text = str(error.instance)
    expected = error.schema.get("x-expects") or f"of the form {error.validator_value}"
    if text.endswith("\n") and re.search(error.validator_value, text.rstrip("\n")):
        return f"{shown(text)} ends with a line break", "write it on one line, without | or >"
    if may_hold_secret(text):
        return f"{shown(text)} is not {expected}", "correct it, or remove the key"
    return f"{shown(text)} is not {expected}", _format_hint(text, expected, error)


def _format_hint(text: str, expected: str, error: _Error) -> str:
    amount = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]+)", text)
    quantity = f"{amount[1]}{_UNITS[amount[2].lower()]}" if amount and amount[2].lower() in _UNITS else ""
    if "quantity" in expected and quantity and re.search(error.validator_value, quantity):
        return f"write {quantity}"
    if "model id" in expected and ":" in text:
        parts = text.rstrip("/").split("/")
        return f"write {'/'.join(parts[3:5])}" if text.startswith("http") and len(parts) > 4 else _HUB_ID_HINT
    if "image without its tag" in expected and (":" in text or "@" in text):
        return f"write the part behind the {'@ in image.digest' if '@' in text else 'colon in image.tag'}"
    if text.isdecimal() and error.schema.get("minimum", 0) <= int(text) <= error.schema.get("maximum", -1):
        return f"write {text} without quotes"
    cleaned = re.sub(r"[^A-Za-z0-9._/@+-]+", "_" if "variable" in expected else "-", text.strip()).strip("-")
    for mended in (
        cleaned,
        cleaned.lower(),
        cleaned.replace("--", "-"),
        f"/{cleaned}",
        text.partition("://")[2].strip("/"),
    ):
        if mended.strip("/") and mended != text and re.search(error.validator_value, mended):
            return f"write {mended}"
    examples = [*error.schema.get("examples", []), error.schema.get("default")]
    return f"write one such as {examples[0]}" if examples[0] else "correct it, or remove the key"


def _out_of_range(error: _Error) -> Said:
    low, high = error.schema.get("minimum"), error.schema.get("maximum")
    if {"examples", "x-expects"} <= error.schema.keys():
        example, given = str(error.schema["examples"][0]), str(error.instance)
        octal = example.startswith("0") and re.fullmatch("[4-7][04-7]{2}", given)  # a mode without its 0
        hint = f"write 0{given}" if octal else f"write one such as {example}"
        return f"{shown(error.instance)} is not {error.schema['x-expects']}", hint
    if low is not None and high is not None:
        return f"{shown(error.instance)} is not from {low} to {high}", f"write a number from {low} to {high}"
    bound = f"at least {low}" if error.validator == "minimum" else f"at most {high}"
    return f"{shown(error.instance)} is not {bound}", f"write {bound}"


_COUNTED = {"Length": "characters", "Items": "items", "Properties": "keys"}


def _wrong_length(error: _Error) -> Said:
    limit, length, expected = error.validator_value, len(error.instance), error.schema.get("x-expects")
    too_long = error.validator.startswith("max")
    if error.validator.endswith("Properties") and expected:
        found = ", ".join(error.instance) or "no key"
        return f"has {found}, and wants {expected}", "remove what is too much" if too_long else "add it"
    what = next(words for end, words in _COUNTED.items() if error.validator.endswith(end))
    if limit == 0:
        return f"{shown(error.instance)} is not empty", "remove it"
    if too_long:
        are = "is" if limit == 1 else "are"
        return f"has {_count(length, what)}, and at most {limit} {are} allowed", f"shorten it to {_count(limit, what)}"
    return f"has {_count(length, what)}, and at least {limit} must be there", "give a value, or remove the key"


def _count(number: int, what: str) -> str:
    return f"{number} {what.removesuffix('s') if number == 1 else what}"


def _duplicate(error: _Error) -> Said:
    twice = next((item for index, item in enumerate(error.instance) if item in error.instance[:index]), None)
    return f"{shown(twice)} stands there twice", "keep one"


def _generic(error: _Error) -> Said:
    keys = error.validator_value.get("required", []) if error.validator == "not" else []
    if len(keys) == 1:
        return f"{keys[0]} is {error.schema.get('x-expects', 'not allowed here')}", f"remove {keys[0]}"
    if keys:
        return f"{' and '.join(keys)} exclude each other", "keep one of them"
    return f"{shown(error.instance)} is not {error.schema.get('x-expects', 'allowed here')}", "remove it"


_WORDS: dict[str, tuple[str, Callable[[_Error], Said]]] = {
    "type": ("wrong-type", _wrong_type),
    "enum": ("not-allowed", _not_allowed),
    "const": ("not-allowed", _not_allowed),
    "pattern": ("bad-format", _bad_format),
    "minimum": ("out-of-range", _out_of_range),
    "maximum": ("out-of-range", _out_of_range),
    "exclusiveMinimum": ("out-of-range", _out_of_range),
    "uniqueItems": ("duplicate-item", _duplicate),
    **{
        f"{end}{what}": ("wrong-length", _wrong_length)
        for end in ("min", "max")
        for what in ("Length", "Items", "Properties")
    },
}
