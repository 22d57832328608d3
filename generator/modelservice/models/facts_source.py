"""Decide where the facts of a service's model come from, and get them."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from modelservice.errors import InputError, ToolError
from modelservice.models.facts_file import cache_path, known_facts, read_facts, write_facts
from modelservice.models.hub import HubModel, Told, hub_facts
from modelservice.models.local_model import cached_snapshot, config_facts, folder_facts
from modelservice.models.model_facts import ModelFacts
from modelservice.models.near_names import near_model

# How long cached facts of a branch are used before the hub is queried again.
_FRESH_SECONDS = 7 * 24 * 3600
_OTHERWISE = "use `modelservice fit VALUES --model-config CONFIG --save`, or commit the facts file of another machine"
_HUB = "https://huggingface.co"


class WantedModel(NamedTuple):
    """A service's model: its name, revision and source, and its hub.

    `endpoint` is "" for the user's default hub; `with_token`: whether the user's token may be sent to the hub.
    """

    name: str
    revision: str
    source: str
    endpoint: str
    with_token: bool


def wanted_model(values: Mapping[str, Any], environment: Mapping[str, str] = os.environ) -> WantedModel:
    """Return the model of complete values.

    The user's token may be sent to huggingface.co and to the mirror in the user's HF_ENDPOINT. It may be sent to
    another mirror only if the values name a token's Secret, because then the service sends its token there too.
    """
    hub, model = values["huggingFace"], values["model"]
    endpoint = hub["endpoint"].rstrip("/")
    own = endpoint in ("", _HUB, environment.get("HF_ENDPOINT", "").rstrip("/"))
    with_token = own or bool(hub["tokenSecret"]["name"])
    return WantedModel(model["name"], model["revision"], model["source"], endpoint, with_token)


def model_facts(
    wanted: WantedModel,
    values_files: Sequence[str] = (),
    told: Told = lambda done, of: None,
    *,
    facts_file: Path | None = None,
    config: Path | None = None,
    refresh: bool = False,
) -> ModelFacts:
    """Return the facts of a model.

    `facts_file`, or `config` (a config.json or a folder), is used if given. Otherwise the facts come from a file next
    to the values, the catalogue, this machine or the hub, in this order; `refresh` skips the known ones. Raises
    ToolError if there are none.
    """
    try:
        if facts_file:
            return read_facts(facts_file)
        if config:
            return folder_facts(config, wanted.name) if config.is_dir() else config_facts(config, wanted.name)
        read_again = refresh and not _not_read(wanted)
        known = None if read_again else known_facts(wanted.name, wanted.revision, values_files)
        return known or _facts(wanted, told, refresh=refresh)
    except InputError as error:
        raise ToolError(str(error)) from error


def _facts(wanted: WantedModel, told: Told, *, refresh: bool) -> ModelFacts:
    name = wanted.name
    if wanted.source == "local":
        if not Path(name).is_dir():
            raise ToolError(f"{name} is not a folder on this machine: run this on the machine with it, or {_OTHERWISE}")
        return folder_facts(Path(name))
    if place := _not_read(wanted):
        raise ToolError(
            f"{name} is not in the catalogue, and facts are not read from {place}: copy its config.json from there, "
            "and use `modelservice fit VALUES --model-config config.json --save`"
        )
    if not refresh and (snapshot := cached_snapshot(name, wanted.revision)):
        return folder_facts(snapshot, name, snapshot.name)
    try:
        return _of_hub(wanted, told, refresh=refresh)
    except ToolError as error:
        near = near_model(name)
        raise ToolError(f"{error}; did you mean {near}?" if near else str(error)) from error


def _not_read(wanted: WantedModel) -> str:
    """Return the place of a model from which facts are not read, or ""."""
    if wanted.source == "modelscope":
        return "ModelScope"
    return "an object store" if "://" in wanted.name else ""


def _of_hub(wanted: WantedModel, told: Told, *, refresh: bool) -> ModelFacts:
    cached = cache_path(wanted.name, wanted.revision, wanted.endpoint or os.environ.get("HF_ENDPOINT", ""))
    if not refresh and _is_fresh(cached, wanted.revision):
        with contextlib.suppress(InputError):
            return read_facts(cached)
    found = hub_facts(HubModel(wanted.name, wanted.revision, wanted.endpoint, wanted.with_token), told)
    with contextlib.suppress(InputError):  # the cache is optional
        write_facts(found, cached)
    return found


def _is_fresh(path: Path, revision: str) -> bool:
    try:
        age = time.time() - path.stat().st_mtime
    except OSError:
        return False
    return len(revision) == 40 or age < _FRESH_SECONDS
