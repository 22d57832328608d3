"""Rules on what an autoscaler reads: a HorizontalPodAutoscaler's metrics and KEDA's triggers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from modelservice.findings import Path, Refuser, Severity
from modelservice.rules.containers import containers, goes_on
from modelservice.rules.rule import Said, Values, adding, removal, rule, writing

_KEDA = "https://keda.sh/docs/latest/reference/scaledobject-spec/"
_HPA = "https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/"

# Type of target → the key of its number; type of metric → the types of target that it allows.
_NUMBER = {"Utilization": "averageUtilization", "AverageValue": "averageValue", "Value": "value"}
_TARGETS = {
    "ContainerResource": ("Utilization", "AverageValue"),
    "External": ("AverageValue", "Value"),
    "Object": ("AverageValue", "Value"),
    "Pods": ("AverageValue",),
    "Resource": ("Utilization", "AverageValue"),
}


@rule(
    "autoscaling-metric-type",
    "A metric's fields do not match its type.",
    why="The API server refuses the autoscaler, and the installation or upgrade fails.",
    source=_HPA,
    refused_by=Refuser.API_SERVER,
)
def autoscaling_metric_type(values: Values) -> Iterator[Said]:
    """Find a metric of one type with the fields of another."""
    for index, metric in values.items("autoscaling.metrics"):
        key = metric["type"][0].lower() + metric["type"][1:]
        path = ("autoscaling", "metrics", index)
        if key not in metric:
            yield Said(path, f"has the type {metric['type']}, but no {key}", f"add {key}, or correct the type", True)
        else:
            yield from _target((*path, key, "target"), metric["type"], metric[key]["target"])
        for other in metric.keys() - {"type", key}:
            message = f"is not allowed with the type {metric['type']}"
            yield Said((*path, other), message, "remove it, or correct the type", True)


def _target(path: Path, metric: str, target: dict[str, Any]) -> Iterator[Said]:
    given = next(key for key in target if key != "type")
    wanted = next(kind for kind, key in _NUMBER.items() if key == given)
    if wanted not in _TARGETS[metric]:
        known = " or ".join(f"{_NUMBER[kind]} with the type {kind}" for kind in _TARGETS[metric])
        yield Said((*path, given), f"is not allowed with the type {metric}", f"write {known} in its place", True)
    elif target["type"] != wanted:
        yield writing((*path, "type"), f"{target['type']} does not match {given}", wanted)


@rule(
    "autoscaling-container",
    "A metric names a container that does not run in the pods.",
    why="The autoscaler cannot read this metric. Without another one, the number of pods never changes.",
    source=_HPA,
    severity=Severity.WARNING,
)
def autoscaling_container(values: Values) -> Iterator[Said]:
    """Find a metric of a container that is not in the pods or has ended; a service mesh may add one by itself."""
    if None in [*(values.at("initContainers") or ()), *(values.at("extraContainers") or ())]:
        return
    running = ["server", *(item["name"] for path, item in containers(values) if goes_on(path, item))]
    named = [
        (("metrics", index, "containerResource", "container"), metric.get("containerResource", {}).get("container"))
        for index, metric in values.items("autoscaling.metrics")
    ]
    named += [
        (("triggers", index, "metadata", "containerName"), trigger["metadata"].get("containerName"))
        for index, trigger in values.items("autoscaling.triggers")
        if trigger["type"] in _OF_PODS
    ]
    for path, name in named:
        if name and name not in running:
            message = f"no container called {name} keeps running in the pods"
            yield writing(("autoscaling", *path), message, "server", f", unless a service mesh adds {name}")


# The metadata that KEDA's scalers require, each with an example: https://keda.sh/docs/latest/scalers/
_NEEDED = {
    "cron": {"timezone": "UTC", "start": "0 8 * * *", "end": "0 18 * * *", "desiredReplicas": "1"},
    "prometheus": {
        "serverAddress": "http://prometheus-operated.monitoring.svc:9090",
        "query": "sum(vllm:num_requests_waiting)",
        "threshold": "8",
    },
    "cpu": {"value": "80"},
    "memory": {"value": "80"},
}
_OF_PODS = ("cpu", "memory")


@rule(
    "autoscaling-trigger",
    "A trigger lacks what KEDA needs, or its name is a duplicate.",
    why="KEDA does not accept the ScaledObject, and nothing scales the service.",
    source=_KEDA,
    refused_by=Refuser.API_SERVER,
)
def autoscaling_trigger(values: Values) -> Iterator[Said]:
    """Find triggers that KEDA refuses."""
    seen: dict[str, int] = {}
    for index, trigger in values.items("autoscaling.triggers"):
        path, kind = ("autoscaling", "triggers", index), trigger["type"]
        yield from _metadata((*path, "metadata"), kind, trigger["metadata"])
        yield from _of_pods(path, trigger) if kind in _OF_PODS else _of_others(path, trigger)
        if trigger.get("useCachedMetrics") and kind in (*_OF_PODS, "cron"):
            yield removal((*path, "useCachedMetrics"), f"is not allowed for {kind} triggers")
        name = trigger.get("name")
        if name and name in seen:
            message = f"{name} is already the name of autoscaling.triggers[{seen[name]}]"
            yield writing((*path, "name"), message, f"{name}-2")
        seen.setdefault(name or "", index)


def _metadata(path: Path, kind: str, metadata: dict[str, str]) -> Iterator[Said]:
    needed = _NEEDED.get(kind, {})
    missing = [key for key in needed if key not in metadata]
    if missing:
        yield Said(path, f"has no {' and no '.join(missing)}", f"add {' and '.join(missing)}", True)
    for key, example in needed.items():
        if key in metadata and not metadata[key].strip():
            yield Said((*path, key), f"is empty, but {kind} needs it", f'write one such as "{example}"')
    if kind == "cron" and metadata.get("start", "").strip() and metadata["start"] == metadata.get("end"):
        yield Said((*path, "end"), "is the same as start, but KEDA needs a time span", "write a later time")


def _of_pods(path: Path, trigger: dict[str, Any]) -> Iterator[Said]:
    """Check a trigger on the CPU or memory of the pods, for which KEDA requires metricType."""
    kind, metadata, given = trigger["type"], trigger["metadata"], trigger.get("metricType")
    value, older = metadata.get("value", "").strip(), metadata.get("type")
    if not given:
        meant = older if older in ("AverageValue", "Utilization") else "Utilization"
        yield adding(path, f"has no metricType, which {kind} triggers need", "metricType", meant)
    elif given == "Value":
        yield writing((*path, "metricType"), f"Value is not allowed for {kind} triggers", "Utilization")
    elif given == "Utilization" and value and not re.fullmatch("[1-9][0-9]*", value):
        message = f"{value} is not a whole number, as KEDA requires for a percentage"
        yield Said((*path, "metadata", "value"), message, 'write one such as "80"')
    if older is not None:
        message = "is refused by KEDA 2.18 and later, which read metricType instead"
        yield removal((*path, "metadata", "type"), message)


def _of_others(path: Path, trigger: dict[str, Any]) -> Iterator[Said]:
    if trigger.get("metricType") == "Utilization":
        message = f"Utilization is not allowed for {trigger['type']} triggers"
        yield writing((*path, "metricType"), message, "AverageValue")


RULES = (autoscaling_metric_type, autoscaling_container, autoscaling_trigger)
