"""Pod Security Standards of the pods, and the nodes on which they can run.

The checks follow https://kubernetes.io/docs/concepts/security/pod-security-standards/ control by control.
"""

from pathlib import Path

import pytest

from tests.chart.rendering import EXAMPLES, MODEL, Object, objects, one, pod, server, variables, workload

BASELINE_CAPABILITIES = {
    *("AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE"),
    *("SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"),
}
BASELINE_SYSCTLS = {"kernel.shm_rmid_forced"} | {
    f"net.ipv4.{name}"
    for name in (
        *("ip_local_port_range", "ip_unprivileged_port_start", "tcp_syncookies", "ping_group_range"),
        *(
            "ip_local_reserved_ports",
            "tcp_keepalive_time",
            "tcp_fin_timeout",
            "tcp_keepalive_intvl",
            "tcp_keepalive_probes",
        ),
    )
}
RESTRICTED_VOLUMES = {
    *("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"),
}
RESTRICTED = next(example for example in EXAMPLES if example.stem == "restricted")


def pods(items: list[Object]) -> list[Object]:
    return [pod(items), one("Pod", items)["spec"]]


def containers(spec: Object) -> list[Object]:
    return [*spec.get("initContainers", []), *spec["containers"]]


def contexts(spec: Object) -> list[Object]:
    return [spec.get("securityContext", {}), *(item.get("securityContext", {}) for item in containers(spec))]


def breaks_baseline(spec: Object) -> list[str]:
    """Return the controls of the baseline level that a pod breaks."""
    found = [key for key in ("hostNetwork", "hostPID", "hostIPC") if spec.get(key)]
    found += ["hostPath" for volume in spec.get("volumes", []) if "hostPath" in volume]
    for container in containers(spec):
        context = container.get("securityContext", {})
        found += ["privileged"] if context.get("privileged") else []
        found += [name for name in context.get("capabilities", {}).get("add", []) if name not in BASELINE_CAPABILITIES]
        found += ["hostPort" for port in container.get("ports", []) if port.get("hostPort")]
        found += ["procMount"] if context.get("procMount", "Default") != "Default" else []
    for context in contexts(spec):
        found += ["seccomp"] if context.get("seccompProfile", {}).get("type") == "Unconfined" else []
        found += ["appArmor"] if context.get("appArmorProfile", {}).get("type") == "Unconfined" else []
        found += ["seLinux"] if {"user", "role"} & set(context.get("seLinuxOptions", {})) else []
        found += [item["name"] for item in context.get("sysctls", []) if item["name"] not in BASELINE_SYSCTLS]
    return found


def breaks_restricted(spec: Object) -> list[str]:
    """Return the controls of the restricted level that a pod breaks."""
    found = breaks_baseline(spec)
    found += ["volume" for volume in spec.get("volumes", []) if not (set(volume) - {"name"}) <= RESTRICTED_VOLUMES]
    above = spec.get("securityContext", {})
    for container in containers(spec):
        context = {**above, **container.get("securityContext", {})}
        found += ["allowPrivilegeEscalation"] if context.get("allowPrivilegeEscalation") is not False else []
        found += ["runAsNonRoot"] if context.get("runAsNonRoot") is not True else []
        found += ["runAsUser"] if context.get("runAsUser") == 0 else []
        found += (
            ["seccomp"] if context.get("seccompProfile", {}).get("type") not in ("RuntimeDefault", "Localhost") else []
        )
        capabilities = context.get("capabilities", {})
        found += ["drop ALL"] if "ALL" not in capabilities.get("drop", []) else []
        found += ["add"] if set(capabilities.get("add", [])) - {"NET_BIND_SERVICE"} else []
    return found


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_passes_the_baseline_level(example: Path, helm: str) -> None:
    broken = ["hostPath"] if example.stem == "host-path" else []
    assert [breaks_baseline(spec) for spec in pods(objects(helm, example))] == [broken, []]


def test_the_restricted_example_passes_the_restricted_level(helm: str) -> None:
    assert [breaks_restricted(spec) for spec in pods(objects(helm, RESTRICTED))] == [[], []]


def test_by_default_only_root_and_its_capability_break_the_restricted_level(helm: str) -> None:
    server, test = (breaks_restricted(spec) for spec in pods(objects(helm, MODEL)))
    assert server == ["runAsNonRoot", "add"]
    assert test == ["runAsNonRoot"]


