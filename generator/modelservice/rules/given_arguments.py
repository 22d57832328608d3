"""Read a service's `args` as the vLLM in its image does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelservice.findings import Action, Edit, Fix
from modelservice.rules.image import release_of
from modelservice.rules.rule import Values, once, put

_MOST_DIGITS = 10

if TYPE_CHECKING:
    from modelservice.vllm.command_line import Given
    from modelservice.vllm.flags import Line


@once
def command_line_of(values: Values) -> Line:
    """Return the command line of the image's vLLM release, or of the release that is used in its place."""
    from modelservice.vllm.flags import Line, command_line

    release = release_of(values)
    return Line(release.name, release.label, command_line(release.name))


def words(values: Values) -> list[str]:
    """Return the arguments, with "" in place of those that the schema refused."""
    return [word if isinstance(word, str) else "" for word in values.at("args") or ()]


def given(values: Values, *flags: str) -> list[Given]:
    """Return the arguments that give one of these flags a value, in order."""
    return [item for item in _given(values) if item.flag.name in flags] if values.at("args") else []


@once
def _given(values: Values) -> list[Given]:
    from modelservice.vllm.command_line import Given, read

    found = read(words(values), command_line_of(values))
    return [item for item in found if isinstance(item, Given) and item.values]


def whole_numbers(values: Values, flags: tuple[str, ...]) -> dict[str, tuple[int, int]]:
    """Return the whole numbers that the arguments give to these flags: flag → (index, number), the last one wins."""
    return {
        item.flag.name: (item.at, int(item.values[0].text))
        for item in given(values, *flags)
        if item.values[0].text.isdecimal() and len(item.values[0].text) < _MOST_DIGITS
    }


def adding_argument(values: Values, argument: str) -> Fix:
    """Return the edit that adds an argument after the existing ones."""
    return (Edit(Action.APPEND, ("args",), argument),) if values.written("args") else put({("args",): [argument]})


def last_value(values: Values, flag: str) -> str:
    """Return the value that takes effect for a flag, or "" if the arguments give none."""
    found = [item.values[0].text for item in given(values, flag) if not item.key]
    return found[-1] if found else ""
