"""Report flags that a release does not have: removed, not yet added, abbreviated or unknown."""

from __future__ import annotations

from typing import Any

from modelservice.findings import Fix, Problem, Severity
from modelservice.spelling import nearest
from modelservice.vllm.argument_rules import FIELDS, OWNED, Owned, in_place, problem, quoted_item, quoted_items
from modelservice.vllm.argument_values import value_fault
from modelservice.vllm.command_line import Given, Unknown
from modelservice.vllm.facts import facts
from modelservice.vllm.flags import Flag, Line, every_spelling, lives
from modelservice.vllm.releases import alive, other_lives

# Options of `docker run` that people write after the image → the field for them.
_OF_DOCKER = {
    **dict.fromkeys(("-e", "--env"), "env"),
    "--env-file": "envFrom",
    "--gpus": "gpu.count",
    **dict.fromkeys(("--ipc", "--shm-size"), "sharedMemory.sizeLimit"),
    **dict.fromkeys(("-p", "--publish"), "service.port"),
    "--runtime": "runtimeClassName",
    **dict.fromkeys(("-v", "--volume"), "volumes and volumeMounts"),
}


def unknown(item: Unknown, line: Line) -> Problem:
    """Return the problem of an item that is not a flag of the release."""
    past, ahead = other_lives(lives(item.spelling), line.release)
    if past:
        again = f" and added again in {ahead[0].since}" if ahead else ""
        message = f"`{item.spelling}` was removed in vLLM {past[-1].gone}{again}; this is {line.label}"
        return problem("argument-removed", item.at, message, *replacement(item, item.spelling, line))
    if ahead:
        message = f"`{item.spelling}` was added in vLLM {ahead[0].since}; this is {line.label}"
        return problem("argument-not-yet", item.at, message, f"remove it, or use vLLM {ahead[0].since} or later")
    if field := _OF_DOCKER.get(item.spelling):
        message = f"`{item.spelling}` is an option of docker, not a flag of {line.label}"
        return problem("argument-unknown", item.at, message, f"use {field} instead")
    if item.candidates and item.spelling != "--":
        message = f"`{item.spelling}` matches {len(item.candidates)} flags of {line.label}"
        return problem("argument-ambiguous", item.at, message, f"write {' or '.join(item.candidates[:4])}")
    near = nearest(item.spelling, [*line.flags, *every_spelling()], cutoff=0.75)
    message = f"`{item.spelling}` is not a flag of {line.label}"
    if not near or (near in line.flags and not _takes(line.flags[near], item)):
        return problem("argument-unknown", item.at, message, "remove it, or correct its name")
    if near not in line.flags:
        past, ahead = other_lives(lives(near), line.release)
        change = f"was removed in {past[-1].gone}" if past else f"was added in {ahead[0].since}"
        message += f"; the similar `{near}` {change}"
        return problem("argument-unknown", item.at, message, *replacement(item, near, line))
    owned = _owned(near, line)
    hint = f"did you mean `{near}`?" + (f" {owned.instead()}" if owned else "")
    return problem("argument-unknown", item.at, message, hint, _corrected(item, near, owned))


def _takes(flag: Flag, item: Unknown) -> bool:
    """Return whether a flag accepts the values that follow an unknown one."""
    if flag.type == "switch":
        return not item.values
    return bool(item.values) and not any(value_fault(flag, word.text) for word in item.values)


def abbreviated(item: Given, line: Line) -> Problem:
    """Return the problem of an abbreviated flag."""
    whole, words = item.spelling, [word.text for word in item.values]
    owned, value = _owned(whole, line), f"={words[0]}" if item.attached else ""
    key = f".{item.key}" if item.key else ""
    hint = owned.instead(words if item.attached else ()) if owned else f"write {quoted_item(whole + key + value)}"
    message = f"`{item.beginning}` is an abbreviation of `{whole}`"
    fix = owned.fix(item.items, words) if owned else in_place([item.at], [whole + key + value])
    found = problem("argument-abbreviated", item.at, message, hint, fix)
    return found._replace(severity=Severity.ERROR) if owned else found  # the flag changes what the pod relies on


def _owned(spelling: str, line: Line) -> Owned | None:
    return OWNED.get(line.flags[spelling].name)


def _corrected(item: Unknown, meant: str, owned: Owned | None) -> Fix:
    """Return the edits that write the flag that is meant, or those that replace a flag reserved for the chart."""
    if owned:
        return owned.fix(item.items, [word.text for word in item.values])
    return in_place([item.at], [item.named(meant)])


def deprecated(item: Given, line: Line) -> Problem:
    """Return the warning for a flag that a later release removes or will remove."""
    gone = next((life.gone for life in lives(item.spelling) if life.gone), "")
    message = f"`{item.spelling}` is deprecated in {line.label}" + (f" and was removed in {gone}" if gone else "")
    hint, fix = replacement(item, item.flag.name, line)
    return problem("argument-deprecated", item.at, message, hint, () if item.negated else fix)


def replacement(item: Given | Unknown, spelling: str, line: Line) -> tuple[str, Fix]:
    """Return the hint and the fix for a removed flag, with its successor in this release if it has one."""
    story: dict[str, Any] = facts("history")["replacements"].get(spelling, {})
    if "say" in story:
        return story["say"], ()
    note = f" ({story['note']})" if "note" in story else ""
    given = [word.text for word in item.values]
    by_value = story.get("by_value", {})
    successors: list[str] = by_value.get(" ".join(given), story.get("use", []))
    if not successors and " ".join(given) in by_value:
        return "remove it: it needs no replacement", in_place(item.items)
    if not successors or successors[0].partition("=")[0].partition(".")[0] not in line.flags:
        return f"remove it{note or ': nothing replaces it'}", in_place(item.items) if len(given) < 2 else ()
    words = [
        word
        for successor in successors
        for word in (given if successor == "{value}" else [_filled(successor, item.key, given)])
    ]
    field = f"; or set {FIELDS[spelling]} instead" if spelling in FIELDS else ""
    fix = in_place(item.items, words) if _says_all(successors, given) else ()
    return f"use {quoted_items(words)}{note}{field}", fix


def _says_all(successors: list[str], given: list[str]) -> bool:
    """Return whether the successors take exactly the values that were given."""
    if "{value}" in successors:
        return bool(given)
    return len(given) == 1 if any("{value}" in successor for successor in successors) else len(given) < 2


def _filled(successor: str, key: str, given: list[str]) -> str:
    if key:
        successor = successor.replace("=", f".{key}=", 1)
    return successor.replace("{value}", given[0]) if given else successor.replace("={value}", "")


def value_change(item: Given, value: str, line: Line) -> str:
    """Return the end of a message about an unknown value: when it was removed or added, or ""."""
    by_life = facts("flags")["flags"][item.flag.name].get("values", {})
    life = next((life for life, values in by_life.items() if value in values), "") if isinstance(by_life, dict) else ""
    past, ahead = other_lives(life, line.release) if life else ([], [])
    note = facts("history")["values"].get(item.flag.name, {}).get(value, "")
    if past:
        return f"; it was removed in vLLM {past[-1].gone}" + (f" ({note})" if note else "")
    return f"; it was added in vLLM {ahead[0].since}" if ahead else ""


def changes(flag: str, old: str, new: str) -> list[str]:
    """Return how a flag differs between an older and a newer release that both have it."""
    listed: list[dict[str, str]] = facts("history")["changes"]
    crossed = (one for one in listed if one["flag"] == flag and alive(f"{one['in']}..", new))
    return [f"since vLLM {one['in']}, {one['note']}" for one in crossed if not alive(f"{one['in']}..", old)]
