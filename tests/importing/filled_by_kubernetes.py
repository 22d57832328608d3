"""Objects as a cluster returns them, with the fields that the API server and controllers add, written by hand.

After Kubernetes' SetDefaults_* functions and `kubectl get -o yaml` of release 1.34; each addition is defined here once.
"""

from typing import Any

Object = dict[str, Any]
ABOUT = {"uid": "6d0c1f0e-0000-4000-8000-000000000003", "resourceVersion": "42", "generation": 1}
_POD: Object = {
    "restartPolicy": "Always",
    "dnsPolicy": "ClusterFirst",
    "schedulerName": "default-scheduler",
    "terminationGracePeriodSeconds": 30,
}
_CONTAINER: Object = {"terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File"}
_PROBE = {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}
_SERVICE: Object = {
    "type": "ClusterIP",
    "sessionAffinity": "None",
    "internalTrafficPolicy": "Cluster",
    "ipFamilies": ["IPv4"],
    "ipFamilyPolicy": "SingleStack",
}
_SPECS: dict[str, Object] = {
    "Deployment": {
        "replicas": 1,
        "revisionHistoryLimit": 10,
        "progressDeadlineSeconds": 600,
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
    },
    "StatefulSet": {
        "replicas": 1,
        "revisionHistoryLimit": 10,
        "podManagementPolicy": "OrderedReady",
        "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}},
        "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
    },
    "Service": _SERVICE,
    "HorizontalPodAutoscaler": {"minReplicas": 1},
    "PersistentVolumeClaim": {"volumeMode": "Filesystem", "volumeName": "pvc-1"},
}


_PERCENT = {"type": "Percent", "value": 100, "periodSeconds": 15}
_BEHAVIOR: dict[str, Object] = {
    "scaleUp": {
        "stabilizationWindowSeconds": 0,
        "selectPolicy": "Max",
        "policies": [{"type": "Pods", "value": 4, "periodSeconds": 15}, _PERCENT],
    },
    "scaleDown": {"selectPolicy": "Max", "policies": [_PERCENT]},
}
_GATEWAY = {"group": "gateway.networking.k8s.io", "kind": "Gateway"}


def filled(item: Object) -> Object:
    """Return an object as the API server stores it."""
    spec = {**_SPECS.get(item["kind"], {}), **(item.get("spec") or {})}
    if item["kind"] == "Service":
        spec |= {"clusterIP": spec.get("clusterIP", "10.43.0.9"), "clusterIPs": [spec.get("clusterIP", "10.43.0.9")]}
        spec["ports"] = [{"protocol": "TCP", "targetPort": port["port"], **port} for port in spec["ports"]]
        if spec["type"] == "LoadBalancer":
            spec |= {"allocateLoadBalancerNodePorts": True, "externalTrafficPolicy": "Cluster"}
            spec["ports"] = [{**port, "nodePort": 31000 + number} for number, port in enumerate(spec["ports"])]
        if spec["type"] == "NodePort":
            spec["externalTrafficPolicy"] = "Cluster"
    if item["kind"] == "Deployment" and "rollingUpdate" in spec["strategy"]:
        spec["strategy"] = {"type": "RollingUpdate", **spec["strategy"]}
    if "template" in spec:
        about = {"creationTimestamp": None, **spec["template"]["metadata"]}
        spec["template"] = {"metadata": about, "spec": _pod(spec["template"]["spec"])}
    if "volumeClaimTemplates" in spec:
        spec["volumeClaimTemplates"] = [
            {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                **one,
                "spec": {"volumeMode": "Filesystem", **one["spec"]},
            }
            for one in spec["volumeClaimTemplates"]
        ]
    for metric in spec.get("metrics", ()):
        target = metric[metric["type"].lower()]["target"]
        target |= {key: str(target[key]) for key in ("value", "averageValue") if key in target}
    if "behavior" in spec:
        spec["behavior"] = {way: {**rules, **spec["behavior"].get(way, {})} for way, rules in _BEHAVIOR.items()}
    if item["kind"] == "HTTPRoute":
        spec |= {"parentRefs": [{**_GATEWAY, **one} for one in spec["parentRefs"]]}
        spec["rules"] = [_rule(rule) for rule in spec["rules"]]
    metadata = {"namespace": "default", "creationTimestamp": "2026-11-01T10:00:00Z", "managedFields": [{}], **ABOUT}
    return {**item, "metadata": metadata | item["metadata"], "spec": spec, "status": {"observedGeneration": 1}}


def _rule(rule: Object) -> Object:
    """Return a rule of an HTTPRoute as the definition of Gateway API fills it in."""
    backends = [{"group": "", "kind": "Service", "weight": 1, **one} for one in rule["backendRefs"]]
    everything = {"path": {"type": "PathPrefix", "value": "/"}}
    return {"matches": [everything], **rule, "backendRefs": backends}


def _pod(spec: Object) -> Object:
    found = {**_POD, "securityContext": {}, **{key: value for key, value in spec.items() if value is not None}}
    if "serviceAccountName" in spec:
        found["serviceAccount"] = spec["serviceAccountName"]
    for part in ("containers", "initContainers"):
        if part in spec:
            found[part] = [_container(container, spec) for container in spec[part]]
    if "volumes" in spec:
        found["volumes"] = [_volume(volume) for volume in spec["volumes"]]
    return found


def _container(container: Object, pod: Object) -> Object:
    tag = container["image"].partition("@")[0].rpartition("/")[2].partition(":")[2]
    policy = "Always" if tag in ("", "latest") and "@" not in container["image"] else "IfNotPresent"
    found = {"imagePullPolicy": policy, "resources": {}, **_CONTAINER, **container}
    if "ports" in container:
        host = [{"hostPort": port["containerPort"]} if pod.get("hostNetwork") else {} for port in container["ports"]]
        found["ports"] = [
            {**extra, "protocol": "TCP", **port} for extra, port in zip(host, container["ports"], strict=True)
        ]
    for name in ("startupProbe", "readinessProbe", "livenessProbe"):
        if name in container:
            found[name] = {**_PROBE, **container[name]}
            if "httpGet" in container[name]:
                found[name]["httpGet"] = {"path": "/", "scheme": "HTTP", **container[name]["httpGet"]}
    for entry in found.get("env", []):
        if "fieldRef" in entry.get("valueFrom", {}):
            entry["valueFrom"]["fieldRef"] = {"apiVersion": "v1", **entry["valueFrom"]["fieldRef"]}
    return found


def _volume(volume: Object) -> Object:
    found = dict(volume)
    for kind, added in (
        ("configMap", {"defaultMode": 420}),
        ("secret", {"defaultMode": 420}),
        ("hostPath", {"type": ""}),
    ):
        if kind in found:
            found[kind] = {**added, **found[kind]}
    return found
