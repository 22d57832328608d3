"""Take away what Kubernetes' API server fills in, so an object from a cluster and its manifest read the same.

The table follows the functions SetDefaults_* in Kubernetes' pkg/apis/{core,apps,autoscaling}/v1/defaults.go
(https://github.com/kubernetes/kubernetes); its OpenAPI names no defaults.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from modelservice.quantity import amount


class Structure(NamedTuple):
    """A structure of Kubernetes: the defaults of its fields, and the structures of those that hold others."""

    defaults: Mapping[str, Any] = {}
    parts: Mapping[str, str] = {}


_VOLUME_FILES = Structure({"defaultMode": 0o644}, {"sources": "Projection", "items": "Item"})
_WORKLOAD = {"replicas": 1, "revisionHistoryLimit": 10}
STRUCTURES = {
    "Deployment": Structure(
        {
            **_WORKLOAD,
            "progressDeadlineSeconds": 600,
            "strategy": {"type": "RollingUpdate"},
        },
        {"template": "PodTemplate", "strategy": "Strategy"},
    ),
    "Strategy": Structure({"rollingUpdate": {}}, {"rollingUpdate": "RollingUpdate"}),
    "RollingUpdate": Structure({"maxSurge": "25%", "maxUnavailable": "25%"}),
    "StatefulSet": Structure(
        {
            **_WORKLOAD,
            "podManagementPolicy": "OrderedReady",
            "updateStrategy": {"type": "RollingUpdate"},
            "persistentVolumeClaimRetentionPolicy": {},
        },
        {
            "template": "PodTemplate",
            "updateStrategy": "UpdateStrategy",
            "persistentVolumeClaimRetentionPolicy": "Retention",
            "volumeClaimTemplates": "ClaimTemplate",
        },
    ),
    "UpdateStrategy": Structure({"rollingUpdate": {}}, {"rollingUpdate": "Partition"}),
    "Partition": Structure({"partition": 0}),
    "Retention": Structure({"whenDeleted": "Retain", "whenScaled": "Retain"}),
    "ClaimTemplate": Structure(parts={"spec": "PersistentVolumeClaim"}),
    "PersistentVolumeClaim": Structure({"volumeMode": "Filesystem"}),
    "PodTemplate": Structure(parts={"spec": "Pod"}),
    "Pod": Structure(
        {
            "restartPolicy": "Always",
            "dnsPolicy": "ClusterFirst",
            "schedulerName": "default-scheduler",
            "terminationGracePeriodSeconds": 30,
            "securityContext": {},
            "enableServiceLinks": True,
            "serviceAccountName": "default",
            "preemptionPolicy": "PreemptLowerPriority",
            "hostNetwork": False,
            "hostIPC": False,
            "hostPID": False,
            "shareProcessNamespace": False,
        },
        {"containers": "Container", "initContainers": "Container", "volumes": "Volume"},
    ),
    "Container": Structure(
        {
            "terminationMessagePath": "/dev/termination-log",
            "terminationMessagePolicy": "File",
            "resources": {},
            "securityContext": {},
            "stdin": False,
            "stdinOnce": False,
            "tty": False,
        },
        {
            "env": "Variable",
            "envFrom": "EnvFrom",
            "ports": "ContainerPort",
            "volumeMounts": "Mount",
            "livenessProbe": "Probe",
            "readinessProbe": "Probe",
            "startupProbe": "Probe",
            "lifecycle": "Lifecycle",
        },
    ),
    "Variable": Structure(parts={"valueFrom": "ValueFrom"}),
    "ValueFrom": Structure(
        parts={
            "fieldRef": "FieldRef",
            "resourceFieldRef": "ResourceFieldRef",
            "secretKeyRef": "Reference",
            "configMapKeyRef": "Reference",
        }
    ),
    "FieldRef": Structure({"apiVersion": "v1"}),
    "ResourceFieldRef": Structure({"divisor": "0"}),
    "Reference": Structure({"optional": False}),
    "EnvFrom": Structure({"prefix": ""}, {"configMapRef": "Reference", "secretRef": "Reference"}),
    "ContainerPort": Structure({"protocol": "TCP"}),
    "Mount": Structure({"readOnly": False}),
    "Lifecycle": Structure(parts={"preStop": "Probe", "postStart": "Probe"}),
    "Probe": Structure(
        {
            "timeoutSeconds": 1,
            "periodSeconds": 10,
            "successThreshold": 1,
            "failureThreshold": 3,
            "initialDelaySeconds": 0,
        },
        {"httpGet": "HTTPGet", "grpc": "GRPC"},
    ),
    "HTTPGet": Structure({"scheme": "HTTP"}),
    "GRPC": Structure({"service": ""}),
    "Volume": Structure(
        parts={
            **dict.fromkeys(("configMap", "secret", "downwardAPI", "projected"), "VolumeFiles"),
            "hostPath": "HostPath",
            "persistentVolumeClaim": "Mount",
            "csi": "Mount",
            "nfs": "Mount",
            "emptyDir": "EmptyDir",
            "ephemeral": "Ephemeral",
        }
    ),
    "VolumeFiles": _VOLUME_FILES._replace(defaults={**_VOLUME_FILES.defaults, "optional": False}),
    "Projection": Structure(parts={"serviceAccountToken": "Token", "downwardAPI": "VolumeFiles"}),
    "Token": Structure({"expirationSeconds": 3600}),
    "Item": Structure(parts={"fieldRef": "FieldRef", "resourceFieldRef": "ResourceFieldRef"}),
    "HostPath": Structure({"type": ""}),
    "EmptyDir": Structure({"medium": ""}),
    "Ephemeral": Structure(parts={"volumeClaimTemplate": "ClaimTemplate"}),
    "Service": Structure(
        {
            "type": "ClusterIP",
            "sessionAffinity": "None",
            "externalTrafficPolicy": "Cluster",
            "internalTrafficPolicy": "Cluster",
            "allocateLoadBalancerNodePorts": True,
            "publishNotReadyAddresses": False,
            "ipFamilyPolicy": "SingleStack",
        },
        {"ports": "ServicePort"},
    ),
    "ServicePort": Structure({"protocol": "TCP"}),
    "HorizontalPodAutoscaler": Structure({"minReplicas": 1}),
}


def without_defaults(value: Any, structure: str) -> Any:
    """Return the spec of an object, or a part of one, without the fields that hold Kubernetes' default."""
    if isinstance(value, list):
        return [without_defaults(item, structure) for item in value]
    if not isinstance(value, Mapping):
        return value
    known = STRUCTURES.get(structure, Structure())
    found = {
        key: without_defaults(inner, known.parts[key]) if key in known.parts else inner
        for key, inner in value.items()
        if inner is not None and inner != []
    }
    if special := _SPECIAL.get(structure):
        found = special(found)
    return {key: inner for key, inner in found.items() if key not in known.defaults or inner != known.defaults[key]}


