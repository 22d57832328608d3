"""Find the GPU that a service's values ask for: its memory, its node's labels, a slice's name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from modelservice.models.gpus import MIB, Gpu, gpu_named
from modelservice.quantity import amount

# Labels that name a node's GPU: NVIDIA's GPU feature discovery, GKE, Karpenter on AWS, EKS, AKS, CoreWeave.
_NAMES = re.compile(
    r"nvidia\.com/gpu\.product|cloud\.google\.com/gke-accelerator|karpenter\.k8s\.aws/instance-gpu-name|"
    r"k8s\.amazonaws\.com/accelerator|gpu\.nvidia\.com/(class|model)|.*/(gpu-(model|type|product)|accelerator)"
)
_MEMORY = "nvidia.com/gpu.memory"
_SELECTED = ("requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms", "matchExpressions")


def gpu_of(values: Mapping[str, Any]) -> Gpu | None:
    """Return one GPU of a service's complete values, None where nothing tells which it is."""
    gpu = values["gpu"]
    labels = list(_labels(values))
    named = next((found for name, value in labels if _NAMES.fullmatch(name) and (found := gpu_named(value))), None)
    sliced = gpu_named(gpu["resourceName"]) if "mig" in gpu["resourceName"] else None
    card = sliced or named
    if bytes_ := _stated(gpu, labels):
        return Gpu(card.name if card else "GPU", bytes_, card.capability if card else 0)
    return card


def _stated(gpu: Mapping[str, Any], labels: list[tuple[str, str]]) -> int:
    """Return the bytes that the values state, 0 where they do not."""
    if gpu["vgpu"]["enabled"] and isinstance(slice_ := gpu["vgpu"]["memoryMiB"], int):
        return slice_ * MIB
    if gpu["memory"] not in ("", None) and (stated := amount(gpu["memory"])):
        return int(stated)
    return next((int(value) * MIB for name, value in labels if name == _MEMORY and value.isdecimal()), 0)


def _labels(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the labels that a node must have, with a value that it may have."""
    yield from ((name, str(value)) for name, value in (values.get("nodeSelector") or {}).items())
    terms: Any = (values.get("affinity") or {}).get("nodeAffinity") or {}
    for key in _SELECTED[:2]:
        terms = terms.get(key) or {}
    for term in terms or ():
        for expression in term.get(_SELECTED[2]) or ():
            if expression.get("operator") == "In":
                yield from ((expression["key"], str(value)) for value in expression.get("values") or ())
