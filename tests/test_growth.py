"""All regular expressions, in the schema and in every module, take at most linear time on repeated input."""

import importlib
import inspect
import pkgutil
import re
import time
from collections.abc import Iterator
from typing import Any

import modelservice
from modelservice.schema.source import plain_schema

PUMPS = ["a", "A", "0", "1", "-", ".", ":", "/", " ", "_", "{", "<", "=", ",", "$", "\n", "é"]
PUMPS += ["a.", "a-", "a/", "/a", "0.", "1h", "0-", "a0", ": ", "{{", "$(", "a=", "a:", "--", "[a]", "a, "]
SIZE = 10_000
# A linear pattern takes a hundredth of this time; a quadratic one exceeds it several times.
SECONDS = 0.05


def of_schema(tree: Any) -> Iterator[str]:
    if isinstance(tree, dict):
        if isinstance(tree.get("pattern"), str):
            yield tree["pattern"]
        if isinstance(tree.get("patternProperties"), dict):
            yield from tree["patternProperties"]
    for child in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        yield from of_schema(child)


def of_modules() -> Iterator[tuple[re.Pattern[str], str]]:
    """Yield each module's patterns, with every method that a module calls on a pattern of that name."""
    names = (one.name for one in pkgutil.walk_packages(modelservice.__path__, "modelservice."))
    for module in (importlib.import_module(name) for name in names if not name.endswith("__main__")):
        for name, value in vars(module).items():
            if isinstance(value, re.Pattern) and isinstance(value.pattern, str):
                called = re.findall(rf"\b{name}\.(\w+)\(", inspect.getsource(module))
                # All others search, too.
                yield from ((value, how if how in ("match", "fullmatch") else "search") for how in called)


PATTERNS = {*((re.compile(pattern), "search") for pattern in of_schema(plain_schema())), *of_modules()}


def pumps(pattern: str) -> set[str]:
    """Return inputs to repeat: characters, and each literal text in the pattern."""
    plain = re.sub(r"\\([^A-Za-z0-9])", r"\1", pattern)
    return {*PUMPS, *re.findall(r"[A-Za-z]{2,}", plain), *re.findall(r"[^A-Za-z0-9\s\\^$*+?()|\[\]]{1,3}", plain)}


def slow(pattern: re.Pattern[str], how: str, pump: str) -> bool:
    text = pump * (SIZE // len(pump)) + "\0"
    for _ in range(3):
        start = time.process_time()
        getattr(pattern, how)(text)
        if time.process_time() - start < SECONDS:
            return False
    return True


def test_the_patterns_are_found() -> None:
    assert len(set(of_schema(plain_schema()))) > 40
    assert len(set(of_modules())) > 40


def test_every_pattern_takes_linear_time() -> None:
    found = [
        f"{pattern.pattern} ({how}) on {pump!r}"
        for pattern, how in sorted(PATTERNS, key=str)
        for pump in sorted(pumps(pattern.pattern))
        if slow(pattern, how, pump)
    ]
    assert found == []
