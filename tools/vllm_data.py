"""Convert facts per release to the format of `schemas/vllm/flags.json` and `json_options.json`, and back.

A fact that is true for consecutive releases is written once, with its life: `0.10.0..0.12.0`, or `0.13.0..` if the
newest release still has it; several lives are separated by commas. So a new release changes few lines of the file. A
flag's type or nargs is a plain value if it never changed, else a map from life to value; a list is plain if all its
items live as long as the flag, else a map from life to items. `values` are the known values of the flag: its parser or
configuration refuses others in the releases of `enforced`; otherwise plugins may add some. `fold`: their case is
ignored.

In json_options.json an entry is an option (`--flag`), a configuration class, or a key of one: `Class.key`, or `Class.*`
for every other key. A type is a Python annotation: `Literal` stands for `values`, a class for its keys. `closed`: the
class refuses unknown keys. `required`: the class needs this key. `dashes`: names, or the keys of an option, may have
dashes instead of underscores.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

# The facts of one flag in one release; a missing key is "", [], False or null.
Facts = Mapping[str, Any]
# Release to flag to facts.
Releases = Mapping[str, Mapping[str, Facts]]

_SCALARS = ("type", "nargs", "range")
_LISTS = ("values", "aliases", "negative")
_MARKS = ("enforced", "repeatable", "deprecated", "closed", "fold", "dashes", "required", "optional")
_WIDE = 130


def numbers(release: str) -> tuple[int, ...]:
    """Return a release as numbers, for sorting."""
    return tuple(int(part) for part in release.split("."))


def lives(present: Sequence[str], releases: Sequence[str]) -> str:
    """Return the lives of a fact that is true in the releases of `present`."""
    runs: list[list[str]] = []
    for before, release in zip(["", *releases], releases, strict=False):
        if release in present:
            if runs and runs[-1][-1] == before:
                runs[-1].append(release)
            else:
                runs.append([release])
    return ", ".join(f"{run[0]}..{'' if run[-1] == releases[-1] else run[-1]}" for run in runs)


def covered(life: str, releases: Sequence[str]) -> list[str]:
    """Return the releases in lives such as `0.10.0..0.12.0, 0.13.0..`."""
    found: list[str] = []
    for one in life.split(", "):
        first, _, last = one.partition("..")
        found += releases[releases.index(first) : releases.index(last) + 1 if last else None]
    return found


def compress(facts: Releases, many: str = "flags") -> dict[str, Any]:
    """Return the releases, and each entry (`many` is the key for all of them) with the lives of its facts."""
    releases = sorted(facts, key=numbers)
    names = sorted({name for flags in facts.values() for name in flags})
    return {"releases": releases, many: {name: _flag(name, facts, releases) for name in names}}


def _flag(name: str, facts: Releases, releases: Sequence[str]) -> dict[str, Any]:
    having = {release: facts[release][name] for release in releases if name in facts[release]}
    life = lives(list(having), releases)
    entry: dict[str, Any] = {"in": life}
    for key in (*_SCALARS, "default"):
        by_life = _by_life({release: [flag.get(key)] for release, flag in having.items()}, releases)
        plain = {span: items[0] for span, items in by_life.items() if items[0] not in (None, "")}
        if plain:
            entry[key] = plain[life] if key in _SCALARS and life in plain else plain
    for key in _LISTS:
        by_life = _by_life({release: flag.get(key, []) for release, flag in having.items()}, releases)
        if by_life:
            entry[key] = by_life[life] if list(by_life) == [life] else by_life
    for key in _MARKS:
        marked = [release for release, flag in having.items() if flag.get(key)]
        if marked:
            entry[key] = lives(marked, releases)
    return entry


def _by_life(items: Mapping[str, Sequence[Any]], releases: Sequence[str]) -> dict[str, list[Any]]:
    """Return the items by life, sorted by the start of the life, and within a life as in the newest release."""
    order: dict[str, Any] = {}
    for release in reversed(list(items)):
        order.update({json.dumps(item): item for item in items[release] if json.dumps(item) not in order})
    grouped: dict[str, list[Any]] = {}
    for text, item in order.items():
        present = [release for release, some in items.items() if text in {json.dumps(one) for one in some}]
        grouped.setdefault(lives(present, releases), []).append(item)
    return dict(sorted(grouped.items(), key=lambda pair: numbers(pair[0].partition("..")[0])))


def expand(document: Mapping[str, Any], many: str = "flags") -> dict[str, dict[str, dict[str, Any]]]:
    """Return the facts per release; the inverse of `compress`."""
    releases = document["releases"]
    facts: dict[str, dict[str, dict[str, Any]]] = {release: {} for release in releases}
    for name, entry in document[many].items():
        for release in covered(entry["in"], releases):
            facts[release][name] = _facts(entry, release, releases)
    return facts


def _facts(entry: Mapping[str, Any], release: str, releases: Sequence[str]) -> dict[str, Any]:
    flag: dict[str, Any] = {}
    for key in (*_SCALARS, "default"):
        value = entry.get(key)
        if isinstance(value, dict):
            value = next((item for life, item in value.items() if release in covered(life, releases)), None)
        if value is not None:
            flag[key] = value
    for key in _LISTS:
        value = entry.get(key, [])
        if isinstance(value, dict):
            value = [item for life, items in value.items() if release in covered(life, releases) for item in items]
        if value:
            flag[key] = value
    for key in _MARKS:
        if key in entry and release in covered(entry[key], releases):
            flag[key] = True
    return flag


def write(document: Mapping[str, Any], many: str = "flags") -> str:
    """Return a document as JSON that is easy to review: one line per flag, or several if the line would be long."""
    head = [f" {json.dumps(key)}: {json.dumps(value)}" for key, value in document.items() if key != many]
    entries = [f"  {json.dumps(name)}: {_lines(entry)}" for name, entry in document[many].items()]
    return "{\n" + ",\n".join(head) + f',\n "{many}": {{\n' + ",\n".join(entries) + "\n }\n}\n"


def _lines(entry: Mapping[str, Any]) -> str:
    if len(json.dumps(entry)) <= _WIDE:
        return json.dumps(entry)
    return "{\n" + ",\n".join(f"   {json.dumps(key)}: {_value(value)}" for key, value in entry.items()) + "\n  }"


def _value(value: Any) -> str:
    if isinstance(value, dict) and len(json.dumps(value)) > _WIDE:
        return (
            "{\n" + ",\n".join(f"    {json.dumps(life)}: {json.dumps(item)}" for life, item in value.items()) + "\n   }"
        )
    return json.dumps(value)
