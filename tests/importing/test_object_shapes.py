"""Objects of any shape are imported or refused with a message; the importing code relies on this check."""

import contextlib
import copy
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from modelservice.errors import InputError
from modelservice.importing.part import values_of

from tests.importing.from_text import import_kubernetes, import_llmos

FOLDER = Path(__file__).parent
FILES = sorted([*FOLDER.glob("kubernetes/*.yaml"), *FOLDER.glob("llmos/*.yaml")])
ODD: list[Any] = [
    None,
    "",
    0,
    -1,
    1.5,
    True,
    "x",
    [],
    {},
    [None],
    [{}],
    ["a"],
    {"a": None},
    {"name": 1},
    [[]],
    {"x": {"y": []}},
]


def paths(tree: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield above
    pairs = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in pairs:
        yield from paths(value, (*above, key))


@pytest.mark.parametrize("seed", range(60))
def test_odd_values_anywhere_end_with_values_or_a_message(
    seed: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # without helm: it takes a second each
    draw = random.Random(seed)
    file = draw.choice(FILES)
    is_llmos = file.parent.name == "llmos"
    text = file.read_text().rpartition("\n---\n")[0] if is_llmos else file.read_text()
    documents = list(yaml.safe_load_all(text))
    for _ in range(draw.choice([1, 1, 3])):
        document = draw.choice(documents)
        *above, last = draw.choice([path for path in paths(document) if path])
        place = document
        for key in above:
            place = place[key]
        place[last] = copy.deepcopy(draw.choice(ODD))
    with contextlib.suppress(InputError):
        part = (import_llmos if is_llmos else import_kubernetes)(yaml.safe_dump_all(documents))
        values_of(part.settings)


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ({"template": {"spec": {"containers": []}}}, "spec.template.spec.containers: must not be empty"),
        (
            {"replicas": "2", "template": {"spec": {"containers": [{"name": "a"}]}}},
            "spec.replicas: must be of type integer",
        ),
        ({}, "Deployment a: spec: 'template' is a required property"),
    ],
)
def test_the_place_is_in_the_message(spec: Any, says: str) -> None:
    with pytest.raises(InputError, match=says):
        import_kubernetes(yaml.safe_dump({"kind": "Deployment", "metadata": {"name": "a"}, "spec": spec}))
