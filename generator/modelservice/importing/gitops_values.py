"""Find this chart's values in a Flux HelmRelease, an Argo CD Application or a k3s HelmChart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import yaml

from modelservice.errors import InputError
from modelservice.findings import Path
from modelservice.importing.cluster_objects import WORKLOADS, Object, of_kind
from modelservice.importing.container import Note
from modelservice.importing.part import Origin, Part, is_named
from modelservice.importing.values_text import without_secrets_left
from modelservice.reading.documents import load_objects
from modelservice.reading.values_in_objects import ELSEWHERE, is_charts, value_at, value_paths
from modelservice.schema.source import plain_schema

_KINDS = ("HelmRelease", "Application", "HelmChart")


class _Inline(NamedTuple):
    holder: Object
    path: Path
    values: Mapping[str, Any]


def inline_origins(objects: Sequence[Object], name: str = "") -> list[Origin]:
    """Return the objects with values of this chart; `name` chooses one, and may begin with `namespace/`.

    Raises InputError if the values belong to another chart.
    """
    holders = [one for one in of_kind(objects, *_KINDS) if is_named(one["metadata"], name)]
    ours = [found for holder in holders for found in _values(holder)]
    labels = ", ".join(f"{one['kind']} {one['metadata'].get('name')}" for one in holders)
    if not holders or (not ours and any(True for _ in of_kind(objects, *WORKLOADS))):
        return []
    if not ours:
        raise InputError(
            f"{labels}: no values of this chart; render their own chart with `helm template`, and import the output"
        )
    return [_origin(one) for one in ours]


def _origin(found: _Inline) -> Origin:
    metadata = found.holder["metadata"]
    part = without_secrets_left(Part(found.values, tuple(_notes(found))))
    name, namespace = (str(metadata.get(key) or "") for key in ("name", "namespace"))
    return Origin(str(found.holder["kind"]), name, namespace, lambda: part)


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
