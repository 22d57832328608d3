"""Rules on metrics, and on the alerts and autoscalers that read them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from modelservice.findings import Path, Severity
from modelservice.rules.rule import Said, Values, removal, rule, setting, writing

_COLLECTED = "https://docs.vllm.ai/en/latest/usage/metrics.html"

# Objects that make a Prometheus collect metrics, in a map or in text.
_MONITOR = re.compile(r"kind\W+(PodMonitor|PodMonitoring|ServiceMonitor)\b")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60}
# The longest interval, in seconds, that gives a rate over five minutes several samples.
_RAREST = 120


@rule(
    "metrics-missing",
    "Alerts or the autoscaler read metrics that are not collected.",
    why=(
        "Without metrics, alerts on requests and on the cache never fire, and KEDA does not add pods when the "
        "queue grows."
    ),
    source=_COLLECTED,
    severity=Severity.WARNING,
)
def metrics_missing(values: Values) -> Iterator[Said]:
    """Find alerts or KEDA on metrics that nothing collects or that vLLM does not export."""
    readers: list[Path] = [("prometheusRule", "enabled")] if values.at("prometheusRule.enabled") else []
    if values.at("autoscaling.kind") == "ScaledObject" and values.at("autoscaling.prometheusAddress"):
        readers.append(("autoscaling", "prometheusAddress"))
    collected = values.at("serviceMonitor.enabled") or _collected_otherwise(values)
    for path in readers if not collected else ():
        message = "reads metrics, but nothing here makes Prometheus collect them"
        yield setting(path, message, {"serviceMonitor.enabled": True})
    if readers or collected:
        for index, argument in values.items("args"):
            if argument.replace("_", "-") == "--disable-log-stats":
                yield removal(("args", index), "with this flag, vLLM exports none of its metrics", on_key=False)


def _collected_otherwise(values: Values) -> bool:
    """Return whether annotations or an extra object make something collect the metrics."""
    annotations = {**(values.at("podAnnotations") or {}), **(values.at("annotations") or {})}
    objects = " ".join(str(item) for _, item in values.items("extraObjects"))
    return annotations.get("prometheus.io/scrape") == "true" or bool(_MONITOR.search(objects))


@rule(
    "scrape-interval",
    "Metrics are scraped too rarely for the alerts.",
    why=(
        "An alert uses the rate of the last five minutes, which needs several samples. With fewer, the rate has "
        "gaps or no value, and the alert does not fire."
    ),
    source="https://prometheus.io/docs/prometheus/latest/querying/functions/#rate",
    severity=Severity.WARNING,
)
def scrape_interval(values: Values) -> Iterator[Said]:
    """Find a scrape interval that is too long for rates of five minutes."""
    interval = values.at("serviceMonitor.interval")
    watched = values.at("serviceMonitor.enabled") and values.at("prometheusRule.enabled")
    if watched and _seconds(interval) > _RAREST:
        message = f"{interval} is too long for alerts on the rate of the last five minutes"
        yield Said(("serviceMonitor", "interval"), message, "write at most 2m")


@rule(
    "scrape-timeout",
    "The scrape timeout is longer than the interval.",
    why="The Prometheus operator refuses the monitor, and Prometheus collects no metrics of the service.",
    source="https://prometheus-operator.dev/docs/api-reference/api/#monitoring.coreos.com/v1.Endpoint",
)
def scrape_timeout(values: Values) -> Iterator[Said]:
    """Find a scrape that may take longer than the time to the next one."""
    interval, timeout = values.at("serviceMonitor.interval"), values.at("serviceMonitor.scrapeTimeout")
    if values.at("serviceMonitor.enabled") and timeout and _seconds(timeout) > _seconds(interval):
        path = ("serviceMonitor", "scrapeTimeout")
        yield writing(path, f"{timeout} is longer than serviceMonitor.interval, {interval}", interval)


def _seconds(duration: str) -> float:
    number = duration.rstrip("ms")
    return float(number) * _SECONDS[duration[len(number) :]]


RULES = (metrics_missing, scrape_interval, scrape_timeout)
