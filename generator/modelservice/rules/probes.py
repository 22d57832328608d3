"""Rules on probes of the server and of other containers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modelservice.findings import Action, Edit, Path, Refuser, Severity, dotted
from modelservice.rules.api_key import has_key
from modelservice.rules.containers import containers, goes_on
from modelservice.rules.rule import Said, Values, put, removal, rule, sound, writing

_PROBES = "https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/"
_HANDLERS = ("httpGet", "tcpSocket", "grpc", "exec")
# Seconds between two tries of the chart's own probes, from templates/_probes.tpl.
_PERIODS = {"startup": 10, "readiness": 10, "liveness": 20}


def _own(values: Values) -> Iterator[tuple[Path, str, Any]]:
    for name in _PERIODS:
        probe = values.at(f"probes.{name}") or {}
        if probe.get("enabled", True):
            yield ("probes", name), name, probe


def _others(values: Values) -> Iterator[tuple[Path, str, Any, Any]]:
    """Yield the probes of further containers that may have one: path, kind, probe and the container."""
    for path, item in containers(values):
        for name in _PERIODS if goes_on(path, item) else ():
            key = f"{name}Probe"
            if item.get(key) is not None:
                yield (*path, key), name, item[key], item


def _probes(values: Values) -> Iterator[tuple[Path, str, Any]]:
    yield from _own(values)
    for path, name, probe, _ in _others(values):
        yield path, name, probe


def _other_ports(values: Values) -> set[int]:
    """Return the ports of the containers that run next to the server."""
    beside = [item for path, item in containers(values) if goes_on(path, item)]
    return {port["containerPort"] for item in beside for _, port in sound(item.get("ports"))}


@rule(
    "probe-handler",
    "A probe has several handlers, or none.",
    why="The API server refuses the workload, and the installation or upgrade fails.",
    source=_PROBES,
    refused_by=Refuser.API_SERVER,
)
def probe_handler(values: Values) -> Iterator[Said]:
    """Find a probe with several handlers, and a probe of another container without one."""
    for path, _, probe in _probes(values):
        handlers = [handler for handler in _HANDLERS if handler in probe]
        if len(handlers) > 1:
            message = f"{' and '.join(handlers)} are set together"
            remove = tuple(Edit(Action.REMOVE, (*path, handler)) for handler in handlers[1:])
            yield Said(path, message, f"remove {' and '.join(handlers[1:])}", True, remove)
        elif not handlers and path[0] != "probes":
            yield Said(path, "has no handler", "add httpGet, tcpSocket, exec or grpc", True)


@rule(
    "probe-success",
    "A startup or liveness probe has a `successThreshold` other than 1.",
    why="The API server refuses the workload, and the installation or upgrade fails.",
    source=_PROBES,
    refused_by=Refuser.API_SERVER,
)
def probe_success(values: Values) -> Iterator[Said]:
    """Find a success threshold that Kubernetes allows for readiness probes only."""
    for path, name, probe in _probes(values):
        threshold = probe.get("successThreshold", 1)
        if name != "readiness" and threshold != 1:
            message = f"{threshold} is not 1, which Kubernetes requires here"
            yield removal((*path, "successThreshold"), message, on_key=False)


@rule(
    "probe-port",
    "A probe uses a port that the container does not have.",
    why=(
        "The probe always fails. A startup or liveness probe then restarts the container again and again, and a "
        "readiness probe keeps the pod out of the Service."
    ),
    source="the chart's templates/_pod.tpl",
    refused_by=Refuser.CHART,
)
def probe_port(values: Values) -> Iterator[Said]:
    """Find a port name that the container does not have, or a port that vLLM does not listen on."""
    # A probe may reach any container: the pod has one network.
    own = values.at("containerPort")
    listened = {own, *_other_ports(values)}
    for path, _, probe in _own(values):
        for handler in ("httpGet", "tcpSocket", "grpc"):
            port = probe.get(handler, {}).get("port", "http")
            where = (*path, handler, "port")
            if isinstance(port, str) and port != "http":
                yield writing(where, f"no port of the container is called {port}", "http", f", or {own}")
            elif handler == "grpc" and port != "http" and not values.at("command"):
                yield Said(where, "vLLM does not answer gRPC health checks", f"use {dotted(path)}.httpGet instead")
            elif port != "http" and port not in listened and not values.at("command"):
                yield writing(where, f"nothing listens on {port}: vLLM listens on {own}", "http", f", or {own}")
    for path, _, probe, item in _others(values):
        names = [port["name"] for _, port in sound(item.get("ports")) if port.get("name")]
        for handler in ("httpGet", "tcpSocket"):
            port = probe.get(handler, {}).get("port")
            if isinstance(port, str) and port not in names:
                where, hint = (*path, handler, "port"), f"write {', or '.join(names) or 'its number'}"
                fix = put({where: names[0]}) if len(names) == 1 else ()
                yield Said(where, f"no port of {item['name']} is called {port}", hint, fix=fix)


@rule(
    "probe-behind-key",
    "A probe requests a path that the API key guards.",
    source="vLLM's server: the key guards /v1",
    why="The kubelet sends no key and gets 401. The pod never becomes ready, or is restarted again and again.",
)
def probe_behind_key(values: Values) -> Iterator[Said]:
    """Find a probe of the server that needs the API key but does not send it."""
    # Another server than vLLM's may guard other paths.
    guarded = has_key(values) and not values.at("command")
    for path, _, probe in _own(values) if guarded else ():
        asked = probe.get("httpGet", {})
        sends = any(header.get("name", "").lower() == "authorization" for _, header in sound(asked.get("httpHeaders")))
        listened = ("http", values.at("containerPort"))
        if asked.get("path", "").startswith("/v1") and not sends and asked.get("port") in listened:
            message = f"{asked['path']} is guarded by the API key, which the kubelet does not send"
            yield writing((*path, "httpGet", "path"), message, "/health")


@rule(
    "probe-grace",
    "A readiness probe has a `terminationGracePeriodSeconds`.",
    why=(
        "A failed readiness probe does not stop the container, so there is no grace period. The API server "
        "refuses the workload, and the installation or upgrade fails."
    ),
    source=_PROBES,
    refused_by=Refuser.API_SERVER,
)
def probe_grace(values: Values) -> Iterator[Said]:
    """Find a grace period of a readiness probe."""
    for path, name, probe in _probes(values):
        if name == "readiness" and "terminationGracePeriodSeconds" in probe:
            where = (*path, "terminationGracePeriodSeconds")
            yield removal(where, "is allowed only for startup and liveness probes")


@rule(
    "probe-timeout",
    "A probe's timeout is longer than its period.",
    why=(
        "The kubelet runs one try of a probe at a time. A server that hangs is noticed later than the period suggests."
    ),
    source=_PROBES,
    severity=Severity.WARNING,
)
def probe_timeout(values: Values) -> Iterator[Said]:
    """Find a probe whose timeout is longer than its period."""
    for path, name, probe in _own(values):
        period, timeout = probe.get("periodSeconds", _PERIODS[name]), probe.get("timeoutSeconds", 0)
        if timeout > period:
            message = f"{timeout} is more than periodSeconds, {period}"
            yield writing((*path, "timeoutSeconds"), message, period)


@rule(
    "startup-off",
    "There is a liveness probe but no startup probe.",
    why=(
        "Without a startup probe the liveness probe starts with the container. If loading the model takes longer "
        "than that probe allows, the kubelet kills the server again and again."
    ),
    source=_PROBES,
    severity=Severity.WARNING,
)
def startup_off(values: Values) -> Iterator[Said]:
    """Find a liveness probe that runs while the model is loaded."""
    probes = values.at("probes") or {}
    startup, liveness = (probes.get(name) or {} for name in ("startup", "liveness"))
    patient = liveness.keys() & {"initialDelaySeconds", "failureThreshold"}
    if startup.get("enabled") is False and liveness.get("enabled", True) and not patient:
        message = "without a startup probe, the liveness probe kills a server that takes long to load"
        hint = "set probes.liveness.initialDelaySeconds, or turn the liveness probe off too"
        yield Said(("probes", "startup", "enabled"), message, hint)


RULES = (startup_off, probe_behind_key, probe_handler, probe_success, probe_port, probe_grace, probe_timeout)
