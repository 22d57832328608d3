"""Rules on how values name a GPU: by its memory, and by the labels of its node."""

from __future__ import annotations

from collections.abc import Iterator

from modelservice.findings import Path, Severity
from modelservice.quantity import amount
from modelservice.rules.rule import Said, Values, asking, put, rule, sound

_GIB = 2**30
_TERMS = ("affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms")


@rule(
    "gpu-memory-unit",
    "`gpu.memory` is less than the memory of any GPU.",
    why="A number without a unit is a number of bytes. The checks of the model's size ignore the value.",
    source="docs/fit.md",
    severity=Severity.WARNING,
)
def gpu_memory_unit(values: Values) -> Iterator[Said]:
    """Find a memory of less than 1 GiB, which usually lacks its unit."""
    written = values.at("gpu.memory")
    if written in ("", None) or (size := amount(written)) is None or size >= _GIB:
        return
    path, message = ("gpu", "memory"), f"{written} is {size.normalize():f} bytes, which is less than any GPU has"
    if 1 <= size <= 1024 and size == int(size):
        yield Said(path, message, f"did you mean {int(size)}Gi?", fix=put({path: f"{int(size)}Gi"}))
    else:
        yield Said(path, message, "write it with its unit, such as 80Gi")


@rule(
    "gpu-label",
    "The name of a GPU in a node label is misspelled.",
    why=(
        "No node has this label, so the pod stays Pending. The names are those that NVIDIA's GPU feature discovery, "
        "GKE and Karpenter write; `kubectl get nodes --show-labels` shows them."
    ),
    source="https://docs.nvidia.com/datacenter/cloud-native/gpu-operator/latest/gpu-feature-discovery.html",
    severity=Severity.WARNING,
)
def gpu_label(values: Values) -> Iterator[Said]:
    """Find names that certainly mean a known card, but differ from the names that node labels have."""
    from modelservice.models.gpu_labels import WRITERS, meant

    for path, label, value in _labels(values):
        if label in WRITERS and (right := meant(label, value)):
            message = f"{value} is not a name that {WRITERS[label]} writes"
            near = right[0] if len(right) == 1 else None
            yield asking(path, message, near, f"write {', or '.join(right[:4])}")


def _labels(values: Values) -> Iterator[tuple[Path, str, str]]:
    """Yield the path, the label and the value of each label that nodes must have."""
    for name, value in (values.at("nodeSelector") or {}).items():
        yield ("nodeSelector", name), name, str(value)
    for index, term in sound(values.at(".".join(_TERMS))):
        for number, expression in sound(term.get("matchExpressions")):
            path = (*_TERMS, index, "matchExpressions", number, "values")
            for at, value in sound(expression.get("values")):
                yield (*path, at), str(expression.get("key")), str(value)


RULES = (gpu_memory_unit, gpu_label)
