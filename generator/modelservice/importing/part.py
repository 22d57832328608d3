"""Parts of a values file that is made from something else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from modelservice.importing.container import Note
from modelservice.schema.defaults import default_values
from modelservice.schema.source import plain_schema


class Secret(NamedTuple):
    """A key of a Secret that must exist; `source` is what a person writes in a shell for its content."""

    name: str
    key: str
    source: str


# The Secret of what no field has a Secret for.
SECRETS = "llm-secrets"


def reference(name: str) -> dict[str, Any]:
    """Return a variable that reads the key of its own name in that Secret."""
    return {"name": name, "valueFrom": {"secretKeyRef": {"name": SECRETS, "key": name}}}


class Part(NamedTuple):
    """What follows from one side of the original: dotted keys with their values, notes, and Secrets that they name.

    `notes` are what is lost or needs a decision, `remarks` what differs on purpose and loses nothing.
    """

    settings: Mapping[str, Any] = {}
    notes: tuple[Note, ...] = ()
    secrets: tuple[Secret, ...] = ()
    remarks: tuple[Note, ...] = ()


def joined(parts: Iterable[Part]) -> Part:
    """Return the parts as one; lists of the same key follow each other, other values replace earlier ones."""
    settings: dict[str, Any] = {}
    notes: list[Note] = []
    secrets: list[Secret] = []
    remarks: list[Note] = []
    for part in parts:
        for key, value in part.settings.items():
            if isinstance(value, list) and key in settings:
                settings[key] += value
            else:
                settings[key] = list(value) if isinstance(value, list) else value
        notes += part.notes
        secrets += part.secrets
        remarks += part.remarks
    once = dict.fromkeys
    return Part(settings, tuple(once(notes)), tuple(once(secrets)), tuple(once(remarks)))


def values_of(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings as values in the order of the schema, without those that the defaults say anyway.

    A model that is the default one stays: it was chosen.
    """
    values: dict[str, Any] = {}
    for key, value in settings.items():
        *above, last = key.split(".")
        default: Any = default_values()
        place = values
        for part in above:
            default = default.get(part, {})
        if default.get(last) != value or key == "model.name":
            for part in above:
                place = place.setdefault(part, {})
            place[last] = value
    return ordered(values, plain_schema()["properties"])


def ordered(values: dict[str, Any], properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return a map, and the maps of the schema's in it, in the schema's order; what it does not know comes last."""
    found = {}
    known = list(properties)
    for key in sorted(values, key=lambda key: known.index(key) if key in properties else len(known)):
        inside = properties.get(key, {}).get("properties")
        found[key] = ordered(values[key], inside) if inside and isinstance(values[key], dict) else values[key]
    return found
