"""Find this chart's values in a Flux HelmRelease, an Argo CD Application or a k3s HelmChart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import yaml

from modelservice.errors import InputError
from modelservice.findings import Path
from modelservice.importing.cluster_objects import WORKLOADS, Object, of_kind
from modelservice.importing.container import Note
from modelservice.importing.named_objects import is_named, several_objects
from modelservice.importing.part import Part
from modelservice.reading.documents import load_objects
from modelservice.reading.values_in_objects import ELSEWHERE, is_charts, value_at, value_paths
from modelservice.schema.source import plain_schema

_KINDS = ("HelmRelease", "Application", "HelmChart")


class _Inline(NamedTuple):
    holder: Object
    path: Path
    values: Mapping[str, Any]


def part_of_inline_values(objects: Sequence[Object], name: str = "") -> Part | None:
    """Return this chart's values in one of the objects, or None if there is none to import.

    Raises InputError if the values belong to another chart, or if several objects have values.
    """
    holders = [one for one in of_kind(objects, *_KINDS) if not name or is_named(one, name)]
    ours = [found for holder in holders for found in _values(holder)]
    labels = ", ".join(f"{one['kind']} {one['metadata'].get('name')}" for one in holders)
    if not holders or (not ours and any(True for _ in of_kind(objects, *WORKLOADS))):
        return None
    if not ours:
        raise InputError(
            f"{labels}: no values of this chart; render their own chart with `helm template`, and import the output"
        )
    if len(ours) > 1:
        raise several_objects("several objects have values", {id(one.holder): one.holder for one in ours}.values())
    return Part(ours[0].values, tuple(_notes(ours[0])), name=str(ours[0].holder["metadata"].get("name", "")))


def _values(holder: Object) -> Iterator[_Inline]:
    for path in value_paths(holder):
        is_text = path[-1] == "text"
        values = _parsed(value_at(holder, *path[:-1]), holder) if is_text else value_at(holder, *path)
        if isinstance(values, Mapping) and is_charts(holder, path, values, plain_schema()["properties"]):
            yield _Inline(holder, path, values)


def _parsed(text: str, holder: Object) -> Any:
    try:
        return next(iter(load_objects(text)), None)
    except yaml.YAMLError as error:
        raise InputError(f"{holder['kind']} {holder['metadata'].get('name')}: its values are not valid YAML") from error


def _notes(found: _Inline) -> Iterator[Note]:
    """Yield notes on values that come from outside the object."""
    above = found.path[: -2 if found.path[-1] == "text" else -1]
    beside = value_at(found.holder, *above)
    for key in ELSEWHERE:
        if beside.get(key):
            yield Note(".".join(map(str, (*above, key))), "these values are not imported; add them")
