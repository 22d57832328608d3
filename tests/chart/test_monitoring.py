"""Metrics are collected only from this release, and alerts use metrics that vLLM exports."""

import re
from typing import Any

import pytest

from tests.chart.rendering import MODEL, ROOT, Object, objects, one

RECORDED = (ROOT / "tests/live/metrics-0.32.0.txt").read_text()
WATCHED: Object = {**MODEL, "serviceMonitor": {"enabled": True}, "prometheusRule": {"enabled": True}}


def exported() -> set[str]:
    """Return the series that the recorded server exports, including the buckets of histograms."""
    found = set()
    for line in RECORDED.splitlines():
        _, _, name, kind = line.split()
        found |= {name, *(f"{name}_{part}" for part in ("bucket", "sum", "count") if kind == "histogram")}
    return found


def alerts(values: Object, helm: str) -> dict[str, Any]:
    (group,) = one("PrometheusRule", objects(helm, values))["spec"]["groups"]
    return {rule["alert"]: rule for rule in group["rules"]}


def test_every_vllm_metric_in_an_expression_is_exported_by_vllm(helm: str) -> None:
    expressions = [rule["expr"] for rule in alerts(WATCHED, helm).values()]
    scaler = {"kind": "ScaledObject", "prometheusAddress": "http://prometheus:9090", "maxReplicas": 1}
    triggers = one("ScaledObject", objects(helm, {**MODEL, "autoscaling": scaler}))["spec"]["triggers"]
    expressions.append(triggers[0]["metadata"]["query"])
    used = set(re.findall(r"vllm:\w+", " ".join(expressions)))
    assert len(used) >= 5
    assert used - exported() == set()


def test_a_monitor_selects_this_releases_service_and_its_port(helm: str) -> None:
    items = objects(helm, WATCHED)
    monitor, service = one("ServiceMonitor", items)["spec"], one("Service", items)
    assert monitor["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert monitor["endpoints"] == [{"port": "http", "path": "/metrics", "interval": "30s"}]


def test_a_monitor_of_a_server_with_tls_uses_https(helm: str) -> None:
    (endpoint,) = one("ServiceMonitor", objects(helm, {**WATCHED, "tls": {"secretName": "a"}}))["spec"]["endpoints"]
    assert (endpoint["scheme"], endpoint["tlsConfig"]) == ("https", {"insecureSkipVerify": True})


@pytest.mark.parametrize("kind", ["serviceMonitor", "prometheusRule"])
def test_monitors_and_rules_have_the_labels_that_prometheus_selects_by(kind: str, helm: str) -> None:
    values = {**MODEL, kind: {"enabled": True, "labels": {"release": "kube-prometheus-stack"}}}
    labels = one(kind[0].upper() + kind[1:], objects(helm, values))["metadata"]["labels"]
    assert labels["release"] == "kube-prometheus-stack"


def test_a_service_stopped_on_purpose_raises_no_alert(helm: str) -> None:
    assert "ModelServiceNotReady" in alerts(WATCHED, helm)
    assert "ModelServiceNotReady" not in alerts({**WATCHED, "replicas": 0}, helm)


@pytest.mark.parametrize(("before", "seconds"), [("", 3000), ("InitContainer", 5400)])
def test_a_start_within_the_budget_raises_no_alert(before: str, seconds: int, helm: str) -> None:
    values = {**WATCHED, "startupSeconds": 2400, "modelVolume": {"preDownload": before}}
    assert alerts(values, helm)["ModelServiceNotReady"]["for"] == f"{seconds}s"


def test_the_alerts_of_two_services_have_different_labels(helm: str) -> None:
    (group,) = one("PrometheusRule", objects(helm, WATCHED, "other"))["spec"]["groups"]
    here = [rule["labels"] for rule in alerts(WATCHED, helm).values()]
    assert {labels["namespace"] for labels in here} == {"models"}
    assert not any(rule["labels"] in here for rule in group["rules"])


@pytest.mark.parametrize(
    ("kind", "mine", "others"),
    [
        ("Deployment", ["modelservice-qwen2-5-6c5f4d8b9-x7k2p"], ["modelservice-qwen2-5-b-6c5f4d8b9-x7k2p"]),
        ("StatefulSet", ["modelservice-qwen2-5-0"], ["modelservice-qwen2-5-b-0"]),
    ],
)
def test_only_restarts_of_this_workloads_pods_count(kind: str, mine: list[str], others: list[str], helm: str) -> None:
    pattern = pods_watched({**WATCHED, "workload": {"kind": kind}}, "qwen2.5", helm)
    assert all(pattern.fullmatch(name) for name in mine)
    assert not any(pattern.fullmatch(name) for name in others)


def pods_watched(values: Object, release: str, helm: str) -> re.Pattern[str]:
    (group,) = one("PrometheusRule", objects(helm, values, release))["spec"]["groups"]
    (expression,) = (rule["expr"] for rule in group["rules"] if rule["alert"] == "ModelServiceRestarts")
    return re.compile(re.search(r'pod=~"([^"]*)"', expression)[1])  # type: ignore[index]


@pytest.mark.parametrize("length", [45, 46, 47, 48, 52, 60])
def test_restarts_of_pods_whose_long_names_kubernetes_cut_count_too(length: int, helm: str) -> None:
    release = "x" * (length - len("modelservice-"))
    name = one("Deployment", objects(helm, MODEL, release))["metadata"]["name"]
    # https://github.com/kubernetes/apiserver/blob/master/pkg/storage/names/generate.go: 58 characters, and five.
    made = f"{name}-6d4b75cb69-"[:58] + "x7k2p"
    assert pods_watched(WATCHED, release, helm).fullmatch(made), made
