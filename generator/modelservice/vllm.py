"""vLLM's command line as data: a release in, what its `vllm serve` takes out.

The facts lie in `schemas/vllm/` and are read once, when something asks for them. Their format, lives such as
`0.10.0..0.12.0` or `0.13.0..`, is described in `tools/vllm_data.py`, which writes them.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from modelservice.fields import SCHEMAS
from modelservice.suggest import nearest

_RELEASE = re.compile(r"\d+\.\d+\.\d+(\.\d+)?")
# A vendor's tag may begin with another version: rocm6.4.1_vllm_0.10.1_20250909.
_NAMED_RELEASE = re.compile(r"vllm[-_]?v?(\d+\.\d+\.\d+.*)")


class Exactness(StrEnum):
    """How a release that is asked for stands to the listed ones."""

    KNOWN = "known"
    BETWEEN = "between"
    NEWER = "newer"
    OLDER = "older"
    UNSTATED = "unstated"


class Release(NamedTuple):
    """The listed release whose command line is used, and the release that was asked for ("" when unstated)."""

    name: str
    exactness: Exactness
    asked: str

    @property
    def label(self) -> str:
        """The release as messages name it."""
        if self.exactness is Exactness.KNOWN:
            return f"vLLM {self.name}"
        if self.exactness is Exactness.UNSTATED:
            return f"vLLM {self.name} (the newest known)"
        return f"vLLM {self.asked} (checked as {self.name})"


class Flag(NamedTuple):
    """A flag of `vllm serve` in one release.

    `values` are the known ones, all there are when `enforced`; `negatives` switch it off; `nargs` is "" for one value,
    "?" for at most one, "+" for one or more. `type` is switch, boolean, str, int, float, human-int (4k),
    human-int-or-auto, json, json-object or str-or-json.
    """

    name: str
    type: str
    nargs: str
    values: tuple[str, ...]
    enforced: bool
    negatives: tuple[str, ...]
    aliases: tuple[str, ...]
    deprecated: bool
    repeatable: bool
    default: Any


class Life(NamedTuple):
    """The first listed release with something, and the first listed one without it again ("": none)."""

    since: str
    gone: str


class Line(NamedTuple):
    """The command line of a release: its flags by every way to write them, and the release as messages name it."""

    release: str
    label: str
    flags: Mapping[str, Flag]


@functools.cache
def facts(name: str) -> dict[str, Any]:
    """Return one file of `schemas/vllm/`: flags, history, constraints or environment."""
    data: dict[str, Any] = json.loads((SCHEMAS / "vllm" / f"{name}.json").read_bytes())
    return data


def releases() -> list[str]:
    """Return the listed releases, the oldest first."""
    listed: list[str] = facts("flags")["releases"]
    return listed


def newest_release() -> str:
    """Return the newest listed release."""
    return releases()[-1]


def first_release_with(flag: str) -> str | None:
    """Return the first listed release with a flag, however it is spelled; None when no release has it."""
    found = lives(flag)
    return found[0].since if found else None


@functools.lru_cache(maxsize=256)
def release_for(tag: str, vllm_version: str) -> Release:
    """Return the release that an image holds: as stated, or the numbers behind vllm in its tag, or its first ones."""
    named = _NAMED_RELEASE.search(tag)
    found = _RELEASE.search(vllm_version or (named[1] if named else tag))
    if not found:
        return Release(newest_release(), Exactness.UNSTATED, "")
    asked = found.group()
    older = [release for release in releases() if _numbers(release) <= _numbers(asked)]
    if not older:
        return Release(releases()[0], Exactness.OLDER, asked)
    if older[-1] == asked:
        return Release(asked, Exactness.KNOWN, asked)
    exactness = Exactness.NEWER if older[-1] == newest_release() else Exactness.BETWEEN
    return Release(older[-1], exactness, asked)


def release_after(release: str) -> str:
    """Return the listed release that follows another one, itself when it is the newest."""
    return releases()[min(_order()[release] + 1, len(releases()) - 1)]


def _numbers(release: str) -> tuple[int, ...]:
    return tuple(int(part) for part in release.split("."))


@functools.cache
def _order() -> dict[str, int]:
    return {release: index for index, release in enumerate(releases())}


@functools.cache
def _spans(life: str) -> tuple[tuple[int, int], ...]:
    spans = []
    for one in life.split(", "):
        first, _, last = one.partition("..")
        spans.append((_order()[first], _order()[last] if last else len(_order()) - 1))
    return tuple(spans)


def alive(life: str, release: str) -> bool:
    """Return whether a life covers a release."""
    index = _order()[release]
    return any(first <= index <= last for first, last in _spans(life))


@functools.cache
def command_line(release: str) -> dict[str, Flag]:
    """Return the flags of a release by every way to write them: name, alias and negative form."""
    line: dict[str, Flag] = {}
    for name, entry in facts("flags")["flags"].items():
        if name.startswith("-") and alive(entry["in"], release):
            flag = _flag(name, entry, release)
            line.update(dict.fromkeys((name, *flag.aliases, *flag.negatives), flag))
    return line


def _flag(name: str, entry: dict[str, Any], release: str) -> Flag:
    return Flag(
        name=name,
        type=_one(entry["type"], release),
        nargs=_one(entry.get("nargs", ""), release) or "",
        values=_all(entry.get("values", []), release),
        enforced="enforced" in entry and alive(entry["enforced"], release),
        negatives=_all(entry.get("negative", []), release),
        aliases=_all(entry.get("aliases", []), release),
        deprecated="deprecated" in entry and alive(entry["deprecated"], release),
        repeatable="repeatable" in entry,
        default=_one(entry.get("default", {}), release),
    )


def _one(fact: Any, release: str) -> Any:
    """Return the value of a fact in a release: itself, or of a map the one whose life covers it."""
    if not isinstance(fact, dict):
        return fact
    return next((value for life, value in fact.items() if alive(life, release)), None)


def _all(fact: list[str] | dict[str, list[str]], release: str) -> tuple[str, ...]:
    if isinstance(fact, list):
        return tuple(fact)
    return tuple(item for life, items in fact.items() if alive(life, release) for item in items)


def lives(spelling: str) -> list[Life]:
    """Return when a flag can be written so, the earliest life first; also flags that went before the first release."""
    spans = {span for name, entry in facts("flags")["flags"].items() for span in _written(spelling, name, entry)}
    gone_before = facts("history")["gone_before"]["flags"]
    return _lives(_joined(sorted(spans))) or [Life("", releases()[0])] * (spelling in gone_before)


def other_lives(life: str | list[Life], release: str) -> tuple[list[Life], list[Life]]:
    """Return the lives that ended before a release or with it, and those that begin after it."""
    found = _lives(list(_spans(life))) if isinstance(life, str) else life
    now = _order()[release]
    past = [one for one in found if one.gone and _order()[one.gone] <= now]
    return past, [one for one in found if one.since and _order()[one.since] > now]


def _lives(spans: list[tuple[int, int]]) -> list[Life]:
    listed = [*releases(), ""]
    return [Life(listed[first], listed[last + 1]) for first, last in spans]


def _written(spelling: str, name: str, entry: dict[str, Any]) -> tuple[tuple[int, int], ...]:
    if spelling == name:
        return _spans(entry["in"])
    for key in ("aliases", "negative"):
        fact = entry.get(key, [])
        by_life = fact if isinstance(fact, dict) else {entry["in"]: fact}
        for life, items in by_life.items():
            if spelling in items:
                return _spans(life)
    return ()


def _joined(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for first, last in spans:
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
        else:
            joined.append((first, last))
    return joined


def unknown_variable(name: str) -> str | None:
    """Return the nearest variable ("": none is near) for a VLLM_ name that no listed release reads, else None."""
    known = facts("environment")["variables"]
    if not name.startswith("VLLM_") or name in known:
        return None
    return nearest(name, known, cutoff=0.8) or ""
