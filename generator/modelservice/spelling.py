"""Find the closest known word to a misspelled one."""

from __future__ import annotations

import re
from collections.abc import Iterable

_CAMEL = re.compile("[A-Z]*[a-z]+|[A-Z]+")
# mountPoint is probably mountPath (0.44), but runAsUser is not runAsGroup (0.22).
_PART = 0.4


def nearest(word: str, choices: Iterable[str], *, cutoff: float = 0.7) -> str | None:
    """Return the choice closest to the word, ignoring case and dashes, or None if none is close."""
    import difflib  # only a mistake needs it

    # minReplicas is not a misspelling of maxReplicas, nor minUnavailable of minAvailable.
    plain = {_plain(choice): choice for choice in choices if not _other(word, choice)}
    found = difflib.get_close_matches(_plain(word), plain, 1, cutoff)
    return plain[found[0]] if found else None


def _other(word: str, choice: str) -> bool:
    """Return whether two similar words mean different things: opposites, or runAsUser and runAsGroup."""
    ends = [text.rpartition(".")[2] for text in (word, choice)]
    opposite = {end[:3] for end in ends} == {"min", "max"} or len({"Unavailable" in end for end in ends}) == 2
    parts = [_CAMEL.findall(end) if "-" not in end else [] for end in ends]
    return opposite or set(ends) == {"ingress", "egress"} or (1 < len(parts[0]) == len(parts[1]) and _unlike(*parts))


def _unlike(one: list[str], other: list[str]) -> bool:
    """Return whether a part of one camel-case word is not a misspelling of the same part of the other."""
    import difflib

    pairs = zip(one, other, strict=True)
    return any(difflib.SequenceMatcher(None, a.lower(), b.lower()).ratio() < _PART for a, b in pairs)


def _plain(word: str) -> str:
    return word.lower().replace("-", "").replace("_", "").replace(".", "")
