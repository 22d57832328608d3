"""Remove the API key from a server's response: as it is, reversed, encoded, or a part of it."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from urllib.parse import quote

# A sequence of this many characters in both the text and the key is not a coincidence.
_PART = 8
_INSTEAD = "(the key)"


def without_key(text: str, key: str) -> str:
    """Return the text without the key (1 character or more, ASCII) and without its parts of 8 or more characters."""
    forms = {key, *(form for form in _forms(key) if len(form) >= _PART)}
    hidden = [False] * len(text)
    parts = {form[at : at + _PART] for form in forms for at in range(max(1, len(form) - _PART + 1))}
    for part in parts:
        at = text.find(part)
        while at >= 0:
            hidden[at : at + len(part)] = [True] * len(part)
            at = text.find(part, at + 1)
    return "".join(_kept(text, hidden))


def _kept(text: str, hidden: list[bool]) -> Iterator[str]:
    before = False
    for char, hide in zip(text, hidden, strict=True):
        if not hide:
            yield char
        elif not before:
            yield _INSTEAD
        before = hide


def _forms(key: str) -> Iterator[str]:
    """Yield possible encodings of the key, including base64 of a longer text with the key, such as user:key."""
    for one in (key, key[::-1]):
        yield from (one, quote(one, safe=""), one.encode().hex(), one.encode().hex().upper())
        for before, first in ((0, 0), (1, 2), (2, 3)):
            for encode in (base64.b64encode, base64.urlsafe_b64encode):
                encoded = encode(bytes(before) + one.encode()).decode().rstrip("=")
                # The first and the last character may also encode neighbours of the key.
                yield encoded[first:-1]
