"""vLLM's releases: which one an image contains, and in which ones a fact holds."""

from __future__ import annotations

import functools
import re
from enum import StrEnum
from typing import NamedTuple

from modelservice.vllm.facts import facts

_RELEASE = re.compile(r"\d{1,9}\.\d{1,9}\.\d{1,9}(\.\d{1,9})?")
# A vendor's tag may start with another version: rocm6.4.1_vllm_0.10.1_20250909.
_NAMED_RELEASE = re.compile(r"vllm[-_]?v?(\d+\.\d+\.\d+.*)")


_ON_DOCKER_HUB = re.compile(r"((index\.)?docker\.io/)?vllm/vllm-openai[a-z-]*")


class Exactness(StrEnum):
    """How the requested release relates to the listed ones."""

    KNOWN = "known"
    BETWEEN = "between"
    NEWER = "newer"
    OLDER = "older"
    UNSTATED = "unstated"


class Release(NamedTuple):
    """The listed release whose command line is used, and the requested release ("" if unstated)."""

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


class Life(NamedTuple):
    """The first listed release that has something, and the first later one that does not ("" if there is none)."""

    since: str
    gone: str


def releases() -> list[str]:
    """Return the listed releases, the oldest first."""
    listed: list[str] = facts("flags")["releases"]
    return listed


def newest_release() -> str:
    """Return the newest listed release."""
    return releases()[-1]


@functools.lru_cache(maxsize=256)
def release_for(tag: str, vllm_version: str, *, own_image: bool = True) -> Release:
    """Return an image's release: `vllm_version`, or the version after vllm in the tag, or the tag's first version.

    The tag of an image that is not vLLM's own (`own_image` false) is the version of something else.
    """
    named = _NAMED_RELEASE.search(tag)
    found = _RELEASE.search(vllm_version or (named[1] if named else tag if own_image else ""))
    if not found or _numbers(found.group())[0] > _numbers(newest_release())[0] + 1:  # as in 2026.08.09
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
    """Return the listed release after another one, or that one if it is the newest."""
    return releases()[min(_order()[release] + 1, len(releases()) - 1)]


def hub_tag(repository: str, tag: str) -> str:
    """Return the tag that is meant by one without v or without its last number for vLLM's image on Docker Hub, or "".

    A mirror may have other tags.
    """
    found = re.fullmatch(r"(v?)(\d+\.\d+)(\.\d+)?(.*)", tag, re.IGNORECASE)
    if not found or not _ON_DOCKER_HUB.fullmatch(repository):
        return ""
    release = found[2] + (found[3] or ".0")
    meant = f"v{release}{found[4]}" if found[3] or (release in releases() and not found[4]) else ""
    return meant if meant != tag else ""


def _numbers(release: str) -> tuple[int, ...]:
    return tuple(int(part) for part in release.split("."))


@functools.cache
def _order() -> dict[str, int]:
    return {release: index for index, release in enumerate(releases())}


@functools.cache
def spans(life: str) -> tuple[tuple[int, int], ...]:
    """Return the first and last index in the list of releases of each part of a life."""
    spans = []
    for one in life.split(", "):
        first, _, last = one.partition("..")
        spans.append((_order()[first], _order()[last] if last else len(_order()) - 1))
    return tuple(spans)


def alive(life: str, release: str) -> bool:
    """Return whether a life covers a release."""
    index = _order()[release]
    return any(first <= index <= last for first, last in spans(life))


def other_lives(life: str | list[Life], release: str) -> tuple[list[Life], list[Life]]:
    """Return the lives that ended before or with a release, and those that start after it."""
    found = lives_of(list(spans(life))) if isinstance(life, str) else life
    now = _order()[release]
    past = [one for one in found if one.gone and _order()[one.gone] <= now]
    return past, [one for one in found if one.since and _order()[one.since] > now]


def lives_of(spans: list[tuple[int, int]]) -> list[Life]:
    """Return spans of indexes as lives."""
    listed = [*releases(), ""]
    return [Life(listed[first], listed[last + 1]) for first, last in spans]
