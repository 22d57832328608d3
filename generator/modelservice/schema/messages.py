"""Turn jsonschema's errors into messages (what was found, what is allowed, what to write) and edits."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from modelservice.findings import Action, Edit, Fix
from modelservice.redact import PLACEHOLDER, shown
from modelservice.schema.short_forms import in_full

# A jsonschema ValidationError; its stubs type every attribute as Any.
_Error = Any
# The pattern of a field that an empty text leaves out and that is otherwise not text: as written, and as anchored for
# Python in validation.py.
_EMPTY = ("^$", r"^\Z")
# A hint, and the edits that it means.
_Hint = tuple[str, Fix]
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


def worded(error: _Error, written: str) -> tuple[str, Words]:
    """Return the id of the rule that an error breaks, and the words for the error.

    `written` is the plain scalar as written in its file, or "" if the value is not one: 1.10 is read as 1.1.
    """
    if error.validator == "type" or (error.validator == "pattern" and error.validator_value in _EMPTY):
        return "wrong-type", _wrong_type(error, written)
    rule, words = _WORDS.get(error.validator, ("bad-format", _generic))
    return rule, words(error)


def _set(error: _Error, value: Any) -> Fix:
    return (Edit(Action.SET, tuple(error.absolute_path), value),)


def _remove(error: _Error, *inside: str) -> Fix:
    return (Edit(Action.REMOVE, (*error.absolute_path, *inside)),)


def _write(error: _Error, value: Any) -> _Hint:
    return f"write {value}", _set(error, value)


def _wrong_type(error: _Error, written: str) -> Words:
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


def _type_hint(error: _Error, wanted: list[str], said: str) -> _Hint:
    value, kind = error.instance, wanted[0]
    if value is None:
        return "give a value, or remove the key", _remove(error)
    meant = in_full(str(error.absolute_path[-1]), value, error.schema) if error.absolute_path else None
    if meant is not None:
        return _in_full_hint(error, meant)
    if isinstance(value, list | dict):
        return _shape_hint(error, kind), ()
    if kind == "string":
        return f'write it in quotes: "{said}"', _set(error, said)
    if kind == "array":
        return _list_hint(error)
    if kind == "object":
        part = str(error.absolute_path[0]) if len(error.absolute_path) in (1, 2) else ""
        return _MAPS.get(part, "write its keys on lines of their own, indented"), ()
    text = str(value)
    if kind == "boolean":
        plain = text.lower()
        known = plain in ("true", "false")
        return (f"write {plain} without quotes", _set(error, plain == "true")) if known else ("write true or false", ())
    if re.fullmatch(r"-?\d+", text):
        return _unquoted(error, text)
    return (
        f"write a {'whole number' if kind == 'integer' else 'number'}, such as {error.schema.get('default') or 1}",
        (),
    )


# What to write instead of a single value.
_MAPS = {
    "env": "write its name and value",
    "envFrom": "write configMapRef or secretRef, with a name",
    "image": "write its repository and tag",
    "volumes": "write its name and source, such as persistentVolumeClaim, and its path in volumeMounts",
}


def _in_full_hint(error: _Error, meant: Any) -> _Hint:
    if isinstance(meant, dict):
        return f"write {', '.join(_flow(meant))}", _set(error, meant)
    return "write a list of items with name and value", _set(error, meant)


def _flow(keys: dict[str, Any]) -> list[str]:
    """Return keys and values as a hint shows them; an empty map is written as {}."""
    if not keys:
        return ["{}"]
    return [f"{key}: {_flow_value(value)}" for key, value in keys.items()]


def _flow_value(value: Any) -> Any:
    if isinstance(value, dict):
        return f"{{{', '.join(_flow(value))}}}" if value else "{}"
    return json.dumps(value) if value in (True, "") else value


def _unquoted(error: _Error, text: str) -> _Hint:
    # YAML 1.1 reads 0400 as an octal number.
    base = 8 if re.fullmatch("-?0[0-7]+", text) else 10
    return f"write {text} without quotes", _set(error, int(text, base)) if len(text) < 20 else ()


def _shape_hint(error: _Error, kind: str) -> str:
    value = error.instance
    if kind == "string" and isinstance(value, dict) and error.absolute_path and error.absolute_path[0] == "args":
        return "put the whole argument in single quotes, because YAML interprets { } and :"
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


def _list_hint(error: _Error) -> _Hint:
    text = error.instance if isinstance(error.instance, str) else json.dumps(error.instance)
    if shown(text) != json.dumps(text, ensure_ascii=False):  # long, or nothing to show
        return 'write a list: each item on a line that begins with "- "', ()
    words, items = text.split(), error.schema.get("items", {})
    if items.get("type") == "object":
        meant = in_full("", error.instance, items)
        hint = (
            f'write a list: "- {", ".join(_flow(meant))}"'
            if meant
            else 'write a list: each item on a line that begins with "- "'
        )
        return hint, _set(error, [meant]) if meant else ()
    if words and words[0].startswith("-"):
        return 'write a list, each argument on a line that begins with "- "', ()
    if not text:
        return "write [], or remove the key", _set(error, [])
    if len(words) > 1 and error.absolute_path[0] == "command" and re.fullmatch(r"[\w./:=@ -]+", text):
        return f"write a list: [{', '.join(words)}]", _set(error, words)
    if len(text) >= 40 or len(words) > 1:
        return 'write a list: each item on a line that begins with "- "', ()
    return f'write a list: "- {text}"', _set(error, [text])


def _not_allowed(error: _Error) -> Words:
    from modelservice.spelling import nearest

    allowed = error.validator_value if error.validator == "enum" else [error.validator_value]
    options = [str(option) for option in allowed if option]
    short = next((option for option in options if _initials(option) == str(error.instance).upper()), None)
    # Among many options, one is always a little similar.
    near = short or nearest(str(error.instance), options, cutoff=0.5 if len(options) <= 12 else 0.75)
    listed = ", ".join(json.dumps(option) if option == "" else str(option) for option in allowed)
    if len(allowed) == 1:
        message = f"{shown(error.instance)} is not {listed}, the only allowed value"
        return Words(message, f"write {listed}", _set(error, allowed[0]))
    message = f"{shown(error.instance)} is not one of {listed}"
    if not near:
        return Words(message, "choose one of them")
    return Words(message, f"did you mean {near}?", _set(error, next(one for one in allowed if str(one) == near)))


def _initials(option: str) -> str:
    """Return RWX for ReadWriteMany, as kubectl shows it, and HPA for HorizontalPodAutoscaler."""
    return re.sub("[a-z]", "", option.replace("Many", "X"))


# What people write for a quantity's unit → Kubernetes' own.
_UNITS = {"k": "Ki", "kb": "Ki", "kib": "Ki", "m": "Mi", "mb": "Mi", "mib": "Mi", "g": "Gi", "gb": "Gi", "gib": "Gi"}
_UNITS |= {"t": "Ti", "tb": "Ti", "tib": "Ti", "gi": "Gi", "mi": "Mi", "ki": "Ki", "ti": "Ti", "gig": "Gi"}


_HUB_ID_HINT = "write the id as the model's page on the hub shows it, such as Qwen/Qwen3-8B"


def _bad_format(error: _Error) -> Words:
    text = str(error.instance)
    expected = error.schema.get("x-expects") or f"of the form {error.validator_value}"
    if text.endswith("\n") and re.search(error.validator_value, text.rstrip("\n")):
        hint = "write it on one line, without | or >"
        return Words(f"{shown(text)} ends with a line break", hint, _set(error, text.rstrip("\n")))
    return Words(f"{shown(text)} is not {expected}", *_format_hint(text, error))


def _format_hint(text: str, error: _Error) -> _Hint:
    """Return the hint for a text of the wrong form; `x-form` in the schema names the kind of text that is expected."""
    form = error.schema.get("x-form")
    amount = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]+)", text)
    quantity = f"{amount[1]}{_UNITS[amount[2].lower()]}" if amount and amount[2].lower() in _UNITS else ""
    if shown(text) == shown(PLACEHOLDER):
        return "correct it, or remove the key", ()
    if re.search(r"\$[({\w]", text):
        return _variable_hint(error), ()
    if re.search(r"\$\{?\w|\{\{", text):
        return "write the text itself: variables and templates in a values file are not replaced", ()
    if form == "quantity" and quantity and re.search(error.validator_value, quantity):
        return _write(error, quantity)
    if form == "model-id" and ":" in text:
        parts = text.rstrip("/").split("/")
        if text.startswith("http") and len(parts) > 4:
            return _write(error, "/".join(parts[3:5]))
        scheme, _, folder = text.rstrip("/").partition("://")
        address = f"{scheme.lower().replace('gcs', 'gs')}://{folder}"
        if address != text and re.search(error.validator_value, address):
            return _write(error, address)
        return _HUB_ID_HINT, ()
    if form == "image" and (":" in text or "@" in text):
        return f"write the part after the {'@ in image.digest' if '@' in text else 'colon in image.tag'}", ()
    if (
        text.isdecimal()
        and len(text) < 20
        and error.schema.get("minimum", 0) <= int(text) <= error.schema.get("maximum", -1)
    ):
        return _unquoted(error, text)
    return _cleaned_hint(text, form, error)


def _variable_hint(error: _Error) -> str:
    """Return the hint for $(NAME), which Kubernetes replaces only in the container's command and arguments."""
    instead = {
        "name": "; to use a variable, set command, as in [vllm, serve, $(MODEL)]",
        "servedName": "; to use a variable, write it in args, as in --served-model-name=$(NAME)",
    }
    key = str(error.absolute_path[-1]) if list(error.absolute_path)[:1] == ["model"] else ""
    return f"write the text itself{instead.get(key, '')}"


