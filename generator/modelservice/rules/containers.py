"""Rules on containers beside the server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modelservice.findings import Path
from modelservice.rules.values import Said, Values, rule, sound

_OWN = ("server", "download-model", "wait-for-model")
_POD = "https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/"
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_HANDLERS = ("exec", "grpc", "httpGet", "tcpSocket")


def containers(values: Values) -> Iterator[tuple[Path, Any]]:
    """Yield the user's own containers with their paths, those that run before the server first."""
    for key in ("initContainers", "extraContainers"):
        for index, item in values.items(key):
            yield (key, index), item


@rule("container-name", "A container's name is there once, and not the chart's own.", source=_POD)
def container_name(values: Values) -> Iterator[Said]:
    """Two containers of one name, which the API server refuses."""
    seen = dict.fromkeys(_OWN, "the chart's own container")
    for path, item in containers(values):
        if item["name"] in seen:
            message = f"{item['name']} is the name of {seen[item['name']]} too"
            yield Said((*path, "name"), message, f"write {item['name']}-2")
        seen.setdefault(item["name"], f"{path[0]}[{path[1]}]")


@rule("container-port", "Containers of one pod listen on different ports.", source=_POD)
def container_port(values: Values) -> Iterator[Said]:
    """A port that the server, or another container, has already: they share one network."""
    seen = {(8000, "TCP"): "the server"}
    for path, item in containers(values):
        if path[0] == "initContainers" and item.get("restartPolicy") != "Always":
            continue  # it has ended when the others listen
        mine = {}
        for index, port in sound(item.get("ports")):
            number = (port["containerPort"], port.get("protocol", "TCP"))
            if number in seen:
                message = f"{number[0]} is the port of {seen[number]}, in the same network"
                yield Said((*path, "ports", index, "containerPort"), message, "let it listen on another port")
            mine[number] = item["name"]
        seen = mine | seen


@rule("container-probe", "A probe has one handler, and an init container that ends has none.", source=_POD)
def container_probe(values: Values) -> Iterator[Said]:
    """What the API server refuses."""
    for path, item in containers(values):
        for name in _PROBES:
            if name not in item:
                continue
            handlers = [handler for handler in _HANDLERS if handler in item[name]]
            if path[0] == "initContainers" and item.get("restartPolicy") != "Always":
                hint = "remove it, or make it a sidecar with the restart policy Always"
                yield Said((*path, name), "is not for an init container, which ends", hint, True)
            elif len(handlers) != 1:
                message = f"{' and '.join(handlers)} stand side by side" if handlers else "has no handler"
                hint = f"remove {' and '.join(handlers[1:])}" if handlers else "add httpGet, tcpSocket, exec or grpc"
                yield Said((*path, name), message, hint, True)


RULES = (container_name, container_port, container_probe)
