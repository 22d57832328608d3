"""Find values of this chart in a HelmRelease of Flux or an Application of Argo CD."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from modelservice.errors import InputError
from modelservice.importing.cluster_objects import WORKLOADS, Object, of_kind
from modelservice.importing.container import Note
from modelservice.importing.part import Part
from modelservice.reading.documents import load_objects
from modelservice.schema.source import plain_schema

_KINDS = ("HelmRelease", "Application")


def part_of_inline_values(objects: Sequence[Object], name: str = "") -> Part | None:
    """Return the values that one of these objects holds for this chart, or None if none of them does.

    Raises InputError if their values belong to another chart, or are several.
    """
    holders = [one for one in objects if one["kind"] in _KINDS and name in ("", one["metadata"].get("name"))]
    if not holders:
        return None
    found = [(holder, values) for holder in holders for values in _values(holder)]
    ours = [
        (holder, values) for holder, values in found if values and not set(values) - set(plain_schema()["properties"])
    ]
    labels = ", ".join(f"{one['kind']} {one['metadata'].get('name')}" for one in holders)
    if not ours and any(True for _ in of_kind(objects, *WORKLOADS)):
        return None
    if not ours:
        raise InputError(
            f"{labels}: there are no values of this chart in it; render the other chart with helm template, "
            "and import what it prints"
        )
    if len(ours) > 1:
        raise InputError(f"there are values in several objects, choose one with --object: {labels}")
    holder, values = ours[0]
    return Part(values, tuple(_notes(holder)))


def _values(holder: Object) -> Iterator[Mapping[str, Any]]:
    spec = holder.get("spec") or {}
    sources = [spec.get("source"), *(spec.get("sources") or ())] if holder["kind"] == "Application" else []
    inline = [spec.get("values")] if holder["kind"] == "HelmRelease" else []
    for source in sources:
        helm = (source or {}).get("helm") or {}
        inline.append(helm.get("valuesObject") or _parsed(helm.get("values")))
    yield from (values for values in inline if isinstance(values, Mapping))


def _parsed(text: Any) -> Any:
    try:
        return next(iter(load_objects(text)), None) if isinstance(text, str) else None
    except yaml.YAMLError as error:
        raise InputError("the Application's values are no YAML") from error


def _notes(holder: Object) -> Iterator[Note]:
    """Yield the values that come from somewhere else than the object itself."""
    spec = holder.get("spec") or {}
    for source in spec.get("valuesFrom") or ():
        yield Note(
            f"valuesFrom {source.get('kind')} {source.get('name')}", "its values are not in the object; add them"
        )
    for source in (spec.get("source"), *(spec.get("sources") or ())):
        helm = (source or {}).get("helm") or {}
        for key in ("parameters", "fileParameters", "valueFiles"):
            if helm.get(key):
                yield Note(f"helm.{key}", "these values are not in valuesObject; add them")
