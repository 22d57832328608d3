"""A word that was not found and the words there are in; the one that was probably meant out."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(word: str, choices: Iterable[str], *, cutoff: float = 0.7) -> str | None:
    """Return the choice most like the word, case and dashes aside, None where none is near."""
    import difflib  # only a mistake needs it

    plain = {_plain(choice): choice for choice in choices}
    found = difflib.get_close_matches(_plain(word), plain, 1, cutoff)
    return plain[found[0]] if found else None


def _plain(word: str) -> str:
    return word.lower().replace("-", "").replace("_", "").replace(".", "")
