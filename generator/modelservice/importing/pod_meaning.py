"""Convert a workload and the objects around it into a form without names, so that two of them can be compared.

Volumes are keyed by mount path, variables by name and arguments by flag.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from modelservice.importing.cluster_objects import Object, Workload, selects
from modelservice.importing.env_to_fields import secret_of
from modelservice.importing.flags_to_fields import TASKS
from modelservice.importing.neighbour_meaning import neighbour_meanings
from modelservice.importing.pod_to_fields import is_download, kept
from modelservice.importing.probes_to_fields import is_servers
from modelservice.importing.server_arguments import Start, start_of
from modelservice.importing.variables_to_fields import is_yes
from modelservice.vllm.command_line import Given, Stray, read
from modelservice.vllm.flags import Line

_SEEN = ("containers", "initContainers", "volumes", "nodeName")
_OF_SERVER = ("name", "command", "args", "ports")
_ALONE = ("selector", "serviceName", "volumeClaimTemplates")


def meaning(workload: Workload, objects: Sequence[Object], line: Line, known: Mapping[str, str]) -> dict[str, Any]:
    """Return a workload and the objects around it in comparable form; `known` are the values of variables."""
    pod = {key: value for key, value in workload.pod.items() if key not in _SEEN}
    pod["affinity"] = _affinity(workload.pod)
    pod["topologySpreadConstraints"] = [_spread(one, workload) for one in pod.get("topologySpreadConstraints", ())]
    volumes = {one["name"]: {key: one[key] for key in one if key != "name"} for one in workload.pod.get("volumes", ())}
    start = start_of(workload.server, known)
    arguments = arguments_of(start, line)
    model = " ".join(arguments.get("--model", ()))
    first = [one for one in workload.pod.get("initContainers", ()) if not _downloads(one, workload.server, model)]
    before = [container_meaning(one, volumes) for one in first]
    others = [container_meaning(one, volumes) for one in workload.pod["containers"] if one is not workload.server]
    return {
        "workload": _workload(workload),
        "labels": workload.pod_metadata.get("labels", {}),
        "annotations": workload.pod_metadata.get("annotations", {}),
        "pod": {"securityContext": {}} | {key: value for key, value in pod.items() if value},
        "server": _server(workload.server, volumes, start),
        "arguments": arguments,
        "apiKey": _api_key(workload.server, start),
        "download": len(first) < len(workload.pod.get("initContainers", ())),
        "initContainers": {one.pop("name"): one for one in before},
        "extraContainers": {one.pop("name"): one for one in others},
        **neighbour_meanings(workload, objects, start.port),
    }


def _workload(workload: Workload) -> dict[str, Any]:
    is_pod = workload.kind == "Pod"  # its labels are those of the pods, and compared there
    about = {key: {} if is_pod else kept(workload.metadata.get(key, {})) for key in ("labels", "annotations")}
    return {key: value for key, value in workload.spec.items() if key not in _ALONE and value != {}} | about


def container_meaning(container: Object, volumes: Mapping[str, Object]) -> dict[str, Any]:
    """Return a container with its variables by name, and its volumes by mount path."""
    found = {key: value for key, value in container.items() if key not in ("env", "volumeMounts", "resources")}
    found["env"] = {one["name"]: one.get("valueFrom", one.get("value")) for one in container.get("env", ())}
    found["mounts"] = {
        one["mountPath"].rstrip("/") or "/": _mount(one, volumes) for one in container.get("volumeMounts", ())
    }
    resources = container.get("resources") or {}
    for part in ("requests", "limits"):
        found[part] = dict(resources.get(part) or {})
    found["claims"] = resources.get("claims", [])
    return {key: value for key, value in found.items() if value not in ([], None)}


def _mount(mount: Object, volumes: Mapping[str, Object]) -> dict[str, Any]:
    """Return a mount with the volume itself in place of its name."""
    source = dict(volumes.get(mount["name"], {"volume": mount["name"]}))
    rest = {key: value for key, value in mount.items() if key not in ("name", "mountPath")}
    claim = source.get("persistentVolumeClaim") or {}
    if claim.get("readOnly"):
        source["persistentVolumeClaim"] = {key: value for key, value in claim.items() if key != "readOnly"}
        rest["readOnly"] = True
    return {**source, **rest}


def _server(server: Object, volumes: Mapping[str, Object], start: Start) -> dict[str, Any]:
    found = {"securityContext": {}, **container_meaning(server, volumes)}
    found = {key: value for key, value in found.items() if key not in _OF_SERVER}
    found["env"] = _variables(found["env"] | ({} if start.launch.command else dict(start.launch.variables)))
    found["image"] = _with_tag(str(server.get("image")))
    for name in ("startupProbe", "readinessProbe", "livenessProbe"):
        if name in found:
            found[name] = _probe(found[name], server, start.port)
    return found


def _variables(env: Mapping[str, Any]) -> dict[str, Any]:
    """Return the server's variables without the API key, and those that become fields in one form."""
    found = {name: value for name, value in env.items() if name not in ("VLLM_API_KEY", "VLLM_USE_MODELSCOPE")}
    if is_yes(env.get("VLLM_USE_MODELSCOPE")):
        found["VLLM_USE_MODELSCOPE"] = "True"
    if isinstance(env.get("HF_ENDPOINT"), str):
        found["HF_ENDPOINT"] = env["HF_ENDPOINT"].rstrip("/")
    return found


