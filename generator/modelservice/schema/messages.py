"""Turn jsonschema's errors into messages (what was found, what is allowed, what to write) and edits."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from modelservice.findings import Action, Edit, Fix
from modelservice.redact import shown
from modelservice.schema.foreign_words import GPU_TYPE
from modelservice.schema.format_hints import Error, Hint, format_hint, set_value, unquoted, write
from modelservice.schema.short_forms import in_full, is_variable
from modelservice.vllm.argument_rules import quoted_item

# The pattern of a field that an empty text leaves out and that is otherwise not text: as written, and as anchored for
# Python in validation.py.
_EMPTY = ("^$", r"^\Z")
TYPES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a map of keys",
    "null": "null",
}


class Words(NamedTuple):
    """The words for an error: the message, the hint, and the edits that the hint means."""

    message: str
    hint: str
    fix: Fix = ()


def worded(error: Error, written: str) -> tuple[str, Words]:
    """Return the id of the rule that an error breaks, and the words for the error.

    `written` is the plain scalar as written in its file, or "" if the value is not one: 1.10 is read as 1.1.
    """
    if error.validator == "type" and "enum" in error.schema and isinstance(error.instance, bool | int | float | str):
        return "not-allowed", _not_allowed(error)
    if error.validator == "type" or (error.validator == "pattern" and error.validator_value in _EMPTY):
        return "wrong-type", _wrong_type(error, written)
    rule, words = _WORDS.get(error.validator, ("bad-format", _generic))
    return rule, words(error)


def _remove(error: Error, *inside: str) -> Fix:
    return (Edit(Action.REMOVE, (*error.absolute_path, *inside)),)


def _wrong_type(error: Error, written: str) -> Words:
    stated = error.schema["type"]
    wanted = [stated] if isinstance(stated, str) else list(stated)
    wanted = [name for name in wanted if not (name == "integer" and "number" in wanted)]
    if error.schema.get("pattern") in _EMPTY:
        wanted.remove("string")
    named = " or ".join(TYPES[name] for name in wanted if name != "null")
    said = _as_written(error.instance, written)
    return Words(f"{said} is not {named}", *_type_hint(error, wanted, said))


def _as_written(value: Any, written: str) -> str:
    """Return a value as messages show it, a number as its file has it."""
    try:
        same = isinstance(value, int | float) and float(written) == float(value)
    except (ValueError, OverflowError):
        same = False
    return written if same else shown(value)


def _type_hint(error: Error, wanted: list[str], said: str) -> Hint:
    value, kind = error.instance, wanted[0]
    if value is None:
        return _null_hint(error)
    meant = in_full(error.absolute_path[-1], value, error.schema) if error.absolute_path else None
    if meant is not None:
        return _in_full_hint(error, meant)
    if isinstance(value, list | dict):
        return _shape_hint(error, kind), ()
    if kind == "string" and error.schema.get("x-form") == "tag":
        return f'write it in quotes, "{said}", or write the release\'s whole tag, such as {error.schema["default"]}', ()
    if isinstance(value, bool) and (expected := str(error.schema.get("x-expects"))).startswith("the name of "):
        return f"write {expected}", ()
    if kind == "string":
        return _text_hint(error, said)
    if kind == "array":
        return _list_hint(error)
    if kind == "object":
        part, *inside = [str(key) for key in error.absolute_path if isinstance(key, str)] or [""]
        return (not inside and _MAPS.get(part)) or _map_hint(error), ()
    return _scalar_hint(error, kind, str(value))


def _text_hint(error: Error, said: str) -> Hint:
    """Return the hint to put a number or a boolean in quotes, unless it also lacks a unit or is no text of the form."""
    pattern, examples = (
        error.schema.get("pattern", ""),
        [*error.schema.get("examples", ()), error.schema.get("default")],
    )
    if re.search(pattern, said):
        return f'write it in quotes: "{said}"', set_value(error, said)
    if re.search(pattern, f"{said}s"):  # a duration
        return write(error, f"{said}s")
    return f"write one such as {examples[0]}" if examples[0] else f"write {error.schema.get('x-expects', 'text')}", ()


def _scalar_hint(error: Error, kind: str, text: str) -> Hint:
    """Return the hint for text where a boolean or a number is wanted."""
    if kind == "boolean":
        plain = text.lower()
        if plain not in ("true", "false"):
            return "write true or false", ()
        return f"write {plain} without quotes", set_value(error, plain == "true")
    if re.fullmatch(r"-?\d+", text):
        return unquoted(error, text)
    what, usual = "whole number" if kind == "integer" else "number", error.schema.get("default")
    return f"write a {what}{f', such as {usual}' if usual else ''}", ()


def _null_hint(error: Error) -> Hint:
    what = "item" if error.absolute_path and isinstance(error.absolute_path[-1], int) else "key"
    return f"give a value, or remove the {what}", _remove(error)


def as_variable(error: Error) -> Hint | None:
    """Return the hint for a variable that is written as NAME: value, or None for other maps."""
    if not is_variable(error.schema) or error.schema["properties"].keys() & error.instance.keys():
        return None
    meant = in_full("", error.instance, error.schema)
    return None if meant is None else _in_full_hint(error, meant)


# What to write instead of a single value.
_MAPS = {
    "env": "write its name and value",
    "envFrom": "write configMapRef or secretRef, with a name",
    "image": "write its repository and tag",
    "volumes": "write its name and source, such as persistentVolumeClaim, and its path in volumeMounts",
    "gpu": f"write the number of GPUs in gpu.count; {GPU_TYPE}",
}


def _map_hint(error: Error) -> str:
    """Return the hint to write a map, which names its keys if they are few."""
    keys = [key for key, child in error.schema.get("properties", {}).items() if "not" not in child]
    named = f": {', '.join(keys)}" if 0 < len(keys) <= _FEW else ""
    return f"write its keys on lines of their own, indented{named}"


_FEW = 6


def _in_full_hint(error: Error, meant: Any) -> Hint:
    if isinstance(meant, dict):
        return f"write {', '.join(_flow(meant))}", set_value(error, meant)
    if isinstance(meant, str):
        shown_text = quoted_item(meant) if error.schema.get("x-form") == "argument" else meant
        return f"write {shown_text}", set_value(error, meant)
    if not meant:
        return "write []", set_value(error, meant)
    if isinstance(meant[0], dict):
        return "write a list of items with name and value", set_value(error, meant)
    if error.absolute_path[-1] != "args":
        return f'write a list: "- {meant[0]}"', set_value(error, meant)
    if len(meant) > _FEW:
        return 'write a list, each argument on a line that begins with "- "', set_value(error, meant)
    return f"write a list: {', '.join(map(quoted_item, meant))}", set_value(error, meant)


def _flow(keys: dict[str, Any]) -> list[str]:
    """Return keys and values as a hint shows them; an empty map is written as {}."""
    if not keys:
        return ["{}"]
    return [f"{key}: {_flow_value(value)}" for key, value in keys.items()]


def _flow_value(value: Any) -> Any:
    if isinstance(value, dict):
        return f"{{{', '.join(_flow(value))}}}" if value else "{}"
    quoted = isinstance(value, bool) or (isinstance(value, str) and not _PLAIN.fullmatch(value))
    return json.dumps(value, ensure_ascii=False) if quoted else value


# A text that YAML reads as text without quotes.
_PLAIN = re.compile(
    r"(?!(?:y|n|yes|no|on|off|true|false|null)$)"
    r"(?:[\d.+-]*[A-Za-z_/][\w./@:+-]*|\d+\.\d+\.[\w./@:+-]*)(?<!:)",
    re.IGNORECASE,
)


def _shape_hint(error: Error, kind: str) -> str:
    value = error.instance
    if error.schema.get("x-form") == "argument":
        return "write it as text, such as --flag=value; put JSON in single quotes, because YAML interprets { } and :"
    if kind == "array" and error.absolute_path[-1] == "args":
        return "write a list of arguments, such as --max-model-len=8192 for a flag with a value"
    if kind == "array" and isinstance(value, dict):
        inside = error.schema.get("items", {}).get("properties", {})
        first = next((key for key in value if key in inside), None)
        if first or "name" in inside:
            begin = f"- {first}: …" if first else f"- name: {next(iter(value), 'NAME')}"
            return f'write a list: "{begin}", and its other keys indented below'
    if kind == "string" and isinstance(value, dict) and "nodeSelector" in error.absolute_path:
        return f"write the whole key on one line, such as {error.absolute_path[-1]}.{next(iter(value), 'NAME')}: VALUE"
    if kind == "string" and isinstance(value, dict) and isinstance(value.get("host"), str):
        return f"write only the host, {value['host']}: its paths are in {error.absolute_path[0]}.paths"
    if kind == "array":
        return 'write a list: each item on a line that begins with "- "'
    if kind == "object":
        maps = all(isinstance(item, dict) for item in value)
        return 'write keys, without the "- " before them' if maps else _map_hint(error)
    return "write a single value"


def _list_hint(error: Error) -> Hint:
    text = error.instance if isinstance(error.instance, str) else json.dumps(error.instance)
    if shown(text) != json.dumps(text, ensure_ascii=False):  # long, or nothing to show
        return 'write a list: each item on a line that begins with "- "', ()
    words, items = text.split(), error.schema.get("items", {})
    if items.get("type") == "object":
        meant = in_full("", error.instance, items)
        if meant:
            return f'write a list: "- {", ".join(_flow(meant))}"', set_value(error, [meant])
        return _items_hint(str(error.absolute_path[-1]), items), ()
    if text.startswith("["):
        return "write the list without quotes around it", ()
    if words and words[0].startswith("-"):
        return 'write a list, each argument on a line that begins with "- "', ()
    if not text:
        return "write [], or remove the key", set_value(error, [])
    if len(words) > 1 and error.absolute_path[0] == "command" and re.fullmatch(r"[\w./:=@ -]+", text):
        return f"write a list: [{', '.join(words)}]", set_value(error, words)
    if len(text) >= 40 or len(words) > 1:
        return 'write a list: each item on a line that begins with "- "', ()
    return f'write a list: "- {text}"', set_value(error, [text])


def _items_hint(part: str, items: Any) -> str:
    """Return the hint to write a list of maps, with what is said about the items of a part, or their first keys."""
    needed = items.get("required", ())
    keys = [*needed, *(key for key in items.get("properties", ()) if key not in needed)][:2]
    if part in _MAPS:
        return f'write a list: in each item, which begins with "- ", {_MAPS[part]}'
    return f'write a list: each item begins with "- "{" and is a map with " if keys else ""}{" and ".join(keys)}'


def _not_allowed(error: Error) -> Words:
    from modelservice.spelling import nearest

    allowed = error.schema.get("enum") or [error.validator_value]
    options = [str(option) for option in allowed if option]
    short = next((option for option in options if _initials(option) == str(error.instance).upper()), None)
    short = short or next((one for one in options if one == _SYNONYMS.get(str(error.instance).lower())), None)
    # Among many options, one is always a little similar.
    near = short or nearest(str(error.instance), options, cutoff=0.5 if len(options) <= 12 else 0.75)
    listed = ", ".join(json.dumps(option) if option == "" else str(option) for option in allowed)
    if len(allowed) == 1:
        message = f"{shown(error.instance)} is not {listed}, the only allowed value"
        return Words(message, f"write {listed}", set_value(error, allowed[0]))
    message = f"{shown(error.instance)} is not one of {listed}"
    if not near:
        return Words(message, "choose one of them")
    return Words(message, f"did you mean {near}?", set_value(error, next(one for one in allowed if str(one) == near)))


# What people write for an allowed value that is spelled otherwise.
_SYNONYMS = {"keda": "ScaledObject", "hf": "huggingface", "chat": "generate", "rerank": "score", "classify": "score"}


def _initials(option: str) -> str:
    """Return RWX for ReadWriteMany, as kubectl shows it, and HPA for HorizontalPodAutoscaler."""
    return re.sub("[a-z]", "", option.replace("Many", "X"))


def _bad_format(error: Error) -> Words:
    text = str(error.instance)
    expected = error.schema.get("x-expects") or f"of the form {error.validator_value}"
    if text.endswith("\n") and re.search(error.validator_value, text.rstrip("\n")):
        hint = "write it on one line, without | or >"
        return Words(f"{shown(text)} ends with a line break", hint, set_value(error, text.rstrip("\n")))
    return Words(f"{shown(text)} is not {expected}", *format_hint(text, error))


def _out_of_range(error: Error) -> Words:
    low, high = error.schema.get("minimum"), error.schema.get("maximum")
    if {"examples", "x-expects"} <= error.schema.keys():
        example, given = str(error.schema["examples"][0]), str(error.instance)
        octal = example.startswith("0") and re.fullmatch("[4-7][04-7]{2}", given)  # a mode without its 0
        hint, fix = (
            (f"write 0{given}", set_value(error, int(given, 8))) if octal else (f"write one such as {example}", ())
        )
        return Words(f"{shown(error.instance)} is not {error.schema['x-expects']}", hint, fix)
    # The maximum of many Kubernetes fields does not help to choose a sensible value.
    if low is not None and high not in (None, 2**31 - 1):
        return Words(f"{shown(error.instance)} is not between {low} and {high}", f"write a number from {low} to {high}")
    if error.validator == "minimum":
        return Words(f"{shown(error.instance)} is less than {low}", f"write at least {low}")
    return Words(f"{shown(error.instance)} is more than {high}", f"write at most {high}")


_COUNTED = {"Length": "characters", "Items": "items", "Properties": "keys"}


def _wrong_length(error: Error) -> Words:
    limit, length, expected = error.validator_value, len(error.instance), error.schema.get("x-expects")
    too_long = error.validator.startswith("max")
    if error.validator.endswith("Properties") and expected:
        found = " and ".join(error.instance) or "no key"
        if too_long:
            return Words(f"has {found}, but may have only {expected}", "remove the extra keys")
        return Words(f"has {found}, but needs {expected}", "add it")
    what = next(words for end, words in _COUNTED.items() if error.validator.endswith(end))
    if limit == 0:
        return Words("must be empty here", "remove it", _remove(error))
    if too_long:
        are = "is" if limit == 1 else "are"
        message = f"has {_count(length, what)}, but at most {limit} {are} allowed"
        return Words(message, f"shorten it to {_count(limit, what)}")
    return Words(f"has {_count(length, what)}, but needs at least {limit}", "give a value, or remove the key")


def _count(number: int, what: str) -> str:
    return f"{number} {what.removesuffix('s') if number == 1 else what}"


def _duplicate(error: Error) -> Words:
    index, twice = next((at, item) for at, item in enumerate(error.instance) if item in error.instance[:at])
    return Words(f"{shown(twice)} is listed twice", "keep one", (Edit(Action.REMOVE, (*error.absolute_path, index)),))


def _generic(error: Error) -> Words:
    keys = error.validator_value.get("required", []) if error.validator == "not" else []
    if len(keys) == 1:
        message = f"{keys[0]} is {error.schema.get('x-expects', 'not allowed here')}"
        return Words(message, f"remove {keys[0]}", _remove(error, keys[0]))
    if keys:
        return Words(f"{' and '.join(keys)} are mutually exclusive", "keep one of them")
    message = f"{shown(error.instance)} is not {error.schema.get('x-expects', 'allowed here')}"
    return Words(message, "remove it", _remove(error))


_WORDS: dict[str, tuple[str, Callable[[Error], Words]]] = {
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
