"""Values in, problems out: what no schema can say, one small function a rule."""

from __future__ import annotations

from collections.abc import Iterator

from modelservice.findings import Problem
from modelservice.rules import gpu
from modelservice.rules.values import Checked, Values

ALL: tuple[Checked, ...] = (*gpu.RULES,)


def check_rules(values: Values) -> Iterator[Problem]:
    """Yield what the rules find."""
    for checked in ALL:
        for said in checked.function(values):
            yield Problem(checked.rule.severity, said.path, said.message, said.hint, checked.rule.id, said.on_key)