def _cleaned_hint(text: str, form: str | None, error: _Error) -> _Hint:
    if form == "model-id" and text.startswith("/"):
        return "correct the path, or mount its folder at another path", ()
    several = text.split()
    names = all(re.search(error.validator_value, one) for one in several)
    if len(several) > 1 and names and error.schema.get("uniqueItems"):
        return f"write [{', '.join(several)}] for {len(several)} names, or {'-'.join(several)} for one", ()
    cleaned = re.sub(r"[^A-Za-z0-9._/@+-]+", "_" if form == "variable" else "-", text.strip()).strip("-")
    for fixed in (
        cleaned,
        cleaned.lower(),
        cleaned.replace("--", "-"),
        f"/{cleaned}",
        text.removeprefix("v"),
        text.partition("://")[2].strip("/"),
    ):
        if fixed.strip("/") and fixed != text and ".." not in fixed and re.search(error.validator_value, fixed):
            return _write(error, fixed)
    examples = [*error.schema.get("examples", []), error.schema.get("default")]
    return f"write one such as {examples[0]}" if examples[0] else "correct it, or remove the key", ()


def _out_of_range(error: _Error) -> Words:
    low, high = error.schema.get("minimum"), error.schema.get("maximum")
    if {"examples", "x-expects"} <= error.schema.keys():
        example, given = str(error.schema["examples"][0]), str(error.instance)
        octal = example.startswith("0") and re.fullmatch("[4-7][04-7]{2}", given)  # a mode without its 0
        hint, fix = (f"write 0{given}", _set(error, int(given, 8))) if octal else (f"write one such as {example}", ())
        return Words(f"{shown(error.instance)} is not {error.schema['x-expects']}", hint, fix)
    # The maximum of many Kubernetes fields does not help to choose a sensible value.
    if low is not None and high not in (None, 2**31 - 1):
        return Words(f"{shown(error.instance)} is not between {low} and {high}", f"write a number from {low} to {high}")
    if error.validator == "minimum":
        return Words(f"{shown(error.instance)} is less than {low}", f"write at least {low}")
    return Words(f"{shown(error.instance)} is more than {high}", f"write at most {high}")


_COUNTED = {"Length": "characters", "Items": "items", "Properties": "keys"}


def _wrong_length(error: _Error) -> Words:
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


def _duplicate(error: _Error) -> Words:
    index, twice = next((at, item) for at, item in enumerate(error.instance) if item in error.instance[:at])
    return Words(f"{shown(twice)} is listed twice", "keep one", (Edit(Action.REMOVE, (*error.absolute_path, index)),))


def _generic(error: _Error) -> Words:
    keys = error.validator_value.get("required", []) if error.validator == "not" else []
    if len(keys) == 1:
        message = f"{keys[0]} is {error.schema.get('x-expects', 'not allowed here')}"
        return Words(message, f"remove {keys[0]}", _remove(error, keys[0]))
    if keys:
        return Words(f"{' and '.join(keys)} are mutually exclusive", "keep one of them")
    message = f"{shown(error.instance)} is not {error.schema.get('x-expects', 'allowed here')}"
    return Words(message, "remove it", _remove(error))


_WORDS: dict[str, tuple[str, Callable[[_Error], Words]]] = {
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
