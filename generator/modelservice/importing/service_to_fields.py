"""Turn the objects around a workload into fields: Service, routes, autoscaler, monitor, disruption budget.

The remaining objects are listed: those that the pods use by name are kept, and the others are not imported.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from modelservice.importing.cluster_objects import Object, Workload, is_far, is_made
from modelservice.importing.container import Note
from modelservice.importing.defaults_table import cpu_metrics
from modelservice.importing.neighbours import leads_to_server, neighbours_of, server_ports, with_server
from modelservice.importing.part import Part, joined
from modelservice.importing.pod_to_fields import kept
from modelservice.importing.routes_to_fields import part_of_ingress, part_of_route

# The reason for an object that belongs to no field.
STAYS = "it is not imported, and stays as it is"
_USED = "it is kept, and the pods keep using it by its name"
_NAMED = (
    *("PersistentVolumeClaim", "PersistentVolume", "StorageClass", "ConfigMap", "Secret", "ServiceAccount"),
    *("Namespace", "PriorityClass", "RuntimeClass"),
)
_MADE = ("Endpoints", "EndpointSlice", "ControllerRevision", "Event", "PodMetrics")
_OF_SERVICE = ("loadBalancerClass", "loadBalancerSourceRanges", "externalTrafficPolicy", "ipFamilyPolicy")


def part_of_neighbours(workload: Workload, objects: Sequence[Object], port: int) -> Part:
    """Return the fields of the objects around a workload; `port` is the server's."""
    found = neighbours_of(workload, objects, port)
    parts = [_part(field, item, found, workload, port) for field, item in found.items()]
    for item in objects:
        known = any(item is one for one in found.values()) or item["metadata"] is workload.metadata
        if not known and item["kind"] not in _MADE and not is_made(item, objects):
            parts.append(_left(item))
    return joined(parts)


def far_objects(objects: Sequence[Object], workload: Workload) -> Part:
    """Return a note on each object that is in another namespace than the workload."""
    far = [one for one in objects if is_far(one, workload) and one["kind"] not in _MADE and not is_made(one, objects)]
    names = [f"{one['kind']} {one['metadata']['namespace']}/{one['metadata'].get('name', '')}" for one in far]
    return Part(notes=tuple(Note(name, STAYS) for name in names))


def _left(item: Object) -> Part:
    name = f"{item['kind']} {item['metadata'].get('name', '')}"
    if item["kind"] in _NAMED:
        return Part(remarks=(Note(name, _USED),))
    for owner in item["metadata"].get("ownerReferences", ()):
        return Part(notes=(Note(name, f"{owner.get('kind')} {owner.get('name')} makes it: import that object too"),))
    return Part(notes=(Note(name, STAYS),))


def _part(field: str, item: Object, found: Mapping[str, Object], workload: Workload, port: int) -> Part:
    """Return the fields of an object that belongs to the workload."""
    spec = item.get("spec") or {}
    if field == "service":
        return _service(item, workload, port)
    if field == "autoscaling":
        spec = with_server(spec, workload, "server")
        return _autoscaler(spec) if item["kind"] == "HorizontalPodAutoscaler" else _scaled_object(spec)
    if field in ("ingress", "httpRoute"):
        part_of = part_of_ingress if field == "ingress" else part_of_route
        return part_of(item, lambda backend: leads_to_server(backend, found["service"], workload, port))
    if field == "serviceMonitor":
        return _monitor(item)
    allowed = {f"podDisruptionBudget.{key}": spec[key] for key in ("minAvailable", "maxUnavailable") if key in spec}
    return Part({"podDisruptionBudget.enabled": True, **allowed})


def _service(service: Object, workload: Workload, port: int) -> Part:
    spec = service["spec"]
    own = next(iter(server_ports(service, workload, port)), None)
    metadata = service["metadata"]
    settings: dict[str, Any] = {f"service.{key}": spec[key] for key in _OF_SERVICE if key in spec}
    if "ipFamilyPolicy" in spec:
        settings["service.ipFamilies"] = list(spec.get("ipFamilies", ()))
    settings["service.annotations"] = kept(metadata.get("annotations", {}))
    settings["service.labels"] = kept(metadata.get("labels", {}))
    if spec.get("type") in ("NodePort", "LoadBalancer"):
        settings["service.type"] = spec["type"]
    notes = [
        Note(f"Service port {one['port']}", "the chart's Service has only the server's port")
        for one in spec.get("ports", ())
        if one is not own
    ]
    remarks = []
    if own:
        settings["service.port"] = own["port"]
        if spec.get("type") == "NodePort" and own.get("nodePort"):
            settings["service.nodePort"] = own["nodePort"]
            owners = [f"{one.get('kind')} {one.get('name')}" for one in metadata.get("ownerReferences", ())]
            old = f"{owners[0]}, which owns the old Service," if owners else "the old Service"
            reason = f"two Services cannot share it: delete {old} before you install the new one"
            remarks.append(Note(f"nodePort {own['nodePort']}", reason))
    return Part({key: value for key, value in settings.items() if value}, tuple(notes), remarks=tuple(remarks))


def _autoscaler(spec: Object) -> Part:
    settings = {
        "autoscaling.kind": "HorizontalPodAutoscaler",
        "autoscaling.minReplicas": spec.get("minReplicas", 1),
        "autoscaling.maxReplicas": spec.get("maxReplicas", 1),
        "autoscaling.metrics": spec.get("metrics", cpu_metrics()),
        "autoscaling.behavior": spec.get("behavior") or {},
    }
    return Part(settings)


def _scaled_object(spec: Object) -> Part:
    advanced = (spec.get("advanced") or {}).get("horizontalPodAutoscalerConfig") or {}
    settings = {
        "autoscaling.kind": "ScaledObject",
        "autoscaling.minReplicas": spec.get("minReplicaCount", 0),
        "autoscaling.maxReplicas": spec.get("maxReplicaCount", 100),
        "autoscaling.triggers": list(spec.get("triggers", ())),
        "autoscaling.behavior": advanced.get("behavior") or {},
    }
    return Part(settings)


def _monitor(item: Object) -> Part:
    endpoint: Mapping[str, Any] = next(iter(_endpoints(item["spec"])), {})
    settings: dict[str, Any] = {
        "serviceMonitor.enabled": True,
        "serviceMonitor.labels": kept(item["metadata"].get("labels", {})),
    }
    settings |= {
        f"serviceMonitor.{name}": endpoint[name] for name in ("interval", "scrapeTimeout") if endpoint.get(name)
    }
    remarks = () if item["kind"] == "ServiceMonitor" else (Note("PodMonitor", "a ServiceMonitor replaces it"),)
    return Part(settings, remarks=remarks)


def _endpoints(spec: Object) -> Sequence[Object]:
    return [*spec.get("endpoints", ()), *spec.get("podMetricsEndpoints", ())]
