"""Odd values files: an odd value at any path of the schema, deep nesting, aliases, and a secret."""

import json
import random
from collections.abc import Iterator
from typing import Any

from modelservice.schema.source import plain_schema

from tests.drawing import examples
from tests.every_text import EVERYTHING, KEY, Path, over, paths

SECRET = "hf_" + "Q7x" * 12
ODD: list[Any] = [None, "", [], {}, [[]], [{}], {"": {}}, {"a": [None]}, True, 0, -1, 1.5, 1e308, 10**30, "x" * 70_000]
ODD += ["\u0000", "\ud83d", "<<", "{{ fail }}", "$(A)", SECRET, f"Bearer {SECRET}", {SECRET: SECRET}, [SECRET]]
RAW = ["1e999", ".nan", "0o777", "!!binary x", "*a", "&a [*a]", "&a b", "[" * 500, "{a: " * 500, "? a", "- " * 300]
RAW += ["%", "|9", "\t", "!!set {a}", "<<: 1", "9" * 5000, "2024-01-01", "'", '"\\x80"', SECRET, f"!{SECRET}"]


def nested(path: Path, value: Any) -> Any:
    for part in reversed(path):
        value = [value] if part == 0 else {"a" if part == KEY else part: value}
    return value


def odd_files(random_: random.Random, number: int) -> Iterator[bytes]:
    """Yield files with one odd value at a path of the schema or above it, alone or with other values."""
    places = list(paths(plain_schema()))
    bases = [{}, EVERYTHING, EVERYTHING | {"restricted": True}, *examples()]
    for _ in range(number):
        path = random_.choice(places)
        values = over(random_.choice(bases), nested(path[: random_.randint(1, len(path))], "ODD"))
        text = json.dumps(values)
        odd = json.dumps(random_.choice(ODD)) if random_.random() < 0.6 else random_.choice(RAW)
        yield text.replace('"ODD"', odd).encode()
