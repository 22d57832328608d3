"""Conditions mean what Rancher's `show_if` means."""

import pytest
from modelservice.schema.conditions import holds

VALUES = {"source": "local", "claim": "", "own": True, "cores": None}


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("", True),
        ("source=local", True),
        ("source=huggingface", False),
        ("claim=", True),
        ("cores=", True),
        ("claim", False),
        ("source", True),
        ("own=true", True),
        ("own=false", False),
        ("own=true&&claim=", True),
        ("own=true&&claim", False),
        ("source=a||source=local&&own=true", True),
    ],
)
def test_a_condition_holds_or_not(condition: str, expected: bool) -> None:
    assert holds(condition, VALUES.__getitem__) is expected
