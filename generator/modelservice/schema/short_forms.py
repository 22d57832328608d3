"""Expand short forms that people write for a map or a list: `gpu: 2`, `env: {A: b}`, `image: a/b:c`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from modelservice.redact import PLACEHOLDER
from modelservice.secret_forms import may_hold_secret

# The keys of a map that a single value may stand for; the first key that accepts the value is used.
_KEYS: Mapping[str, tuple[str, ...]] = {
    "model": ("name",),
    "gpu": ("count", "resourceName"),
    "sharedMemory": ("enabled", "sizeLimit"),
    "modelVolume": ("mountPath", "size"),
    "workload": ("kind",),
    "service": ("type", "port"),
    "strategy": ("type",),
    "tls": ("secretName",),
    "apiKeySecret": ("name",),
    "tokenSecret": ("name",),
    "huggingFace": ("endpoint",),
    "serviceAccount": ("name",),
    "autoscaling": ("kind",),
    "compileCache": ("volume",),
    "configMap": ("name",),
    "secret": ("secretName",),
    "configMapRef": ("name",),
    "secretRef": ("name",),
    "image": ("reference",),
}
_IMAGE = re.compile(r"(?P<repository>[^@]*?)(?::(?P<tag>[^:/@]+))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?")
_UNITS = {"k": "Ki", "m": "Mi", "g": "Gi", "t": "Ti"}


def in_full(key: str, value: Any, schema: Mapping[str, Any]) -> Any:
    """Return the value that is surely meant and that the schema accepts at a key, or None if there is none.

    Also returns None for a value that may hold a secret, because the edit would contain it.
    """
    from jsonschema import Draft7Validator

    text = json.dumps(value, ensure_ascii=False)
    if PLACEHOLDER in text or may_hold_secret(text):
        return None
    sound = Draft7Validator(dict(schema)).is_valid
    return next((form for form in _forms(key, value, schema) if sound(form)), None)


def _forms(key: str, value: Any, schema: Mapping[str, Any]) -> Iterator[Any]:
    """Yield what a value may be short for."""
    if key == "image" and isinstance(value, str):
        yield from _image(value)
    elif key == "env":
        yield from _variables(value)
    elif key == "emptyDir" and value in ("", True):
        yield {}
    elif not isinstance(value, dict | list):
        yield from _sources(value, schema)
        names = _KEYS.get(key) or _only_key(schema)
        for name in names:
            yield from ({name: one} for one in (value, *_quantity(value)))
        yield from _quantity(value)


def _only_key(schema: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the key that a single value must be for: the map's switch, or its only required key."""
    known, needed = schema.get("properties", {}), schema.get("required", ())
    return ("enabled",) if "enabled" in known else tuple(needed) if len(needed) == 1 and "value" not in known else ()


def _sources(value: Any, schema: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield an empty volume source for its name, as a volume or as the model volume's."""
    if value == "emptyDir":
        yield {value: {}}
        yield {"volume": {value: {}}}


def _image(text: str) -> Iterator[dict[str, str]]:
    """Yield the parts of an image's reference; nothing if it has neither a tag nor a digest."""
    found = _IMAGE.fullmatch(text)
    if found and (found["tag"] or found["digest"]):
        digest = {"digest": found["digest"]} if found["digest"] else {}
        yield {"repository": found["repository"], "tag": found["tag"] or "", **digest}


def _variables(value: Any) -> Iterator[list[dict[str, str]]]:
    """Yield variables as Kubernetes lists them, from a map or from lines such as NAME=value."""
    if isinstance(value, list) and all(isinstance(item, str) and "=" in item for item in value):
        value = dict(item.split("=", 1) for item in value)
    if isinstance(value, dict) and all(isinstance(one, str | int) for one in value.values()):
        yield [{"name": str(name), "value": _written(one)} for name, one in value.items()]


def _written(value: str | int) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _quantity(value: Any) -> Iterator[str]:
    """Yield a size as Kubernetes writes it: 16Gi for Docker's 16g, 16gb."""
    if found := re.fullmatch(r"(?i)([0-9]+(?:\.[0-9]+)?)\s*([kmgt])i?b?", str(value)):
        yield found[1] + _UNITS[found[2].lower()]
