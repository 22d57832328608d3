"""Get the facts of a model from a hub: its configuration, the headers of its weights, the list of its files."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from modelservice.deadline import within
from modelservice.errors import ToolError
from modelservice.models.model_facts import ModelFacts, collapsed
from modelservice.models.model_json import MAX_CONFIG, MAX_INDEX, indexed_files, json_object, with_quantization
from modelservice.models.weight_files import (
    CONFIG,
    INDEX,
    QUANTIZATION,
    downloaded,
    other_weights,
    safetensors_files,
)

if TYPE_CHECKING:
    from modelservice.models.hub_repository import Listing, Repository
    from modelservice.models.safetensors import Tensor

# The package itself is on no index, so `modelservice[hub]` cannot be installed by name.
INSTALL = "`pip install 'huggingface_hub>=2'` (after pipx: `pipx inject modelservice huggingface_hub`)"
_OTHERWISE = "use `modelservice fit VALUES --model-config CONFIG --save`"
# The limit for all requests together: a model with 163 files took 40 s over a slow connection.
SECONDS = 300.0
_WORKERS = 8
_MOST_TENSORS = 500_000
_MOST_SHARDS = 2_000

# Called with the number of files read so far and the total number.
Told = Callable[[int, int], None]


class HubModel(NamedTuple):
    """A model on a hub: its id, its revision ("": the default), and the hub's address ("": the user's default hub).

    `with_token`: whether the user's token may be sent to that hub.
    """

    model: str
    revision: str = ""
    endpoint: str = ""
    with_token: bool = True


def hub_facts(wanted: HubModel, told: Told = lambda done, of: None, *, seconds: float = SECONDS) -> ModelFacts:
    """Return the facts of a model on a hub; `told` is called with the progress.

    Raises ToolError for every failure, and after `seconds`.
    """
    try:
        from modelservice.models.hub_repository import Repository, bounded_client, offline
    except ImportError as error:
        raise ToolError(
            f"reading facts from a hub needs the package huggingface_hub: run {INSTALL}, or {_OTHERWISE}"
        ) from error
    if offline():
        raise ToolError(f"HF_HUB_OFFLINE is set: unset it, or {_OTHERWISE}")
    repository = Repository(wanted.model, wanted.revision, wanted.endpoint, with_token=wanted.with_token)
    with bounded_client():
        try:
            return within(seconds, lambda: _facts(repository, told))
        except TimeoutError:
            raise ToolError(f"{repository.host} took more than {seconds:.0f} seconds: try again later") from None


def _facts(repository: Repository, told: Told) -> ModelFacts:
    listing = repository.listing()
    config = _object(repository, listing, CONFIG, MAX_CONFIG)
    quantization = _object(repository, listing, QUANTIZATION, MAX_CONFIG) if QUANTIZATION in listing.files else None
    index = _object(repository, listing, INDEX, MAX_INDEX) if INDEX in listing.files else None
    names = safetensors_files(listing.files, () if index is None else _indexed(index, repository))
    tensors = _tensors(repository, listing, names, told)
    sizes = downloaded(listing.files)
    known = all(size >= 0 for size in sizes.values())
    source = repository.host
    if not names:
        kinds = other_weights(listing.files)
        source += f", only the sizes of its files: {kinds[0]} is not read" if kinds else ", without weights"
    revision = listing.commit or repository.revision or "main"
    full = with_quantization(config, quantization)
    return ModelFacts(repository.model, revision, source, full, collapsed(tensors), sizes if known else {})


def _object(repository: Repository, listing: Listing, name: str, most: int) -> dict[str, Any]:
    try:
        return json_object(repository.content(name, listing.commit, most))
    except ValueError as error:
        raise ToolError(f"{name} of {repository.model} on {repository.host} {error}") from error


def _indexed(index: dict[str, Any], repository: Repository) -> frozenset[str]:
    try:
        return indexed_files(index)
    except ValueError as error:
        raise ToolError(f"{INDEX} of {repository.model} on {repository.host} {error}") from error


def _tensors(repository: Repository, listing: Listing, names: Sequence[str], told: Told) -> list[Tensor]:
    """Return the tensors of the files, reading several files at a time."""
    if len(names) > _MOST_SHARDS:
        raise ToolError(f"{repository.model} has {len(names)} weight files: at most {_MOST_SHARDS} are accepted")
    found: list[Tensor] = []
    told(0, len(names))
    for done, tensors in enumerate(_each(lambda n: repository.tensors(n, listing.commit, listing.files[n]), names), 1):
        found += tensors
        if len(found) > _MOST_TENSORS:
            raise ToolError(f"{repository.model} has more than {_MOST_TENSORS} tensors: no known model has so many")
        told(done, len(names))
    return found


def _each(call: Callable[[str], list[Tensor]], names: Sequence[str]) -> Iterator[list[Tensor]]:
    """Yield the result of the call for each name, in any order. Raises the first error without waiting for other calls.

    An executor cannot be used here: Python joins its threads before it exits.
    """
    todo: queue.SimpleQueue[str] = queue.SimpleQueue()
    done: queue.SimpleQueue[list[Tensor] | Exception] = queue.SimpleQueue()
    for name in names:
        todo.put(name)

    def work() -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                name = todo.get_nowait()
                try:
                    done.put(call(name))
                except Exception as error:
                    done.put(error)
                    return

    for _ in range(min(_WORKERS, len(names))):
        threading.Thread(target=work, daemon=True).start()
    for _ in names:
        result = done.get()
        if isinstance(result, Exception):
            while not todo.empty():
                with contextlib.suppress(queue.Empty):
                    todo.get_nowait()
            raise result
        yield result
