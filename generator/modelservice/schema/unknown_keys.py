"""Find the key that is meant by an unknown one, and the edit that moves the value there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from modelservice.findings import Action, Edit, Fix, Path, dotted
from modelservice.redact import shown
from modelservice.schema.foreign_words import plain, pointers
from modelservice.schema.messages import TYPES, Words
from modelservice.schema.short_forms import in_full
from modelservice.secret_forms import may_hold_secret

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
    if found := _known_words(key):
        return _pointed(key, found)
    if not key.path[1:] and re.fullmatch("[A-Z][A-Z0-9]*_[A-Z0-9_]+", key.last):
        return _variable(key)
    if joined := _run_together(key.path, key.schema):
        if joined == key.last:
            group, _, leaf = joined.rpartition(".")
            return f"write {leaf} on a line of its own, indented below {group}", _moved(
                key.path, tuple(joined.split("."))
            )
        return f"did you mean {joined}?", _moved(key.path, tuple(joined.split(".")))
    if flag := _flag(key):
        return flag
    if near := _sibling(key):
        return near
    if place := _elsewhere(key):
        return f"did you mean {place}?", _moved(key.path, tuple(place.split(".")))
    siblings, inside = key.group.get("properties", {}), f" of {dotted(key.path[:-1])}" if key.path[:-1] else ""
    if len(siblings) <= 12:
        what = f"the only key{inside} is" if len(siblings) == 1 else f"the keys{inside} are"
        return f"{what} {', '.join(siblings)}", ()
    return "correct it, or remove it; `modelservice explain` lists the keys", ()


def _known_words(key: UnknownKey) -> list[str]:
    """Return where the value of a word that is known for its place may belong, as keys and sentences."""
    here = [known for word, known in key.group.get("x-instead", {}).items() if plain(word) == plain(key.last)]
    return here or [known for word in _words(key.path) for known in pointers(word, key.schema)]


def _words(path: Path) -> list[str]:
    """Return the words that a path may be meant as: gpu.type is gpuType; model.shmSize is also shmSize.

    A single word such as type means something else in each place.
    """
    names = [part for part in path if isinstance(part, str)]
    joined = "".join(f"{name[:1].upper()}{name[1:]}" for name in names)
    # A key inside a list, such as that of a volume's Secret, is hardly meant for a field of another part.
    alone = names == list(path) and path[1:] and _is_compound(names[-1])
    return [joined, *(names[-1:] if alone else [])]


def _is_compound(word: str) -> bool:
    return re.search("[a-z0-9][A-Z_-]", word) is not None


def _pointed(key: UnknownKey, found: list[str]) -> _Hint:
    """Return the hint for where a value belongs: the first key that accepts it, or else the sentence, or the key."""
    sentence = next((one for one in found if " " in one), None)
    keys = [tuple(one.split(".")) for one in found if " " not in one]
    for target in keys:
        if hint := _accepted(key, target):
            return hint
    return sentence or f"use {dotted(keys[0])}", ()


def _accepted(key: UnknownKey, target: Path) -> _Hint | None:
    """Return the hint to move the value to a key that accepts it, or to a form that the key accepts, or None."""
    place, schema = _at(key, target)
    if place is not None or not schema:
        return None
    if key.validator.evolve(schema=schema).is_valid(key.value):
        return f"move it to {dotted(target)}", _moved(key.path, target)
    return _used(key, target, schema)


def _used(key: UnknownKey, target: Path, schema: Mapping[str, Any]) -> _Hint | None:
    """Return the hint to write the value at another key in the form that is surely meant there, or None."""
    meant = None if may_hold_secret(dotted(key.path)) else in_full(str(target[-1]), key.value, schema)
    if meant is None:
        return None
    texts = [meant] if isinstance(meant, str) else meant if isinstance(meant, list) else []
    flow = ", ".join(str(text) for text in texts)
    shape = f": {flow}" if isinstance(meant, str) else f": [{flow}]" if re.fullmatch(r"[\w./-]+", flow) else ""
    return f"use {dotted(target)}{shape}", (Edit(Action.REMOVE, key.path), Edit(Action.SET, target, meant))


def _at(key: UnknownKey, target: Path) -> tuple[Any, Mapping[str, Any]]:
    """Return the value at a path, or None, and the path's schema, which is empty if there is none."""
    place: Any = key.data
    schema: Any = key.validator.schema
    for part in target:
        place = place.get(part) if isinstance(place, Mapping) else None
        schema = schema.get("properties", {}).get(part, {})
    return place, schema


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
    near = _similar(key)
    if not near:
        return None
    target = (*key.path[:-1], near)
    schema = key.group["properties"][near]
    if _fits(key, near):
        return f"did you mean {near}?", () if near in key.there else _moved(key.path, target)
    kind = _kinds(schema)[0]
    used = _used(key, target, schema) if near not in key.there and kind == "array" else None
    return used or (f"did you mean {near} ({TYPES[kind]})?", ())


def _fits(key: UnknownKey, name: str) -> bool:
    """Return whether a key of the same map takes values of this shape: a list, a map, or a single value."""
    kinds = _kinds(key.group["properties"][name])
    return not kinds or any(isinstance(key.value, _SHAPES.get(kind, _SCALAR)) for kind in kinds)


