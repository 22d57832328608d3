"""Turn the objects beside a workload into fields: Service, routes, autoscaler, monitor, disruption budget.

Whatever is left in the stream is listed: what the pods name stays as it is, everything else is not imported.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from modelservice.importing.cluster_objects import Object, Workload, is_made, of_kind, selects
from modelservice.importing.container import Note
from modelservice.importing.part import Part, joined
from modelservice.importing.pod_to_fields import kept
from modelservice.importing.probes_to_fields import is_servers
from modelservice.importing.routes_to_fields import part_of_ingress, part_of_route

_STAYS = "it stays as it is, and the pods go on using it by its name"
_NAMED = ("PersistentVolumeClaim", "ConfigMap", "Secret", "ServiceAccount", "PersistentVolume")
_MADE = ("Endpoints", "EndpointSlice", "ControllerRevision", "Event", "PodMetrics")
_OF_SERVICE = ("loadBalancerClass", "loadBalancerSourceRanges", "externalTrafficPolicy")


def service_of(workload: Workload, objects: Sequence[Object]) -> Object | None:
    """Return the Service in front of the pods; one with an address goes before a headless one."""
    labels = workload.pod_metadata.get("labels", {})
    found = [one for one in of_kind(objects, "Service") if selects((one.get("spec") or {}).get("selector"), labels)]
    return next(iter(sorted(found, key=lambda one: one["spec"].get("clusterIP") == "None")), None)


def part_of_neighbours(workload: Workload, objects: Sequence[Object], port: int) -> Part:
    """Return the fields of the objects around a workload; `port` is the server's."""
    service = service_of(workload, objects)
    parts = [_service(service, workload, port)] if service else []
    for item in objects:
        if item is service or item["metadata"] is workload.metadata or item["kind"] in _MADE or is_made(item, objects):
            continue
        parts.append(_neighbour(item, workload, service) or _left(item))
    return joined(parts)


def _left(item: Object) -> Part:
    name = f"{item['kind']} {item['metadata'].get('name', '')}"
    if item["kind"] in _NAMED:
        return Part(remarks=(Note(name, _STAYS),))
    return Part(notes=(Note(name, "it is not imported; it stays as it is"),))


def _neighbour(item: Object, workload: Workload, service: Object | None) -> Part | None:
    """Return what follows from an object that belongs to the workload, None for any other."""
    spec = item.get("spec") or {}
    of_service = service["metadata"].get("labels", {}) if service else {}
    labels = workload.pod_metadata.get("labels", {})
    name = service["metadata"].get("name") if service else None
    kind = item["kind"]
    if kind in ("HorizontalPodAutoscaler", "ScaledObject") and _target(spec) == workload.name:
        return _autoscaler(item) if kind == "HorizontalPodAutoscaler" else _scaled_object(item)
    if kind == "Ingress" and name:
        return part_of_ingress(item, name)
    if kind == "HTTPRoute" and name:
        return part_of_route(item, name)
    if kind == "ServiceMonitor" and selects(spec.get("selector"), of_service):
        return _monitor(item, "endpoints")
    if kind == "PodMonitor" and selects(spec.get("selector"), labels):
        return _monitor(item, "podMetricsEndpoints")
    if kind == "PodDisruptionBudget" and selects(spec.get("selector"), labels):
        allowed = {f"podDisruptionBudget.{key}": spec[key] for key in ("minAvailable", "maxUnavailable") if key in spec}
        return Part({"podDisruptionBudget.enabled": True, **allowed})
    return None


def _target(spec: Object) -> Any:
    return (spec.get("scaleTargetRef") or {}).get("name")


def _service(service: Object, workload: Workload, port: int) -> Part:
    spec = service["spec"]
    ports = list(spec.get("ports", ()))
    own = next((one for one in ports if is_servers(one["targetPort"], workload.server, port)), None)
    metadata = service["metadata"]
    settings: dict[str, Any] = {f"service.{key}": spec[key] for key in _OF_SERVICE if key in spec}
    settings["service.annotations"] = kept(metadata.get("annotations", {}))
    settings["service.labels"] = kept(metadata.get("labels", {}))
    if spec.get("type") in ("NodePort", "LoadBalancer"):
        settings["service.type"] = spec["type"]
    notes = [
        Note(f"Service port {one['port']}", "the chart's Service has the server's port alone")
        for one in ports
        if one is not own
    ]
    remarks = []
    if own:
        settings["service.port"] = own["port"]
        if spec.get("type") == "NodePort" and own.get("nodePort"):
            settings["service.nodePort"] = own["nodePort"]
            reason = "two Services cannot have it: delete the old one before the new one is installed"
            remarks.append(Note(f"nodePort {own['nodePort']}", reason))
    return Part({key: value for key, value in settings.items() if value}, tuple(notes), remarks=tuple(remarks))


def _autoscaler(item: Object) -> Part:
    spec = item["spec"]
    metrics = spec.get("metrics") or list(_cpu(spec))
    settings = {
        "autoscaling.kind": "HorizontalPodAutoscaler",
        "autoscaling.minReplicas": spec.get("minReplicas", 1),
        "autoscaling.maxReplicas": spec.get("maxReplicas", 1),
        "autoscaling.metrics": metrics,
        "autoscaling.behavior": spec.get("behavior") or {},
    }
    return Part(settings)


def _cpu(spec: Object) -> Iterator[dict[str, Any]]:
    """Yield the metric of an autoscaler that has none: CPU, 80 percent unless it says another share."""
    share = spec.get("targetCPUUtilizationPercentage", 80)
    yield {
        "type": "Resource",
        "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": share}},
    }


def _scaled_object(item: Object) -> Part:
    spec = item["spec"]
    advanced = (spec.get("advanced") or {}).get("horizontalPodAutoscalerConfig") or {}
    settings = {
        "autoscaling.kind": "ScaledObject",
        "autoscaling.minReplicas": spec.get("minReplicaCount", 0),
        "autoscaling.maxReplicas": spec.get("maxReplicaCount", 100),
        "autoscaling.triggers": list(spec.get("triggers", ())),
        "autoscaling.behavior": advanced.get("behavior") or {},
    }
    read = ("scaleTargetRef", "minReplicaCount", "maxReplicaCount", "triggers", "advanced")
    defaults = {"pollingInterval": 30, "cooldownPeriod": 300, "initialCooldownPeriod": 0}
    left = [key for key in spec if key not in read and spec[key] != defaults.get(key)]
    return Part(settings, tuple(Note(f"ScaledObject {key}", "the values have no field for it") for key in left))


def _monitor(item: Object, key: str) -> Part:
    endpoint: Mapping[str, Any] = next(iter(item["spec"].get(key, ())), {})
    labels = kept(item["metadata"].get("labels", {}))
    settings: dict[str, Any] = {"serviceMonitor.enabled": True, "serviceMonitor.labels": labels}
    settings |= {
        f"serviceMonitor.{name}": endpoint[name] for name in ("interval", "scrapeTimeout") if endpoint.get(name)
    }
    left = [name for name in endpoint if name not in ("interval", "scrapeTimeout", "path", "port", "targetPort")]
    remarks = () if item["kind"] == "ServiceMonitor" else (Note("PodMonitor", "a ServiceMonitor replaces it"),)
    notes = tuple(Note(f"{item['kind']} {name}", "the values have no field for it") for name in left)
    return Part(settings, notes, remarks=remarks)
