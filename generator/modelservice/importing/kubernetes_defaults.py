"""Remove what the API server fills in, so that an object from a cluster equals its manifest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from modelservice.importing.defaults_table import STRUCTURES, Structure, cpu_metrics
from modelservice.quantity import amount


def without_defaults(value: Any, structure: str) -> Any:
    """Return an object's spec, or a part of it, without the fields that have Kubernetes' default."""
    if isinstance(value, list):
        return [without_defaults(item, structure) for item in value]
    if not isinstance(value, Mapping):
        return value
    known = STRUCTURES.get(structure, Structure())
    found = {
        key: without_defaults(inner, known.parts[key]) if key in known.parts else inner
        for key, inner in value.items()
        if inner is not None and inner != []
    }
    if special := _SPECIAL.get(structure):
        found = special(found)
    return {key: inner for key, inner in found.items() if key not in known.defaults or inner != known.defaults[key]}


def _strategy(strategy: dict[str, Any]) -> dict[str, Any]:
    return {"type": "RollingUpdate", **strategy} if strategy else {}


def _pod(spec: dict[str, Any]) -> dict[str, Any]:
    """Return a pod's spec with its account as serviceAccountName; `serviceAccount` is the deprecated name."""
    account = spec.pop("serviceAccount", None)
    return spec if account is None else {"serviceAccountName": account, **spec}


def _container(container: dict[str, Any]) -> dict[str, Any]:
    """Return a container without a pull policy that its tag implies, and with requests for its limits."""
    tag = str(container.get("image", "")).partition("@")[0].rpartition("/")[2].partition(":")[2]
    unpinned = tag == "latest" or (not tag and "@" not in str(container.get("image", "")))
    if container.get("imagePullPolicy") == ("Always" if unpinned else "IfNotPresent"):
        del container["imagePullPolicy"]
    resources = container.get("resources")
    if isinstance(resources, Mapping):
        container["resources"] = with_requests(resources)
    return container


def with_requests(resources: Mapping[str, Any]) -> dict[str, Any]:
    """Return resources as a pod gets them: a limit is also the default request, and empty maps are left out."""
    limits = {name: str(quantity) for name, quantity in (resources.get("limits") or {}).items()}
    requests = {name: str(quantity) for name, quantity in (resources.get("requests") or {}).items()}
    for name, limit in limits.items():
        if name not in requests or amount(requests[name]) == amount(limit):
            requests[name] = limit
    found = {**resources, "requests": requests, "limits": limits}
    return {key: inner for key, inner in found.items() if inner not in ({}, [], None)}


def _variable(entry: dict[str, Any]) -> dict[str, Any]:
    """Return a variable with its value, "" by default."""
    return entry if "valueFrom" in entry or "value" in entry else {**entry, "value": ""}


def _volume(volume: dict[str, Any]) -> dict[str, Any]:
    return volume if len(volume) > 1 else {**volume, "emptyDir": {}}


def _http_get(action: dict[str, Any]) -> dict[str, Any]:
    return {**action, "path": action.get("path") or "/"}


def _service_port(port: dict[str, Any]) -> dict[str, Any]:
    return {**port, "targetPort": port.get("targetPort") or port.get("port")}


def _autoscaler(spec: dict[str, Any]) -> dict[str, Any]:
    """Return an autoscaler's spec in the form of autoscaling/v2; v1 has only a CPU percentage."""
    share = spec.pop("targetCPUUtilizationPercentage", None)
    return {"metrics": cpu_metrics(share), **spec} if share else spec


def _target(target: dict[str, Any]) -> dict[str, Any]:
    """Return a metric's target with quantities as text, as the API server writes them."""
    return {key: str(value) if key in ("value", "averageValue") else value for key, value in target.items()}


_SPECIAL: Mapping[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "Strategy": _strategy,
    "UpdateStrategy": _strategy,
    "Pod": _pod,
    "Container": _container,
    "Variable": _variable,
    "Volume": _volume,
    "HTTPGet": _http_get,
    "ServicePort": _service_port,
    "HorizontalPodAutoscaler": _autoscaler,
    "MetricTarget": _target,
}
