"""Find the closest known word to a misspelled one."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(word: str, choices: Iterable[str], *, cutoff: float = 0.7) -> str | None:
    """Return the choice closest to the word, ignoring case and dashes, or None if none is close."""
    import difflib  # only a mistake needs it

    # minReplicas is not a misspelling of maxReplicas, nor minUnavailable of minAvailable.
    plain = {_plain(choice): choice for choice in choices if not _opposite(word, choice)}
    found = difflib.get_close_matches(_plain(word), plain, 1, cutoff)
    return plain[found[0]] if found else None


def _opposite(word: str, choice: str) -> bool:
    ends = [text.rpartition(".")[2] for text in (word, choice)]
    return {end[:3] for end in ends} == {"min", "max"} or len({"Unavailable" in end for end in ends}) == 2


def _plain(word: str) -> str:
    return word.lower().replace("-", "").replace("_", "").replace(".", "")
