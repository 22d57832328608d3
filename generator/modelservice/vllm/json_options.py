"""Check the JSON options of vLLM, given as JSON or as dotted keys, against the configuration classes of a release.

The keys of each option are in `schemas/vllm/json_options.json`, which is extracted from vLLM's sources. pydantic
converts values in "lax" mode: "8" is an integer and "yes" is true. Values that only vLLM itself can check are accepted.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from modelservice.findings import Problem, Severity
from modelservice.redact import shown
from modelservice.spelling import nearest
from modelservice.vllm.argument_rules import problem, quoted_item
from modelservice.vllm.argument_values import near_value, size, with_sizes
from modelservice.vllm.command_line import Given
from modelservice.vllm.configuration import Configuration, entries
from modelservice.vllm.facts import facts
from modelservice.vllm.flags import Line, all_of, one_of
from modelservice.vllm.json_edits import Fault, Keys, Part, edited, nested
from modelservice.vllm.json_types import accepts, inside, limits_in_words, words
from modelservice.vllm.releases import alive, other_lives

_LISTED = 12
_LONGEST = 400  # of an item that a hint shows
_OF_KEYS = ("argument-removed", "argument-not-yet", "argument-key")


def json_problems(given: Sequence[Given], line: Line) -> Iterator[Problem]:
    """Yield the problems of the keys and values in JSON options; another check reports invalid JSON."""
    for flag in dict.fromkeys(item.flag.name for item in given):
        entry = entries().get(flag)
        if entry is None or not alive(entry["in"], line.release):
            continue
        parts = [part for item in given if item.flag.name == flag for part in _parts(item, line.release)]
        kind = one_of(entry["type"], line.release)
        yield from (_sizes(item, line) for item in given if item.flag.name == flag and _has_sizes(item, line.release))
        for part in parts:
            whole = nested(part.keys, part.value)
            yield from (_problem(one, part, line) for one in _faults(kind, whole, entry, line.release))
        if parts and kind in entries():
            yield from _missing(Configuration(kind, line.release), parts)


def _has_sizes(item: Given, release: str) -> bool:
    """Return whether JSON contains bare sizes, such as 80g, and the release does not accept them."""
    known = alive(facts("constraints")["json_sizes"]["in"], release)
    return (
        not known and not item.key and any(_parsed(word.text) is None is not _read(word.text) for word in item.values)
    )


def _sizes(item: Given, line: Line) -> Problem:
    since = facts("constraints")["json_sizes"]["in"].partition("..")[0]
    message = f"`{item.flag.name}`: JSON accepts sizes such as 80g since vLLM {since}; this is {line.label}"
    return problem("argument-json", item.values[0].at, message, "write the number")


def _parts(item: Given, release: str) -> Iterator[Part]:
    for word in item.values:
        if item.key:
            keys = tuple(item.key.removesuffix("+").split("."))
            value = word.text.split(",") if item.key.endswith("+") else _dotted_value(word.text, release)
            yield Part(item, word, keys, value)
        elif isinstance(value := _read(word.text), dict):
            yield Part(item, word, (), value)


def _dotted_value(text: str, release: str) -> Any:
    """Return the value of a dotted key as vLLM's parser reads it: JSON, a size such as 80g, or text."""
    value = _parsed(text)
    if value is not None or text == "null":
        return value
    sizes = alive(facts("constraints")["json_sizes"]["in"], release)
    return text if not sizes or (number := size(text)) is None else number


def _read(text: str) -> Any:
    return _parsed(with_sizes(text))


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _faults(kind: str, value: Any, entry: Mapping[str, Any], release: str, path: Keys = ()) -> Iterator[Fault]:
    """Yield what is wrong with a value of this type."""
    inner = next((name for name in re.findall(r"\w+", kind) if name in entries()), "")
    if isinstance(value, str) and "$(" in value:
        return
    if inner and isinstance(value, dict):
        yield from _object(
            Configuration(inner, release), value, path, "dashes" in entry and alive(entry["dashes"], release)
        )
        return
    values = all_of(entry.get("values", []), release)
    marks = {mark for mark in ("enforced", "fold", "dashes") if mark in entry and alive(entry[mark], release)}
    if not accepts(kind, value, values, functools.partial(_folded, marks)):
        yield _refused(kind, value, values, entry, release, path)
    elif limits := one_of(entry.get("range", ""), release):
        if value is not None and not inside(value, limits):
            yield Fault(path, "argument-range", f"{shown(value)} is not {limits_in_words(limits)}")
    elif isinstance(value, str) and values and "enforced" not in marks and value.lower() not in map(str.lower, values):
        names = [name for name in values if isinstance(name, str)]
        message = f"{shown(value)} is unknown; known values are {_list(names)}{_change(entry, value, release)}"
        yield _near(Fault(path, "argument-value", message), value, names)


def _folded(marks: set[str], text: str) -> str:
    """Return a name in the form in which vLLM's validators compare it."""
    text = text.lower() if "fold" in marks else text
    return text.replace("-", "_") if "dashes" in marks else text


def _object(held: Configuration, value: Mapping[str, Any], path: Keys, dashes: bool = False) -> Iterator[Fault]:
    for written, inner in value.items():
        key = written.replace("-", "_") if dashes else written
        entry = held.entry(key)
        if entry:
            kind = one_of(entry["type"], held.release)
            faults = _faults(kind, inner, entry, held.release, (*path, written))
            module = f"{key}_module_path" in value  # the name is then that of a class in that module
            yield from (one for one in faults if not (module and one.rule == "argument-value"))
        else:
            yield from _unknown(held, key, inner, (*path, written))


