"""Defaults of the fields of Kubernetes objects, for the kinds of objects around a service.

From the functions SetDefaults_* in Kubernetes' pkg/apis/{core,apps,autoscaling}/v1/defaults.go and
pkg/apis/autoscaling/v2/defaults.go (https://github.com/kubernetes/kubernetes; its OpenAPI names no defaults), the
definitions of Gateway API, https://keda.sh/docs/latest/reference/scaledobject-spec/ and
https://prometheus-operator.dev/docs/api-reference/api/. Defaults that a controller assumes are included.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Structure(NamedTuple):
    """A Kubernetes structure: the defaults of its fields, and the names of the structures of nested fields."""

    defaults: Mapping[str, Any] = {}
    parts: Mapping[str, str] = {}


def _by(kind: str, value: int) -> dict[str, Any]:
    return {"type": kind, "value": value, "periodSeconds": 15}


def cpu_metrics(share: int = 80) -> list[dict[str, Any]]:
    """Return the metrics of an autoscaler that has none, or only a CPU percentage (`share`)."""
    target = {"type": "Utilization", "averageUtilization": share}
    return [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]


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
            "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 10800}},
            "externalTrafficPolicy": "Cluster",
            "internalTrafficPolicy": "Cluster",
            "allocateLoadBalancerNodePorts": True,
            "publishNotReadyAddresses": False,
            "ipFamilyPolicy": "SingleStack",
        },
        {"ports": "ServicePort"},
    ),
    "ServicePort": Structure({"protocol": "TCP"}),
    "HorizontalPodAutoscaler": Structure(
        {"minReplicas": 1, "metrics": cpu_metrics(), "behavior": {}},
        {"behavior": "ScalingBehavior", "metrics": "Metric"},
    ),
    "Metric": Structure(
        parts=dict.fromkeys(("resource", "containerResource", "pods", "object", "external"), "MetricSource")
    ),
    "MetricSource": Structure(parts={"target": "MetricTarget"}),
    "ScalingBehavior": Structure({"scaleUp": {}, "scaleDown": {}}, {"scaleUp": "ScaleUp", "scaleDown": "ScaleDown"}),
    "ScaleUp": Structure(
        {"stabilizationWindowSeconds": 0, "selectPolicy": "Max", "policies": [_by("Pods", 4), _by("Percent", 100)]}
    ),
    "ScaleDown": Structure({"selectPolicy": "Max", "policies": [_by("Percent", 100)]}),
    "ScaledObject": Structure(
        {
            "minReplicaCount": 0,
            "maxReplicaCount": 100,
            "pollingInterval": 30,
            "cooldownPeriod": 300,
            "initialCooldownPeriod": 0,
            "advanced": {},
        },
        {"advanced": "ScaledAdvanced", "triggers": "Trigger"},
    ),
    "ScaledAdvanced": Structure(
        {"restoreToOriginalReplicaCount": False, "horizontalPodAutoscalerConfig": {}},
        {"horizontalPodAutoscalerConfig": "ScaledHorizontally"},
    ),
    "ScaledHorizontally": Structure({"behavior": {}}, {"behavior": "ScalingBehavior"}),
    "Trigger": Structure({"metricType": "AverageValue", "useCachedMetrics": False}),
    "PodDisruptionBudget": Structure({"unhealthyPodEvictionPolicy": "IfHealthyBudget"}),
    "HTTPRoute": Structure({}, {"parentRefs": "ParentRef", "rules": "RouteRule"}),
    "ParentRef": Structure({"group": "gateway.networking.k8s.io", "kind": "Gateway"}),
    "RouteRule": Structure(
        {"matches": [{}]}, {"matches": "RouteMatch", "backendRefs": "BackendRef", "filters": "RouteFilter"}
    ),
    "RouteMatch": Structure(
        {"path": {}}, {"path": "PathMatch", **dict.fromkeys(("headers", "queryParams"), "Exactly")}
    ),
    "PathMatch": Structure({"type": "PathPrefix", "value": "/"}),
    "Exactly": Structure({"type": "Exact"}),
    "BackendRef": Structure({"group": "", "kind": "Service", "weight": 1}, {"filters": "RouteFilter"}),
    "RouteFilter": Structure(parts={"requestRedirect": "Redirect"}),
    "Redirect": Structure({"statusCode": 302}),
    "ServiceMonitor": Structure(parts={"endpoints": "Scraped"}),
    "PodMonitor": Structure(parts={"podMetricsEndpoints": "Scraped"}),
    "Scraped": Structure(
        {
            "path": "/metrics",
            "scheme": "http",
            "honorLabels": False,
            "honorTimestamps": True,
            "followRedirects": True,
            "enableHttp2": True,
            "filterRunning": True,
        },
        dict.fromkeys(("relabelings", "metricRelabelings"), "Relabelling"),
    ),
    "Relabelling": Structure({"action": "replace"}),
}
