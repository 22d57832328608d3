"""Rules on the number of pods."""

from __future__ import annotations

import re
from collections.abc import Iterator

from modelservice.findings import Refuser, Severity
from modelservice.rules.rule import Said, Values, removal, rule, writing

_KEDA = "https://keda.sh/docs/latest/reference/scaledobject-spec/"
_HPA = "https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/"
# The types of metrics with which the API server accepts minReplicas: 0.
_HPA_FROM_OUTSIDE = ("External", "Object")
# A metric of vLLM itself; the router of vLLM's production stack counts incoming requests even while no pod runs.
_OF_THE_ENGINE = re.compile(r"(?<![\"'])vllm:(?!num_incoming_requests)")


def most_replicas(values: Values) -> int:
    """Return the maximum number of pods, as templates/_workload.tpl does; 1 if another controller decides it."""
    if values.at("autoscaling.kind"):
        return int(values.at("autoscaling.maxReplicas"))
    return 1 if values.at("replicas") is None else int(values.at("replicas"))


def most_said(values: Values) -> str:
    """Return the maximum number of pods in words, with its key if there is an autoscaler."""
    most = most_replicas(values)
    return f"up to {most} replicas (autoscaling.maxReplicas)" if values.at("autoscaling.kind") else f"{most} replicas"


@rule(
    "autoscaling-range",
    "`minReplicas` is greater than `maxReplicas`.",
    why="The API server or KEDA refuses the autoscaler, and nothing scales the service.",
    source=_HPA,
    refused_by=Refuser.API_SERVER,
)
def autoscaling_range(values: Values) -> Iterator[Said]:
    """Find a minimum of replicas above the maximum."""
    least, most = values.at("autoscaling.minReplicas"), values.at("autoscaling.maxReplicas")
    if values.at("autoscaling.kind") and least > most:
        if values.written("autoscaling.minReplicas"):
            yield writing(("autoscaling", "minReplicas"), f"{least} is more than maxReplicas, {most}", most)
        else:
            yield writing(("autoscaling", "maxReplicas"), f"{most} is less than minReplicas, {least}", least)


@rule(
    "autoscaling-metrics",
    "The autoscaler has no metric or trigger.",
    why=(
        "Without a metric, a HorizontalPodAutoscaler scales on CPU use, which says little about a server that "
        "computes on GPUs. A ScaledObject without a trigger scales nothing."
    ),
    source=_HPA,
    refused_by=Refuser.CHART,
)
def autoscaling_metrics(values: Values) -> Iterator[Said]:
    """Find an autoscaler without a metric or trigger."""
    kind = values.at("autoscaling.kind")
    if kind == "HorizontalPodAutoscaler" and not values.at("autoscaling.metrics"):
        message = "is empty, but a HorizontalPodAutoscaler needs a metric"
        yield Said(("autoscaling", "metrics"), message, "add a metric, or set autoscaling.kind: ScaledObject")
    if (
        kind == "ScaledObject"
        and not values.at("autoscaling.triggers")
        and not values.at("autoscaling.prometheusAddress")
    ):
        hint = "set autoscaling.prometheusAddress: http://prometheus-operated.monitoring.svc:9090"
        message = "is empty, and so is autoscaling.triggers: a ScaledObject needs one of them"
        yield Said(("autoscaling", "prometheusAddress"), message, hint)


@rule(
    "scale-to-zero",
    "The service may scale to 0, and no metric or trigger can start the first pod.",
    why=(
        "Without a pod there are no metrics of vLLM, CPU or memory. The service stays at 0 pods, and every request "
        "fails."
    ),
    source=_KEDA,
    refused_by=Refuser.CHART,
)
def scale_to_zero(values: Values) -> Iterator[Said]:
    """Find an autoscaler that may stop all pods and looks only at metrics of the pods themselves."""
    path = ("autoscaling", "minReplicas")
    if not values.at("autoscaling.kind") or values.at("autoscaling.minReplicas"):
        return
    if values.at("autoscaling.kind") == "HorizontalPodAutoscaler":
        if not any(metric["type"] in _HPA_FROM_OUTSIDE for _, metric in values.items("autoscaling.metrics")):
            message = "0, but no metric is of type External or Object, and only such a metric can start the first pod"
            yield Said(path, message, "write 1, or add such a metric to autoscaling.metrics")
    elif not any(_from_outside(trigger) for _, trigger in values.items("autoscaling.triggers")):
        message = "0, but no trigger comes from outside the pods, and only such a trigger can start the first pod"
        yield Said(path, message, "write 1, or add such a trigger to autoscaling.triggers")


