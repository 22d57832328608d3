"""Find the key that is meant by an unknown one, and the edit that moves the value there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from modelservice.findings import Action, Edit, Fix, Path, dotted
from modelservice.redact import shown
from modelservice.schema.foreign_words import pointer
from modelservice.schema.messages import TYPES, Words
from modelservice.schema.short_forms import in_full

if TYPE_CHECKING:
    from jsonschema import Draft7Validator

# A hint, and the edits that it means.
_Hint = tuple[str, Fix]


class UnknownKey(NamedTuple):
    """A key that the schema does not have at this path.

    `path` ends with the key, `there` is the map that contains it and `group` that map's schema. `data` are all values,
    `schema` is their plain schema, and `validator` checks against it.
    """

    path: Path
    there: Mapping[str, Any]
    group: Mapping[str, Any]
    data: Mapping[str, Any]
    schema: Mapping[str, Any]
    validator: Draft7Validator

    @property
    def last(self) -> str:
        """The key itself."""
        return str(self.path[-1])

    @property
    def value(self) -> Any:
        """The key's value."""
        return self.there[self.last]


def unknown_key(key: UnknownKey) -> tuple[str, Words]:
    """Return the rule and the words for a key that is unknown, or that does not have the required form."""
    if "properties" not in key.group and "x-expects" in key.group:
        message = f"{shown(key.last)} is not {key.group['x-expects']}"
        return "bad-format", Words(message, "correct it, or remove the key")
    return "unknown-key", Words("unknown key", *_meant(key))


def _meant(key: UnknownKey) -> _Hint:
    found = key.group.get("x-instead", {}).get(key.last)
    if found := found or (None if key.path[1:] else pointer(key.last, key.schema)):
        return _pointed(key, found)
    if not key.path[1:] and re.fullmatch("[A-Z][A-Z0-9]*_[A-Z0-9_]+", key.last):
        return _variable(key)
    if joined := _run_together(key.path, key.schema):
        return f"did you mean {joined}?", _moved(key.path, tuple(joined.split(".")))
    if near := _sibling(key):
        return near
    # A key inside a list, such as that of a volume's Secret, is hardly meant for a field of another part.
    if place := _elsewhere(key.path, key.schema):
        return f"did you mean {place}?", _moved(key.path, tuple(place.split(".")))
    siblings, inside = key.group.get("properties", {}), f" of {dotted(key.path[:-1])}" if key.path[:-1] else ""
    if len(siblings) <= 12:
        what = f"the only key{inside} is" if len(siblings) == 1 else f"the keys{inside} are"
        return f"{what} {', '.join(siblings)}", ()
    return "correct it, or remove it; `modelservice explain` lists the keys", ()


def _pointed(key: UnknownKey, found: str) -> _Hint:
    """Return the hint for a pointer: a key that accepts the value, or a sentence (with spaces)."""
    if " " in found:
        return found, ()
    target = tuple(found.split("."))
    place: Any = key.data
    schema: Any = key.validator.schema
    for part in target:
        place = place.get(part) if isinstance(place, Mapping) else None
        schema = schema.get("properties", {}).get(part, {})
    if place is None and schema and key.validator.evolve(schema=schema).is_valid(key.value):
        return f"move it to {found}", _moved(key.path, target)
    meant = in_full(target[-1], key.value, schema) if place is None and schema else None
    if meant is None:
        return f"use {found}", ()
    shape = f": {meant}" if isinstance(meant, str) else ""
    return f"use {found}{shape}", (Edit(Action.REMOVE, key.path), Edit(Action.SET, target, meant))


def _variable(key: UnknownKey) -> _Hint:
    """Return the hint for a key that is written like an environment variable."""
    schema: Any = key.validator.schema
    meant = None if key.data.get("env") else in_full("env", {key.last: key.value}, schema["properties"]["env"])
    fix = () if meant is None else (Edit(Action.REMOVE, key.path), Edit(Action.SET, ("env",), meant))
    return "write it in env, with name and value", fix


def _moved(path: Path, target: Path) -> Fix:
    return (Edit(Action.MOVE, path, target),)


def _sibling(key: UnknownKey) -> _Hint | None:
    """Return the hint for a known key in the same map with a similar spelling, or None."""
    from modelservice.spelling import nearest

    siblings = key.group.get("properties", {})
    missing = [name for name in key.group.get("required", ()) if name not in key.there]
    near = nearest(key.last, siblings) or _namesake(key.last, missing)
    if not near:
        return None
    kind = str(siblings[near].get("type"))
    shape = {"array": list, "object": dict}.get(kind, object)
    if not isinstance(key.value, shape):
        return f"did you mean {near} ({TYPES[kind]})?", ()
    return f"did you mean {near}?", () if near in key.there else _moved(key.path, (*key.path[:-1], near))


def _namesake(last: str, missing: list[str]) -> str | None:
    """Return the missing key that differs only by a leading word: secretName for name, or name for secretName."""
    tail = f"{last[:1].upper()}{last[1:]}" or " "
    return next((key for key in missing if key.endswith(tail) or last.endswith(f"{key[0].upper()}{key[1:]}")), None)


_FEW = 3


def _elsewhere(path: Path, schema: Mapping[str, Any]) -> str | None:
    """Return the field that is meant by a key in the wrong place, or by several keys written as one."""
    from modelservice.spelling import nearest

    if any(isinstance(part, int) for part in path):
        return None
    last = str(path[-1])
    fields = [field for field in _paths(schema) if field not in (dotted(path), last)]
    same = [field for field in fields if field.rpartition(".")[2].lower() == last.lower()]
    longer = [field for field in fields if len(last) > 4 and field.rpartition(".")[2].lower().startswith(last.lower())]
    if 0 < len(same or longer) <= _FEW:
        return (same or longer)[0]  # the console's fields come first
    return nearest(last, fields, cutoff=0.8) or nearest(dotted(path), fields, cutoff=0.85)


def _run_together(path: Path, schema: Mapping[str, Any]) -> str | None:
    """Return the field that is meant by a key such as modelName or model_name, or None if there is none."""
    if len(path) > 1:
        return None
    written = re.sub("[-_]", "", str(path[0])).lower()
    return next((field for field in _paths(schema) if "." in field and field.replace(".", "").lower() == written), None)


def _paths(group: Mapping[str, Any], above: str = "") -> Iterator[str]:
    for key, child in group.get("properties", {}).items():
        if "not" not in child:
            yield above + key
            yield from _paths(child, f"{above}{key}.")
