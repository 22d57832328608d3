"""Rules on containers beside the server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modelservice.findings import Path
from modelservice.rules.rule import Said, Values, removal, rule, sound, writing

_OWN = ("server", "download-model", "wait-for-model")
_POD = "https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/"
_SIDECARS = "https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/"
_WHILE_IT_RUNS = ("startupProbe", "readinessProbe", "livenessProbe", "lifecycle")


def containers(values: Values) -> Iterator[tuple[Path, Any]]:
    """Yield the user's own containers with their paths, those that run before the server first."""
    for key in ("initContainers", "extraContainers"):
        for index, item in values.items(key):
            yield (key, index), item


def goes_on(path: Path, item: Any) -> bool:
    """Say whether a container runs beside the server, and does not end before it starts."""
    return path[0] == "extraContainers" or item.get("restartPolicy") == "Always"


@rule("container-name", "A container's name is there once, and not the chart's own.", source=_POD)
def container_name(values: Values) -> Iterator[Said]:
    """Two containers of one name, which the API server refuses."""
    seen = dict.fromkeys(_OWN, "the chart's own container")
    for path, item in containers(values):
        if item["name"] in seen:
            message = f"{item['name']} is the name of {seen[item['name']]} too"
            yield writing((*path, "name"), message, f"{item['name']}-2")
        seen.setdefault(item["name"], f"{path[0]}[{path[1]}]")


@rule("container-port", "Containers of one pod listen on different ports.", source=_POD)
def container_port(values: Values) -> Iterator[Said]:
    """A port that the server, or another container, has already: they share one network."""
    seen = {(8000, "TCP"): "the server"}
    for path, item in containers(values):
        mine = {}
        for index, port in sound(item.get("ports")) if goes_on(path, item) else ():
            number = (port["containerPort"], port.get("protocol", "TCP"))
            if number in seen:
                message = f"{number[0]} is the port of {seen[number]}, in the same network"
                yield Said((*path, "ports", index, "containerPort"), message, "let it listen on another port")
            mine[number] = item["name"]
        seen = mine | seen


@rule("container-port-twice", "A port's name is there once in a container, a node's port once in a pod.", source=_POD)
def container_port_twice(values: Values) -> Iterator[Said]:
    """What the API server refuses."""
    beside: set[tuple[Any, ...]] = set()
    for path, item in containers(values):
        names: set[str] = set()
        nodes = beside if path[0] == "extraContainers" else set()  # the API server looks at each init container alone
        for index, port in sound(item.get("ports")):
            where, name = (*path, "ports", index), port.get("name")
            if name and name in names:
                yield writing((*where, "name"), f"{name} is the name of another port of {item['name']}", f"{name}-2")
            names.add(name)
            node = (port.get("hostPort"), port.get("hostIP"), port.get("protocol", "TCP"))
            if node[0] and node in nodes:
                yield removal((*where, "hostPort"), f"{node[0]} is taken on the node by another port", on_key=False)
            nodes.add(node)


@rule("container-ends", "What is for a container that runs beside the server.", source=_SIDECARS)
def container_ends(values: Values) -> Iterator[Said]:
    """Probes and hooks of an init container that ends, and a restart policy elsewhere: the API server refuses both."""
    for path, item in containers(values):
        for key in () if goes_on(path, item) else _WHILE_IT_RUNS:
            if key in item:
                hint = "remove it, or make it a sidecar with the restart policy Always"
                yield Said((*path, key), "is not for an init container, which ends", hint, True)
        if path[0] == "extraContainers" and "restartPolicy" in item:
            message = "is for an init container: this one is restarted always"
            yield removal((*path, "restartPolicy"), message)


RULES = (container_name, container_port, container_port_twice, container_ends)
