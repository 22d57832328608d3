"""Rules on the characters in texts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from modelservice.findings import Path, Refuser
from modelservice.rules.rule import Said, Values, rule

# Helm keeps those below U+0020, turns U+0085 into a space, and drops the map around any other.
_LOST = re.compile("[\x7f-\x9f\ufffe\uffff]")


@rule(
    "control-character",
    "A text value or a key has a control character that Helm cannot write.",
    why=(
        "Helm 4 drops the whole map or list that the text is in, without a message, and Helm 3 refuses the values. "
        "U+0085 becomes a space."
    ),
    source="Helm 3 and Helm 4, tested by tests/chart/test_every_text.py",
    refused_by=Refuser.CHART,
)
def control_character(values: Values) -> Iterator[Said]:
    """Find escapes such as U+0080 in values and keys; the characters themselves are refused when the file is read."""
    for path, text, on_key in _texts(values.given, ()):
        if found := _LOST.search(text):
            what = "the key has" if on_key else "has"
            message = f"{what} the control character U+{ord(found[0]):04X}, which Helm cannot write"
            yield Said(path, message, "remove that character", on_key)


def _texts(tree: Any, path: Path) -> Iterator[tuple[Path, str, bool]]:
    """Yield each text, including keys: its path, the text, and whether it is a key."""
    if isinstance(tree, str):
        yield path, tree, False
    elif isinstance(tree, list):
        for index, item in enumerate(tree):
            yield from _texts(item, (*path, index))
    elif isinstance(tree, dict):
        for key, value in tree.items():
            yield (*path, key), key, True
            yield from _texts(value, (*path, key))


RULES = (control_character,)
