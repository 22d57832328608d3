"""Format a fleet's diff as text for a terminal, as Markdown for a pull request, and as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from modelservice.diff.common_changes import Alike, alike, common_fields
from modelservice.diff.comparison import Field, as_text
from modelservice.diff.fleet_comparison import FleetDiff

_SHOWN = 10
_SAID = {
    "+": "new",
    "-": "gone",
    ">": "renamed or moved",
    "~": "change",
    "!": "repaired",
    "?": "cannot be compared",
}
_STATUS = {"+": "new", "-": "gone", ">": "moved", "~": "changed", "!": "repaired", "?": "wrong"}
# GitHub refuses a comment with more than 65,536 characters.
_LONGEST = 60_000


def fleet_text(found: FleetDiff, *, objects: bool = False) -> str:
    """Return the diff for a terminal; `objects` lists each service's objects instead of the common changes."""
    blocks = [summary(found) + "\n", *(f"{line}\n" for line in found.environments)]
    if objects:
        for one in found.services:
            head = _headline(Alike(one.sign, one.before, one.words, (), (one.service,)))
            blocks.append(f"\n{head}\n{_indented(as_text(list(one.changes)))}")
        return "".join(blocks)
    for common in common_fields(found.services):
        blocks.append(f"\n~ {', '.join(common.kinds)} {common.field.path}: {_names(common.services)}\n")
        blocks += [f"    {line}\n" for line in _lines(common.field)]
    for group in alike(found.services):
        blocks.append(f"\n{_headline(group)}\n")
        for kind, field in group.fields:
            blocks.append(f"    {kind} {field.path}\n")
            blocks += [f"      {line}\n" for line in _lines(field)]
    return "".join(blocks)


def fleet_markdown(found: FleetDiff) -> str:
    """Return the diff for a comment on a pull request: a table of services, and the fields as a diff.

    What makes it longer than 60,000 characters is left out, and counted.
    """
    head = f"### Model services\n\n{_escaped(summary(found))}\n"
    head += "".join(f"- {_escaped(line)}\n" for line in found.environments)
    groups = alike(found.services, fields=False)
    if groups:
        head += "\n| | services | what happens |\n| --- | --- | --- |\n"
    rows, missing = _fitting([_row(group) for group in groups], _LONGEST // 2)
    text = head + rows + _left_out(missing, "rows")
    fields, missing = _fitting(list(_diff_blocks(found)), _LONGEST - len(text))
    if fields or missing:
        # The fence must be longer than any in the text.
        fence = "`" * max(3, *(len(ticks) + 1 for ticks in re.findall("`+", fields) or [""]))
        text += f"\n<details><summary>Fields</summary>\n\n{fence}diff\n{fields}{fence}\n\n</details>\n"
    return text + _left_out(missing, "fields")


def _fitting(blocks: Sequence[str], longest: int) -> tuple[str, int]:
    """Return the blocks that fit into a number of characters, and how many do not."""
    fitting: list[str] = []
    for block in blocks:
        longest -= len(block)
        if longest >= 0:
            fitting.append(block)
    return "".join(fitting), len(blocks) - len(fitting)


def _left_out(missing: int, what: str) -> str:
    said = f"{missing} {what} left out, because the text would be too long: run `modelservice diff` for all of them"
    return f"\n{said}\n" if missing else ""


def _row(group: Alike) -> str:
    names = [_escaped(name) for name in group.services]
    services = _escaped(_renamed(group)) or _first(names)
    if len(names) > _SHOWN:
        rest = ", ".join(names[_SHOWN:])
        services += f" <details><summary>and {len(names) - _SHOWN} more</summary>{rest}</details>"
    return f"| {_SAID[group.sign]} | {services} | {_escaped('; '.join(group.words))} |\n"


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
    common = [
        {"kinds": list(one.kinds), **one.field._asdict(), "services": list(one.services)}
        for one in common_fields(found.services)
    ]
    result: dict[str, Any] = {"version": 1, "count": found.total, "environments": list(found.environments)}
    return json.dumps({**result, "services": services, "common": common}, indent=2, ensure_ascii=False) + "\n"


def summary(found: FleetDiff) -> str:
    """Return one line with the number of services, and how many differ in which way."""
    counts = {word: sum(one.sign == sign for one in found.services) for sign, word in _SAID.items()}
    restarting = sum(one.restarts for one in found.services)
    parts = [f"{number} {word}" for word, number in counts.items() if number]
    parts += [f"{restarting} restart" if restarting else "none restarts"] if counts["change"] else []
    parts += [f"{found.charts} get another chart, and their pods may restart"] if found.charts else []
    nothing = "no object differs" if found.environments else "no differences"
    return f"{found.total} service{'' if found.total == 1 else 's'}: {', '.join(parts) or nothing}"


def _headline(group: Alike) -> str:
    said = _renamed(group) or _names(group.services)
    words = group.words or (_SAID[group.sign],)
    return "\n".join([f"{group.sign} {said}: {words[0]}", *(f"  ! {word}" for word in words[1:])])


def _renamed(group: Alike) -> str:
    return f"{group.before} → {group.services[0]}" if group.before not in ("", group.services[0]) else ""


def _names(services: Sequence[str]) -> str:
    return _first(services) + (f" and {len(services) - _SHOWN} more" if len(services) > _SHOWN else "")


def _first(services: Sequence[str]) -> str:
    """Return the number of services, and the names of the first ones."""
    count = f"{len(services)} services: " if len(services) > 1 else ""
    return count + ", ".join(services[:_SHOWN])


def _lines(field: Field) -> Iterator[str]:
    yield from (f"- {old}" for old in field.old.splitlines())
    yield from (f"+ {new}" for new in field.new.splitlines())


def _diff_blocks(found: FleetDiff) -> Iterator[str]:
    shared = [(one.services, ", ".join(one.kinds), one.field) for one in common_fields(found.services)]
    own = [(group.services, kind, field) for group in alike(found.services) for kind, field in group.fields]
    for services, kind, field in [*shared, *own]:
        head = f"@@ {_names(services)}: {kind} {field.path} @@"
        yield "".join(f"{line}\n" for line in (head, *_lines(field)))


def _escaped(text: str) -> str:
    """Escape text for Markdown and its tables."""
    return re.sub(r"([\\`*_|<>\[\]])", r"\\\1", text.replace("\n", " "))


def _indented(text: str) -> str:
    return "".join(f"  {line}" for line in text.splitlines(keepends=True))
