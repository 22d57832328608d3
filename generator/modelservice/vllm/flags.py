"""The flags of `vllm serve`, by release."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, NamedTuple

from modelservice.vllm.facts import facts
from modelservice.vllm.releases import Life, alive, lives_of, releases, spans


class Flag(NamedTuple):
    """A flag of `vllm serve` in one release.

    `values` are the known values; vLLM accepts no others if `enforced`, and ignores their case if `fold`. `negatives`
    switch the flag off. `nargs` is "" for one value, "?" for at most one, "+" for one or more. An `optional` flag
    accepts "" and None as "not set". `type` is switch, boolean, str, int, float, human-int (4k), human-int-or-auto,
    json, json-object or str-or-json.
    """

    name: str
    type: str
    nargs: str
    values: tuple[str, ...]
    enforced: bool
    fold: bool
    negatives: tuple[str, ...]
    aliases: tuple[str, ...]
    deprecated: bool
    optional: bool
    repeatable: bool
    default: Any


class Line(NamedTuple):
    """The command line of a release: its flags by every spelling, and the release as messages name it."""

    release: str
    label: str
    flags: Mapping[str, Flag]


@functools.cache
def command_line(release: str) -> dict[str, Flag]:
    """Return the flags of a release by every spelling: name, alias and negative form."""
    line: dict[str, Flag] = {}
    for name, entry in facts("flags")["flags"].items():
        if name.startswith("-") and alive(entry["in"], release):
            flag = _flag(name, entry, release)
            line.update(dict.fromkeys((name, *flag.aliases, *flag.negatives), flag))
    return line


def _flag(name: str, entry: dict[str, Any], release: str) -> Flag:
    return Flag(
        name=name,
        type=one_of(entry["type"], release),
        nargs=one_of(entry.get("nargs", ""), release) or "",
        values=all_of(entry.get("values", []), release),
        enforced="enforced" in entry and alive(entry["enforced"], release),
        fold="fold" in entry and alive(entry["fold"], release),
        negatives=all_of(entry.get("negative", []), release),
        aliases=all_of(entry.get("aliases", []), release),
        deprecated="deprecated" in entry and alive(entry["deprecated"], release),
        optional="optional" in entry and alive(entry["optional"], release),
        repeatable="repeatable" in entry,
        default=one_of(entry.get("default", {}), release),
    )


def one_of(fact: Any, release: str) -> Any:
    """Return the value of a fact in a release: the fact itself or, if it is a map, the value whose life covers it."""
    if not isinstance(fact, dict):
        return fact
    return next((value for life, value in fact.items() if alive(life, release)), None)


def all_of(fact: list[Any] | dict[str, list[Any]], release: str) -> tuple[Any, ...]:
    """Return the items of a fact in a release: all items or, if it is a map, those whose life covers the release."""
    if isinstance(fact, list):
        return tuple(fact)
    return tuple(item for life, items in fact.items() if alive(life, release) for item in items)


def lives(spelling: str) -> list[Life]:
    """Return the lives of a flag's spelling, the earliest first, also of flags removed before the first release."""
    found = {span for name, entry in facts("flags")["flags"].items() for span in _written(spelling, name, entry)}
    gone_before = facts("history")["gone_before"]["flags"]
    return lives_of(_joined(sorted(found))) or [Life("", releases()[0])] * (spelling in gone_before)


def every_spelling() -> list[str]:
    """Return every name that a flag has or had in any release."""
    known = facts("flags")["flags"].items()
    aliases = (name for _, entry in known for name in _names(entry.get("aliases", [])))
    return [*(name for name, _ in known if name.startswith("--")), *aliases, *facts("history")["gone_before"]["flags"]]


def _names(fact: list[str] | dict[str, list[str]]) -> list[str]:
    return fact if isinstance(fact, list) else [name for names in fact.values() for name in names]


def flag_meant(word: str) -> str | None:
    """Return the flag of any release that a word such as maxModelLen or max_model_len means, or None."""
    return _by_plain_name().get(_plain(word))


def newest_with(spelling: str) -> str:
    """Return the newest release that has a spelling of a flag, or ""."""
    return next((one for one in reversed(releases()) if spelling in command_line(one)), "")


@functools.cache
def _by_plain_name() -> dict[str, str]:
    return {_plain(name): name for name in sorted(every_spelling(), reverse=True) if name.startswith("--")}


def _plain(word: str) -> str:
    return word.replace("-", "").replace("_", "").lower()


def first_release_with(flag: str) -> str | None:
    """Return the first listed release with a spelling of a flag, or None if no release has it."""
    found = lives(flag)
    return found[0].since if found else None


def _written(spelling: str, name: str, entry: dict[str, Any]) -> tuple[tuple[int, int], ...]:
    if spelling == name:
        return spans(entry["in"])
    for key in ("aliases", "negative"):
        fact = entry.get(key, [])
        by_life = fact if isinstance(fact, dict) else {entry["in"]: fact}
        for life, items in by_life.items():
            if spelling in items:
                return spans(life)
    return ()


def _joined(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for first, last in spans:
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
        else:
            joined.append((first, last))
    return joined
