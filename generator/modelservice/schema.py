"""Values and the plain schema in, problems worded for people out."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from modelservice.findings import Path, Problem, Severity, dotted
from modelservice.rule import Rule
from modelservice.secrets import looks_like_secret

if TYPE_CHECKING:
    from jsonschema import Draft7Validator

# A jsonschema ValidationError; its stubs say of every part that it may be anything.
_Error = Any
_SOURCE = "schemas/modelservice.schema.yaml"
RULES = tuple(
    Rule(rule_id, Severity.ERROR, summary, _SOURCE)
    for rule_id, summary in (
        ("unknown-key", "A key that there is none of."),
        ("missing-key", "A key that must stand beside the others is missing."),
        ("wrong-type", "Text where a number is wanted, and the like."),
        ("not-allowed", "A value that is none of those allowed."),
        ("bad-format", "A text that is not of the wanted form: a quantity, a name, a path."),
        ("out-of-range", "A number that is too small or too large."),
        ("wrong-length", "A text, list or map that is too short or too long."),
        ("duplicate-item", "A list in which an item stands twice."),
    )
)

_TYPES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a map of keys",
    "null": "null",
}
_Said = tuple[str, str]  # message, hint


def check_schema(data: Mapping[str, Any], schema: Mapping[str, Any]) -> list[Problem]:
    """Return every place where the values do not fit the schema (draft-07); no problem is said twice."""
    found: dict[Problem, None] = {}
    for error in _validator(_Identity(schema)).iter_errors(data):
        for leaf in _leaves(error):
            found |= dict.fromkeys(_problems(leaf, schema))
    return list(found)


class _Identity:
    """A schema as a key of the cache: the same object, not an equal one."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self.schema = schema

    def __hash__(self) -> int:
        return id(self.schema)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Identity) and other.schema is self.schema


@functools.lru_cache(maxsize=4)
def _validator(schema: _Identity) -> Draft7Validator:
    from jsonschema import Draft7Validator

    return Draft7Validator(_inlined(schema.schema, schema.schema.get("definitions", {})))


def _inlined(schema: Any, definitions: Mapping[str, Any]) -> Any:
    """Return the schema with its definitions in their references' place: looking them up takes a third of the time."""
    if isinstance(schema, Mapping):
        if str(schema.get("$ref", "")).startswith("#/definitions/"):
            # What stands beside a reference is prose: draft-07 ignores it. Hints use it.
            schema = {**definitions[schema["$ref"].rpartition("/")[2]], **schema}
        return {
            key: _inlined(child, definitions) for key, child in schema.items() if key not in ("$ref", "definitions")
        }
    return [_inlined(item, definitions) for item in schema] if isinstance(schema, list) else schema


def _leaves(error: _Error) -> Iterator[_Error]:
    """Yield the errors of the alternative that comes nearest: the one whose first error lies deepest."""
    if error.validator not in ("anyOf", "oneOf") or not error.context:
        yield error
        return
    branches: dict[Any, list[_Error]] = {}
    for inner in error.context:
        branches.setdefault(inner.relative_schema_path[0], []).append(inner)
    best = max(branches.values(), key=lambda errors: (max(len(e.absolute_path) for e in errors), -len(errors)))
    for inner in best:
        yield from _leaves(inner)


def _problems(error: _Error, schema: Mapping[str, Any]) -> Iterator[Problem]:
    path: Path = tuple(error.absolute_path)
    if error.validator == "not" and error.validator_value == {}:
        yield Problem(Severity.ERROR, path, "is set by the chart", "remove it", "not-allowed", on_key=True)
    elif error.validator == "additionalProperties":
        for key in _extras(error):
            rule, (message, hint) = _extra((*path, key), error.instance[key], error.schema, schema)
            yield Problem(Severity.ERROR, (*path, key), message, hint, rule, on_key=True)
    elif error.validator == "required":
        for key in error.validator_value:
            if key not in error.instance:
                yield Problem(Severity.ERROR, path, f"{key} is missing", f"add {key}", "missing-key")
    else:
        on_key = "propertyNames" in error.relative_schema_path
        rule, (message, hint) = _worded(error)
        place = (*path, str(error.instance)) if on_key else path
        yield Problem(Severity.ERROR, place, message, hint, rule, on_key=on_key)