def _strategy(strategy: dict[str, Any]) -> dict[str, Any]:
    return {"type": "RollingUpdate", **strategy} if strategy else {}


def _pod(spec: dict[str, Any]) -> dict[str, Any]:
    """Return a pod's spec with the account under one name; `serviceAccount` is the old one."""
    account = spec.pop("serviceAccount", None)
    return spec if account is None else {"serviceAccountName": account, **spec}


def _container(container: dict[str, Any]) -> dict[str, Any]:
    """Return a container without the pull policy that follows from its tag; what has a limit alone requests it."""
    tag = str(container.get("image", "")).partition("@")[0].rpartition("/")[2].partition(":")[2]
    unpinned = tag == "latest" or (not tag and "@" not in str(container.get("image", "")))
    if container.get("imagePullPolicy") == ("Always" if unpinned else "IfNotPresent"):
        del container["imagePullPolicy"]
    resources = container.get("resources")
    if isinstance(resources, Mapping):
        container["resources"] = with_requests(resources)
    return container


def with_requests(resources: Mapping[str, Any]) -> dict[str, Any]:
    """Return resources as a pod gets them: a limit without a request is requested too; empty maps are left out."""
    limits = {name: str(quantity) for name, quantity in (resources.get("limits") or {}).items()}
    requests = {name: str(quantity) for name, quantity in (resources.get("requests") or {}).items()}
    for name, limit in limits.items():
        if name not in requests or amount(requests[name]) == amount(limit):
            requests[name] = limit
    found = {**resources, "requests": requests, "limits": limits}
    return {key: inner for key, inner in found.items() if inner not in ({}, [], None)}


def _variable(entry: dict[str, Any]) -> dict[str, Any]:
    """Return a variable with its value; without any it is empty."""
    return entry if "valueFrom" in entry or "value" in entry else {**entry, "value": ""}


def _volume(volume: dict[str, Any]) -> dict[str, Any]:
    return volume if len(volume) > 1 else {**volume, "emptyDir": {}}


def _http_get(action: dict[str, Any]) -> dict[str, Any]:
    return {**action, "path": action.get("path") or "/"}


def _service_port(port: dict[str, Any]) -> dict[str, Any]:
    return {**port, "targetPort": port.get("targetPort") or port.get("port")}


_SPECIAL: Mapping[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "Strategy": _strategy,
    "UpdateStrategy": _strategy,
    "Pod": _pod,
    "Container": _container,
    "Variable": _variable,
    "Volume": _volume,
    "HTTPGet": _http_get,
    "ServicePort": _service_port,
}
