"""Add Kubernetes' descriptions to the parts of the source that are Kubernetes' own, and find fields that differ.

In the source, `x-kubernetes` names the Kubernetes type of a structure, or the types that share one structure. Below it,
the types follow from Kubernetes' own definitions; a shared definition names its types again. `x-left-out` lists the
fields that Kubernetes has but the structure does not, each with the reason. `x-instead` lists those that another key of
ours sets, and `x-own` marks a property that Kubernetes does not have. The facts are Kubernetes' OpenAPI definitions of
every release, from the PyPI package kubernetes-validate.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from modelservice.errors import InputError, ToolError
from modelservice.schema.source import Schema

# Keywords that are read only here and left out of exported schemas.
KEYWORDS = ("x-kubernetes", "x-left-out", "x-own")

# Kubernetes' types by full name, such as io.k8s.api.core.v1.Toleration.
Types = Mapping[str, Schema]
# The types of each release, such as 1.37, the oldest release first.
Releases = Mapping[str, Types]

# The oldest release that the chart supports: its fields need no note about the release.
_OLDEST = (1, 30)


class _Part(NamedTuple):
    """A part of the source, and its Kubernetes types.

    `path` is the part's path in the source, `place` the same as people write it, such as `tolerations[]`. `types` are
    the full names of its Kubernetes types (for a list, those of its items), or empty if it is not Kubernetes' own.
    """

    path: tuple[str, ...]
    place: str
    schema: Schema
    types: tuple[str, ...]


@functools.cache
def kubernetes_releases() -> Releases:
    """Read the types of every release from 1.30 on. Raises ToolError without the package kubernetes-validate."""
    package = find_spec("kubernetes_validate")
    if package is None or package.origin is None:
        raise ToolError("generate needs the package kubernetes-validate: run `pip install -e '.[test]'`")
    folder = Path(package.origin).parent / "kubernetes-json-schema"
    files = {_release(file): file for file in folder.glob("v*-local/_definitions.json")}
    return {
        f"{major}.{minor}": json.loads(file.read_bytes())["$defs"]
        for (major, minor), file in sorted(files.items())
        if (major, minor) >= _OLDEST
    }


def _release(file: Path) -> tuple[int, int]:
    """Return the release of a file in a folder such as v1.37.0-local."""
    major, minor = file.parent.name.removeprefix("v").split(".")[:2]
    return int(major), int(minor)


def described(source: Schema, releases: Releases) -> Schema:
    """Return the source with a description on every property of Kubernetes' structures; existing ones are kept.

    Raises InputError, with one line for each field that differs between the source and the newest release.
    """
    newest = list(releases.values())[-1]
    structures = list(_structures(source, newest))
    problems = {line for structure in structures for line in _problems(structure, source["definitions"], newest)}
    if problems:
        raise InputError("\n".join(["schemas/modelservice.schema.yaml differs from Kubernetes:", *sorted(problems)]))
    texts = {
        (*structure.path, "properties", key): _text(child, structure.types, key, releases)
        for structure in structures
        for key, child in _kubernetes_own(structure.schema).items()
    }
    changed: Schema = _with_texts(source, (), texts)
    return changed


def _structures(source: Schema, newest: Types) -> Iterator[_Part]:
    """Yield every object of the source that has properties and is Kubernetes' own."""
    parts = [_Part((), "", source, ())]
    parts += [
        _Part(("definitions", name), f"definitions.{name}", part, ()) for name, part in source["definitions"].items()
    ]
    for part in parts:
        for inner in _parts(part, newest):
            if inner.types and "properties" in inner.schema:
                yield inner


def _parts(part: _Part, newest: Types) -> Iterator[_Part]:
    """Yield a part and the parts inside, each with its types."""
    path, place, schema, above = part
    types = _declared(schema, newest) or above
    yield part._replace(types=types)
    for key, child in schema.get("properties", {}).items():
        below = _types_of(_fields(types, key, newest))
        yield from _parts(_Part((*path, "properties", key), f"{place}.{key}".lstrip("."), child, below), newest)
    if "items" in schema:
        yield from _parts(_Part((*path, "items"), f"{place}[]", schema["items"], types), newest)


def _declared(schema: Schema, newest: Types) -> tuple[str, ...]:
    """Return the full names of the types that a schema names in `x-kubernetes`."""
    names = schema.get("x-kubernetes", [])
    return tuple(_full_name(name, newest) for name in ([names] if isinstance(names, str) else names))


def _full_name(name: str, newest: Types) -> str:
    """Return the full name of a type from its end, such as v1.Toleration. Raises InputError unless exactly one fits."""
    found = [full for full in newest if f".{full}".endswith(f".{name}")]
    if len(found) != 1:
        raise InputError(
            f"x-kubernetes: {name} must be the end of exactly one type's name, but matches {found or 'none'}"
        )
    return found[0]


