"""Turn an Ingress or an HTTPRoute to the server into `ingress` and `httpRoute`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from modelservice.importing.cluster_objects import Object
from modelservice.importing.neighbour_meaning import is_plain, prefix_of
from modelservice.importing.neighbours import paths_of
from modelservice.importing.part import Part


def part_of_ingress(item: Object, is_ours: Callable[[Any], bool]) -> Part:
    """Return the fields of an Ingress; `is_ours` says whether a backend is the server."""
    spec = item.get("spec") or {}
    ours = [(host, path) for host, path in paths_of(item) if is_ours(path.get("backend"))]
    paths = [path.get("path") or "/" for _, path in ours]
    settings: dict[str, Any] = {
        "ingress.enabled": True,
        "ingress.className": spec.get("ingressClassName", ""),
        "ingress.annotations": dict(item["metadata"].get("annotations", {})),
        "ingress.hosts": list(dict.fromkeys(host or "*" for host, _ in ours)),
        "ingress.paths": _prefixes(paths),
        "ingress.tls": list(spec.get("tls", ())),
    }
    return Part({key: value for key, value in settings.items() if value})


def part_of_route(item: Object, is_ours: Callable[[Any], bool]) -> Part:
    """Return the fields of an HTTPRoute; `is_ours` says whether a backend is the server."""
    spec = item.get("spec") or {}
    ours = [rule for rule in spec.get("rules") or () if any(map(is_ours, rule.get("backendRefs") or ()))]
    matches: list[Mapping[str, Any]] = [match for rule in ours for match in rule.get("matches") or [{}]]
    # A path with further conditions would match more requests without them.
    paths = [(match.get("path") or {}).get("value") or "/" for match in matches if match.keys() <= {"path"}]
    timeout = next((rule["timeouts"]["request"] for rule in ours if (rule.get("timeouts") or {}).get("request")), "")
    settings: dict[str, Any] = {
        "httpRoute.enabled": True,
        "httpRoute.annotations": dict(item["metadata"].get("annotations", {})),
        "httpRoute.parentRefs": list(spec.get("parentRefs", ())),
        "httpRoute.hostnames": list(spec.get("hostnames", ())),
        "httpRoute.paths": _prefixes(paths),
    }
    found = {key: value for key, value in settings.items() if value}
    return Part({**found, "httpRoute.requestTimeout": timeout})


def _prefixes(paths: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(prefix_of(path) for path in paths if is_plain(path)))
