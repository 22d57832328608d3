"""GPUs, by the names that clusters give them."""

from typing import Any

import pytest
from modelservice.models.gpu_labels import meant
from modelservice.models.gpus import MIB, cards, gpu_named
from modelservice.models.node_gpu import gpu_of
from modelservice.schema.defaults import coalesce, default_values

H100, H200, A100 = (gpu_named(name) for name in ("H100", "H200", "A100-SXM4-80GB"))


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("NVIDIA-H100-80GB-HBM3", "H100"),  # nvidia.com/gpu.product
        ("NVIDIA-A100-SXM4-80GB", "A100 80GB"),
        ("Tesla-T4", "T4"),
        ("NVIDIA-H200", "H200"),
        ("nvidia-tesla-t4", "T4"),  # cloud.google.com/gke-accelerator
        ("nvidia-l4", "L4"),
        ("nvidia-a100-80gb", "A100 80GB"),
        ("nvidia-tesla-a100", "A100 40GB"),
        ("nvidia-h100-80gb", "H100"),
        ("a10g", "A10"),  # karpenter.k8s.aws/instance-gpu-name
        ("l40s", "L40S"),
        ("NVIDIA-RTX-PRO-6000-Blackwell-Server-Edition", "RTX PRO 6000"),
        ("NVIDIA-RTX-6000-Ada-Generation", "RTX 6000 Ada"),
        ("NVIDIA-GH200-480GB", "GH200"),
        ("NVIDIA-B300-SXM6-AC", "B300"),
        ("AMD_Instinct_MI300X_OAM", "MI300X"),  # amd.com/gpu.product-name
        ("AMD_Instinct_MI325_OAM", "MI325X"),
        ("AMD Instinct MI250X/MI250", "MI250"),
        ("NVIDIA-H100-80GB-HBM3-MIG-3g.40gb", "MIG 3g.40gb"),
    ],
)
def test_labels_name_cards(label: str, name: str) -> None:
    found = gpu_named(label)
    assert found
    assert found.name == name


def test_the_memory_is_the_one_that_the_driver_reports() -> None:
    assert H200
    assert H200.memory == 150_109_880_320  # vLLM's log on an H200
    assert gpu_named("TPU v5e") is None


def terms(*cards: str) -> dict[str, Any]:
    expression = {"key": "nvidia.com/gpu.product", "operator": "In", "values": list(cards)}
    required = {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}
    return {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}}


@pytest.mark.parametrize(
    ("given", "memory"),
    [
        ({}, None),
        ({"gpu": {"memory": "80Gi"}}, 80 * 1024 * MIB),
        ({"gpu": {"vgpu": {"enabled": True, "memoryMiB": 8192}}}, 8192 * MIB),
        ({"gpu": {"resourceName": "nvidia.com/mig-1g.10gb"}}, 10 * 970 * MIB),
        ({"nodeSelector": {"nvidia.com/gpu.product": "NVIDIA-H200"}}, 150_109_880_320),
        ({"nodeSelector": {"nvidia.com/gpu.memory": "40960"}}, 40960 * MIB),
        ({"nodeSelector": {"amd.com/gpu.product-name": "AMD_Instinct_MI300X_OAM"}}, 206_141_652_992),  # rocm-smi
        (terms("NVIDIA-H200"), 150_109_880_320),
        (terms("NVIDIA-H200", "NVIDIA-A100-SXM4-80GB"), A100 and A100.memory),
    ],
    ids=str,
)
def test_the_gpu_of_values(given: dict[str, Any], memory: int | None) -> None:
    found = gpu_of(coalesce(default_values(), given))
    assert (found and found.memory) == memory


@pytest.mark.parametrize(
    ("given", "shared"),
    [
        ({"gpu": {"memory": "80Gi"}}, False),
        ({"gpu": {"memory": "80Gi", "resourceName": "nvidia.com/gpu.shared"}}, True),
        ({"gpu": {"resourceName": "nvidia.com/mig-1g.10gb.shared"}}, True),
        ({"nodeSelector": {"nvidia.com/gpu.product": "NVIDIA-H200-SHARED"}}, True),  # GPU feature discovery
    ],
    ids=str,
)
def test_shared_gpus(given: dict[str, Any], shared: bool) -> None:
    found = gpu_of(coalesce(default_values(), given))
    assert found
    assert found.shared is shared


PRODUCT, GKE, KARPENTER = (
    "nvidia.com/gpu.product",
    "cloud.google.com/gke-accelerator",
    "karpenter.k8s.aws/instance-gpu-name",
)


@pytest.mark.parametrize(
    ("label", "value", "right"),
    [
        (PRODUCT, "L40S", ("NVIDIA-L40S",)),
        (PRODUCT, "NVIDIA-L4OS", ("NVIDIA-L40S",)),
        (PRODUCT, "NVIDA-L40S", ("NVIDIA-L40S",)),
        (PRODUCT, "nvidia_l40s-SHARED", ("NVIDIA-L40S-SHARED",)),
        (PRODUCT, "A10G", ("NVIDIA-A10G",)),
        (PRODUCT, "H100", ("NVIDIA-H100-80GB-HBM3", "NVIDIA-H100-PCIe")),
        (GKE, "T4", ("nvidia-tesla-t4",)),
        (KARPENTER, "NVIDIA-L40S", ("l40s",)),
    ],
)
def test_a_misspelled_label_is_corrected(label: str, value: str, right: tuple[str, ...]) -> None:
    assert meant(label, value) == right


@pytest.mark.parametrize(
    ("label", "value"),
    [
        # Other cards whose names are one character away from those of known ones.
        *((PRODUCT, f"NVIDIA-{card}") for card in ("H800", "H20", "A40", "A30", "A16", "L20", "B100", "GB200")),
        (PRODUCT, "NVIDIA-H100-NVL"),
        (PRODUCT, "A100-SXM4-40GB"),  # the driver's name before release 470
        (PRODUCT, "NVIDIA-A100-SXM4-80GB-MIG-1g.10gb-SHARED"),
        (GKE, "nvidia-tesla-v100"),
        (GKE, "l40s"),  # GKE has no such nodes
        (KARPENTER, "t4g"),
        ("example.com/gpu", "L40S"),
    ],
)
def test_labels_that_may_be_right_are_not_corrected(label: str, value: str) -> None:
    assert meant(label, value) == ()


@pytest.mark.parametrize("card", cards(), ids=lambda card: card["name"])
def test_known_labels_name_their_card(card: dict[str, Any]) -> None:
    values = [one for values in card.get("labels", {}).values() for one in values]
    # `a100` on Karpenter's nodes may be either A100; the smaller one counts.
    assert {found.name for one in values if one != "a100" and (found := gpu_named(one))} <= {card["name"]}
    assert all(map(gpu_named, values))
