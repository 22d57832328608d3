"""Convert the objects around a workload into a form without names, so that two workloads can be compared.

Routes are keyed by host and path, and a backend that leads to the server is marked as such.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from modelservice.importing.cluster_objects import Object, Workload
from modelservice.importing.neighbours import leads_to_server, neighbours_of, paths_of, server_ports, with_server
from modelservice.importing.pod_to_fields import kept
from modelservice.importing.probes_to_fields import is_servers

_SERVER = "the server"
_OF_SERVICE = ("selector", "ports", "clusterIP", "clusterIPs", "ipFamilies", "healthCheckNodePort")
_FAMILIES = ("PreferDualStack", "RequireDualStack")


def neighbour_meanings(workload: Workload, objects: Sequence[Object], port: int) -> dict[str, Any]:
    """Return the objects around a workload in comparable form, by values field; `port` is the server's."""
    found = neighbours_of(workload, objects, port)
    meanings = {}
    for field, item in found.items():
        spec = dict(item.get("spec") or {})
        if field == "service":
            spec = _service(spec, item, workload, port)
        elif field == "ingress":
            spec["rules"] = dict(_paths(item, found["service"], workload, port))
        elif field == "httpRoute":
            spec["rules"] = dict(_rules(spec, found["service"], workload, port))
        elif field == "autoscaling":
            spec = with_server(spec, workload, _SERVER)
        elif field == "serviceMonitor":
            spec = _monitor(spec, found.get("service"), workload, port)
        meanings[field] = {**spec, **_about(item, workload)}
        for key in ("selector", "scaleTargetRef"):
            meanings[field].pop(key, None)
    return meanings


def _about(item: Object, workload: Workload) -> dict[str, Any]:
    """Return labels and annotations of an object, without labels that its workload or the pods have too."""
    metadata, common = item["metadata"], workload.metadata.get("labels", {}) | workload.pod_metadata.get("labels", {})
    labels = {key: value for key, value in kept(metadata.get("labels", {})).items() if common.get(key) != value}
    return {"labels": labels, "annotations": kept(metadata.get("annotations", {}))}


def _service(spec: Object, item: Object, workload: Workload, port: int) -> dict[str, Any]:
    ports = server_ports(item, workload, port)
    own = {key: ports[0][key] for key in ("port", "nodePort", "appProtocol") if key in ports[0]} if ports else {}
    if spec.get("type") == "LoadBalancer":
        own.pop("nodePort", None)
    # The cluster chooses the IP families unless the policy is dual-stack.
    left = [key for key in _OF_SERVICE if key != "ipFamilies" or spec.get("ipFamilyPolicy") not in _FAMILIES]
    return {
        **{key: value for key, value in spec.items() if key not in left},
        **own,
        "headless": spec.get("clusterIP") == "None",
    }


def _paths(ingress: Object, service: Object, workload: Workload, port: int) -> Iterator[tuple[str, Any]]:
    for host, path in paths_of(ingress):
        kind = path.get("pathType", "ImplementationSpecific")
        text = path.get("path") or "/"
        if kind != "Exact" and is_plain(text):
            kind, text = "Prefix", prefix_of(text)
        leads = leads_to_server(path.get("backend"), service, workload, port)
        yield f"{host or '*'}{text}", {"pathType": kind, "backend": _SERVER if leads else path.get("backend")}


def is_plain(path: str) -> bool:
    """Return whether a path is not a regular expression; cloud load balancers write /* for a prefix."""
    return re.fullmatch(r"/[\w./-]*\*?", path) is not None


def prefix_of(path: str) -> str:
    """Return a prefix without a trailing * or slash."""
    return path.removesuffix("*").rstrip("/") or "/"


def _rules(spec: Object, service: Object, workload: Workload, port: int) -> Iterator[tuple[str, Any]]:
    for rule in spec.get("rules") or ():
        backends = list(rule.get("backendRefs") or ())
        to = [{**one, **_named(one, service, workload, port)} for one in backends]
        for one in to:
            # A single backend gets every request, whatever its weight.
            one.pop("weight", None) if len(to) == 1 else one.setdefault("weight", 1)
        rest = {key: value for key, value in rule.items() if key not in ("matches", "backendRefs", "name")}
        for match in rule.get("matches") or [{}]:
            path = match.get("path") or {}
            others = {key: value for key, value in match.items() if key != "path"}
            kind = path.get("type", "PathPrefix")
            text = path.get("value", "/")
            name = prefix_of(text) if kind == "PathPrefix" else f"{kind} {text}"
            yield name, {"backendRefs": to, "only": others, **rest}


def _named(backend: Object, service: Object, workload: Workload, port: int) -> dict[str, Any]:
    leads = leads_to_server(backend, service, workload, port)
    return {"name": _SERVER, "port": _SERVER} if leads else {}


def _monitor(spec: Object, service: Object | None, workload: Workload, port: int) -> dict[str, Any]:
    """Return the spec of a ServiceMonitor or PodMonitor, with the server's port in one form."""
    endpoints = [*spec.get("endpoints", ()), *spec.get("podMetricsEndpoints", ())]
    names = [one.get("name") for one in server_ports(service, workload, port)] if service else []
    found = []
    for endpoint in endpoints:
        asked = endpoint.get("targetPort", endpoint.get("port", endpoint.get("portNumber")))
        is_named = "endpoints" in spec and endpoint.get("port") in names
        leads = is_named or is_servers(asked, workload.server, port)
        rest = {key: value for key, value in endpoint.items() if key not in ("port", "targetPort", "portNumber")}
        found.append({**rest, "port": _SERVER if leads else asked})
    left = ("endpoints", "podMetricsEndpoints", "namespaceSelector")
    namespaces = spec.get("namespaceSelector") or {}
    own = namespaces.get("matchNames") == [workload.metadata.get("namespace")]
    return {
        **{key: value for key, value in spec.items() if key not in left},
        **({} if own or not namespaces else {"namespaceSelector": namespaces}),
        "endpoints": found,
    }