def _extras(error: _Error) -> list[str]:
    known, patterns = error.schema.get("properties", {}), error.schema.get("patternProperties", {})
    return [key for key in error.instance if key not in known and not any(re.search(p, key) for p in patterns)]


def _extra(path: Path, value: Any, group: Mapping[str, Any], schema: Mapping[str, Any]) -> tuple[str, _Said]:
    """Say that a key is none of those known, or, where any key of a form is allowed, that it is not of that form."""
    if "properties" not in group and "x-expects" in group:
        return "bad-format", (f"{shown(path[-1])} is not {group['x-expects']}", "correct it, or remove the key")
    return "unknown-key", ("unknown key", _meant(path, value, group, schema))


def _meant(path: Path, value: Any, group: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    from modelservice.suggest import nearest

    siblings = group.get("properties", {})
    if near := nearest(str(path[-1]), siblings):
        kind = str(siblings[near].get("type"))
        shape = {"array": list, "object": dict}.get(kind, object)
        other = "" if isinstance(value, shape) else f" ({_TYPES[kind]})"
        return f"did you mean {near}{other}?"
    if place := _elsewhere(path, schema):
        return f"did you mean {place}?"
    inside = f" of {dotted(path[:-1])}" if path[:-1] else ""
    if len(siblings) <= 12:
        return f"the keys{inside} are {', '.join(siblings)}"
    return "remove it; `modelservice explain` lists the keys"


_FEW = 3


def _elsewhere(path: Path, schema: Mapping[str, Any]) -> str | None:
    """Return the field that is meant when a key stands at the wrong place, or is several keys run together."""
    from modelservice.suggest import nearest

    fields = [field for field in _paths(schema) if field != dotted(path)]
    last = str(path[-1])
    same = [field for field in fields if field.rpartition(".")[2].lower() == last.lower()]
    longer = [field for field in fields if len(last) > 4 and field.rpartition(".")[2].lower().startswith(last.lower())]
    if 0 < len(same or longer) <= _FEW:
        return (same or longer)[0]  # the console's fields come first
    return nearest(last, fields, cutoff=0.8) or nearest(dotted(path), fields, cutoff=0.85)


def _paths(group: Mapping[str, Any], above: str = "") -> Iterator[str]:
    for key, child in group.get("properties", {}).items():
        if "not" not in child:
            yield above + key
            yield from _paths(child, f"{above}{key}.")


def _worded(error: _Error) -> tuple[str, _Said]:
    rule, words = _WORDS.get(error.validator, ("bad-format", _generic))
    return rule, words(error)


def shown(value: Any) -> str:
    """Return a value as messages show it: short, and never a secret."""
    if isinstance(value, Mapping):
        return "a map of keys" if value else "{}"
    if isinstance(value, list):
        return "a list" if value else "[]"
    if isinstance(value, str) and looks_like_secret(value):
        return "a secret (not shown)"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}…"


def _wrong_type(error: _Error) -> _Said:
    wanted = [error.validator_value] if isinstance(error.validator_value, str) else list(error.validator_value)
    wanted = [name for name in wanted if not (name == "integer" and "number" in wanted)]
    named = " or ".join(_TYPES[name] for name in wanted if name != "null")
    return f"{shown(error.instance)} is not {named}", _type_hint(error, wanted)


def _type_hint(error: _Error, wanted: list[str]) -> str:
    value, kind = error.instance, wanted[0]
    if value is None:
        return "give a value, or remove the key"
    if isinstance(value, list | dict):
        return _shape_hint(value, kind)
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


def _shape_hint(value: Any, kind: str) -> str:
    if kind == "array" and isinstance(value, dict):
        first = next(iter(value), "NAME")
        return f'write a list: "- name: {first}", and its other keys indented below'
    if kind == "array":
        return 'write a list: each item on a line that begins with "- "'
    if kind == "object":
        return 'write keys, without the "- " before them'
    return "write a single value"


def _list_hint(error: _Error) -> str:
    words = str(error.instance).split()
    if words and words[0].startswith("-"):
        return 'write a list, each argument on a line that begins with "- "'
    return f'write a list: "- {error.instance}"' if len(str(error.instance)) < 40 else 'write a list of "- " lines'


