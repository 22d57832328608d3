"""Read the facts of a model from this machine: a folder, only a config.json, or the cache of huggingface_hub."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from modelservice.errors import InputError
from modelservice.models.model_facts import ModelFacts, collapsed
from modelservice.models.model_json import MAX_CONFIG, MAX_INDEX, indexed_files, json_object, with_quantization
from modelservice.models.safetensors import HeaderError, Tensor, read_tensors
from modelservice.models.weight_files import CONFIG, INDEX, QUANTIZATION, downloaded, other_weights, safetensors_files
from modelservice.reading.special_files import is_special

_MOST_FILES = 20_000
_COMMIT = re.compile("[0-9a-f]{40}")


def config_facts(path: Path, model: str = "") -> ModelFacts:
    """Return the facts from only a config.json; `path` is the file or its folder.

    `model` is the name, by default the path. Raises InputError if the file cannot be read or is not a configuration.
    """
    file = path / CONFIG if path.is_dir() else path
    config = _object(file, MAX_CONFIG)
    beside = file.with_name(QUANTIZATION)
    quantization = _object(beside, MAX_CONFIG) if beside.is_file() else None
    return ModelFacts(model or str(path), "", f"only {file}", with_quantization(config, quantization))


def folder_facts(folder: Path, model: str = "", revision: str = "") -> ModelFacts:
    """Return the facts of a model in a folder: its config.json, its tensors and the sizes of its files.

    Without weights, the facts have only the configuration. Raises InputError if the folder is not a model's, or for an
    invalid file.
    """
    files = _files(folder)
    if not safetensors_files(files) and not other_weights(files):
        return config_facts(folder, model)
    index = _object(folder / INDEX, MAX_INDEX) if INDEX in files else None
    try:
        names = safetensors_files(files, () if index is None else indexed_files(index))
    except ValueError as error:
        raise InputError(f"{folder / INDEX} {error}: is the download complete?") from error
    tensors = [tensor for name in names for tensor in _tensors(folder / name)]
    config = config_facts(folder).config
    return ModelFacts(model or str(folder), revision, str(folder), config, collapsed(tensors), downloaded(files))


def cached_snapshot(model: str, revision: str = "", environment: Mapping[str, str] = os.environ) -> Path | None:
    """Return the folder of a model in the cache of huggingface_hub, or None if it is missing or incomplete.

    The layout: https://huggingface.co/docs/huggingface_hub/guides/manage-cache
    """
    cache = hub_cache(environment) / f"models--{model.replace('/', '--')}"
    reference = cache / "refs" / (revision or "main")
    commit = revision
    if not _COMMIT.fullmatch(revision):
        commit = reference.read_text(encoding="utf-8").strip() if _inside(reference, cache) else ""
    folder = cache / "snapshots" / commit
    return folder if _COMMIT.fullmatch(commit) and _is_whole(folder) else None


def hub_cache(environment: Mapping[str, str]) -> Path:
    """Return the folder in which huggingface_hub caches its files."""
    if cache := environment.get("HF_HUB_CACHE"):
        return Path(cache).expanduser()
    base = environment.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(environment.get("HF_HOME") or f"{base}/huggingface").expanduser() / "hub"


def _inside(file: Path, folder: Path) -> bool:
    return ".." not in file.parts and file.is_relative_to(folder) and file.is_file()


def _is_whole(folder: Path) -> bool:
    """Return whether a snapshot has its configuration and all of its weights; dangling links do not count."""
    names = {path.name for path in folder.glob("*") if path.is_file()}
    try:
        if INDEX in names and not names.issuperset(indexed_files(_object(folder / INDEX, MAX_INDEX))):
            return False
    except (InputError, ValueError):
        return False
    return CONFIG in names and bool(safetensors_files(names))


def _files(folder: Path) -> dict[str, int]:
    found: dict[str, int] = {}
    for root, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for path in (Path(root, name) for name in names):
            if path.is_file() and not is_special(path):
                found[path.relative_to(folder).as_posix()] = path.stat().st_size
        if len(found) > _MOST_FILES:
            raise InputError(f"{folder} has more than {_MOST_FILES} files: give the folder of one model")
    if CONFIG not in found:
        raise InputError(f"{folder} has no {CONFIG}: give the folder of a model")
    return found


def _tensors(path: Path) -> list[Tensor]:
    try:
        with path.open("rb") as file:
            return read_tensors(file, path.stat().st_size)
    except HeaderError as error:
        raise InputError(f"{path} is not a valid safetensors file: {error}; is the download complete?") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error


def _object(path: Path, most: int) -> dict[str, Any]:
    try:
        if is_special(path):
            raise ValueError("is a pipe, a socket or a device")
        with path.open("rb") as file:
            content = file.read(most + 1)
        if len(content) > most:
            raise ValueError(f"has more than {most // 1024**2} MiB: it is not read")
        return json_object(content)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise InputError(f"{path} {error}") from error
