"""Suggest settings from the facts of a model, each with a reason."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from modelservice.check import check
from modelservice.findings import Action, Finding, Severity, dotted
from modelservice.importing.part import values_of
from modelservice.models.model_facts import ModelFacts
from modelservice.models.tasks import task_of, task_of_name
from modelservice.reading.document import read
from modelservice.rules import ABOUT_SIZE
from modelservice.rules.known_model import stored_tensors
from modelservice.schema.defaults import default_values
from modelservice.starting.parsers import parsers_of
from modelservice.writing.dump import dump

_GIB = 2**30
# Bytes per second of a download, as in the rule startup-download, and of loading from the volume.
_DOWNLOAD_RATE, _LOAD_RATE = 125_000_000, 500_000_000
_COMPILE_SECONDS = 300


class Suggestion(NamedTuple):
    """A value for a dotted key, and the reason."""

    key: str
    value: Any
    reason: str


def suggestions(facts: ModelFacts) -> list[Suggestion]:
    """Return the suggestions that follow from a model alone and differ from the defaults."""
    found = [*_task(facts), *_volume(facts), *_start(facts)]
    return [one for one in found if one.value != default_of(one.key)]


def fixed(settings: Mapping[str, Any]) -> list[Suggestion]:
    """Return the settings that rules on sizes propose, such as memory, if the model's facts are known."""
    return [one for found in _findings(settings) if found.rule in ABOUT_SIZE for one in _sets(found)]


def completed(settings: Mapping[str, Any]) -> list[Suggestion]:
    """Return the settings without which the given ones are not valid, such as the mount path of a local model."""
    wrong = [_sets(found) for found in _findings(settings) if found.severity is Severity.ERROR]
    return [one for sets in wrong if not settings.keys() & {one.key for one in sets} for one in sets]


def _findings(settings: Mapping[str, Any]) -> list[Finding]:
    return check(read("values.yaml", dump(values_of(settings)).encode()))


def _sets(found: Finding) -> list[Suggestion]:
    """Return the settings of a finding's fix."""
    edits = [edit for edit in found.fix if edit.action is Action.SET and edit.path[0] != "args"]
    return [
        Suggestion(dotted(edit.path), edit.value, found.message.removeprefix(f"{dotted(edit.path)} ")) for edit in edits
    ]


def default_of(key: str) -> Any:
    """Return the default of a dotted key, or None if it has none."""
    place: Any = default_values()
    for part in key.split("."):
        place = place.get(part) if isinstance(place, dict) else None
    return place


def named_task(model: str) -> list[Suggestion]:
    """Return the suggestions from a model's name, for a model without known facts."""
    return [Suggestion("model.task", *found)] if (found := task_of_name(model)) else []


def merged(settings: Mapping[str, Any], found: Iterable[Suggestion]) -> dict[str, Any]:
    """Return settings with the suggestions for other keys, and suggested arguments before those with other flags."""
    suggested: dict[str, Any] = {}
    for one in applicable(settings, found):
        suggested[one.key] = [*suggested.get("args", ()), *one.value] if one.key == "args" else one.value
    given = settings.get("args", [])
    flags = {_flag(word) for word in given}
    more = [word for word in suggested.get("args", ()) if _flag(word) not in flags]
    return {**suggested, **settings, **({"args": [*more, *given]} if more else {})}


def applicable(settings: Mapping[str, Any], found: Iterable[Suggestion]) -> list[Suggestion]:
    """Return the suggestions without the size of a model volume that the settings do not create."""
    other = settings.get("modelVolume.existingClaim") or settings.get("modelVolume.volume")
    creates = settings.get("modelVolume.enabled", True) and not other
    return [one for one in found if creates or one.key != "modelVolume.size"]


def without(settings: Mapping[str, Any], found: Iterable[Suggestion]) -> dict[str, Any]:
    """Return settings without the suggestions for another model."""
    suggested = {one.key: one.value for one in found}
    return {key: value for key, value in settings.items() if key not in suggested or suggested[key] != value}


def is_in(settings: Mapping[str, Any], one: Suggestion) -> bool:
    """Return whether settings contain a suggestion."""
    value = settings.get(one.key)
    return value == one.value or (one.key == "args" and value is not None and set(one.value) <= set(value))


def _flag(word: Any) -> str:
    return str(word).partition("=")[0].partition(".")[0].replace("_", "-")


def suggested_parsers(model: str, release: str) -> list[Suggestion]:
    """Return the parsers for tool calls and reasoning in vLLM's recipe for the model, if the release has them."""
    found = parsers_of(model, release)
    return [Suggestion(key, name, f"the parser that {source} names") for key, (name, source) in found.items()]


def _task(facts: ModelFacts) -> Iterator[Suggestion]:
    if found := task_of(facts):
        yield Suggestion("model.task", *found)


def _size(facts: ModelFacts) -> int:
    """Return the bytes of a download: of all files, else of the weights, or 0 if neither is known."""
    return facts.download_bytes or sum(one.nbytes for one in stored_tensors(facts))


def _volume(facts: ModelFacts) -> Iterator[Suggestion]:
    if size := _size(facts):
        wanted = math.ceil(2.1 * size / _GIB / 10) * 10
        reason = f"a download of {size / _GIB:.1f} GiB, and room for the next revision"
        yield Suggestion("modelVolume.size", f"{max(20, wanted)}Gi", reason)


def _start(facts: ModelFacts) -> Iterator[Suggestion]:
    size = _size(facts)
    seconds = math.ceil((size / _DOWNLOAD_RATE + size / _LOAD_RATE + _COMPILE_SECONDS) / 300) * 300
    if seconds > int(default_of("startupSeconds")):
        yield Suggestion("startupSeconds", seconds, "time to download at 1 Gbit/s, load and compile")