@rule(
    "scale-to-zero-release",
    "A HorizontalPodAutoscaler may scale to 0, which Kubernetes before 1.37 refuses.",
    why=(
        "The feature gate HPAScaleToZero is on by default since Kubernetes 1.37. The API server of an older cluster "
        "refuses the autoscaler, unless the gate was turned on there."
    ),
    source="https://kubernetes.io/blog/2026/09/02/kubernetes-v1-37-hpa-scale-to-zero-beta/",
    refused_by=Refuser.API_SERVER,
    severity=Severity.WARNING,
)
def scale_to_zero_release(values: Values) -> Iterator[Said]:
    """Find a HorizontalPodAutoscaler that needs a feature of Kubernetes 1.37."""
    if values.at("autoscaling.kind") == "HorizontalPodAutoscaler" and values.at("autoscaling.minReplicas") == 0:
        message = "0 needs Kubernetes 1.37, or the feature gate HPAScaleToZero"
        yield Said(("autoscaling", "minReplicas"), message, "on an older cluster write 1, or kind: ScaledObject")


def _from_outside(trigger: dict[str, object]) -> bool:
    metadata = trigger["metadata"]
    query = metadata.get("query", "") if isinstance(metadata, dict) else ""
    return trigger["type"] not in ("cpu", "memory") and not _OF_THE_ENGINE.search(str(query))


@rule(
    "autoscaling-unused",
    "A setting is ignored because of the chosen autoscaler.",
    why="The number of pods does not follow the settings that the file suggests.",
    source=_KEDA,
    severity=Severity.WARNING,
)
def autoscaling_unused(values: Values) -> Iterator[Said]:
    """Find settings that the chosen autoscaler does not read, and the number of replicas, which it decides itself."""
    kind = values.at("autoscaling.kind")
    others = {
        "HorizontalPodAutoscaler": ("prometheusAddress", "targetRequests", "triggers"),
        "ScaledObject": ("metrics",),
    }
    for key in others.get(kind, ()):
        if values.written(f"autoscaling.{key}"):
            yield removal(("autoscaling", key), f"has no effect with a {kind}")
    if kind and values.written("replicas") and values.at("replicas") is not None:
        yield removal(("replicas",), "has no effect with an autoscaler")
    asked = values.at("autoscaling.prometheusAddress")
    if kind == "ScaledObject" and values.written("autoscaling.targetRequests") and not asked:
        path = ("autoscaling", "targetRequests")
        yield removal(path, "has no effect without autoscaling.prometheusAddress")


@rule(
    "disruption-never",
    "The disruption budget never allows a pod to be evicted.",
    why="`kubectl drain` waits forever on each node that runs such a pod, and upgrades of the nodes never end.",
    source="https://kubernetes.io/docs/tasks/run-application/configure-pdb/",
    severity=Severity.WARNING,
)
def disruption_never(values: Values) -> Iterator[Said]:
    """Find a disruption budget that never allows an eviction, so no node can be drained."""
    enabled, most = values.at("podDisruptionBudget.enabled"), most_replicas(values)
    least = values.at("podDisruptionBudget.minAvailable")
    if not (most > 1 if enabled is None else enabled):
        return
    message = "prevents the drain of every node that runs one of the pods"
    if least is None and values.at("podDisruptionBudget.maxUnavailable") in (0, "0%"):
        yield writing(("podDisruptionBudget", "maxUnavailable"), f"0 {message}", 1)
    elif least == "100%" or (isinstance(least, int) and 0 < most <= least and values.at("replicas") is not None):
        path = ("podDisruptionBudget", "minAvailable")
        yield writing(path, f"{least} {message}", max(most - 1, 0))


@rule(
    "disruption-twice",
    "The disruption budget has `minAvailable` and `maxUnavailable`.",
    why="Kubernetes accepts only one of them, and the chart uses `minAvailable`.",
    source="https://kubernetes.io/docs/tasks/run-application/configure-pdb/",
    severity=Severity.WARNING,
)
def disruption_twice(values: Values) -> Iterator[Said]:
    """Find `maxUnavailable` together with `minAvailable`."""
    if values.at("podDisruptionBudget.minAvailable") is not None and values.written(
        "podDisruptionBudget.maxUnavailable"
    ):
        yield removal(("podDisruptionBudget", "maxUnavailable"), "has no effect with minAvailable")


RULES = (
    autoscaling_range,
    autoscaling_metrics,
    scale_to_zero,
    scale_to_zero_release,
    autoscaling_unused,
    disruption_never,
    disruption_twice,
)