def _kinds(schema: Mapping[str, Any]) -> list[str]:
    stated: str | list[str] = schema.get("type", [])
    return [stated] if isinstance(stated, str) else stated


_SCALAR = (str, int, float, type(None))
_SHAPES: Mapping[str, Any] = {"array": list, "object": dict}


def _similar(key: UnknownKey) -> str | None:
    """Return the key of the same map that is spelled like an unknown one, or that only it starts, or None."""
    from modelservice.spelling import nearest

    siblings = key.group.get("properties", {})
    missing = [name for name in key.group.get("required", ()) if name not in key.there]
    longer = [name for name in siblings if len(key.last) > _SHORT and _starts(name, key.last)]
    longer = [name for name in longer if key.path[1:] or _fits(key, name)]
    near = _namesake(key.last, missing) or nearest(key.last, siblings)
    further = _FURTHER.sub("", key.last)
    ending = [name for name in siblings if further != key.last and plain(name) == plain(further)]
    return near or next(iter(ending), longer[0] if len(longer) == 1 else None)


def _starts(name: str, word: str) -> bool:
    """Return whether a name starts with a whole word: storageClass starts storageClassName."""
    return plain(name).startswith(plain(word)) and name[len(word) :][:1].isupper()


def _namesake(last: str, missing: list[str]) -> str | None:
    """Return the missing key that differs only by a leading word: secretName for name, or name for secretName."""
    tail = f"{last[:1].upper()}{last[1:]}" or " "
    return next((key for key in missing if key.endswith(tail) or last.endswith(f"{key[0].upper()}{key[1:]}")), None)


def _flag(key: UnknownKey) -> _Hint | None:
    """Return the hint for a key that is written like a flag of vLLM, such as maxModelLen, or None."""
    from modelservice.vllm.argument_rules import OWNED
    from modelservice.vllm.flags import command_line
    from modelservice.vllm.releases import newest_release

    flags = {plain(name[2:]): flag for name, flag in command_line(newest_release()).items() if name == flag.name}
    fields = {plain(field.rpartition(".")[2]) for field in _paths(key.schema)}
    words = [*_words(key.path), *([key.last] if key.last.lower() in _ALONE else [])]
    known = (word for word in words if _is_compound(word) or word.lower() in _ALONE)
    flag = next((flags[plain(word)] for word in known if plain(word) in flags.keys() - fields), None)
    if not flag or flag.name in OWNED:
        return None
    written = in_full("args", {flag.name: key.value}, _at(key, ("args",))[1])
    args = key.data.get("args", [])
    if written is None or not isinstance(args, list):
        return f"write {flag.name} in args", ()
    given = [word for word in args if str(word).partition("=")[0].replace("_", "-") in (flag.name, *flag.aliases)]
    if given:
        return f"remove it, or change {flag.name} in args", ()
    if not args:
        fix = (Edit(Action.REMOVE, key.path), Edit(Action.SET, ("args",), written))
        return f"use args: [{written[0]}]", fix
    return f"add {written[0]} to args", (Edit(Action.REMOVE, key.path), Edit(Action.APPEND, ("args",), written[0]))


# Flags of one word that can hardly mean something else in a values file.
_ALONE = ("dtype", "quantization", "seed")
# Keys at the top level that other parts have too.
_OF_EACH_PART = {"annotations", "description", "enabled", "global", "labels"}
_SHORT, _DEEP = 3, 2
# secretName in a map with name, extraLabels in one with labels.
_FURTHER = re.compile("^(secret|extra|additional|custom|common)(?=[A-Z])")
_FEW = 3


def _elsewhere(key: UnknownKey) -> str | None:
    """Return the field that is meant by a key in the wrong place, or by several keys written as one."""
    from modelservice.spelling import nearest

    if any(isinstance(part, int) for part in key.path):
        return None
    last = key.last
    fields = [field for field in _paths(key.schema) if field not in (dotted(key.path), last)]
    if key.path[1:]:
        # A single word such as type or size means something else in each place.
        inside = [field for field in fields if field.startswith(f"{dotted(key.path[:-1])}.")]
        others = [field for field in fields if _is_compound(last) and field.count(".") < _DEEP]
        fields = [*({last} - _OF_EACH_PART), *inside, *others]
        fields = [field for field in fields if _accepted(key, tuple(field.split(".")))]
    same = [field for field in fields if field.rpartition(".")[2].lower() == last.lower()]
    longer = [field for field in fields if _is_compound(last) and _starts(field.rpartition(".")[2], last)]
    if 0 < len(same or longer) <= _FEW:
        return (same or longer)[0]  # the console's fields come first
    return nearest(last, fields, cutoff=0.8)


def _run_together(path: Path, schema: Mapping[str, Any]) -> str | None:
    """Return the field that is meant by a key such as modelName or model.modelName, or None if there is none."""
    fields = [field for field in _paths(schema) if "." in field and field.rpartition(".")[0] != dotted(path[:-1])]
    return next((field for word in _words(path) for field in fields if plain(field) == plain(word)), None)


def _paths(group: Mapping[str, Any], above: str = "") -> Iterator[str]:
    for key, child in group.get("properties", {}).items():
        if "not" not in child:
            yield above + key
            yield from _paths(child, f"{above}{key}.")
