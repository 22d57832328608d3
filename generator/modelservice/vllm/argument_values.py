"""Check a flag's value, and find what to write instead."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from modelservice.redact import shown
from modelservice.spelling import nearest
from modelservice.vllm.facts import facts
from modelservice.vllm.flags import Flag

_SIZE = re.compile(r"(\d+(?:\.\d+)?)([kKmMgGtT])")
_BARE_SIZE = re.compile(r"\b\d+(?:\.\d+)?[kKmMgGtT]\b")
_TEXT = re.compile(r'("(?:[^"\\]|\\.)*")')
_DECIMAL = {"k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_BINARY = {"K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
_THOUSANDS = re.compile(r"\d{1,3}(,\d{3})+")
_PAIRS = re.compile(r"[\w-]+=[^,=]+(,[\w-]+=[^,=]+)*")
_LISTED = 12
# Short names that people use for number types.
_SYNONYMS = {"fp16": "float16", "bf16": "bfloat16", "fp32": "float32"}


class Fault(NamedTuple):
    """What is wrong with a value: the rule, the end of the message, and what to write instead ("" if unknown)."""

    rule: str
    message: str
    suggestion: str = ""


def value_fault(flag: Flag, text: str) -> Fault | None:
    """Return what is wrong with one value of a flag, or None; `$(NAME)`, which Kubernetes expands, is accepted."""
    if "$(" in text or (flag.optional and text in ("", "None")):
        return None
    fault = _fault(flag, text)
    if fault is None:
        return None
    # A fraction such as 1.01 does not show which one was meant; a count such as 0 usually means the default.
    count = fault.rule == "argument-range" and flag.type != "float" and flag.default is not None
    example = [str(flag.default)] if count else []
    suggestion = next((other for other in (*_repairs(flag, text), *example) if _fault(flag, other) is None), "")
    return fault._replace(suggestion=_compact(suggestion) if "json" in flag.type else suggestion)


def _fault(flag: Flag, text: str) -> Fault | None:
    if flag.enforced:
        message = f"{shown(text)} is not one of {listed(flag.values)}"
        return None if _choice(flag, text) else Fault("argument-choice", message)
    check = _CHECKS.get(flag.type)
    fault = check(flag, text) if check else _form(flag, text)
    if fault is None and (limits := facts("constraints")["ranges"].get(flag.name)):
        fault = _range(flag, text, limits)
    if fault is None and flag.values and text.lower() not in {value.lower() for value in flag.values}:
        return Fault("argument-value", f"{shown(text)} is unknown; known values are {listed(flag.values)}")
    return fault


def _form(flag: Flag, text: str) -> Fault | None:
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        return Fault("argument-value", f"{shown(text)} keeps its quotes, because no shell removes them")
    form = facts("constraints")["forms"].get(flag.name)
    if form is None or re.search(form["pattern"], text):
        return None
    return Fault("argument-type", f"{shown(text)} is not {form['expects']}")


def listed(values: Sequence[str]) -> str:
    """Return the first values, and how many more there are, as messages list them."""
    return ", ".join(values[:_LISTED]) + (f" and {len(values) - _LISTED} more" if len(values) > _LISTED else "")


def _choice(flag: Flag, text: str) -> bool:
    if flag.type == "int":
        return _integer(text) in [_integer(value) for value in flag.values]
    return text in flag.values or (flag.fold and text.lower() in map(str.lower, flag.values))


def _integer(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:
        return None


def size(text: str) -> int | None:
    """Return a number as vLLM reads sizes: 4k is 4000, 4K is 4096, 25.6k is 25600, 25.6K is not valid (None)."""
    found = _SIZE.fullmatch(text.strip())
    if not found:
        return _integer(text)
    number, unit = found.groups()
    try:
        return int(float(number) * _DECIMAL[unit]) if unit in _DECIMAL else int(number) * _BINARY[unit]
    except (ValueError, OverflowError):
        return None


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _int_fault(flag: Flag, text: str) -> Fault | None:
    return None if _integer(text) is not None else Fault("argument-type", f"{shown(text)} is not a whole number")


def _float_fault(flag: Flag, text: str) -> Fault | None:
    return None if _number(text) is not None else Fault("argument-type", f"{shown(text)} is not a number")


def _size_fault(flag: Flag, text: str) -> Fault | None:
    auto = flag.type == "human-int-or-auto" and text.strip().lower() == "auto"
    if auto or size(text) is not None:
        return None
    allowed = "a whole number, 4k (4000) or 4K (4096)" + (", or auto" if flag.type == "human-int-or-auto" else "")
    return Fault("argument-type", f"{shown(text)} is not a size ({allowed})")


def _boolean_fault(flag: Flag, text: str) -> Fault | None:
    message = f"{shown(text)} is neither true nor false"
    return None if text.lower() in ("true", "false") else Fault("argument-type", message)


def _json_fault(flag: Flag, text: str) -> Fault | None:
    if flag.type == "str-or-json" and not text.lstrip().startswith(("{", "[")):
        return None
    try:
        value = json.loads(with_sizes(text))
    except (ValueError, RecursionError) as error:
        return Fault("argument-json", f"{shown(text)} is not valid JSON ({_where(error)})")
    wanted = _container(flag)
    if isinstance(value, wanted) or (value is None and flag.type == "json"):
        return None
    return Fault("argument-json", f"{shown(text)} is not a JSON {'list' if wanted is list else 'object'}")


def with_sizes(text: str) -> str:
    """Return JSON with bare sizes such as 80m as numbers: vLLM accepts them in JSON that becomes a configuration."""
    parts = _TEXT.split(text)
    parts[::2] = [_BARE_SIZE.sub(lambda found: str(size(found.group()) or found.group()), part) for part in parts[::2]]
    return "".join(parts)


def _compact(text: str) -> str:
    return json.dumps(json.loads(text), separators=(",", ":"), ensure_ascii=False) if text else ""


def _container(flag: Flag) -> type:
    return list if isinstance(flag.default, list) else dict


def _where(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at character {error.pos + 1}"
    return "too deep or too long"


_CHECKS = {
    "int": _int_fault,
    "float": _float_fault,
    "human-int": _size_fault,
    "human-int-or-auto": _size_fault,
    "boolean": _boolean_fault,
    "json": _json_fault,
    "json-object": _json_fault,
    "str-or-json": _json_fault,
}


def _range(flag: Flag, text: str, limits: dict[str, Any]) -> Fault | None:
    value = size(text) if flag.type.startswith("human-int") else _number(text)
    if text in limits.get("also", []) or (value is None and flag.type != "str"):
        return None
    inside = value is not None and (
        value >= limits.get("min", value)
        and value <= limits.get("max", value)
        and ("above" not in limits or value > limits["above"])
        and ("below" not in limits or value < limits["below"])
    )
    return None if inside else Fault("argument-range", f"{shown(text)} is not {_limits(limits)}")


def _limits(limits: dict[str, Any]) -> str:
    words = {"min": "at least", "above": "above", "max": "at most", "below": "below"}
    return " and ".join(f"{word} {limits[key]}" for key, word in words.items() if key in limits)


def _repairs(flag: Flag, text: str) -> Iterator[str]:
    """Yield what may have been meant, the most likely first. No shell reads arguments, so quotes stay in them."""
    bare = text.strip().strip("'\"")
    yield bare
    yield bare.rstrip(",;").lstrip("=: ")
    yield from _json_repairs(flag, bare)
    plain = bare.replace(",", "") if _THOUSANDS.fullmatch(bare) else bare
    yield plain.removesuffix("i").removesuffix("B").removesuffix("b").removesuffix("i")
    if bare.count(",") == 1:
        yield bare.replace(",", ".")
    if (whole := size(bare)) is not None:
        yield str(whole)
    number = _number(bare.removesuffix("%"))
    if number is not None and flag.enforced:
        yield next((value for value in flag.values if (_number(value) or 0) >= number), "")
    elif number is not None:
        yield from (str(int(number)) if number.is_integer() else "", f"{number / 100:g}" if number >= 10 else "")
    yield near_value(bare, flag.values)


def near_value(text: str, names: Sequence[str]) -> str:
    """Return the name that a text misspells, or "" if none is near.

    A name with other numbers, or with one more word such as FLASHINFER_TS, is another name, not a misspelling.
    """
    lower = {name.lower(): name for name in names}
    plain = _SYNONYMS.get(text.lower(), text.lower())
    if plain in lower:
        return lower[plain]
    if f"{plain}v1" in lower:  # LMCacheConnector was followed by LMCacheConnectorV1
        return lower[f"{plain}v1"]
    longer = [name for name in lower if plain.startswith((f"{name}_", f"{name}-"))]
    alike = [name for name in lower if name not in longer and _numbers_in(name) == _numbers_in(plain)]
    return lower.get(nearest(plain, alike, cutoff=0.9 if longer else 0.8) or _one_letter_off(plain, alike, lower), "")


def _one_letter_off(text: str, names: Sequence[str], known: Iterable[str]) -> str:
    """Return the only name in which one letter differs, or "": awq for awg, but none for a part of a known name."""
    pairs = ((name, zip(name, text, strict=True)) for name in names if len(name) == len(text))
    found = [name for name, letters in pairs if sum(one != other for one, other in letters) == 1]
    sure = len(found) == 1 and len(text) >= _SHORTEST and not any(text in name for name in known)
    return found[0] if sure else ""


_SHORTEST = 3


def _numbers_in(text: str) -> list[str]:
    return re.findall(r"\d+", text)


def _json_repairs(flag: Flag, text: str) -> Iterator[str]:
    if not flag.type.startswith("json"):
        return
    yield text.replace("'", '"')
    if _PAIRS.fullmatch(text):
        pairs = dict(pair.split("=") for pair in text.split(","))
        yield json.dumps({key: _json_value(value) for key, value in pairs.items()}, separators=(",", ":"))
    if _container(flag) is list and not text.startswith(("[", "{")):
        yield json.dumps(text.split(","), separators=(",", ":"))


def _json_value(text: str) -> Any:
    """Return a number, true, false or null as such, anything else as text."""
    try:
        return json.loads(text)
    except ValueError:
        return text
