"""Format a fleet's diff as text for a terminal, as Markdown for a pull request, and as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from modelservice.diff.comparison import Field, as_text
from modelservice.diff.fleet_comparison import FleetDiff, ServiceChange

_SHOWN = 10
_SAID = {"+": "new", "-": "gone", ">": "renamed or moved", "~": "change", "?": "cannot be compared"}
_STATUS = {"+": "new", "-": "gone", ">": "moved", "~": "changed", "?": "wrong"}


def fleet_text(found: FleetDiff, *, objects: bool = False) -> str:
    """Return the diff for a terminal; `objects` lists each service's objects instead of the common changes."""
    blocks = [summary(found) + "\n", *(f"{line}\n" for line in found.environments)]
    if objects:
        blocks += [
            f"\n{_headline(one, [one.service])}\n{_indented(as_text(list(one.changes)))}" for one in found.services
        ]
        return "".join(blocks)
    for common in found.common:
        blocks.append(f"\n~ {', '.join(common.kinds)} {common.field.path}: {_names(common.services)}\n")
        blocks += [f"    {line}\n" for line in _lines(common.field)]
    for one, services, own in _alike(found):
        blocks.append(f"\n{_headline(one, services)}\n")
        for kind, field in own:
            blocks.append(f"    {kind} {field.path}\n")
            blocks += [f"      {line}\n" for line in _lines(field)]
    return "".join(blocks)


def fleet_markdown(found: FleetDiff) -> str:
    """Return the diff for a comment on a pull request: a table of services, and the fields as a diff."""
    blocks = [f"### Model services\n\n{_escaped(summary(found))}\n"]
    blocks += [f"- {_escaped(line)}\n" for line in found.environments]
    rows = [(one, services) for one, services, _ in _alike(found)]
    if rows:
        blocks.append("\n| | services | what happens |\n| --- | --- | --- |\n")
        for one, services in rows:
            cells = (_SAID[one.sign], _renamed(one) or _names(services), "; ".join(one.words))
            blocks.append(f"| {' | '.join(map(_escaped, cells))} |\n")
    text = "".join(_diff_lines(found))
    if text:
        # The fence must be longer than any in the text.
        fence = "`" * max(3, *(len(ticks) + 1 for ticks in re.findall("`+", text) or [""]))
        blocks.append(f"\n<details><summary>Fields</summary>\n\n{fence}diff\n{text}{fence}\n\n</details>\n")
    return "".join(blocks)


def fleet_json(found: FleetDiff) -> str:
    """Return the diff as JSON."""
    services = [
        {
            "service": one.service,
            "status": _STATUS[one.sign],
            **({"before": one.before} if one.before else {}),
            "restarts": one.restarts,
            "effects": list(one.words),
            "objects": [
                {
                    "change": change.sign,
                    "object": change.label,
                    "effects": list(change.effects),
                    "fields": [field._asdict() for field in change.fields],
                }
                for change in one.changes
            ],
        }
        for one in found.services
    ]
    common = [{"kinds": list(one.kinds), **one.field._asdict(), "services": list(one.services)} for one in found.common]
    result: dict[str, Any] = {"version": 1, "count": found.total, "environments": list(found.environments)}
    return json.dumps({**result, "services": services, "common": common}, indent=2, ensure_ascii=False) + "\n"


def summary(found: FleetDiff) -> str:
    """Return one line with the number of services, and how many differ in which way."""
    counts = {word: sum(one.sign == sign for one in found.services) for sign, word in _SAID.items()}
    restarting = sum(one.restarts for one in found.services)
    parts = [f"{number} {word}" for word, number in counts.items() if number]
    parts += [f"{restarting} restart" if restarting else "none restarts"] if counts["change"] else []
    return f"{found.total} service{'' if found.total == 1 else 's'}: {', '.join(parts) or 'no differences'}"


def _alike(found: FleetDiff) -> Iterator[tuple[ServiceChange, list[str], list[tuple[str, Field]]]]:
    """Group services with the same change: yield one, the names of all, and the fields that are not common changes."""
    common = {(kind, one.field) for one in found.common for kind in one.kinds}
    groups: dict[tuple[Any, ...], list[ServiceChange]] = {}
    for one in found.services:
        fields = tuple((change.kind, field) for change in one.changes for field in change.fields)
        own = tuple(field for field in fields if field not in common) if one.sign == "~" else ()
        key = (one.sign, one.words, own, one.before if one.before != one.service else "")
        groups.setdefault(key, []).append(one)
    for (_, _, own, _), services in groups.items():
        yield services[0], [one.service for one in services], list(own)


def _headline(one: ServiceChange, services: Sequence[str]) -> str:
    said = _renamed(one) or _names(services)
    words = one.words or (_SAID[one.sign],)
    return "\n".join([f"{one.sign} {said}: {words[0]}", *(f"  ! {word}" for word in words[1:])])


def _renamed(one: ServiceChange) -> str:
    return f"{one.before} → {one.service}" if one.before and one.before != one.service else ""


def _names(services: Sequence[str]) -> str:
    more = f" and {len(services) - _SHOWN} more" if len(services) > _SHOWN else ""
    count = f"{len(services)} services: " if len(services) > 1 else ""
    return f"{count}{', '.join(services[:_SHOWN])}{more}"


def _lines(field: Field) -> Iterator[str]:
    yield from (f"- {old}" for old in field.old.splitlines())
    yield from (f"+ {new}" for new in field.new.splitlines())


def _diff_lines(found: FleetDiff) -> Iterator[str]:
    shared = [(one.services, ", ".join(one.kinds), one.field) for one in found.common]
    own = [(services, kind, field) for _, services, fields in _alike(found) for kind, field in fields]
    for services, kind, field in [*shared, *own]:
        yield f"@@ {_names(services)}: {kind} {field.path} @@\n"
        yield from (f"{line}\n" for line in _lines(field))


def _escaped(text: str) -> str:
    """Escape text for Markdown and its tables."""
    return re.sub(r"([\\`*_|<>\[\]])", r"\\\1", text.replace("\n", " "))


def _indented(text: str) -> str:
    return "".join(f"  {line}" for line in text.splitlines(keepends=True))