def _fields(types: Iterable[str], key: str, release: Types) -> list[Schema]:
    """Return a key's schema in a release for each of the types that has the key."""
    owners = (release.get(name, {}).get("properties", {}) for name in types)
    return [owner[key] for owner in owners if key in owner]


def _types_of(fields: Iterable[Schema]) -> tuple[str, ...]:
    """Return the full names of the fields' types (for a list, of its items); none for plain values and maps."""
    inner = [_innermost(field) for field in fields]
    return tuple(dict.fromkeys(field["$ref"].rpartition("/")[2] for field in inner if "$ref" in field))


def _innermost(schema: Schema) -> Schema:
    """Return the schema of a list's items, and any other schema as it is."""
    return _innermost(schema["items"]) if "items" in schema else schema


def _problems(structure: _Part, definitions: Mapping[str, Schema], newest: Types) -> Iterator[str]:
    """Yield a line for each field of a structure that differs from its types."""
    _, place, schema, types = structure
    ours = _kubernetes_own(schema).keys()
    left_out = schema.get("x-left-out", {}).keys() | schema.get("x-instead", {}).keys()
    theirs = {key for name in types for key in newest[name].get("properties", {})}
    known = " or ".join(name.removeprefix("io.k8s.") for name in types)
    for key in theirs - ours - left_out:
        if not _takes(schema, key):
            yield f"{place}.{key}: {known} has this field: add it, or list it in x-left-out"
    for key in (ours | left_out) - theirs:
        yield f"{place}.{key}: {known} has no such field: correct the name, or remove it"
    for key in left_out & ours:
        yield f"{place}.{key}: this is a property and is listed in x-left-out: remove one of them"
    for key in ours & theirs:
        child, fields = schema["properties"][key], _fields(types, key, newest)
        yield from (f"{place}.{key}: {line}" for line in _undescribed(child, fields))
        yield from (f"{place}.{key}: {line}" for line in _undeclared(child, fields, definitions, newest))


def _kubernetes_own(schema: Schema) -> dict[str, Schema]:
    return {key: child for key, child in schema["properties"].items() if "x-own" not in child}


def _takes(schema: Schema, key: str) -> bool:
    """Return whether a structure accepts a key that is not one of its properties."""
    patterns = schema.get("patternProperties", {})
    return schema.get("additionalProperties") is not False or any(re.search(pattern, key) for pattern in patterns)


def _described_as(fields: Iterable[Schema]) -> list[str]:
    """Return the fields' descriptions without duplicates."""
    return list(dict.fromkeys(_plain(field["description"]) for field in fields if "description" in field))


def _undescribed(child: Schema, fields: list[Schema]) -> Iterator[str]:
    """Yield that a description is needed if Kubernetes has none, or different ones in several types."""
    found = len(_described_as(fields))
    if found != 1 and "description" not in child:
        yield f"Kubernetes has {found} descriptions of this field: write one"


def _undeclared(child: Schema, fields: list[Schema], definitions: Mapping[str, Schema], newest: Types) -> Iterator[str]:
    """Yield the types that a shared definition with properties has here but does not name."""
    inner = _innermost(child)
    if "$ref" not in inner:
        return
    name = inner["$ref"].rpartition("/")[2]
    shared = _innermost(definitions[name])
    if "properties" in shared:
        for missing in sorted(set(_types_of(fields)) - set(_declared(shared, newest))):
            yield f"{name} is {missing.removeprefix('io.k8s.')} too: add it to x-kubernetes"


def _text(child: Schema, types: Iterable[str], key: str, releases: Releases) -> str:
    """Return a field's description, with the release that added the field if the oldest one does not have it."""
    having = [release for release, known in releases.items() if _fields(types, key, known)]
    newest = releases[having[-1]]
    text = child.get("description") or _described_as(_fields(types, key, newest))[0]
    return text if having[0] == next(iter(releases)) else f"{text.removesuffix('.')}. Since Kubernetes {having[0]}."


def _plain(text: str) -> str:
    """Return a description as one paragraph."""
    return " ".join(text.split())


def _with_texts(part: Any, path: tuple[str, ...], texts: Mapping[tuple[str, ...], str]) -> Any:
    if not isinstance(part, dict):
        return part
    inside = {key: _with_texts(value, (*path, key), texts) for key, value in part.items()}
    if path not in texts:
        return inside
    # A description of our own keeps its place among the keywords.
    return {**inside, "description": texts[path]} if "description" in part else {"description": texts[path], **inside}
