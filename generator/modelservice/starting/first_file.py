"""Write a first values file, with the reasons for what is in it."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from modelservice.importing.part import values_of
from modelservice.schema.defaults import default_values
from modelservice.starting.suggestions import Suggestion
from modelservice.writing.dump import dump

_WIDTH = 110


def first_file(settings: Mapping[str, Any], reasons: Sequence[Suggestion]) -> str:
    """Return the values file for dotted keys, with their reasons as comments above them.

    It always names the model, even the default one.
    """
    blocks = []
    for key, value in values_of({"model.name": default_values()["model"]["name"], **settings}).items():
        said = [one for one in reasons if one.key.partition(".")[0] == key]
        comments = [line for one in said for line in _comment(f"{one.key}: {one.reason}")]
        blocks.append("".join(f"{line}\n" for line in comments) + dump({key: value}))
    return "\n".join(blocks)


def _comment(text: str) -> list[str]:
    return textwrap.wrap(f"# {text}", _WIDTH, subsequent_indent="#   ")
