"""Rules on secrets in plain text, anywhere in the values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from modelservice.findings import Path, Refuser, found_at
from modelservice.redact import instead, without_secrets
from modelservice.rules.extra_objects import ACTION, documents, is_object
from modelservice.rules.rule import Said, Values, rule

# A template that only encodes or quotes a text; one that a tool fills in has a mark such as <, $ or vault:.
_WRITTEN = re.compile(
    r"\{\{-?[ \t]*(?:(?:b64enc|printf?|s?quote|toString|trim)[ \t]+)*"
    r"(?:(?:\"[^\"<${}+:\[]+\"|`[^`<${}+:\[]+`)[ \t]*)+(?:\|[ \t]*[A-Za-z][A-Za-z0-9]*(?:[ \t]+[0-9]+)?[ \t]*)*-?\}\}"
)
# If other text is in its line, `fail` is in the place of the value.
_FAILED = re.compile(r"(?:(?<=[:\"'] )|(?<=[\"']))(\{\{-?[ \t]*)fail[ \t]+(?=[\"`])")
# A line that contains only the output of templates.
_ACTIONS_ALONE = re.compile(r"(?m)^[ \t]*(<template>[ \t]*)+$")
# No value yet: empty, or a placeholder that Argo CD's plugins, vals, Bank-Vaults, SOPS or envsubst fill in.
_BROUGHT = re.compile(r"^$|<template>|<path:[^<>]+>|^<[^<>]*>$|^\$\{[^{}]+\}$|^(ref\+|vault:|ENC\[)")


@rule(
    "secret-literal",
    "The values file contains a token, key or password in plain text.",
    why=(
        "Values files are kept in Git, in Helm's releases and in Argo CD. Anyone who can read one of these can use "
        "the secret, even after it is removed from the file."
    ),
    source="the token formats of the issuers",
)
def secret_literal(values: Values) -> Iterator[Said]:
    """Find a secret in plain text, which is never printed; `argument-secret` covers the arguments."""
    for path, message in values.secrets.items():
        yield Said(path, message, _field(values, path) or instead(path))
    for index, item in values.items("extraObjects"):
        path = ("extraObjects", index)
        if isinstance(item, str) and path not in values.secrets:
            for message in literals_in(item):
                yield Said(path, message, "put it into a Secret, and name that here")


def _field(values: Values, path: Path) -> str:
    """Return the hint to use the field for a secret in a variable, or ""."""
    name = found_at(values.merged, (*path[:2], "name")) if path[:1] == ("env",) else None
    if name == "HF_TOKEN" and values.at("model.source") == "huggingface":
        field = "huggingFace.tokenSecret.name"
    else:
        field = "apiKeySecret.name" if name == "VLLM_API_KEY" else ""
    return f"remove it, put it into a Secret, and write the Secret's name in {field}" if field else ""


def literals_in(text: str) -> list[str]:
    """Return the messages on secrets in plain text in a text's objects, each once."""
    objects = [one for one in documents(_with_marks(text)) if is_object(one)]
    return list(dict.fromkeys(without_secrets({"objects": objects}).secrets.values()))


@rule(
    "secret-object",
    "An extra object is a Secret with its values in plain text.",
    why=(
        "The values of the Secret are kept wherever the values file is, such as in Git and in Argo CD. Base64 is "
        "not encryption."
    ),
    source="https://kubernetes.io/docs/concepts/configuration/secret/",
    refused_by=Refuser.CHART,
)
def secret_object(values: Values) -> Iterator[Said]:
    """Find extra objects that are Secrets with their values."""
    for index, item in values.items("extraObjects"):
        for _ in written_secrets(item):
            hint = "remove it, and create it with `kubectl create secret`, an ExternalSecret or a SealedSecret"
            yield Said(("extraObjects", index), "a Secret has its values in plain text (not shown)", hint)


def written_secrets(item: Any) -> list[Any]:
    """Return the Secrets of an extra object, or of its text, that have their values in plain text."""
    found = _secrets(documents(_with_marks(item) if isinstance(item, str) else item))
    return [one for one in found if any(map(_is_literal, _held(one.get("data")) + _held(one.get("stringData"))))]


def _with_marks(text: str) -> str:
    """Return a text with its templates replaced: `written` for those that write a text, else `<template>`."""
    return _ACTIONS_ALONE.sub("", ACTION.sub("<template>", _WRITTEN.sub("written", _FAILED.sub(r"\1", text))))


def _secrets(objects: list[Any]) -> list[Any]:
    maps = [one for one in objects if isinstance(one, Mapping)]
    maps += [item for one in maps if isinstance(one.get("items"), list) for item in one["items"]]
    return [one for one in maps if is_object(one) and (one["apiVersion"], one["kind"]) == ("v1", "Secret")]


def _held(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, Mapping) else [value]


def _is_literal(value: Any) -> bool:
    return value is not None and not _BROUGHT.search(str(value))


RULES = (secret_literal, secret_object)
