"""Rules on where the pods may run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from modelservice.findings import Refuser, Severity
from modelservice.rules.rule import Said, Values, removal, rule, sound

_TAINTS = "https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/"
_NODE_RULES = "https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/"


def one_node(values: Values) -> bool:
    """Return whether all pods run on one node, as templates/_scheduling.tpl does: by its name or its host name."""
    return bool(values.at("nodeName")) or "kubernetes.io/hostname" in (values.at("nodeSelector") or ())


@rule(
    "node-beside-affinity",
    "`nodeName` is set together with other rules for nodes.",
    why="A node must satisfy all of them. If the named node does not, the pod stays Pending.",
    source=_NODE_RULES,
    severity=Severity.WARNING,
)
def node_beside_affinity(values: Values) -> Iterator[Said]:
    """Find a fixed node together with rules that it may not satisfy."""
    if not values.at("nodeName"):
        return
    for key in ("nodeSelector", "affinity.nodeAffinity"):
        if values.at(key):
            message = f"must match the node of nodeName ({values.at('nodeName')}) too, or no pod is scheduled"
            yield Said(tuple(key.split(".")), message, "remove it, or remove nodeName", True)


@rule(
    "toleration",
    "A toleration's fields are not allowed together.",
    why=(
        "`Exists` accepts no value, a toleration without a key needs `Exists`, and `tolerationSeconds` needs the "
        "effect NoExecute. The API server refuses the workload, and the installation or upgrade fails."
    ),
    source=_TAINTS,
    refused_by=Refuser.API_SERVER,
)
def toleration(values: Values) -> Iterator[Said]:
    """Find tolerations that the API server refuses."""
    for index, item in values.items("tolerations"):
        operator = item.get("operator") or "Equal"
        path = ("tolerations", index)
        if operator == "Exists" and item.get("value"):
            yield removal((*path, "value"), "must be empty with operator Exists")
        if operator != "Exists" and not item.get("key"):
            yield Said(path, "tolerates no taint: it has no key", "add key, or write operator: Exists to tolerate all")
        if "tolerationSeconds" in item and item.get("effect") != "NoExecute":
            yield removal((*path, "tolerationSeconds"), "is allowed only with the effect NoExecute")


_SPREAD = "https://kubernetes.io/docs/concepts/scheduling-eviction/topology-spread-constraints/"
# The keys of the chart's own selector, which applies unless the constraint has one itself.
_SELECTED = ("app.kubernetes.io/name", "app.kubernetes.io/instance")


@rule(
    "topology-spread",
    "A topology spread constraint is a duplicate or contradicts itself.",
    why=(
        "`minDomains` needs DoNotSchedule, and `matchLabelKeys` must not repeat the selector. The API server "
        "refuses the workload, and the installation or upgrade fails."
    ),
    source=_SPREAD,
    refused_by=Refuser.API_SERVER,
)
def topology_spread(values: Values) -> Iterator[Said]:
    """Find spread constraints that the API server refuses."""
    seen: dict[tuple[str, str], int] = {}
    for index, item in values.items("topologySpreadConstraints"):
        path = ("topologySpreadConstraints", index)
        which = (item["topologyKey"], item["whenUnsatisfiable"])
        if which in seen:
            message = f"topologySpreadConstraints[{seen[which]}] already has {which[0]} and {which[1]}"
            yield Said(path, message, "remove it, or the other one")
        seen.setdefault(which, index)
        if "minDomains" in item and which[1] != "DoNotSchedule":
            yield removal((*path, "minDomains"), "is allowed only with whenUnsatisfiable: DoNotSchedule")
        for number, key in sound(item.get("matchLabelKeys")):
            if key in _selected(item):
                yield removal((*path, "matchLabelKeys", number), f"{key} is in the selector already", on_key=False)


def _selected(item: dict[str, Any]) -> Sequence[str]:
    """Return the label keys in a constraint's selector."""
    if "labelSelector" not in item:
        return _SELECTED
    selector = item["labelSelector"]
    return [*selector.get("matchLabels", {}), *(each["key"] for _, each in sound(selector.get("matchExpressions")))]


RULES = (node_beside_affinity, toleration, topology_spread)
