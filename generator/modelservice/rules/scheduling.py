"""Rules on where the pods may run."""

from __future__ import annotations

from collections.abc import Iterator

from modelservice.findings import Severity
from modelservice.rules.values import Said, Values, rule

_TAINTS = "https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/"
_NODE_RULES = "https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/"


@rule(
    "node-beside-affinity",
    "A fixed node and rules for nodes must both hold.",
    source=_NODE_RULES,
    severity=Severity.WARNING,
)
def node_beside_affinity(values: Values) -> Iterator[Said]:
    """A node by name, and rules that it may not fulfil."""
    if not values.at("nodeName"):
        return
    for key in ("nodeSelector", "affinity.nodeAffinity"):
        if values.at(key):
            message = f"must hold beside nodeName {values.at('nodeName')}, or no pod is scheduled"
            yield Said(tuple(key.split(".")), message, "remove it, or nodeName", True)


@rule("toleration", "A toleration's fields fit together.", source=_TAINTS)
def toleration(values: Values) -> Iterator[Said]:
    """What the API server refuses in a toleration."""
    for index, item in values.items("tolerations"):
        operator = item.get("operator", "Equal")
        path = ("tolerations", index)
        if operator == "Exists" and item.get("value"):
            yield Said((*path, "value"), "has no effect with operator Exists", "remove it", True)
        if operator != "Exists" and not item.get("key"):
            yield Said(path, "tolerates no taint: it has no key", "add key, or write operator: Exists to tolerate all")
        if "tolerationSeconds" in item and item.get("effect") != "NoExecute":
            yield Said((*path, "tolerationSeconds"), "is for the effect NoExecute only", "remove it", True)


RULES = (node_beside_affinity, toleration)
