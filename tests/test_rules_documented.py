"""Every rule says what is wrong and why it matters, in plain words."""

import re

import pytest
from modelservice.findings import Rule
from modelservice.rules.catalogue import by_id

LONGEST_SUMMARY = 110
RIDDLES = re.compile(r"(?i)\b(stands|stumbles?|mends?|somebody|who runs)\b")


@pytest.mark.parametrize("rule", by_id().values(), ids=lambda rule: rule.id)
def test_a_rule_is_documented(rule: Rule) -> None:
    assert rule.summary.endswith(".")
    assert len(rule.summary) <= LONGEST_SUMMARY
    assert rule.why.endswith(".")
    assert rule.summary not in rule.why
    assert not RIDDLES.findall(f"{rule.summary} {rule.why}")