def _api_key(server: Object, start: Start) -> Object | None:
    """Return the Secret with the API key, or None if there is none."""
    for entry in server.get("env", ()):
        if entry["name"] == "VLLM_API_KEY" and secret_of(entry):
            return secret_of(entry)
    named = start.part.settings
    if "apiKeySecret.name" not in named:
        return None
    return {"name": named["apiKeySecret.name"], "key": named["apiKeySecret.keys"][0]}


def _downloads(container: Object, server: Object, model: str) -> bool:
    """Return whether an init container is the chart's model download, or does the same."""
    return container.get("name") == "download-model" or is_download(container, server, model)


def _spread(rule: Object, workload: Workload) -> dict[str, Any]:
    """Return a topology spread constraint, with a selector of the service's own pods in one form."""
    own = selects(rule.get("labelSelector"), workload.pod_metadata.get("labels", {}))
    return {**rule, "labelSelector": "the service's pods"} if own or "labelSelector" not in rule else dict(rule)


def _with_tag(image: str) -> str:
    return image if "@" in image or ":" in image.rpartition("/")[2] else f"{image}:latest"


def _probe(probe: Object, server: Object, port: int) -> dict[str, Any]:
    found = dict(probe)
    for name in ("httpGet", "tcpSocket"):
        handler = found.get(name)
        if handler and is_servers(handler.get("port"), server, port):
            found[name] = {**handler, "port": "the server's"}
    return found


def _affinity(pod: Object) -> dict[str, Any]:
    """Return a pod's affinity, with nodeName as the affinity rule that the chart writes for it."""
    affinity = dict(pod.get("affinity") or {})
    if not pod.get("nodeName"):
        return affinity
    rule = {"key": "metadata.name", "operator": "In", "values": [pod["nodeName"]]}
    nodes = dict(affinity.get("nodeAffinity") or {})
    required = (nodes.get("requiredDuringSchedulingIgnoredDuringExecution") or {}).get("nodeSelectorTerms") or [{}]
    terms = [{**term, "matchFields": [*term.get("matchFields", ()), rule]} for term in required]
    nodes["requiredDuringSchedulingIgnoredDuringExecution"] = {"nodeSelectorTerms": terms}
    return {**affinity, "nodeAffinity": nodes}


def arguments_of(start: Start, line: Line) -> dict[str, list[str]]:
    """Return a container's arguments by flag, and its command if that is more than `vllm serve`."""
    found: dict[str, list[str]] = {"command": list(start.launch.command)} if start.launch.command else {}
    for item in read(start.arguments, line):
        if isinstance(item, Given):
            name = ("no " if item.negated else "") + item.flag.name + (f".{item.key}" if item.key else "")
            found[name] = [word.text for word in item.values]
        elif isinstance(item, Stray):
            found.setdefault("--model", [item.text.rstrip("/") or "/"])
        else:
            found[item.spelling] = [word.text for word in item.values]
    if "$" not in "".join(found.get("--model", ())) and start.launch.command:
        found["command"] = [word.replace("\0model", "MODEL") for word in start.launch.command]
    for flag in ("--api-key", "--hf-token"):
        found |= {flag: ["a Secret's"]} if flag in found else {}
    return {key: value for key, value in _with_task(found).items() if not _is_default(key, value)}


def _with_task(found: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Return arguments with the task in one form; vLLM has had several flags for it."""
    words = [*found.get("--convert", ()), *found.get("--task", ())]
    task = next((TASKS[word] for word in words if word in TASKS), "")
    rest = {key: value for key, value in found.items() if not task or key not in ("--task", "--runner", "--convert")}
    return rest | ({"task": [task]} if task not in ("", "generate") else {})


def _is_default(flag: str, values: Sequence[str]) -> bool:
    """Return whether a flag has the value that vLLM uses anyway."""
    said = (flag, " ".join(values))
    everywhere = flag == "--host" and re.fullmatch(r"0\.0\.0\.0|::", " ".join(values)) is not None
    return everywhere or said in (("--tensor-parallel-size", "1"), ("--port", "8000"))