def _unknown(held: Configuration, key: str, value: Any, path: Keys) -> Iterator[Fault]:
    name = f"{held.name}.{key}"
    past, ahead = other_lives(entries()[name]["in"], held.release) if name in entries() else ([], [])
    use = facts("history")["keys"].get(name, {}).get("use", "")
    successor = use if use and _fits(held, use, value) else ""
    if past:
        message = f"was removed in vLLM {past[-1].gone}"
        yield Fault(path, "argument-removed", message, "remove it", successor, ignored=not held.closed)
    elif ahead:
        message, later = f"was added in vLLM {ahead[0].since}", f"remove it, or use vLLM {ahead[0].since} or later"
        yield Fault(path, "argument-not-yet", message, later, successor, ignored=not held.closed)
    elif held.closed:
        near = nearest(key, held.keys())
        hint = f"remove it; the keys are {_list(held.keys())}"
        yield Fault(path, "argument-key", "", hint, near if near and _fits(held, near, value) else "")


def _fits(held: Configuration, key: str, value: Any) -> bool:
    """Return whether a class has a key that accepts this value."""
    entry = held.entry(key)
    return entry is not None and not any(_faults(one_of(entry["type"], held.release), value, entry, held.release))


def _refused(kind: str, value: Any, values: Sequence[Any], entry: Mapping[str, Any], release: str, path: Keys) -> Fault:
    if "Literal" in kind.split(" | ") and isinstance(value, str | int):
        message = f"{shown(value)} is not one of {_list(values)}{_change(entry, value, release)}"
        number = next((one for one in values if not isinstance(one, str) and str(one) == value), None)
        fault = Fault(path, "argument-choice", message, value=number)
        return (
            fault if number is not None else _near(fault, str(value), [one for one in values if isinstance(one, str)])
        )
    return Fault(path, "argument-type", f"{shown(value)} is not {words(kind)}")


def _near(fault: Fault, value: str, names: Sequence[str]) -> Fault:
    near = near_value(value, names)
    return fault._replace(hint=f"did you mean {near}?", value=near) if near else fault


def _change(entry: Mapping[str, Any], value: Any, release: str) -> str:
    """Return the end of a message: when a value was removed or added, or ""."""
    by_life = entry.get("values", {})
    life = next((life for life, values in by_life.items() if value in values), "") if isinstance(by_life, dict) else ""
    past, ahead = other_lives(life, release) if life else ([], [])
    if past:
        return f"; it was removed in vLLM {past[-1].gone}"
    return f"; it was added in vLLM {ahead[0].since}" if ahead else ""


def _list(values: Sequence[Any]) -> str:
    more = f" and {len(values) - _LISTED} more" if len(values) > _LISTED else ""
    return ", ".join(map(str, values[:_LISTED])) + more


def _missing(held: Configuration, parts: Sequence[Part]) -> Iterator[Problem]:
    """Yield the required keys that no argument sets; each JSON of --lora-modules is a separate object."""
    for some in [[part] for part in parts] if held.name == "LoRAModulePath" else [parts]:
        given = {key: value for part in some for key, value in _given(part) if value not in (None, "")}
        for key in held.required():
            if key not in given:
                yield _lacking(some[0], f"the key `{key}` is missing", f"add the key `{key}`")
        for need in facts("constraints")["keys_needed"]:
            owner, _, key = need["key"].partition(".")
            if owner == held.name and key in given and alive(need["in"], held.release):
                yield from _needed(need, key, given, some)


def _needed(need: Mapping[str, Any], key: str, given: Mapping[str, Any], some: Sequence[Part]) -> Iterator[Problem]:
    """Yield a problem if a key needs another key, or other values of that key."""
    value, other = given[key], given.get(need["needs"])
    among = need.get("among", [])
    if "at" in need and _plain(value) != _plain(need["at"]):
        return
    if other is None or (among and "$(" not in str(other) and other not in among):
        part = next(part for part in some if key in dict(_given(part)))
        what = f"`{key}`: {shown(value)}" if "at" in need else f"`{key}`"
        wanted = f"`{need['needs']}`" + (f": {' or '.join(among)}" if among else "")
        yield _lacking(part, f"{what} needs {wanted}", f"set {wanted}")


def _plain(value: Any) -> str:
    """Return a value as text, with one spelling for everything that pydantic reads as true."""
    text = str(value).lower()
    return "true" if text in ("1", "on", "t", "y", "yes") else text


def _lacking(part: Part, message: str, hint: str) -> Problem:
    at = part.item.at if part.keys else part.word.at
    return problem("argument-key", at, f"`{part.item.flag.name}`: {message}", hint)


def _given(part: Part) -> Iterator[tuple[str, Any]]:
    """Yield the top-level keys that a part sets, with their values."""
    for key, value in nested(part.keys, part.value).items():
        yield key.replace("-", "_"), value


def _problem(fault: Fault, part: Part, line: Line) -> Problem:
    flag, dotted = part.item.flag.name, ".".join(fault.path)
    if fault.rule in _OF_KEYS:
        effect = ", where it has no effect" if fault.ignored else ""
        since = f"; this is {line.label}" if fault.message else f" is unknown to {line.label}"
        message = f"the key `{dotted}` of `{flag}` {fault.message}".rstrip() + since + effect
    else:
        message = f"`{flag}`: {f'`{dotted}`: ' if dotted else ''}{fault.message}"
    fix = edited(part, fault)
    at = part.item.at if part.keys else part.word.at
    hint = fault.hint or f"correct the value, or remove `{dotted or flag}`"
    if fix:
        at = int(fix[0].path[1])
        written = quoted_item(str(fix[0].value))
        hint = f"write {written}" if len(written) < _LONGEST else f"write {fault.key or fault.value} in its place"
    elif fault.key:
        hint = "remove it"
    found = problem(fault.rule, at, message, hint, fix)
    return found._replace(severity=Severity.WARNING) if fault.ignored else found
