"""Decide which fixes are certain enough to be made without asking a person."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from typing import Any

from modelservice.findings import Action, Edit, Finding, Fix, dotted, found_at

# Rules whose fix is unambiguous: the new text follows from the old one.
_CERTAIN = {
    "argument-abbreviated",
    "argument-config",
    "argument-deprecated",
    "argument-duplicate",
    "argument-json",
    "argument-not-yet",
    "argument-owned",
    "argument-removed",
    "argument-stray",
    "argument-switch-value",
    "argument-two-words",
    "argument-type",
    "claim-settings-unused",
    "env-has-field",
    "env-not-in-release",
    "image-tag-v",
    "memory-unit",
    "null-left-out",
    "unknown-key",
    "wrong-type",
    "yaml-ambiguous",
}
# Rules whose fix is the nearest known word or form, which is certain only if the two are nearly the same.
_NEAREST = {
    "argument-choice",
    "argument-key",
    "argument-unknown",
    "argument-value",
    "argument-variable",
    "bad-format",
    "env-unknown",
    "mount-without-volume",
    "not-allowed",
}
_SIMILAR = 0.8
# A word that another release knows is not a misspelling.
_OF_ANOTHER_RELEASE = re.compile("; it (was removed in|was added in) vLLM")
_WORD = re.compile(r"[^\s=,:{}\[\]()$\"']+")
_QUANTITY = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*[A-Za-z]+")


def certain(finding: Finding, values: Any) -> Fix:
    """Return the finding's fix if it is certain, else (); `values` are those that the finding is about."""
    known = finding.rule in _CERTAIN and not finding.hint.startswith("did you mean")
    alike = _is_same_form if finding.rule == "bad-format" else _is_same_word
    near = (
        finding.rule in _CERTAIN | _NEAREST
        and not _OF_ANOTHER_RELEASE.search(finding.message)
        and all(_is_near(edit, values, alike) for edit in finding.fix)
    )
    sound = (known or near) and not any(_loses(edit, finding, values) for edit in finding.fix)
    return finding.fix if sound else ()


def _loses(edit: Edit, finding: Finding, values: Any) -> bool:
    """Return whether an edit may lose something: another key's value, a number written in another base, or a null.

    A null may be a placeholder for a value, and 0400 in quotes is the number 256.
    """
    there = found_at(values, edit.path)
    if finding.rule == "wrong-type" and edit.path == finding.path:
        number = isinstance(edit.value, int) and not isinstance(edit.value, bool)
        return edit.action is Action.REMOVE or (number and str(edit.value) != str(there))
    if finding.rule == "env-not-in-release" and finding.hint == "remove it":
        return True  # another variable may have replaced it
    if edit.action is not Action.SET or there is None:
        return False
    return edit.path[: len(finding.path)] != finding.path and edit.path[0] != "args" and there != edit.value


def _is_near(edit: Edit, values: Any, alike: Callable[[str, str], bool]) -> bool:
    """Return whether an edit only corrects a word: a key's name, or a text."""
    if edit.action is Action.MOVE:
        beside = edit.path[:-1] == edit.value[:-1]
        words = (edit.path[-1], edit.value[-1]) if beside else (dotted(edit.path), dotted(edit.value))
        return _similar(str(words[0]), str(words[1]))
    old = found_at(values, edit.path)
    return edit.action is Action.SET and isinstance(old, str) and isinstance(edit.value, str) and alike(old, edit.value)


def _is_same_form(old: str, new: str) -> bool:
    """Return whether texts differ only in case, surrounding spaces or a final /, or in units of the same number."""
    amounts = _QUANTITY.fullmatch(old.strip()), _QUANTITY.fullmatch(new)
    if amounts[0] and amounts[1]:
        return amounts[0][1] == amounts[1][1]
    return old.strip().rstrip("/").lower() == new.lower()


def _is_same_word(old: str, new: str) -> bool:
    """Return whether each word of two texts is nearly the same, also inside `--flag=value` and JSON."""
    words = [_WORD.findall(text) for text in (old, new)]
    return len(words[0]) == len(words[1]) and all(map(_similar, *words))


def _similar(one: str, other: str) -> bool:
    """Return whether two words are nearly the same and have the same numbers: qwen3 is not qwen2."""
    texts = [re.sub("[-_. ]", "", text).lower() for text in (one, other)]
    numbers = [re.findall("[0-9]+", text) for text in texts]
    return (
        numbers[0] == numbers[1]
        and difflib.SequenceMatcher(None, texts[0], texts[1], autojunk=False).ratio() >= _SIMILAR
    )
