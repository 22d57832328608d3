"""Whether values allow nodes with different GPUs."""

from typing import Any

import pytest
from modelservice.models.node_gpu import may_differ


def term(*cards: str, key: str = "nvidia.com/gpu.product") -> dict[str, Any]:
    return {"matchExpressions": [{"key": key, "operator": "In", "values": list(cards)}]}


@pytest.mark.parametrize(
    ("selector", "terms", "differ"),
    [
        ({}, [], False),
        ({"nvidia.com/gpu.product": "Tesla-T4"}, [], False),
        ({"nvidia.com/gpu.product": "Tesla-T4"}, [term("a", key="zone")], False),
        ({}, [term("NVIDIA-L4")], False),
        ({}, [term("NVIDIA-L4", "Tesla-T4")], True),
        ({}, [term("NVIDIA-L4"), term("Tesla-T4")], True),
        ({}, [term("NVIDIA-L4"), term("a", key="zone")], True),
        ({}, [term("NVIDIA-L4"), None], True),
        ({}, [{"matchExpressions": [None]}], False),
    ],
)
def test_nodes_with_different_gpus(selector: dict[str, str], terms: list[Any], differ: bool) -> None:
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}
    assert may_differ({"nodeSelector": selector, "affinity": {"nodeAffinity": required}}) is differ
