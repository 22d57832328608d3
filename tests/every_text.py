"""Values files with a text in every place that the schema allows: values, keys of maps, items."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from modelservice.check import check, errors
from modelservice.findings import Refuser
from modelservice.reading.document import read
from modelservice.rules.catalogue import by_id
from modelservice.schema.source import plain_schema
from modelservice.schema.validation import validator_of

Schema = dict[str, Any]
Path = tuple[str | int, ...]
KEY = "<key>"
OTHER = "zother"
# If a place does not accept a plain text, the text is put into a value that it does accept.
SHAPES = ["{}", "/{}", "a/{}", "--tokenizer={}", "https://{}"]
METRIC = {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}}
# Values that create every object and pass the chart's own checks.
EVERYTHING: Schema = {
    "image": {"tag": "v0.33.0"},
    "ingress": {"enabled": True, "hosts": ["a.example.com"]},
    "httpRoute": {"enabled": True, "parentRefs": [{"name": "a"}]},
    "networkPolicy": {"enabled": True},
    "serviceMonitor": {"enabled": True},
    "prometheusRule": {"enabled": True},
    "modelVolume": {"accessModes": ["ReadWriteMany"], "dataSource": {"apiGroup": "a", "kind": "a", "name": "a"}},
    "compileCache": {"volume": "own", "accessModes": ["ReadWriteMany"]},
    "huggingFace": {"tokenSecret": {"name": "a"}},
    "apiKeySecret": {"name": "a"},
    "autoscaling": {"kind": "HorizontalPodAutoscaler", "metrics": [METRIC]},
    "replicas": 1,
}


# These replace others, too.
_IN_PLACE = (("caBundle", "secret"), ("modelVolume", "volume"))


class Place(NamedTuple):
    """A place for a text: path in the schema (0 for an item, KEY for a key), the values around it, and its number."""

    path: Path
    shape: str
    number: int

    @property
    def token(self) -> str:
        """A harmless text that occurs nowhere else."""
        return f"zq{self.number}q"

    def values(self, text: str) -> Any:
        """Return minimal values that are valid with the text here."""
        return built(self.path, plain_schema(), self.shape.replace("{}", text), self.number)

    def takes(self, text: str) -> bool:
        """Return whether the schema accepts the text here."""
        text = self.shape.replace("{}", text)
        if self.path[-1] == KEY:
            above = schema_at(self.path[:-1])
            return valid({text: least(others(above), self.number)}, above)
        return valid(text, schema_at(self.path))


def valid(value: Any, schema: Schema) -> bool:
    return bool(_validator(json.dumps(schema)).is_valid({"a": value}))


@functools.cache
def _validator(schema: str) -> Any:
    return validator_of({"properties": {"a": json.loads(schema)}, "definitions": plain_schema()["definitions"]})


def resolved(schema: Schema) -> Schema:
    for part in [schema, *schema.get("allOf", [])]:
        if "$ref" in part:
            schema = {**plain_schema()["definitions"][part["$ref"].rpartition("/")[2]], **schema}
            schema.pop("$ref", None)
    return schema


def kinds(schema: Schema) -> list[str]:
    kind = schema.get("type", [])
    return kind if isinstance(kind, list) else [kind]


def others(schema: Schema) -> Any:
    """Return the schema of additional keys, or None if they are not allowed."""
    found = [*schema.get("patternProperties", {}).values(), schema.get("additionalProperties")]
    return found[0] if isinstance(found[0], dict) else None


def schema_at(path: Path) -> Schema:
    schema = resolved(plain_schema())
    for part in path:
        known = schema["items"] if part == 0 else schema.get("properties", {}).get(part, others(schema))
        schema = resolved(known)
    return schema


def paths(schema: Schema) -> Iterator[Path]:
    """Yield the paths in the schema that allow a text."""
    schema = resolved(schema)
    if "string" in kinds(schema) and "enum" not in schema and schema.get("pattern") != "^$":
        yield ()
    children = {key: child for key, child in schema.get("properties", {}).items() if child.get("not") != {}}
    if others(schema):
        yield (KEY,)
        children[OTHER] = others(schema)
    if "items" in schema:
        children[0] = schema["items"]
    for key, child in children.items():
        yield from ((key, *rest) for rest in paths(child))


def built(path: Path, schema: Schema, text: str, number: int) -> Any:
    """Return minimal values that the schema accepts, with a text at a path."""
    schema = resolved(schema)
    if not path:
        return text
    head, rest = path[0], path[1:]
    if head == 0:
        return [built(rest, schema["items"], text, number)]
    known = schema.get("properties", {})
    if head == KEY:
        made = {text: least(others(schema), number)}
    else:
        made = {head: built(rest, known.get(head, others(schema)), text, number)}
    return {**beside(schema, number, str(head)), **made}


def beside(schema: Schema, number: int, given: str = "") -> Schema:
    """Return the other entries that a map needs together with a key."""
    known = schema.get("properties", {})
    names = [name for name in schema.get("required", []) if name != given]
    more = (name for name in known if name not in (*names, given) and "$ref" not in known[name])
    while len(names) + bool(given) < schema.get("minProperties", 0) and known:
        names.append(next(more))
    return {name: least(known[name], number, given) for name in names}


def least(schema: Schema, number: int, given: str = "") -> Any:
    """Return a small valid value, different for each number, that is compatible with a given key."""
    schema = resolved(schema)
    kind = kinds(schema)[0]
    if "enum" in schema:
        fitting = [one for one in schema["enum"] if given.lower().startswith(str(one).lower() or "-")]
        return (fitting or [one for one in schema["enum"] if one == "Exists" and given == "key"] or schema["enum"])[0]
    if kind == "object":
        return beside(schema, number)
    if kind == "array":
        return [least(schema["items"], number)] * schema.get("minItems", 0)
    if kind == "string":
        texts = [shape.format(f"n{number}") for shape in SHAPES] + ["1Gi", "status.podIP", "limits.cpu", "10.0.0.0/8"]
        return next(text for text in texts if re.search(schema.get("pattern", ""), text))
    number = min(schema.get("minimum", 0) + number, schema.get("maximum", number + 1))
    return {"boolean": True, "null": None}.get(kind, number)


def refused(values: Any) -> bool:
    """Return whether helm refuses the values, by the schema or in the chart; rules of `validate` do not count."""
    found = errors(check(read("values.yaml", json.dumps(values).encode())))
    return any(by_id()[one.rule].refused_by in (Refuser.HELM, Refuser.SCHEMA, Refuser.CHART) for one in found)


def merged(below: Any, above: Any) -> Any:
    """Merge both: maps deeply, lists concatenated. Raises ValueError if a value would be lost."""
    if isinstance(below, dict) and isinstance(above, dict):
        return below | {key: merged(below[key], child) if key in below else child for key, child in above.items()}
    if isinstance(below, list) and isinstance(above, list):
        return below + [one for one in above if one not in below]
    if below != above:
        raise ValueError
    return below


def crowded(values: Any, schema: Schema) -> bool:
    """Return whether a map has more keys than the schema allows, such as two kinds of volume."""
    schema = resolved(schema)
    if isinstance(values, list):
        return any(crowded(item, schema.get("items", {})) for item in values)
    if not isinstance(values, dict):
        return False
    known = schema.get("properties", {})
    inner = any(crowded(child, known[key]) for key, child in values.items() if key in known)
    return inner or len(values) > schema.get("maxProperties", len(values))


def around(path: Path) -> Schema:
    """Return the values that create the object with a place, and do not hide the place."""
    if path[:2] in (("autoscaling", "triggers"), ("autoscaling", "prometheusAddress")):
        return EVERYTHING | {"autoscaling": {"kind": "ScaledObject", "prometheusAddress": "https://a"}}
    if path[:2] == ("modelVolume", "download"):
        return EVERYTHING | {"modelVolume": {"accessModes": ["ReadWriteMany"], "preDownload": "Job"}}
    if path[0] == "probes":
        return EVERYTHING | {"command": ["vllm"]}
    # These replace other texts.
    if path[:2] in _IN_PLACE:
        return EVERYTHING | {"replicas": 3}
    other = {"command", "existingClaim", "fullnameOverride"} & {*path[:2]}
    return EVERYTHING | {"replicas": 2} if other else EVERYTHING


def over(base: Schema, values: Schema) -> Schema:
    """Return values merged over others, as by Helm."""
    return base | {
        key: over(base[key], value) if isinstance(value, dict) and isinstance(base.get(key), dict) else value
        for key, value in values.items()
    }


@functools.cache
def places() -> list[Place]:
    """Return each place that accepts a harmless text, with the first form that it accepts."""
    found = []
    for number, path in enumerate(paths(plain_schema()), 1):
        for shape in SHAPES:
            place = Place(path, shape, number)
            if place.takes(place.token) and not refused(over(around(path), place.values(place.token))):
                found.append(place)
                break
    return found


@functools.cache
def packed() -> list[Schema]:
    """Return a few values files that together contain the token of each place."""
    packs: list[tuple[Schema, Schema]] = []
    for place in places():
        values, base = place.values(place.token), around(place.path)
        for index, (other, pack) in enumerate(packs):
            if other == base:
                try:
                    together = merged(pack, values)
                    if crowded(together, plain_schema()):
                        continue
                    packs[index] = (base, together)
                    break
                except ValueError:
                    continue
        else:
            packs.append((base, values))
    return [over(base, pack) for base, pack in packs]


def put(tree: Any, texts: Mapping[str, str]) -> Any:
    """Return a tree with tokens replaced by texts, in keys too."""
    if isinstance(tree, dict):
        return {put(key, texts): put(value, texts) for key, value in tree.items()}
    if isinstance(tree, list):
        return [put(item, texts) for item in tree]
    return re.sub("zq[0-9]+q", lambda found: texts[found[0]], tree) if isinstance(tree, str) else tree