def test_the_restricted_example_can_write_where_it_needs_to(helm: str) -> None:
    items = objects(helm, RESTRICTED)
    mounts = {item["mountPath"]: item["name"] for item in server(items)["volumeMounts"]}
    writable = {item["name"] for item in pod(items)["volumes"]}
    # The root file system is read-only: HOME with the caches, /tmp, /dev/shm and the models are volumes.
    for path in (variables(items)["HOME"], "/tmp", "/dev/shm", variables(items)["HF_HUB_CACHE"]):
        assert mounts[path] in writable
    # The runtime makes the parents of a mount as root, which uid 2000 could not write to.
    assert not any(a != b and a.startswith(f"{b}/") for a in mounts for b in mounts)
    # /root is closed to other users.
    assert not any(path.startswith("/root") for path in mounts)
    # Claims are owned by root until fsGroup gives them to the group; a uid that the image does not know needs USER.
    context = pod(items)["securityContext"]
    assert (context["runAsUser"], context["fsGroup"]) == (2000, 2000)
    assert variables(items)["USER"]


def test_pods_get_no_token_and_no_service_links(helm: str) -> None:
    items = objects(helm, MODEL)
    for spec in pods(items):
        assert spec["automountServiceAccountToken"] is False
        assert spec["enableServiceLinks"] is False
    assert one("ServiceAccount", items)["automountServiceAccountToken"] is False


def test_the_given_service_account_is_used(helm: str) -> None:
    items = objects(helm, {**MODEL, "serviceAccount": {"create": False, "name": "models"}})
    assert pod(items)["serviceAccountName"] == "models"
    assert not [item for item in items if item["kind"] == "ServiceAccount"]
    assert pod(objects(helm, {**MODEL, "serviceAccount": {"create": False}}))["serviceAccountName"] == "default"


def node(name: str) -> Object:
    return {"key": "metadata.name", "operator": "In", "values": [name]}


def test_a_fixed_node_goes_through_the_scheduler(helm: str) -> None:
    spec = pod(objects(helm, {**MODEL, "nodeName": "gpu-1"}))
    assert "nodeName" not in spec
    required = {"nodeSelectorTerms": [{"matchFields": [node("gpu-1")]}]}
    assert spec["affinity"] == {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}


def test_a_fixed_node_is_added_to_each_of_the_users_terms(helm: str) -> None:
    key = {"key": "gpu", "operator": "Exists"}
    terms = [{"matchExpressions": [key]}, {"matchFields": [node("x")]}]
    affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}}
    spec = pod(objects(helm, {**MODEL, "nodeName": "gpu-1", "affinity": affinity}))
    required = spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert required["nodeSelectorTerms"] == [
        {"matchExpressions": [key], "matchFields": [node("gpu-1")]},
        {"matchFields": [node("x"), node("gpu-1")]},
    ]


def test_the_helm_test_runs_on_the_servers_nodes_with_its_image(helm: str) -> None:
    toleration = {"key": "gpu", "operator": "Exists"}
    items = objects(helm, {**MODEL, "nodeName": "gpu-1", "tolerations": [toleration], "nodeSelector": {"gpu": "a100"}})
    for spec in pods(items):
        assert spec["tolerations"] == [toleration]
        assert spec["nodeSelector"] == {"gpu": "a100"}
        assert "nodeAffinity" in spec["affinity"]
    assert one("Pod", items)["spec"]["containers"][0]["image"] == server(items)["image"]
    assert "runtimeClassName" not in one("Pod", items)["spec"]


def test_the_helm_test_has_the_servers_api_key(helm: str) -> None:
    key = {"name": "VLLM_API_KEY", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "api"}}}
    items = objects(helm, {**MODEL, "env": [{"name": "A", "value": "b"}, key]})
    env = one("Pod", items)["spec"]["containers"][0]["env"]
    assert key in env
    assert "A" not in {entry["name"] for entry in env}


def test_other_pod_settings_are_in_the_pod(helm: str) -> None:
    values = {
        "imagePullSecrets": [{"name": "r"}],
        "priorityClassName": "online",
        "annotations": {"a": "b"},
        "description": "Chat",
    }
    items = objects(helm, {**MODEL, **values})
    assert pod(items)["imagePullSecrets"] == [{"name": "r"}]
    assert pod(items)["priorityClassName"] == "online"
    assert workload(items)["spec"]["template"]["metadata"]["annotations"] == {"a": "b"}
    assert workload(items)["metadata"]["annotations"] == {"a": "b", "field.cattle.io/description": "Chat"}
