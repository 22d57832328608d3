"""Rules on the workload: update strategy, probes, command."""

from __future__ import annotations

from collections.abc import Iterator

from modelservice.findings import Severity
from modelservice.rules.scheduling import one_node
from modelservice.rules.values import Said, Values, rule

_DEPLOYMENT = "https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#strategy"
_PROBES = "https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/"
_FOR = {"Recreate": "Deployment", "OnDelete": "StatefulSet", "maxSurge": "Deployment", "partition": "StatefulSet"}
_HANDLERS = ("httpGet", "tcpSocket", "grpc", "exec")
# Seconds of the chart's own probes, from templates/_probes.tpl: period and timeout.
_PROBE_SECONDS = {"startup": (10, 3), "readiness": (10, 2), "liveness": (20, 5)}
_SHORT = 120


@rule("strategy-kind", "A strategy is one that the kind of workload knows.", source=_DEPLOYMENT)
def strategy_kind(values: Values) -> Iterator[Said]:
    """Settings of a Deployment on a StatefulSet, and the other way round."""
    kind, strategy = values.at("workload.kind"), values.at("strategy") or {}
    chosen = strategy.get("type", "RollingUpdate")
    if _FOR.get(chosen, kind) != kind:
        hint = f"use RollingUpdate, or set workload.kind: {_FOR[chosen]}"
        yield Said(("strategy", "type"), f"{chosen} is for a {_FOR[chosen]}, and this is a {kind}", hint)
    rolling = strategy.get("rollingUpdate", {})
    if rolling and chosen != "RollingUpdate":
        yield Said(("strategy", "rollingUpdate"), f"has no effect with the type {chosen}", "remove it", True)
    for key in ("maxSurge", "partition"):
        if key in rolling and kind != _FOR[key]:
            yield Said(
                ("strategy", "rollingUpdate", key), f"is for a {_FOR[key]}, and this is a {kind}", "remove it", True
            )


@rule("strategy-stuck", "A rolling update moves some pod.", source=_DEPLOYMENT)
def strategy_stuck(values: Values) -> Iterator[Said]:
    """Neither one more pod nor one less, which the API server refuses."""
    rolling = (values.at("strategy") or {}).get("rollingUpdate", {})
    zero = (0, "0%")
    if rolling.get("maxSurge") in zero and rolling.get("maxUnavailable") in zero:
        message = "maxSurge and maxUnavailable are both 0, so that no pod is ever replaced"
        yield Said(("strategy", "rollingUpdate", "maxUnavailable"), message, "write maxUnavailable: 1")


@rule(
    "strategy-two-writers",
    "A new pod beside the old one needs the claim on a second node.",
    source="https://kubernetes.io/docs/concepts/storage/persistent-volumes/#access-modes",
    severity=Severity.WARNING,
)
def strategy_two_writers(values: Values) -> Iterator[Said]:
    """A surge, while the claim can be attached to one node only."""
    strategy = values.at("strategy") or {}
    rolling = strategy.get("type", "RollingUpdate") == "RollingUpdate" and values.at("workload.kind") == "Deployment"
    several = {"ReadWriteMany", "ReadOnlyMany"} & set(values.at("modelVolume.accessModes"))
    surge = strategy.get("rollingUpdate", {}).get("maxSurge", "25%")
    if strategy and rolling and not several and not one_node(values) and surge not in (0, "0%"):
        message = "the new pod may wait for the claim, which the old one has on another node"
        yield Said(("strategy",), message, "remove it: the chart stops the old pod first", True)


@rule("probe-handler", "A probe has one handler.", source=_PROBES)
def probe_handler(values: Values) -> Iterator[Said]:
    """Two ways to ask, of which the API server accepts one."""
    for name in ("startup", "readiness", "liveness"):
        handlers = [handler for handler in _HANDLERS if handler in (values.at(f"probes.{name}") or {})]
        if len(handlers) > 1:
            yield Said(
                ("probes", name),
                f"{' and '.join(handlers)} stand side by side",
                f"remove {' and '.join(handlers[1:])}",
                True,
            )


