"""Turn an Ingress or an HTTPRoute to the server's Service into `ingress` and `httpRoute`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modelservice.importing.cluster_objects import Object
from modelservice.importing.container import Note
from modelservice.importing.part import Part

_GATEWAY = {"group": "gateway.networking.k8s.io", "kind": "Gateway"}


def part_of_ingress(item: Object, service: str) -> Part | None:
    """Return the fields of an Ingress, or None if nothing in it leads to the Service."""
    spec = item.get("spec") or {}
    paths = [(rule.get("host", ""), path) for rule in spec.get("rules", ()) for path in _paths(rule)]
    ours = [(host, path) for host, path in paths if _backend(path.get("backend")) == service]
    if not ours:
        return None
    settings: dict[str, Any] = {
        "ingress.enabled": True,
        "ingress.className": spec.get("ingressClassName", ""),
        "ingress.annotations": dict(item["metadata"].get("annotations", {})),
        "ingress.hosts": list(dict.fromkeys(host for host, _ in ours if host)),
        "ingress.paths": list(dict.fromkeys(_shortened(path.get("path") or "/") for _, path in ours)),
        "ingress.tls": list(spec.get("tls", ())),
    }
    notes = [
        Note(f"Ingress path {path.get('path')}", "it leads to another Service")
        for host, path in paths
        if (host, path) not in ours
    ]
    exact = [path for _, path in ours if path.get("pathType") == "Exact"]
    notes += [
        Note(f"Ingress path {path['path']}", "the chart's paths are prefixes, this one is exact") for path in exact
    ]
    return Part({key: value for key, value in settings.items() if value}, tuple(notes))


def _paths(rule: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    paths: list[Mapping[str, Any]] = (rule.get("http") or {}).get("paths") or []
    return paths


def _backend(backend: Any) -> str:
    """Return the Service of a backend, in the form of today or of the beta."""
    backend = backend or {}
    return str((backend.get("service") or {}).get("name") or backend.get("serviceName") or "")


def _shortened(path: str) -> str:
    return path.rstrip("/") or "/"


def part_of_route(item: Object, service: str) -> Part | None:
    """Return the fields of an HTTPRoute, or None if nothing in it leads to the Service."""
    spec = item.get("spec") or {}
    rules = spec.get("rules") or ()
    ours = [rule for rule in rules if any(one.get("name") == service for one in rule.get("backendRefs") or ())]
    if not ours:
        return None
    matches = [match for rule in ours for match in rule.get("matches") or [{}]]
    paths = [_shortened((match.get("path") or {}).get("value") or "/") for match in matches]
    parents = [{key: ref[key] for key in ref if _GATEWAY.get(key) != ref[key]} for ref in spec.get("parentRefs", ())]
    timeout = next((rule["timeouts"]["request"] for rule in ours if (rule.get("timeouts") or {}).get("request")), "")
    settings: dict[str, Any] = {
        "httpRoute.enabled": True,
        "httpRoute.annotations": dict(item["metadata"].get("annotations", {})),
        "httpRoute.parentRefs": parents,
        "httpRoute.hostnames": list(spec.get("hostnames", ())),
        "httpRoute.paths": list(dict.fromkeys(paths)),
    }
    found = {key: value for key, value in settings.items() if value}
    return Part({**found, "httpRoute.requestTimeout": timeout}, tuple(_left(rules, ours, matches)))


def _left(rules: Any, ours: list[Any], matches: list[Any]) -> Iterator[Note]:
    for number, rule in enumerate(rules):
        if rule not in ours:
            yield Note(f"HTTPRoute rules[{number}]", "it leads to another Service")
        elif rule.get("filters"):
            yield Note(f"HTTPRoute rules[{number}].filters", "the values have no field for it")
    for match in matches:
        left = [key for key in match if key != "path"]
        kind = (match.get("path") or {}).get("type", "PathPrefix")
        if left or kind != "PathPrefix":
            yield Note(
                f"HTTPRoute match {', '.join(left) or kind}", "the chart's route matches prefixes of paths alone"
            )
