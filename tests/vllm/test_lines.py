"""Real command lines, and mistakes fixed by our hints, against the recorded verdicts of vLLM's own parser.

tests/vllm/judge_lines.py describes how the verdicts are made, tests/vllm/mistakes.py how the lines are fixed.
"""

import math
import shlex
from pathlib import Path

import pytest
from modelservice.check import check
from modelservice.findings import Severity
from modelservice.reading.document import read
from modelservice.vllm import command_line
from modelservice.vllm.argument_rules import OWNED, PARALLEL
from modelservice.vllm.flags import Line
from modelservice.vllm.flags import command_line as flags_of
from modelservice.writing.dump import dump

from tests.vllm.mistakes import RELEASE, fixed, mistakes

HERE = Path(__file__).parent


def recorded(name: str) -> list[tuple[str, list[str]]]:
    lines = (HERE / name).read_text(encoding="utf-8").splitlines()
    pairs = (line.split("\t", 1) for line in lines if line and not line.startswith("#"))
    return [(verdict, shlex.split(words)) for verdict, words in pairs]


def values(words: list[str]) -> str:
    """Return a values file with the arguments, except those that fields set, and the GPUs that they need."""
    line = Line(RELEASE, "", flags_of(RELEASE))
    given = [one for one in command_line.read(words, line) if isinstance(one, command_line.Given)]
    owned = {at for one in given if one.flag.name in OWNED for at in one.items}
    sizes = {one.flag.name: one.values[0].text for one in given if one.flag.name in PARALLEL and one.values}
    count = math.prod(int(text) for text in sizes.values() if text.isdecimal())
    args = [word for index, word in enumerate(words) if index not in owned]
    gpus = {"count": count or 1}
    room = {"resources": {"limits": {"memory": "4Ti"}}, "sharedMemory": {"sizeLimit": "1Ti"}}
    return dump({"model": {"name": "org/model"}, "image": {"tag": f"v{RELEASE}"}, "gpu": gpus, **room, "args": args})


@pytest.mark.parametrize(("verdict", "words"), recorded("lines.txt"))
def test_a_real_line_has_an_error_exactly_if_vllm_refuses_it(verdict: str, words: list[str]) -> None:
    found = check(read("values.yaml", values(words).encode()))
    errors = [one.message for one in found if one.severity is Severity.ERROR and one.path[0] in ("args", "model")]
    if verdict == "refuses" and not errors and any("{" in word for word in words):
        pytest.xfail("a key of JSON that vLLM does not know")
    assert bool(errors) == (verdict == "refuses"), errors


def test_there_are_lines_with_both_verdicts() -> None:
    verdicts = [verdict for verdict, _ in recorded("lines.txt")]
    assert verdicts.count("takes") > 300
    assert set(verdicts) == {"takes", "refuses"}


def test_vllm_accepts_every_line_fixed_by_a_hint() -> None:
    verdicts = {shlex.join(words): verdict for verdict, words in recorded("mended.txt")}
    made = {shlex.join(words) for words in map(fixed, mistakes()) if words}
    assert made == verdicts.keys()  # else: python -m tests.vllm.mistakes, and judge the lines
    assert [words for words, verdict in verdicts.items() if verdict != "takes"] == []
