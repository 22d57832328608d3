"""List the Secrets that a service's pods need to start, for its README; templates/_pod.tpl does so for the notes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

# The values with Kubernetes' own structures, and the keys in them that refer to a Secret.
_PLACES = ("env", "envFrom", "initContainers", "extraContainers", "volumes")
_REFERENCES = ("azureFile", "nodePublishSecretRef", "secret", "secretKeyRef", "secretRef")


def required_secrets(values: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the required Secrets by name, sorted, with the keys that the pods need (empty: no specific key)."""
    found: dict[str, list[str]] = {}
    for name, key in (*_of_fields(values), *references([*map(values.get, _PLACES), values["modelVolume"]["volume"]])):
        keys = found.setdefault(name, [])
        if key and key not in keys:
            keys.append(key)
    return {name: found[name] for name in sorted(found) if name}


def _of_fields(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    token, keys = values["huggingFace"]["tokenSecret"], values["apiKeySecret"]
    yield "" if token["optional"] else token["name"], token["key"]
    yield from ((keys["name"], key) for key in keys["keys"])
    yield values["caBundle"]["secret"], ""
    yield values["tls"]["secretName"], ""
    yield from ((secret["name"], "") for secret in values["imagePullSecrets"])


def references(node: Any) -> Iterator[tuple[str, str]]:
    """Yield pairs (name, key) of the Secrets that Kubernetes' own structures refer to; "" for no specific key."""
    if isinstance(node, list):
        for item in node:
            yield from references(item)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key in _REFERENCES and isinstance(value, dict):
                if not value.get("optional"):
                    yield str(value.get("secretName") or value.get("name")), str(value.get("key", ""))
            else:
                yield from references(value)
