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
from modelservice.rules.image import release_in
from modelservice.schema.conditions import holds
from modelservice.schema.defaults import coalesce, default_values
from modelservice.schema.fields import Field, load_fields
from modelservice.writing.dump import dump

_TABS = ("General", "Resources", "Volumes", "Node Scheduling")
_ASKED = ("string", "integer", "number", "boolean")
_YES, _NO = ("y", "yes", "true"), ("n", "no", "false")
# The answer that leaves a field empty, where its options are listed.
NONE = "none"


def questions() -> list[Field]:
    """Return the fields that are asked, in the form's order."""
    fields = [field for field in load_fields().fields if not field.read_by_helm]
    asked = [field for field in fields if not field.advanced and _is_asked(field)]
    return sorted(asked, key=lambda field: _TABS.index(field.tab))


def _is_asked(field: Field) -> bool:
    # A switch without a default depends on other fields, and nobody has to answer it.
    is_open = field.default is None and not field.when
    return field.tab in _TABS and field.types[0] in _ASKED and not is_open


def is_wanted(field: Field, settings: Mapping[str, Any]) -> bool:
    """Return whether a question makes sense after the answers so far."""
    defaults = {one.key: one.default for one in load_fields().fields} if field.when else {}
    return holds(field.when, lambda key: settings.get(key, defaults[key]))


def answered(field: Field, answer: str, settings: Mapping[str, Any]) -> Any:
    """Return an answer to a question as the field's value. Raises ValueError, with what is expected, if it is none.

    A parser can be accepted with y, and left out with n.
    """
    parsers = _parsers(field, settings)
    if parsers and answer.lower() in _YES:
        answer = str(settings.get(field.key, ""))
    left_out = (*_NO, NONE) if parsers else (NONE,) if "" in field.schema.get("enum", ()) else ()
    if answer.lower() in left_out:
        return ""
    if parsers and answer not in parsers:
        raise ValueError(f"write {NONE}, or a parser of vLLM: {', '.join(parsers)}")
    return parsed(field, answer)


def _parsers(field: Field, settings: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of parsers that a field accepts; none if it is not a parser, or if a plugin may add one."""
    from modelservice.vllm.flags import command_line

    if not field.flag or any("plugin" in str(word) for word in settings.get("args", ())):
        return ()
    values = coalesce(default_values(), values_of(settings))
    return command_line(release_in(values["image"], values["vllmVersion"]).name)[field.flag].values


def parsed(field: Field, answer: str) -> Any:
    """Return an answer as the field's value. Raises ValueError, with what is expected, if it cannot be one."""
    if odd := odd_character(answer):
        raise ValueError(f"the answer has the character {odd!a}, which is not text: remove it")
    kind = field.types[0]
    if kind == "boolean":
        if answer.lower() not in (*_YES, *_NO):
            raise ValueError("answer y or n")
        return answer.lower() in _YES
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


def prompt(field: Field) -> str:
    """Return a question with the possible answers."""
    options = [str(option) or NONE for option in field.schema.get("enum", ())]
    if field.types[0] == "boolean":
        options = ["y", "n"]
    if field.flag.endswith("-parser"):
        options = ["a parser", NONE]
    if field.key == "huggingFace.tokenSecret.name":  # the form's label does not say so
        options = ["the name of a Secret"]
    return f"{field.full_label} ({', '.join(options)})" if options else field.full_label


def shown(field: Field, value: Any) -> str:
    """Return a value as a prompt shows it."""
    if isinstance(value, bool):
        return "y" if value else "n"
    if value in ("", None):
        return NONE if "" in field.schema.get("enum", ()) or field.flag.endswith("-parser") else ""
    return value if isinstance(value, str) else json.dumps(value)
