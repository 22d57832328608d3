"""Read and write facts files: next to the values, in the user's cache, and in the catalogue of this package."""

from __future__ import annotations

import contextlib
import json
import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from modelservice.errors import InputError
from modelservice.models.model_facts import BITS, FORMAT, ModelFacts, Tensors, as_json
from modelservice.models.model_json import require_text
from modelservice.redact import shown_url
from modelservice.schema.source import SCHEMAS

# The folder next to a values file with the facts of its models.
FOLDER = "facts"
CATALOGUE = SCHEMAS / "models"
MAX_BYTES = 8 * 1024**2
# Suffixes that model publishers use for quantised checkpoints.
_QUANTISED = ("FP8", "GPTQ-Int8", "AWQ", "GPTQ-Int4", "NVFP4")
_MOST_FOLDERS = 8
_MOST_ROWS = 100_000
_MOST_FILES = 20_000
_MOST = 2**50
_MOST_DIMENSIONS = 32
_KEYS = {"format", "model", "revision", "source", "config", "tensors", "files"}


def file_name(model: str) -> str:
    """Return the name of the file with a model's facts: Qwen--Qwen3-8B.json for Qwen/Qwen3-8B."""
    return re.sub("[^A-Za-z0-9._-]", "-", model.strip("/").replace("/", "--"))[:200] + ".json"


def read_facts(path: Path) -> ModelFacts:
    """Return the facts in a file. Raises InputError if it cannot be read or is not a facts file."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise InputError(f"{path} is not a file")
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error
    try:
        if len(content) > MAX_BYTES:
            raise ValueError(f"has more than {MAX_BYTES // 1024**2} MiB")
        data = json.loads(content)
        require_text(data)
        return _facts(data)
    except (ValueError, RecursionError) as error:
        reason = (
            "is not JSON" if isinstance(error, json.JSONDecodeError | UnicodeError | RecursionError) else str(error)
        )
        hint = "rewrite it with `modelservice fit VALUES --save`, or remove it"
        raise InputError(f"{path} is not a facts file: it {reason}; {hint}") from error


def write_facts(facts: ModelFacts, path: Path) -> None:
    """Write a facts file atomically. Raises InputError if it cannot be written."""
    from modelservice.writing.files import replace_file

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{path.parent} cannot be created: {error.strerror or error}") from error
    replace_file(path, json.dumps(as_json(facts), indent=1, ensure_ascii=False) + "\n")


def facts_path(model: str, values_file: str) -> Path:
    """Return the path of a model's facts file next to a values file."""
    return Path(values_file).parent / FOLDER / file_name(model)


def known_facts(model: str, revision: str, values_files: Iterable[str], *, catalogue: bool = True) -> ModelFacts | None:
    """Return a model's facts from a file next to one of the values files or their fleet.yaml, or from the catalogue.

    Facts of a different commit than `revision` are ignored. Raises InputError for an invalid facts file.
    """
    files = list(values_files)[::-1]
    folders = [Path(file).parent for file in files] + [above for file in files[:1] for above in _fleet_of(file)]
    places = [folder / FOLDER / file_name(model) for folder in folders]
    for path in (*places, CATALOGUE / file_name(model))[: None if catalogue else -1]:
        if path.is_file() and _is_of(found := read_facts(path), model, revision):
            return found._replace(built_in=path.parent == CATALOGUE)
    return None


def _fleet_of(file: str) -> Iterator[Path]:
    """Yield the folder above a values file that has a fleet.yaml, in the same repository."""
    for depth in range(_MOST_FOLDERS):
        folder = Path(os.path.normpath(Path(file).parent.joinpath(*[".."] * depth)))
        if (folder / "fleet.yaml").is_file():
            yield folder
            return
        if (folder / ".git").exists():
            return


def quantised_checkpoints(model: str, values_files: Iterable[str]) -> list[ModelFacts]:
    """Return the known facts of the publisher's quantised checkpoints of a model, the one with the most bits first."""
    files, found = list(values_files), []
    for ending in _QUANTISED:
        with contextlib.suppress(InputError):  # an invalid file here is no problem of the requested model
            found.append(known_facts(f"{model}-{ending}", "", files))
    return [facts for facts in found if facts]


def cache_path(model: str, revision: str, endpoint: str, environment: Mapping[str, str] = os.environ) -> Path:
    """Return the path in the user's cache for the facts of a model at a revision of a hub."""
    base = environment.get("XDG_CACHE_HOME") or "~/.cache"
    hub = re.sub("[^A-Za-z0-9._-]", "-", shown_url(endpoint).partition("://")[2]) or "hub"
    at = file_name(revision or "main").removesuffix(".json")
    return Path(base).expanduser() / "modelservice" / FOLDER / hub[:100] / at / file_name(model)


def _is_of(facts: ModelFacts, model: str, revision: str) -> bool:
    both_commits = len(revision) == len(facts.revision) == 40
    return facts.model == model and not (both_commits and facts.revision != revision)


def _facts(data: Any) -> ModelFacts:
    if not isinstance(data, dict) or data.keys() != _KEYS:
        raise ValueError(f"must have exactly the keys {', '.join(sorted(_KEYS))}")
    if data["format"] != FORMAT:
        raise ValueError(f"has the format {data['format']!r:.20}, but must have {FORMAT}")
    for key, kind in (("model", str), ("revision", str), ("source", str), ("config", dict), ("tensors", list)):
        if not isinstance(data[key], kind):
            raise ValueError(f"has a {key} that is not a {kind.__name__}")
    if len(data["tensors"]) > _MOST_ROWS:
        raise ValueError(f"has more than {_MOST_ROWS} rows of tensors")
    tensors = tuple(map(_row, data["tensors"]))
    return ModelFacts(data["model"], data["revision"], data["source"], data["config"], tensors, _sizes(data["files"]))


def _row(row: Any) -> Tensors:
    match row:
        case [str(pattern), str(dtype), list(shape), int(copies)] if dtype in BITS and len(shape) <= _MOST_DIMENSIONS:
            if all(type(size) is int and 0 <= size <= _MOST for size in (*shape, copies)):
                return Tensors(pattern, dtype, tuple(shape), copies)
    raise ValueError("has a row of tensors that is not [name, dtype, shape, copies]")


def _sizes(files: Any) -> dict[str, int]:
    sound = isinstance(files, dict) and len(files) <= _MOST_FILES
    if not sound or not all(type(size) is int and 0 <= size <= _MOST for size in files.values()):
        raise ValueError("has files without valid sizes")
    return dict(files)
