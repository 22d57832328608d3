"""The `restricted` Pod Security profile, control by control, on every pod that the chart makes.

The controls are those of https://kubernetes.io/docs/concepts/security/pod-security-standards/, baseline and restricted.
"""

from pathlib import Path

import pytest
import yaml

from tests.chart.rendering import EXAMPLES, Object, objects, pod, server, variables

RESTRICTED = [example for example in EXAMPLES if yaml.safe_load(example.read_text()).get("restricted")]
VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
each = pytest.mark.parametrize("example", RESTRICTED, ids=lambda path: path.stem)


def pods(items: list[Object]) -> list[Object]:
    found = [item["spec"] for item in items if item["kind"] == "Pod"]
    return found + [item["spec"]["template"]["spec"] for item in items if "template" in item.get("spec", {})]


def containers(spec: Object) -> list[Object]:
    return [*spec["containers"], *spec.get("initContainers", [])]


@each
def test_every_control_holds_for_the_pods(example: Path, helm: str) -> None:
    for spec in pods(objects(helm, example)):
        assert not {"hostNetwork", "hostPID", "hostIPC", "hostUsers"} & set(spec)
        context = spec["securityContext"]
        assert context["runAsNonRoot"] is True
        assert context.get("runAsUser") != 0
        assert context["seccompProfile"]["type"] in ("RuntimeDefault", "Localhost")
        assert not {"sysctls", "seLinuxOptions", "appArmorProfile", "windowsOptions"} & set(context)
        for volume in spec.get("volumes", []):
            assert set(volume) - {"name"} <= VOLUMES


@each
def test_every_control_holds_for_the_containers(example: Path, helm: str) -> None:
    for spec in pods(objects(helm, example)):
        for container in containers(spec):
            context = container["securityContext"]
            assert context["allowPrivilegeEscalation"] is False
            assert context["capabilities"]["drop"] == ["ALL"]
            assert set(context["capabilities"].get("add", [])) <= {"NET_BIND_SERVICE"}
            assert not context.get("privileged")
            assert context.get("procMount", "Default") == "Default"
            assert context.get("runAsNonRoot", True) is True
            assert not any("hostPort" in port for port in container.get("ports", []))
            for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
                assert "host" not in container.get(probe, {}).get("httpGet", {})


@each
def test_the_user_can_reach_and_write_to_the_volumes_that_the_server_needs(example: Path, helm: str) -> None:
    items = objects(helm, example)
    spec = pod(items)
    main = next(container for container in spec["containers"] if container["name"] == "server")
    # On OpenShift the namespace gives both.
    given = None if example.stem == "openshift" else 2000
    assert spec["securityContext"].get("fsGroup") == spec["securityContext"].get("runAsUser") == given
    assert main["securityContext"]["readOnlyRootFilesystem"] is True
    mounts = {mount["mountPath"]: mount["name"] for mount in main["volumeMounts"]}
    assert {"/models", "/home/modelservice", "/tmp", "/dev/shm"} <= set(mounts)
    assert not any(path == "/root" or path.startswith("/root/") for path in mounts)
    env = {entry["name"]: entry.get("value") for entry in main["env"]}
    assert (env["HOME"], env["HF_HUB_CACHE"]) == ("/home/modelservice", "/models")


def test_the_restricted_switch_keeps_the_users_own_settings(helm: str) -> None:
    values = {
        "restricted": True,
        "podSecurityContext": {"runAsUser": 1234, "fsGroup": 4321},
        "securityContext": {"readOnlyRootFilesystem": False},
        "modelVolume": {"mountPath": "/data"},
    }
    items = objects(helm, values)
    context = pod(items)["securityContext"]
    assert (context["runAsUser"], context["fsGroup"], context["runAsNonRoot"]) == (1234, 4321, True)
    assert server(items)["securityContext"]["readOnlyRootFilesystem"] is False
    assert variables(items)["HF_HUB_CACHE"] == "/data"


def test_a_containers_profile_is_not_added_to_the_pod(helm: str) -> None:
    values = {"securityContext": {"seccompProfile": {"type": "Unconfined"}}, "model": {"name": "Qwen/Qwen3-0.6B"}}
    spec = pod(objects(helm, values))
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["containers"][0]["securityContext"]["seccompProfile"] == {"type": "Unconfined"}
