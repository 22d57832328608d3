"""Rules on containers that run next to the server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modelservice.findings import Path, Refuser
from modelservice.rules.rule import Said, Values, removal, rule, sound, writing

# Kind of pre-download → the container that it adds.
_DOWNLOADS = {"InitContainer": "download-model", "Job": "wait-for-model"}
_POD = "https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/"
_SIDECARS = "https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/"
_WHILE_IT_RUNS = ("startupProbe", "readinessProbe", "livenessProbe", "lifecycle")


def containers(values: Values) -> Iterator[tuple[Path, Any]]:
    """Yield the user's own containers with their paths, init containers first."""
    for key in ("initContainers", "extraContainers"):
        for index, item in values.items(key):
            yield (key, index), item


def goes_on(path: Path, item: Any) -> bool:
    """Return whether a container runs next to the server, instead of ending before the server starts."""
    return path[0] == "extraContainers" or item.get("restartPolicy") == "Always"


@rule(
    "container-name",
    "Two containers of the pod have the same name.",
    why="The API server refuses the workload, and the installation or upgrade fails.",
    source=_POD,
    refused_by=Refuser.API_SERVER,
)
def container_name(values: Values) -> Iterator[Said]:
    """Find a container with the name of another one, or of one of the chart's."""
    own = ["server", _DOWNLOADS.get(values.at("modelVolume.preDownload"))]
    seen = dict.fromkeys(filter(None, own), "the chart's own container")
    for path, item in containers(values):
        if item["name"] in seen:
            message = f"{item['name']} is already the name of {seen[item['name']]}"
            yield writing((*path, "name"), message, f"{item['name']}-2")
        seen.setdefault(item["name"], f"{path[0]}[{path[1]}]")


@rule(
    "container-port",
    "Two containers of the pod listen on the same port.",
    why=(
        "Containers of one pod share one network. The second one to open the port fails with `address already in "
        "use`, and the pod does not become ready."
    ),
    source=_POD,
    refused_by=Refuser.CHART,
)
def container_port(values: Values) -> Iterator[Said]:
    """Find a port that the server or another container already uses."""
    seen = {(values.at("containerPort"), "TCP"): "the server"}
    for path, item in containers(values):
        mine = {}
        for index, port in sound(item.get("ports")) if goes_on(path, item) else ():
            number = (port["containerPort"], port.get("protocol", "TCP"))
            if number in seen:
                message = f"{number[0]} is already the port of {seen[number]}, in the same network"
                yield Said((*path, "ports", index, "containerPort"), message, "let it listen on another port")
            mine[number] = item["name"]
        seen = mine | seen


@rule(
    "container-port-twice",
    "A port name or a host port is a duplicate.",
    why="The API server refuses the workload, and the installation or upgrade fails.",
    source=_POD,
    refused_by=Refuser.API_SERVER,
)
def container_port_twice(values: Values) -> Iterator[Said]:
    """Find a port name that a container has twice, and a host port that the pod has twice."""
    beside: set[tuple[Any, ...]] = set()
    for path, item in containers(values):
        names: set[str] = set()
        nodes = (
            beside if path[0] == "extraContainers" else set()
        )  # the API server checks each init container separately
        for index, port in sound(item.get("ports")):
            where, name = (*path, "ports", index), port.get("name")
            if name and name in names:
                yield writing(
                    (*where, "name"), f"{name} is already the name of another port of {item['name']}", f"{name}-2"
                )
            names.add(name)
            node = (port.get("hostPort"), port.get("hostIP"), port.get("protocol", "TCP"))
            if node[0] and node in nodes:
                yield removal((*where, "hostPort"), f"{node[0]} is already the host port of another port", on_key=False)
            nodes.add(node)


@rule(
    "container-ends",
    "A container has a probe, a hook or a restart policy that its kind does not allow.",
    why=(
        "An init container ends before the server starts, so it has no probes and hooks. Only an init "
        "container may have a restart policy. The API server refuses the workload, and the installation or upgrade "
        "fails."
    ),
    source=_SIDECARS,
    refused_by=Refuser.API_SERVER,
)
def container_ends(values: Values) -> Iterator[Said]:
    """Find probes and hooks of an init container that ends, and a restart policy of another container."""
    for path, item in containers(values):
        for key in () if goes_on(path, item) else _WHILE_IT_RUNS:
            if key in item:
                hint = "remove it, or make it a sidecar with the restart policy Always"
                yield Said((*path, key), "is not allowed on an init container that ends", hint, True)
        if path[0] == "extraContainers" and "restartPolicy" in item:
            message = "is allowed only for init containers: this container always restarts"
            yield removal((*path, "restartPolicy"), message)


RULES = (container_name, container_port, container_port_twice, container_ends)