def _not_allowed(error: _Error) -> _Said:
    from modelservice.suggest import nearest

    allowed = error.validator_value if error.validator == "enum" else [error.validator_value]
    near = nearest(str(error.instance), [str(option) for option in allowed if option], cutoff=0.5)
    listed = ", ".join(json.dumps(option) if option == "" else str(option) for option in allowed)
    return f"{shown(error.instance)} is none of {listed}", f"did you mean {near}?" if near else "choose one of them"


# What people write for a quantity's unit → Kubernetes' own.
_UNITS = {"k": "Ki", "kb": "Ki", "kib": "Ki", "m": "Mi", "mb": "Mi", "mib": "Mi", "g": "Gi", "gb": "Gi", "gib": "Gi"}
_UNITS |= {"t": "Ti", "tb": "Ti", "tib": "Ti", "gi": "Gi", "mi": "Mi", "ki": "Ki", "ti": "Ti", "gig": "Gi"}


_HUB_ID_HINT = "write the id as the model's page on the hub shows it, such as Qwen/Qwen3-8B"


def _bad_format(error: _Error) -> _Said:
    expected = error.schema.get("x-expects") or f"of the form {error.validator_value}"
    text = str(error.instance)
    return f"{shown(text)} is not {expected}", _format_hint(text, expected, error)


def _format_hint(text: str, expected: str, error: _Error) -> str:
    amount = re.fullmatch(r"([0-9.]+)\s*([A-Za-z]+)", text)
    if "quantity" in expected and amount and amount[2].lower() in _UNITS:
        return f"write {amount[1]}{_UNITS[amount[2].lower()]}"
    if "model id" in expected and ":" in text:
        parts = text.rstrip("/").split("/")
        return f"write {'/'.join(parts[3:5])}" if "://" in text and len(parts) > 4 else _HUB_ID_HINT
    if "image without its tag" in expected and (":" in text or "@" in text):
        return f"write the part behind the {'@ in image.digest' if '@' in text else 'colon in image.tag'}"
    cleaned = re.sub(r"[^A-Za-z0-9._/@+-]+", "-", text.strip()).strip("-")
    for mended in (cleaned, cleaned.lower(), f"/{cleaned}"):
        if mended.strip("/") and mended != text and re.search(error.validator_value, mended):
            return f"write {mended}"
    examples = [*error.schema.get("examples", []), error.schema.get("default")]
    return f"write one such as {examples[0]}" if examples[0] else "correct it, or remove the key"


def _out_of_range(error: _Error) -> _Said:
    low, high = error.schema.get("minimum"), error.schema.get("maximum")
    if low is not None and high is not None:
        return f"{shown(error.instance)} is not from {low} to {high}", f"write a number from {low} to {high}"
    bound = f"at least {low}" if error.validator == "minimum" else f"at most {high}"
    return f"{shown(error.instance)} is not {bound}", f"write {bound}"


_COUNTED = {"Length": "characters", "Items": "items", "Properties": "keys"}


def _wrong_length(error: _Error) -> _Said:
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


def _duplicate(error: _Error) -> _Said:
    twice = next((item for index, item in enumerate(error.instance) if item in error.instance[:index]), None)
    return f"{shown(twice)} stands there twice", "keep one"


def _generic(error: _Error) -> _Said:
    keys = error.validator_value.get("required", []) if error.validator == "not" else []
    if len(keys) == 1:
        return f"{keys[0]} is {error.schema.get('x-expects', 'not allowed here')}", f"remove {keys[0]}"
    if keys:
        return f"{' and '.join(keys)} exclude each other", "keep one of them"
    return f"{shown(error.instance)} is not {error.schema.get('x-expects', 'allowed here')}", "remove it"


_WORDS: dict[str, tuple[str, Callable[[_Error], _Said]]] = {
    "type": ("wrong-type", _wrong_type),
    "enum": ("not-allowed", _not_allowed),
    "const": ("not-allowed", _not_allowed),
    "pattern": ("bad-format", _bad_format),
    "minimum": ("out-of-range", _out_of_range),
    "maximum": ("out-of-range", _out_of_range),
    "uniqueItems": ("duplicate-item", _duplicate),
    **{
        f"{end}{what}": ("wrong-length", _wrong_length)
        for end in ("min", "max")
        for what in ("Length", "Items", "Properties")
    },
}
