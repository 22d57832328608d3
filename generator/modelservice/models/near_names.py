"""Find the well-known model that is meant by a misspelled name."""

from __future__ import annotations

import difflib
import functools
import json
import re

from modelservice.models.facts_file import CATALOGUE
from modelservice.schema.source import SCHEMAS

# Shorter words, such as Base and VL, name another model if a letter differs.
_LONG = 5
_ALIKE = 0.85


def near_model(name: str) -> str | None:
    """Return the one known model that a name misspells: without publisher, in another case, or with a misspelled word.

    A name with further words is misspelled only if the words before them have another case, because publishers add
    words to the names of their models. Models are known from the catalogue and from vLLM's recipes.
    """
    choices = [one for one in _known() if one != name]
    publisher = [one for one in choices if one.lower().rpartition("/")[2] == name.lower()]
    whole = publisher or [one for one in choices if _is_misspelled(_words(name), _words(one))]
    longer = [one for one in choices if _begins_in_another_case(name, one)]
    found = [one for one in whole if one.lower() == name.lower()] or whole or sorted(longer, key=len)[-1:]
    return found[0] if len(found) == 1 else None


@functools.cache
def _known() -> tuple[str, ...]:
    catalogue = (path.stem.replace("--", "/", 1) for path in CATALOGUE.glob("*.json"))
    return tuple({*catalogue, *json.loads((SCHEMAS / "model-parsers.json").read_bytes())["models"]})


def _words(name: str) -> list[str]:
    return re.split(r"[/._-]", name.lower())


def _is_misspelled(words: list[str], others: list[str]) -> bool:
    """Return whether the words are the others, but for at most one that is nearly the same."""
    if len(words) != len(others):
        return False
    pairs = [(one, other) for one, other in zip(words, others, strict=True) if one != other]
    return len(pairs) <= 1 and all(_is_nearly(*pair) for pair in pairs)


def _is_nearly(word: str, other: str) -> bool:
    same_numbers = re.findall(r"\d+", word) == re.findall(r"\d+", other)
    alike = difflib.SequenceMatcher(None, word, other).ratio() >= _ALIKE
    return min(len(word), len(other)) >= _LONG and same_numbers and alike


def _begins_in_another_case(name: str, other: str) -> bool:
    start, rest = name[: len(other)], name[len(other) :]
    return start != other and start.lower() == other.lower() and rest[:1] in ("-", "_", ".")
