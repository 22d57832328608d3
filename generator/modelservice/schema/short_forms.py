"""Expand short forms that people write for a map or a list: `gpu: 2`, `env: {A: b}`, `image: a/b:c`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from modelservice.redact import hides
from modelservice.schema.argument_forms import as_argument, as_arguments
from modelservice.vllm.releases import hub_tag

# The keys of a map that a single value may stand for; the first key that accepts the value is used.
_KEYS: Mapping[str, tuple[str, ...]] = {
    "model": ("name",),
    "gpu": ("count", "resourceName"),
    "sharedMemory": ("enabled", "sizeLimit"),
    "modelVolume": ("enabled", "mountPath", "size"),
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
# Lists of texts that other charts have as lists of maps: hosts of an Ingress, for example, are {host: NAME}.
_SINGLE: Mapping[str, str] = {"hosts": "host", "paths": "path", "keys": "key"}
# A key and its value without the space after the colon, or without the colon, which YAML reads as one text.
_PAIR_IN_TEXT = re.compile(r"([A-Za-z]+)(?:[:=]\s*|\s+)(\S+)")
_IMAGE = re.compile(r"(?P<repository>[^@]*?)(?::(?P<tag>[^:/@]+))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?")
_UNITS = {"k": "Ki", "m": "Mi", "g": "Gi", "t": "Ti"}


def in_full(key: str | int, value: Any, schema: Mapping[str, Any]) -> Any:
    """Return the value that is surely meant and that the schema accepts at a key, or None if there is none.

    Also returns None for a value that may hold a secret, because the edit would contain it.
    """
    from jsonschema import Draft7Validator

    if hides(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)):
        return None
    sound = Draft7Validator(dict(schema)).is_valid
    return next((form for form in _forms(str(key), value, schema) if sound(form)), None)


def _forms(key: str, value: Any, schema: Mapping[str, Any]) -> Iterator[Any]:
    """Yield what a value may be short for."""
    if value in ([], {}):
        yield [] if value == {} else {}
    elif key in _BY_KEY:
        yield from _BY_KEY[key](value)
    elif schema.get("x-form") == "argument":
        yield as_argument(value)
    elif is_variable(schema):
        yield from (items[0] for items in _variables(value if isinstance(value, dict) else [value]) if len(items) == 1)
    elif not isinstance(value, dict | list):
        yield from _of_scalar(key, value, schema)
    elif key in _SINGLE and isinstance(value, dict) and list(value) == [_SINGLE[key]]:
        yield value[_SINGLE[key]]


def is_variable(schema: Mapping[str, Any]) -> bool:
    """Return whether a schema is that of an environment variable."""
    return bool({"name", "value", "valueFrom"} <= schema.get("properties", {}).keys())


def _of_scalar(key: str, value: Any, schema: Mapping[str, Any]) -> Iterator[Any]:
    """Yield what a single value may be short for."""
    if isinstance(value, str) and schema.get("properties") and (pair := _PAIR_IN_TEXT.fullmatch(value)):
        yield {pair[1]: pair[2]}
    yield from _sources(value, schema)
    for name in _KEYS.get(key) or _only_key(schema):
        yield from ({name: one} for one in (value, *_quantity(value), *_enum(value, schema, name)))
    yield from _quantity(value)
    if schema.get("type") == "array" and isinstance(value, str) and re.fullmatch(r"[^\s\[]\S*", value):
        yield [value]


def _only_key(schema: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the key that a single value must be for: the map's switch, or its only required key."""
    known, needed = schema.get("properties", {}), schema.get("required", ())
    return ("enabled",) if "enabled" in known else tuple(needed) if len(needed) == 1 and "value" not in known else ()


def _sources(value: Any, schema: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield an empty volume source for its name, as a volume or as the model volume's."""
    if value == "emptyDir":
        yield {value: {}}
        yield {"volume": {value: {}}}


def _image(value: Any) -> Iterator[dict[str, str]]:
    """Yield the parts of an image's reference; nothing if it has neither a tag nor a digest."""
    found = _IMAGE.fullmatch(value) if isinstance(value, str) else None
    if found and (found["tag"] or found["digest"]):
        digest = {"digest": found["digest"]} if found["digest"] else {}
        tag = found["tag"] or ""
        yield {"repository": found["repository"], "tag": hub_tag(found["repository"], tag) or tag, **digest}


def _variables(value: Any) -> Iterator[list[dict[str, str]]]:
    """Yield variables as Kubernetes lists them, from a map or from lines such as NAME=value."""
    if isinstance(value, list) and all(isinstance(item, str) and "=" in item for item in value):
        value = dict(item.split("=", 1) for item in value)
    if isinstance(value, list) and all(isinstance(item, dict) and len(item) == 1 for item in value):
        value = {name: one for item in value for name, one in item.items()}
    if isinstance(value, dict) and value:
        yield [{"name": str(name), **_content(one)} for name, one in value.items()]


def _content(value: Any) -> dict[str, Any]:
    """Return the keys of a variable other than its name."""
    return value if isinstance(value, dict) else {"value": _written(value)}


def _pairs(value: Any) -> Iterator[dict[str, str]]:
    """Yield labels or annotations as a map, from NAME=value, or from a list of these or of maps."""
    items: list[Any] = value if isinstance(value, list) else str(value).split(",")
    if all(isinstance(item, str) and "=" in item for item in items):
        yield dict(item.strip().split("=", 1) for item in items)
    elif all(isinstance(item, dict) for item in items):
        yield {key: text for item in items for key, text in item.items()}


def _enum(value: Any, schema: Mapping[str, Any], key: str) -> Iterator[str]:
    """Yield the allowed value that differs from a text only in case."""
    allowed = schema.get("properties", {}).get(key, {}).get("enum", ())
    yield from (option for option in allowed if str(option).lower() == str(value).lower())


def _written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _quantity(value: Any) -> Iterator[str]:
    """Yield a size as Kubernetes writes it: 16Gi for Docker's 16g, 16gb."""
    if found := re.fullmatch(r"(?i)([0-9]+(?:\.[0-9]+)?)\s*([kmgt])i?b?", str(value)):
        yield found[1] + _UNITS[found[2].lower()]


def _empty(value: Any) -> Iterator[dict[str, Any]]:
    if value in ("", True):
        yield {}


_BY_KEY: Mapping[str, Callable[[Any], Iterator[Any]]] = {
    "image": _image,
    "env": _variables,
    "args": lambda value: iter([as_arguments(value)]),
    "emptyDir": _empty,
    **dict.fromkeys(("labels", "annotations", "podLabels", "podAnnotations", "nodeSelector", "matchLabels"), _pairs),
}