@rule("probe-success", "Startup and liveness probes succeed at once.", source=_PROBES)
def probe_success(values: Values) -> Iterator[Said]:
    """What the API server refuses."""
    for name in ("startup", "liveness"):
        threshold = (values.at(f"probes.{name}") or {}).get("successThreshold", 1)
        if threshold != 1:
            path = ("probes", name, "successThreshold")
            yield Said(path, f"{threshold} is not 1, as Kubernetes wants it here", "remove it")


@rule("probe-port", "A probe asks a port that the container has.", source="the chart's templates/_pod.tpl")
def probe_port(values: Values) -> Iterator[Said]:
    """A name that the container's only port does not have."""
    for name in ("startup", "readiness", "liveness"):
        for handler in ("httpGet", "tcpSocket", "grpc"):
            port = (values.at(f"probes.{name}") or {}).get(handler, {}).get("port", "http")
            path = ("probes", name, handler, "port")
            if isinstance(port, str) and port != "http":
                yield Said(path, f"no port of the container is called {port}", "write http, or 8000")
            elif handler == "grpc" and port != "http" and not values.at("command"):
                yield Said(path, "vLLM answers no gRPC health check", f"write httpGet instead: probes.{name}.httpGet")
            elif port not in ("http", 8000) and not values.at("command"):
                yield Said(path, f"nothing listens on {port}: vLLM listens on 8000", "write http, or 8000")


@rule("probe-grace", "A readiness probe stops nothing, and has no grace period.", source=_PROBES)
def probe_grace(values: Values) -> Iterator[Said]:
    """What the API server refuses."""
    if "terminationGracePeriodSeconds" in (values.at("probes.readiness") or {}):
        path = ("probes", "readiness", "terminationGracePeriodSeconds")
        yield Said(path, "is for startup and liveness probes only", "remove it", True)


@rule(
    "probe-timeout",
    "A probe ends before the next one starts.",
    source=_PROBES,
    severity=Severity.WARNING,
)
def probe_timeout(values: Values) -> Iterator[Said]:
    """A probe that waits for longer than its period."""
    for name, (period, timeout) in _PROBE_SECONDS.items():
        probe = values.at(f"probes.{name}") or {}
        period, timeout = probe.get("periodSeconds", period), probe.get("timeoutSeconds", timeout)
        if timeout > period and "timeoutSeconds" in probe:
            message = f"{timeout} is more than periodSeconds, {period}"
            yield Said(("probes", name, "timeoutSeconds"), message, f"write {period}")
        elif timeout > period:
            message = f"{period} is less than timeoutSeconds, {timeout}"
            yield Said(("probes", name, "periodSeconds"), message, f"set probes.{name}.timeoutSeconds: {period}")


@rule(
    "startup-short",
    "The start-up budget holds the model's download, loading and compiling.",
    source="a tiny model on vLLM 0.32, 47 seconds with nothing to download",
    severity=Severity.WARNING,
)
def startup_short(values: Values) -> Iterator[Said]:
    """A budget that is over before any model is ready, or that the probe's own fields replace."""
    path, seconds = ("startupSeconds",), values.at("startupSeconds")
    if values.written("startupSeconds") and "failureThreshold" in (values.at("probes.startup") or {}):
        yield Said(path, "has no effect beside probes.startup.failureThreshold", "remove one of them", True)
    elif seconds < _SHORT:
        message = f"after {seconds} seconds the pod is killed, and even a tiny model takes about 50 to load and compile"
        yield Said(path, message, "write at least 300")


@rule(
    "command-model",
    "A command of one's own names the model.",
    source="the chart's templates/_pod.tpl",
    severity=Severity.WARNING,
)
def command_model(values: Values) -> Iterator[Said]:
    """A command that takes the place of `vllm serve <model>`, without the model."""
    command, name = values.at("command") or [], values.at("model.name")
    if command and not any(name in str(word) for word in command):
        message = f"takes the place of `vllm serve {name}`, and does not name that model"
        yield Said(("command",), message, f"add {name} where the command wants it", True)


RULES = (
    strategy_kind,
    strategy_stuck,
    strategy_two_writers,
    probe_handler,
    probe_success,
    probe_port,
    probe_grace,
    probe_timeout,
    startup_short,
    command_model,
)
