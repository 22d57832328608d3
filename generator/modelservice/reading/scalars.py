"""Resolve a plain scalar as Helm does, with a doubt if a person may mean something else.

Helm decodes YAML by the rules of go-yaml v2: YAML 1.1 with parts of 1.2. Each rule was observed in helm 3.18.0 and
4.3.1, which agree, by printing `{{ .Values | toJson }}`; tests/cases/scalars.txt records the results. Quoted scalars,
block scalars and scalars tagged `!!str` are always text and are not passed to this module.
"""

from __future__ import annotations

import json
import math
import re
from typing import NamedTuple

Scalar = str | int | float | bool | None

# Helm converts numbers to doubles: whole numbers above this lose digits.
LARGEST_INTEGER = 2**53

# Nobody writes a longer number, and converting a megabyte of digits takes seconds.
_LONGEST_NUMBER = 100

_NULLS = {"", "~", "null", "Null", "NULL"}
_TRUE = {"true", "True", "TRUE"}
_FALSE = {"false", "False", "FALSE"}
_CLEAR: dict[str, bool | None] = dict.fromkeys(_NULLS) | dict.fromkeys(_TRUE, True) | dict.fromkeys(_FALSE, False)

# Not "yEs": Helm reads only the three usual forms of each word as booleans, and other forms as text.
_ON = {"y", "Y", "yes", "Yes", "YES", "on", "On", "ON"}
_OFF = {"n", "N", "no", "No", "NO", "off", "Off", "OFF"}
_SWITCHES = dict.fromkeys(_ON, True) | dict.fromkeys(_OFF, False)

_INFINITE = {sign + word for sign in ("", "+", "-") for word in (".inf", ".Inf", ".INF")}
_INFINITE |= {".nan", ".NaN", ".NAN"}

_DECIMAL = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
# Other numbers that Go's ParseInt and go-yaml's float pattern accept once the underscores are removed.
_INTEGER = re.compile(r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
# go-yaml strips the prefix and parses what follows with its own sign: 0b-1 is -1.
_SIGN_INSIDE = re.compile(r"-?0[bo][-+][0-7]+")


class Doubt(NamedTuple):
    """How Helm reads a scalar that a person may mean differently, and what to write instead."""

    message: str
    hint: str


def resolve(text: str) -> tuple[Scalar, Doubt | None]:
    """Return the value that Helm reads for a plain scalar, with a doubt if the scalar must be refused."""
    if text in _CLEAR:
        return _CLEAR[text], None
    if text in _SWITCHES:
        return _SWITCHES[text], _read_as(text, _SWITCHES[text])
    if text in _INFINITE:
        return text, Doubt(f"Helm cannot read {text}: JSON has no such number", _quoted(text))
    if text[0] not in "+-.0123456789":
        return text, None
    return _number_or_text(text)


def clipped(text: str) -> str:
    """Return the text, or its beginning if it is too long for a message."""
    return text if len(text) <= 60 else text[:57] + "..."


def _number_or_text(text: str) -> tuple[Scalar, Doubt | None]:
    plain = text.replace("_", "")
    if not (_FLOAT.fullmatch(plain) or _INTEGER.fullmatch(plain) or _SIGN_INSIDE.fullmatch(plain)):
        return text, None
    if len(text) > _LONGEST_NUMBER:
        return text, Doubt(f"{clipped(text)} has too many digits for Helm to keep", "put it in quotes")
    value = _number(plain)
    if value is None or (text[0] == "." and plain != text):
        return text, Doubt(f"{text} looks like a number, but Helm may read it as text", _quoted(text))
    if isinstance(value, int) and abs(value) > LARGEST_INTEGER and _DECIMAL.fullmatch(text):
        message = f"Helm reads {text} as {float(value):.17g}: whole numbers above 2^53 lose digits"
        return value, Doubt(message, _quoted(text))
    return value, None if _DECIMAL.fullmatch(text) else _read_as(text, value)


def _number(plain: str) -> int | float | None:
    """Return the number; None if it does not fit, so Helm keeps the text."""
    if _SIGN_INSIDE.fullmatch(plain):
        return None
    if match := _INTEGER.fullmatch(plain):
        sign, *digits = match.groups()
        number = next(int(part, base) for part, base in zip(digits, (16, 2, 8, 10), strict=True) if part)
        if number < 2**63 or (number < 2**64 and not sign) or match[5]:
            return -number if sign == "-" else number
    if not _FLOAT.fullmatch(plain):
        return None
    value = float(plain)
    if math.isinf(value):
        return None
    # Helm converts the values to JSON, where 1.0 and 1 are the same number.
    return int(value) if value.is_integer() and abs(value) <= LARGEST_INTEGER else value


def _read_as(text: str, value: bool | int | float) -> Doubt:
    word = json.dumps(value)
    kind = "boolean" if isinstance(value, bool) else "number"
    return Doubt(
        f"Helm reads {text} as the {kind} {word}",
        f'write {word} if that is meant, or "{text}" in quotes for text',
    )


def _quoted(text: str) -> str:
    return f'put it in quotes if it is text: "{text}"'
