"""Find the API key in what a server sends back: as it is, reversed, encoded, or a part of it."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from urllib.parse import quote

# So many characters in a row that the key has too are no chance.
_PART = 8
_INSTEAD = "(the key)"


def without_key(text: str, key: str) -> str:
    """Return the text without the key (1 character or more, ASCII), and without each part of it of 8 or more."""
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
    """Yield what a server may make of the key; base64 also of a longer text, such as user:key, that the key is in."""
    for one in (key, key[::-1]):
        yield from (one, quote(one, safe=""), one.encode().hex(), one.encode().hex().upper())
        for before, first in ((0, 0), (1, 2), (2, 3)):
            for encode in (base64.b64encode, base64.urlsafe_b64encode):
                encoded = encode(bytes(before) + one.encode()).decode().rstrip("=")
                # The first and the last character may belong to what is beside the key as well.
                yield encoded[first:-1]
