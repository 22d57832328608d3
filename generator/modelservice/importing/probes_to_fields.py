"""Turn a container's probes and hooks into `probes`, `startupSeconds` and `lifecycle`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelservice.importing.part import Part

_HANDLERS = ("httpGet", "tcpSocket", "grpc", "exec")
# The chart's probes (templates/_probes.tpl), and Kubernetes' defaults.
_CHART = {
    "startup": {"periodSeconds": 10, "timeoutSeconds": 3},
    "readiness": {"periodSeconds": 10, "timeoutSeconds": 10, "failureThreshold": 3},
    "liveness": {"periodSeconds": 20, "timeoutSeconds": 15, "failureThreshold": 10},
}
_KUBERNETES = {"periodSeconds": 10, "timeoutSeconds": 1, "failureThreshold": 3}


def fields_of_probes(container: Mapping[str, Any], port: int) -> Part:
    """Return the container's probes; a missing one stays the chart's. `port` is the server's."""
    settings: dict[str, Any] = {}
    for name in ("readiness", "liveness"):
        if probe := container.get(f"{name}Probe"):
            settings[f"probes.{name}"] = _fields(probe, name, container, port)
    if probe := container.get("startupProbe"):
        settings |= _startup(probe, container, port)
    elif probe := container.get("livenessProbe"):
        settings |= {"startupSeconds": seconds} if (seconds := _until_killed(probe)) > 1800 else {}
    if lifecycle := container.get("lifecycle"):
        settings["lifecycle"] = lifecycle
    return Part(settings)


def _startup(probe: Mapping[str, Any], container: Mapping[str, Any], port: int) -> dict[str, Any]:
    fields = _fields(probe, "startup", container, port)
    tries = fields.pop("failureThreshold", 3)
    seconds = probe.get("periodSeconds", 10) * tries
    if not 10 <= seconds <= 86400:
        return {"probes.startup": {**fields, "failureThreshold": tries}}
    return {"startupSeconds": seconds, "probes.startup": fields}


def _until_killed(probe: Mapping[str, Any]) -> int:
    """Return the seconds from the start until a liveness probe restarts a server that does not answer."""
    complete = {"initialDelaySeconds": 0, **_KUBERNETES, **probe}
    return int(complete["initialDelaySeconds"] + complete["periodSeconds"] * complete["failureThreshold"])


def _fields(probe: Mapping[str, Any], name: str, container: Mapping[str, Any], port: int) -> dict[str, Any]:
    """Return the fields in which a probe differs from the chart's."""
    complete = {**_KUBERNETES, **{key: value for key, value in probe.items() if key not in _HANDLERS}}
    fields = {key: value for key, value in complete.items() if _CHART[name].get(key) != value}
    handler = {key: _handler(probe[key], container, port) for key in _HANDLERS if key in probe}
    return fields | ({} if handler == {"httpGet": {"path": "/health", "port": "http"}} else handler)


def _handler(handler: Any, container: Mapping[str, Any], port: int) -> Any:
    """Return a probe's handler, with the chart's name for the server's port."""
    if not isinstance(handler, Mapping) or "port" not in handler:
        return handler
    return {**handler, "port": "http" if is_servers(handler["port"], container, port) else handler["port"]}


def is_servers(asked: Any, container: Mapping[str, Any], port: int) -> bool:
    """Return whether a port's number or name is the server's port."""
    named = {one.get("name"): one.get("containerPort") for one in container.get("ports", ())}
    return str(named.get(asked, asked)) == str(port)
