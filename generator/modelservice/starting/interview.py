"""Ask the questions of `modelservice init`, tab by tab of the console's form, and check the answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from modelservice.check import check
from modelservice.editing.setting import odd_character
from modelservice.findings import Severity
from modelservice.importing.part import values_of
from modelservice.reading.document import read
from modelservice.schema.conditions import holds
from modelservice.schema.fields import Field, load_fields
from modelservice.writing.dump import dump

_TABS = ("General", "Resources", "Volumes", "Node Scheduling")
_ASKED = ("string", "integer", "number", "boolean")


def questions() -> list[Field]:
    """Return the fields that are asked, in the form's order."""
    fields = [field for field in load_fields().fields if not field.read_by_helm]
    asked = [field for field in fields if not field.advanced and _is_asked(field)]
    return sorted(asked, key=lambda field: _TABS.index(field.tab))


def _is_asked(field: Field) -> bool:
    return field.tab in _TABS and field.types[0] in _ASKED and field.default is not None


def is_wanted(field: Field, settings: Mapping[str, Any]) -> bool:
    """Return whether a question makes sense after the answers so far."""
    defaults = {one.key: one.default for one in load_fields().fields} if field.when else {}
    return holds(field.when, lambda key: settings.get(key, defaults[key]))


def parsed(field: Field, answer: str) -> Any:
    """Return an answer as the field's value. Raises ValueError, with what is expected, if it cannot be one."""
    if odd := odd_character(answer):
        raise ValueError(f"the answer has the character {odd!a}, which is not text: remove it")
    kind = field.types[0]
    if kind == "boolean":
        if answer.lower() not in ("y", "yes", "true", "n", "no", "false"):
            raise ValueError("answer y or n")
        return answer.lower() in ("y", "yes", "true")
    if kind == "integer":
        if not answer.lstrip("-").isdecimal():
            raise ValueError("write a whole number")
        return int(answer)
    return answer


class Complaints(NamedTuple):
    """What is wrong with an answer: on its own, and in combination with settings that later answers may change."""

    own: tuple[str, ...] = ()
    with_others: tuple[str, ...] = ()


def complaints(settings: Mapping[str, Any], key: str) -> Complaints:
    """Return what is wrong with the answer to a question."""
    text = dump(values_of(settings)) or "{}"
    if text.strip() == "{}":
        return Complaints()
    found = check(read("values.yaml", text.encode()))
    own = [one for one in found if one.severity is Severity.ERROR and ".".join(map(str, one.path)).startswith(key)]
    combined = depending_on_others()
    told = {one: f"{one.message}; {one.hint}" for one in own}
    return Complaints(
        tuple(text for one, text in told.items() if one.rule not in combined),
        tuple(text for one, text in told.items() if one.rule in combined),
    )


def depending_on_others() -> set[str]:
    """Return the rules about a combination of settings, which a later answer may correct."""
    from modelservice.rules import ALL, secret_literals

    return {one.rule.id for one in ALL} - {one.rule.id for one in secret_literals.RULES}


def shown(value: Any) -> str:
    """Return a value as a prompt shows it."""
    if isinstance(value, bool):
        return "y" if value else "n"
    return value if isinstance(value, str) else json.dumps(value)
