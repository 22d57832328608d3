"""Autoscalers, strategies and disruption budgets."""

import pytest

from tests.chart.rendering import MODEL, Object, notes, objects, one, workload

SHARED: Object = {**MODEL, "modelVolume": {"accessModes": ["ReadWriteMany"]}}
CPU = {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}}
HPA: Object = {"kind": "HorizontalPodAutoscaler", "minReplicas": 2, "maxReplicas": 5, "metrics": [CPU]}
KEDA: Object = {"kind": "ScaledObject", "prometheusAddress": "http://prometheus:9090", "targetRequests": 8}


@pytest.mark.parametrize("scaler", [HPA, KEDA], ids=lambda one: str(one["kind"]))
@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet"])
def test_an_autoscaler_names_the_workload_which_has_no_replicas(scaler: Object, kind: str, helm: str) -> None:
    items = objects(helm, {**SHARED, "workload": {"kind": kind}, "autoscaling": scaler})
    target = one(str(scaler["kind"]), items)["spec"]["scaleTargetRef"]
    assert "replicas" not in workload(items)["spec"]
    assert target == {"apiVersion": "apps/v1", "kind": kind, "name": workload(items)["metadata"]["name"]}


def test_an_hpa_has_the_settings_in_the_values(helm: str) -> None:
    spec = one("HorizontalPodAutoscaler", objects(helm, {**SHARED, "autoscaling": HPA}))["spec"]
    assert {key: spec[key] for key in ("minReplicas", "maxReplicas", "metrics")} == {
        "minReplicas": 2,
        "maxReplicas": 5,
        "metrics": [CPU],
    }


def test_keda_asks_prometheus_for_this_releases_requests(helm: str) -> None:
    (trigger,) = one("ScaledObject", objects(helm, {**SHARED, "autoscaling": KEDA}))["spec"]["triggers"]
    series = '{namespace="models",service="modelservice-qwen2-5"}'
    assert trigger == {
        "type": "prometheus",
        "metadata": {
            "serverAddress": "http://prometheus:9090",
            "query": f"sum(vllm:num_requests_running{series}) + sum(vllm:num_requests_waiting{series})",
            "threshold": "8",
            "ignoreNullValues": "false",
        },
    }


def test_scale_to_zero_with_a_trigger_from_outside(helm: str) -> None:
    schedule = {"timezone": "UTC", "start": "0 8 * * *", "end": "0 18 * * *", "desiredReplicas": "1"}
    trigger = {"type": "cron", "metadata": schedule}
    values = {
        **MODEL,
        "autoscaling": {"kind": "ScaledObject", "minReplicas": 0, "maxReplicas": 1, "triggers": [trigger]},
    }
    spec = one("ScaledObject", objects(helm, values))["spec"]
    assert (spec["minReplicaCount"], spec["maxReplicaCount"], spec["triggers"]) == (0, 1, [trigger])


def test_an_autoscaled_deployment_is_replaced_one_pod_at_a_time(helm: str) -> None:
    strategy = workload(objects(helm, {**SHARED, "autoscaling": HPA}))["spec"]["strategy"]
    assert strategy == {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}


@pytest.mark.parametrize(
    ("values", "there"),
    [
        ({}, False),
        ({"replicas": 2}, True),
        ({"autoscaling": HPA}, True),
        ({"podDisruptionBudget": {"enabled": True}}, True),
        ({"replicas": 2, "podDisruptionBudget": {"enabled": False}}, False),
    ],
)
def test_several_replicas_have_a_budget_that_selects_the_pods(values: Object, there: bool, helm: str) -> None:
    items = objects(helm, {**SHARED, **values})
    budgets = [item for item in items if item["kind"] == "PodDisruptionBudget"]
    assert len(budgets) == there
    for budget in budgets:
        assert budget["spec"]["maxUnavailable"] == 1
        selected = budget["spec"]["selector"]["matchLabels"].items()
        assert selected <= workload(items)["spec"]["template"]["metadata"]["labels"].items()


def test_the_notes_describe_the_first_upgrade_with_an_autoscaler(helm: str) -> None:
    assert "runs one pod until the autoscaler's first check" in notes(helm, {**SHARED, "autoscaling": HPA})
