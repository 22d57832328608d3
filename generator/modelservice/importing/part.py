"""Parts of imported values: settings, notes and Secrets, and how to join them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from modelservice.errors import InputError
from modelservice.importing.container import Note
from modelservice.schema.defaults import default_values
from modelservice.schema.source import plain_schema


class Secret(NamedTuple):
    """A key of a Secret that must exist; `source` is a shell variable with its content, or describes it."""

    name: str
    key: str
    source: str


# The Secret for values that have no field with a Secret of its own.
SECRETS = "llm-secrets"


def reference(name: str) -> dict[str, Any]:
    """Return a variable that reads the key of the same name in the Secret `SECRETS`."""
    return {"name": name, "valueFrom": {"secretKeyRef": {"name": SECRETS, "key": name}}}


class Part(NamedTuple):
    """A part of the imported values: settings by dotted key, notes, and the Secrets that the settings use.

    `notes` list what is lost or needs a decision, `remarks` what differs on purpose without loss. `unchecked` is why
    the result could not be compared with the original on this machine, or "".
    """

    settings: Mapping[str, Any] = {}
    notes: tuple[Note, ...] = ()
    secrets: tuple[Secret, ...] = ()
    remarks: tuple[Note, ...] = ()
    unchecked: str = ""


class Origin(NamedTuple):
    """A service that can be imported: its name and namespace ("" if unknown), and a function that imports it.

    `label` names the kind of the original, such as "Deployment", and `about` are further facts about it, a line each.
    """

    label: str
    name: str
    namespace: str
    part: Callable[[], Part]
    about: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """The label, and the name after its namespace and a slash, as far as they are known."""
        path = f"{self.namespace}/{self.name}" if self.namespace else self.name
        return f"{self.label} {path}".rstrip()


def is_named(metadata: Mapping[str, Any], name: str) -> bool:
    """Return whether an object has this name, which may begin with `namespace/`; "" is every name."""
    own = metadata.get("name")
    return name in ("", own, f"{metadata.get('namespace')}/{own}")


def only(origins: Sequence[Origin], option: str = "--object") -> Origin:
    """Return the only service. Raises InputError if there are several."""
    if len(origins) > 1:
        listed = ", ".join(one.title for one in origins)
        raise InputError(
            f"several services run vLLM; choose one with {option}, or import all into a folder with -o: {listed}"
        )
    return origins[0]


def joined(parts: Iterable[Part]) -> Part:
    """Return the parts as one: lists of the same key are concatenated, other values replace earlier ones."""
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
    """Return settings as values in the order of the schema, without those that equal the default.

    model.name is kept even if it is the default, because it was chosen.
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
    """Return a map in the schema's order, nested maps included; unknown keys come last."""
    found = {}
    known = list(properties)
    for key in sorted(values, key=lambda key: known.index(key) if key in properties else len(known)):
        inside = properties.get(key, {}).get("properties")
        found[key] = ordered(values[key], inside) if inside and isinstance(values[key], dict) else values[key]
    return found
