"""Find the objects that belong to a workload: its Service, routes, autoscaler, monitor and disruption budget."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from modelservice.importing.cluster_objects import Object, Workload, is_made, of_kind, selects
from modelservice.importing.probes_to_fields import is_servers

# The field that each kind becomes. The chart creates one object for a field, so only the first one counts.
FIELDS = {
    "Service": "service",
    "HorizontalPodAutoscaler": "autoscaling",
    "ScaledObject": "autoscaling",
    "Ingress": "ingress",
    "HTTPRoute": "httpRoute",
    "ServiceMonitor": "serviceMonitor",
    "PodMonitor": "serviceMonitor",
    "PodDisruptionBudget": "podDisruptionBudget",
}


def neighbours_of(workload: Workload, objects: Sequence[Object], port: int) -> dict[str, Object]:
    """Return the objects that belong to a workload, by the fields that they become; `port` is the server's."""
    service = service_of(workload, objects, port)
    found = {"service": service} if service else {}
    for item in objects:
        if _belongs(item, workload, service, port) and not is_made(item, objects):
            found.setdefault(FIELDS[item["kind"]], item)
    return found


def service_of(workload: Workload, objects: Sequence[Object], port: int) -> Object | None:
    """Return the Service of the pods, or None; one that leads to the server wins, then one with a cluster IP."""
    labels = workload.pod_metadata.get("labels", {})
    found = [one for one in of_kind(objects, "Service") if selects((one.get("spec") or {}).get("selector"), labels)]
    ranked = [(not server_ports(one, workload, port), one["spec"].get("clusterIP") == "None") for one in found]
    return found[ranked.index(min(ranked))] if found else None


def _belongs(item: Object, workload: Workload, service: Object | None, port: int) -> bool:
    spec, kind = item.get("spec") or {}, item["kind"]
    if kind in ("HorizontalPodAutoscaler", "ScaledObject"):
        target = spec.get("scaleTargetRef") or {}
        if item["metadata"].get("ownerReferences"):
            return False  # KEDA made it for a ScaledObject
        return bool(target.get("name") == workload.name and target.get("kind", "Deployment") == workload.kind)
    if kind in ("PodMonitor", "PodDisruptionBudget"):
        return selects(spec.get("selector"), workload.pod_metadata.get("labels", {}))
    if service and kind == "ServiceMonitor":
        return selects(spec.get("selector"), service["metadata"].get("labels", {}))
    if service and kind in ("Ingress", "HTTPRoute"):
        backends = [path.get("backend") for _, path in paths_of(item)] if kind == "Ingress" else backends_of(item)
        return any(leads_to_server(one, service, workload, port) for one in backends)
    return False


def paths_of(ingress: Object) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the paths of an Ingress, each with its host, "" for every host."""
    rules = (ingress.get("spec") or {}).get("rules", ())
    return [(rule.get("host", ""), path) for rule in rules for path in (rule.get("http") or {}).get("paths") or ()]


def backends_of(route: Object) -> Iterator[Mapping[str, Any]]:
    """Yield the backends of an HTTPRoute's rules."""
    for rule in (route.get("spec") or {}).get("rules") or ():
        yield from rule.get("backendRefs") or ()


def leads_to_server(backend: Any, service: Object, workload: Workload, port: int) -> bool:
    """Return whether a backend of an Ingress (v1 or v1beta1) or of an HTTPRoute is the server."""
    backend = backend or {}
    to = backend.get("service") or {"name": backend.get("serviceName"), "port": backend.get("servicePort")}
    name = to.get("name") or (backend.get("name") if backend.get("kind", "Service") == "Service" else None)
    asked = to.get("port") or backend.get("port")
    if isinstance(asked, Mapping):
        asked = asked.get("number") or asked.get("name")
    # If no port of the Service is known to lead to the server, every port counts.
    ports = server_ports(service, workload, port) or service["spec"].get("ports", ())
    leads = not ports or any(asked in (None, one.get("name"), one["port"]) for one in ports)
    return name == service["metadata"].get("name") and leads


def server_ports(service: Object, workload: Workload, port: int) -> list[Mapping[str, Any]]:
    """Return the ports of a Service that lead to the server."""
    ports = service["spec"].get("ports", ())
    return [one for one in ports if is_servers(one["targetPort"], workload.server, port)]


def with_server(spec: Object, workload: Workload, name: str) -> dict[str, Any]:
    """Return an autoscaler's spec with the server's container renamed to `name` in its metrics."""

    def renamed(metric: Object, field: str, key: str) -> Object:
        known = (metric.get(field) or {}).get(key) == workload.server["name"]
        return {**metric, field: {**metric[field], key: name}} if known else metric

    found = dict(spec)
    for part, field, key in (("metrics", "containerResource", "container"), ("triggers", "metadata", "containerName")):
        if part in spec:
            found[part] = [renamed(one, field, key) for one in spec[part]]
    return found
