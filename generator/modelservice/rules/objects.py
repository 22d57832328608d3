"""Rules on further objects of the release."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from modelservice.rules.values import Said, Values, rule

_CHART = "the chart's templates/extra-objects.yaml"
# What a template in a text brings, and a line that is nothing else. One without an end takes the rest, in linear time.
_ACTION = re.compile(r"(?s)\{\{.*?(\}\}|\Z)")
_ACTIONS_ALONE = re.compile(r"(?m)^[ \t]*(<template>[ \t]*)+$")
# No value yet: empty, or a placeholder that Argo CD's plugins fill in.
_BROUGHT = re.compile(r"^$|<template>|<path:[^<>]+>|^<[^<>]*>$")


@rule("extra-object", "A further object is a Kubernetes object, and is there once.", source=_CHART)
def extra_object(values: Values) -> Iterator[Said]:
    """Text that is no object, or the same object twice; what a template in the text makes of it, helm alone knows."""
    seen: dict[tuple[str, ...], int] = {}
    for index, item in values.items("extraObjects"):
        if isinstance(item, str) and "{{" in item:
            continue
        found = _read(item)
        if found is None or not all(_is_object(one) for one in found):
            hint = "write apiVersion, kind and metadata.name, best as a map instead of text"
            yield Said(("extraObjects", index), "this text is no Kubernetes object", hint)
            continue
        for one in found:
            about, group = one["metadata"], str(one["apiVersion"]).rpartition("/")[0]
            which = (str(one["kind"]), str(about.get("name", "")), str(about.get("namespace", "")), group)
            if which in seen and which[1]:
                message = f"{which[0]} {which[1]} is extraObjects[{seen[which]}] too"
                yield Said(("extraObjects", index), message, "remove it, or the other one")
            seen.setdefault(which, index)


def literal_secrets(values: Values) -> Iterator[Said]:
    """Further objects that are Secrets with their values, which go wherever the values file goes."""
    for index, item in values.items("extraObjects"):
        text = _ACTIONS_ALONE.sub("", _ACTION.sub("<template>", item)) if isinstance(item, str) else item
        for one in _secrets(_read(text) or []):
            if any(map(_is_literal, _held(one.get("data")) + _held(one.get("stringData")))):
                hint = "remove it, and make it with `kubectl create secret`, an ExternalSecret or a SealedSecret"
                yield Said(("extraObjects", index), "a Secret has its values in plain text (not shown)", hint)


def _secrets(objects: list[Any]) -> list[Any]:
    maps = [one for one in objects if isinstance(one, Mapping)]
    maps += [item for one in maps if isinstance(one.get("items"), list) for item in one["items"]]
    return [one for one in maps if _is_object(one) and (one["apiVersion"], one["kind"]) == ("v1", "Secret")]


def _held(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, Mapping) else [value]


def _is_literal(value: Any) -> bool:
    return value is not None and not _BROUGHT.search(str(value))


def _read(item: Any) -> list[Any] | None:
    """Return the documents of a text that hold something, None where it is no YAML."""
    import yaml

    try:
        return [one for one in yaml.safe_load_all(item) if one not in (None, {})] if isinstance(item, str) else [item]
    except (yaml.YAMLError, ValueError, RecursionError):
        return None


def _is_object(one: Any) -> bool:
    about = one.get("metadata") if isinstance(one, Mapping) else None
    named = isinstance(about, Mapping) and (about.get("name") or about.get("generateName"))
    return bool(named and one.get("apiVersion") and one.get("kind"))


RULES = (extra_object,)
