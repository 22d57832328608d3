"""Turn arguments that are written as a map, a pair or one text into the list of texts that vLLM reads."""

from __future__ import annotations

import json
import re
from typing import Any

from modelservice.vllm.flags import every_spelling

_NAME = re.compile("--[A-Za-z0-9._-]+")
# Text that only a shell reads as several words.
_FOR_A_SHELL = re.compile(r"[$`|;&<>#*\\]")


def as_arguments(value: Any) -> list[str] | None:
    """Return the list that is meant by a map of arguments, or by a text as in a shell; None if it is not certain."""
    if isinstance(value, dict):
        found = [_argument(name, given) for name, given in value.items()]
    else:
        text = re.sub(r"\\\s*\n", " ", str(value)).strip()
        found = _shell_words(text) if text.startswith("--") else []
    return found if found and all(found) else None


def as_argument(value: Any) -> str | None:
    """Return the text that is meant by {--name: value} or [--name, value]; None if it is not certain."""
    if isinstance(value, dict) and len(value) == 1:
        name, given = next(iter(value.items()))
        # A map without dashes may also be JSON, whose keys have underscores.
        return (_argument(name, given) or None) if name.startswith("--") or "-" in name else None
    if not isinstance(value, list) or not 0 < len(value) <= _PAIR or not all(map(_is_single, value)):
        return None
    return "=".join(map(str, value)) if str(value[0]).startswith("--") else None


def _is_single(value: Any) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)


_PAIR = 2


def _argument(name: str, value: Any) -> str:
    """Return --name=value for a flag of vLLM, or "" if it is not certain: false may be the default of a switch."""
    flag = f"--{name.removeprefix('--').replace('_', '-')}"
    if flag not in every_spelling():  # not quoted in a hint: it may be anything
        return ""
    if value is None or value is True:
        return flag
    if isinstance(value, dict):
        return f"{flag}={json.dumps(value, separators=(',', ':'), ensure_ascii=False)}"
    return "" if value is False or isinstance(value, list) else f"{flag}={value}"


def _shell_words(text: str) -> list[str]:
    """Return the words of a command line, or [""] if they depend on a shell."""
    import shlex

    if _FOR_A_SHELL.search(text) or ("{" in text and "'" not in text):
        return [""]
    try:
        words = shlex.split(text)
    except ValueError:
        return [""]
    found: list[str] = []
    for before, word, after in zip(["", *words], words, [*words[1:], "-"], strict=False):
        # Several values of one flag stay separate items.
        alone = _NAME.fullmatch(before) and not word.startswith("-") and after.startswith("-")
        found = [*found[:-1], f"{before}={word}"] if alone else [*found, word]
    return found
