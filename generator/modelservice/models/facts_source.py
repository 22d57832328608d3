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

# For how long the facts of a branch count without asking the hub again.
_FRESH_SECONDS = 7 * 24 * 3600
_OTHERWISE = "give --model-config, or commit a facts file that `modelservice fit --save` wrote elsewhere"
_HUB = "https://huggingface.co"


class WantedModel(NamedTuple):
    """A service's model: its name, revision and source, and the hub that it comes from.

    `endpoint` is "" for the user's own hub; `with_token` says whether the user's token may go to it.
    """

    name: str
    revision: str
    source: str
    endpoint: str
    with_token: bool


def wanted_model(values: Mapping[str, Any], environment: Mapping[str, str] = os.environ) -> WantedModel:
    """Return the model of complete values.

    The user's token goes to the hub itself, to the mirror in the user's HF_ENDPOINT, and to another mirror only where
    the values name a token's Secret, so the service sends its token there too.
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

    They are those that are given (a facts file, or a configuration: a file or folder), those beside the values, in the
    catalogue, on this machine, or of the hub. `refresh` asks the hub again, whatever is known.
    Raises ToolError if there are none.
    """
    try:
        if facts_file:
            return read_facts(facts_file)
        if config:
            return folder_facts(config, wanted.name) if config.is_dir() else config_facts(config, wanted.name)
        known = None if refresh else known_facts(wanted.name, wanted.revision, values_files)
        return known or _facts(wanted, told, refresh=refresh)
    except InputError as error:
        raise ToolError(str(error)) from error


def _facts(wanted: WantedModel, told: Told, *, refresh: bool) -> ModelFacts:
    name = wanted.name
    if wanted.source == "local":
        if not Path(name).is_dir():
            raise ToolError(f"{name} is not on this machine: run this where it is, or {_OTHERWISE}")
        return folder_facts(Path(name))
    if wanted.source == "modelscope":
        raise ToolError(f"facts of {name} are not read from ModelScope: {_OTHERWISE}")
    if "://" in name:
        raise ToolError(f"facts are not read from an object store such as {name}: {_OTHERWISE}")
    if not refresh and (snapshot := cached_snapshot(name, wanted.revision)):
        return folder_facts(snapshot, name, snapshot.name)
    return _of_hub(wanted, told, refresh=refresh)


def _of_hub(wanted: WantedModel, told: Told, *, refresh: bool) -> ModelFacts:
    cached = cache_path(wanted.name, wanted.revision, wanted.endpoint or os.environ.get("HF_ENDPOINT", ""))
    if not refresh and _is_fresh(cached, wanted.revision):
        with contextlib.suppress(InputError):
            return read_facts(cached)
    found = hub_facts(HubModel(wanted.name, wanted.revision, wanted.endpoint, wanted.with_token), told)
    with contextlib.suppress(InputError):  # nobody needs the cache
        write_facts(found, cached)
    return found


def _is_fresh(path: Path, revision: str) -> bool:
    try:
        age = time.time() - path.stat().st_mtime
    except OSError:
        return False
    return len(revision) == 40 or age < _FRESH_SECONDS
