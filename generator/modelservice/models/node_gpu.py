"""Find the GPU that a service's values request, from its memory, the labels of its node, or the name of a slice."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from modelservice.models.gpus import GIB, MIB, Gpu, gpu_named
from modelservice.quantity import amount

# Labels with the name of a node's GPU: NVIDIA's GPU feature discovery, AMD's node labeller, GKE, Karpenter on AWS, EKS,
# AKS, CoreWeave.
_NAMES = re.compile(
    r"nvidia\.com/gpu\.product|(beta\.)?amd\.com/gpu\.product-name|cloud\.google\.com/gke-accelerator|karpenter\.k8s\.aws/instance-gpu-name|"
    r"k8s\.amazonaws\.com/accelerator|gpu\.nvidia\.com/(class|model)|.*/(gpu-(model|type|product)|accelerator)"
)
_MEMORY = "nvidia.com/gpu.memory"
_SELECTED = ("requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms", "matchExpressions")


def gpu_of(values: Mapping[str, Any]) -> Gpu | None:
    """Return the GPU that complete values request, or None if they do not determine it."""
    gpu = values["gpu"]
    labels = list(_labels(values))
    cards = [found for name, value in labels if _NAMES.fullmatch(name) and (found := gpu_named(value))]
    named = min(cards, key=lambda one: one.memory, default=None)  # the pod may run on any of several nodes
    sliced = gpu_named(gpu["resourceName"]) if "mig" in gpu["resourceName"] else None
    card = sliced or named
    if bytes_ := _stated(gpu, labels):
        card = Gpu(card.name if card else "GPU", bytes_, card.capability if card else 0)
    return card and card._replace(shared=is_shared(values))


def why_unknown(values: Mapping[str, Any]) -> str:
    """Return why complete values do not determine a GPU, and how to name it."""
    memory = values["gpu"]["memory"]
    if memory not in ("", None):
        return f"gpu.memory ({memory}) is less than any GPU has: write it with its unit, such as 48Gi"
    names = [value for name, value in _labels(values) if _NAMES.fullmatch(name)]
    said = f"the GPU {names[0]} of the values is not known" if names else "the values do not say which GPU"
    return f"{said}: set gpu.memory (such as 48Gi), or give --gpu (such as L40S) or --gpu-memory"


def is_shared(values: Mapping[str, Any]) -> bool:
    """Return whether pods share a GPU, judging by the names that NVIDIA's device plugin uses for shared GPUs."""
    products = (value for name, value in _labels(values) if name == "nvidia.com/gpu.product")
    return str(values["gpu"]["resourceName"]).endswith(".shared") or any(one.endswith("-SHARED") for one in products)


def may_differ(values: Mapping[str, Any]) -> bool:
    """Return whether a service's values allow nodes with different GPUs: several GPU names, or a term without one."""
    terms = [{gpu_named(value) for name, value in _of_term(term) if _NAMES.fullmatch(name)} for term in _terms(values)]
    selected = {gpu_named(value) for name, value in _selected(values) if _NAMES.fullmatch(name)}
    return len(selected) > 1 or (not selected and len(set().union(*terms)) > (1 if all(terms) else 0))


def _stated(gpu: Mapping[str, Any], labels: list[tuple[str, str]]) -> int:
    """Return the GPU memory in bytes that the values set, or 0 if they do not set it."""
    if gpu["vgpu"]["enabled"] and isinstance(slice_ := gpu["vgpu"].get("memoryMiB"), int):
        return slice_ * MIB
    if gpu["memory"] not in ("", None) and (stated := amount(gpu["memory"])) and stated >= GIB:
        return int(stated)  # a smaller number lacks its unit
    return next((int(value) * MIB for name, value in labels if name == _MEMORY and value.isdecimal()), 0)


def _labels(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield each label that a node must have, with each value that it may have."""
    yield from _selected(values)
    for term in _terms(values):
        yield from _of_term(term)


def _selected(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield from ((name, str(value)) for name, value in (values.get("nodeSelector") or {}).items())


def _terms(values: Mapping[str, Any]) -> list[Any]:
    """Return the terms of the required node affinity; a node must match one of them. An invalid term may be None."""
    found: Any = (values.get("affinity") or {}).get("nodeAffinity") or {}
    for key in _SELECTED[:2]:
        found = found.get(key) or {}
    return list(found or ())


def _of_term(term: Any) -> Iterator[tuple[str, str]]:
    for expression in (term or {}).get(_SELECTED[2]) or ():
        if expression and expression.get("operator") == "In":
            yield from ((str(expression.get("key")), str(value)) for value in expression.get("values") or ())
