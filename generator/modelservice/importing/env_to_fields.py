"""Turn a container's `env` into fields, Secrets and `env`; references are kept."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from modelservice.importing.container import Note
from modelservice.importing.part import Part, joined
from modelservice.importing.variables_to_fields import HUB_TOKENS, field_of_variable
from modelservice.schema.source import plain_schema
from modelservice.secret_forms import is_literal, names_secret

Entry = Mapping[str, Any]


def fields_of_env(entries: Sequence[Entry]) -> Part:
    """Return the fields of environment entries; of two with the same name, Kubernetes uses the last."""
    last = {str(entry["name"]): entry for entry in entries}
    parts: list[Part] = []
    token: Entry | None = None
    for name, entry in last.items():
        secret = secret_of(entry)
        if name in HUB_TOKENS[:2] and secret:
            same = token in (None, secret)
            token = token or secret
            reason = "its Secret is not that of the first hub token; only the first becomes huggingFace.tokenSecret"
            parts.append(token_from(secret) if same else Part(notes=(Note(name, reason),)))
        elif name == "VLLM_API_KEY" and secret and not secret.get("optional"):
            parts.append(api_key_from(secret))
        else:
            parts.append(_part(name, entry))
    return joined(parts)


def secret_of(entry: Entry) -> Entry:
    """Return a variable's reference to a Secret, or {} if it has none."""
    source: Entry = (entry.get("valueFrom") or {}).get("secretKeyRef") or {}
    return source


def token_from(secret: Entry) -> Part:
    """Return the fields of a hub token in a Secret."""
    optional = {"huggingFace.tokenSecret.optional": True} if secret.get("optional") else {}
    names = {"huggingFace.tokenSecret.name": secret["name"], "huggingFace.tokenSecret.key": secret["key"]}
    return Part({**names, **optional})


def api_key_from(secret: Entry) -> Part:
    """Return the fields of an API key in a Secret."""
    return Part({"apiKeySecret.name": secret["name"], "apiKeySecret.keys": [secret["key"]]})


def _part(name: str, entry: Entry) -> Part:
    value = str(entry.get("value", ""))
    url = plain_schema()["definitions"]["urlOrNone"]["pattern"]
    no_url = name == "HF_ENDPOINT" and not re.fullmatch(url, value)
    no_secret = names_secret(name) and not is_literal(value)
    if "valueFrom" in entry or not value or no_url or no_secret:
        return Part({"env": [dict(entry)]})
    part = field_of_variable(name, value)
    # Notes are about docker lines; Kubernetes passes the variable as it is.
    return part if part.settings or not part.notes else Part({"env": [dict(entry)]})


def configs_in(objects: Iterable[Entry]) -> dict[str, dict[str, str]]:
    """Return the data of the ConfigMaps among objects, by name."""
    maps = [one for one in objects if one["kind"] == "ConfigMap"]
    return {
        str(one["metadata"].get("name")): {str(key): str(value) for key, value in (one.get("data") or {}).items()}
        for one in maps
    }


def known_values(container: Entry, configs: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Return the variables with a known value, from the container or from a known ConfigMap.

    `configs` maps the names of ConfigMaps to their data. Variables that may be secret are left out.
    """
    found: dict[str, str] = {}
    for source in container.get("envFrom", ()):
        reference = source.get("configMapRef") or {}
        data = configs.get(str(reference.get("name")), {})
        found |= {f"{source.get('prefix', '')}{key}": value for key, value in data.items()}
    for entry in container.get("env", ()):
        reference = (entry.get("valueFrom") or {}).get("configMapKeyRef") or {}
        value = entry.get("value")
        if reference:
            value = configs.get(str(reference.get("name")), {}).get(str(reference.get("key")))
        if value is None or "$(" in str(value):
            found.pop(str(entry["name"]), None)
        else:
            found[str(entry["name"])] = str(value)
    return {name: value for name, value in found.items() if not names_secret(name)}


def names_of(container: Entry) -> Iterator[str]:
    """Yield the names of a container's variables."""
    yield from (str(entry["name"]) for entry in container.get("env", ()))
