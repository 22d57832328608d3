"""The example for OpenShift is admitted by the SCC restricted-v2, pod by pod.

The SCC is openshift/cluster-kube-apiserver-operator's
bindata/bootkube/scc-manifests/0000_20_kube-apiserver-operator_00_scc-restricted-v2.yaml.
"""

from typing import Any

import pytest
import yaml

from tests.chart.rendering import EXAMPLES, MODEL, Object, objects, one, server, variables

EXAMPLE = yaml.safe_load(next(example for example in EXAMPLES if example.stem == "openshift").read_text())
VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim", "projected"}
VOLUMES |= {"secret"}
HOST = ("hostIPC", "hostNetwork", "hostPID")
# The namespace's ranges of users and groups, which a pod does not know in advance.
GIVEN = ("runAsUser", "fsGroup", "seLinuxOptions")


def pods(items: list[Object]) -> dict[str, Any]:
    """Return the spec of every pod in the objects, by the kind of its object."""
    return {item["kind"]: item["spec"].get("template", item)["spec"] for item in items if _runs(item)}


def _runs(item: Object) -> bool:
    return item["kind"] in ("Deployment", "StatefulSet", "Job", "Pod")


def refused(spec: Object) -> list[str]:
    """Return the fields of a pod that restricted-v2 refuses."""
    found = [key for key in HOST if spec.get(key)]
    found += [name for volume in spec.get("volumes", []) for name in volume if name not in VOLUMES | {"name"}]
    above = spec.get("securityContext", {})
    found += [key for key in GIVEN if key in above]
    for container in [*spec.get("initContainers", []), *spec["containers"]]:
        own = container.get("securityContext", {})
        found += [key for key in GIVEN if key in own]
        found += [key for key in ("privileged", "allowPrivilegeEscalation") if own.get(key, key != "privileged")]
        found += [] if own.get("capabilities", {}).get("drop") == ["ALL"] else ["drop"]
        found += [name for name in own.get("capabilities", {}).get("add", []) if name != "NET_BIND_SERVICE"]
        seccomp = {**above, **own}.get("seccompProfile", {"type": "RuntimeDefault"})
        found += [] if seccomp == {"type": "RuntimeDefault"} else ["seccompProfile"]
        found += ["hostPort" for port in container.get("ports", []) if "hostPort" in port]
    return found


DOWNLOADS: list[Object] = [
    {},
    {"preDownload": "InitContainer"},
    {"preDownload": "Job", "accessModes": ["ReadWriteMany"]},
]


@pytest.mark.parametrize("download", DOWNLOADS, ids=str)
def test_restricted_v2_admits_every_pod(download: Object, helm: str) -> None:
    volume = {**EXAMPLE["modelVolume"], **download}
    found = pods(objects(helm, {**EXAMPLE, "modelVolume": volume}))
    expected = {"Deployment", "Pod"} | ({"Job"} if download.get("preDownload") == "Job" else set())
    assert found.keys() == expected
    assert {kind: refused(spec) for kind, spec in found.items()} == {kind: [] for kind in expected}


def test_restricted_v2_refuses_fixed_ids(helm: str) -> None:
    restricted = {**MODEL, "restricted": True, "modelVolume": {"mountPath": "/models"}}
    assert {*refused(pods(objects(helm, restricted))["Deployment"])} == {"runAsUser", "fsGroup"}


def test_home_and_models_are_on_volumes_for_any_user(helm: str) -> None:
    found = objects(helm, EXAMPLE)
    mounted = {mount["mountPath"] for mount in server(found)["volumeMounts"]}
    assert variables(found)["HOME"] in mounted
    assert variables(found)["HF_HUB_CACHE"] == "/models"
    assert {"/models", "/tmp", "/dev/shm"} <= mounted


def test_the_route_leads_to_the_services_port(helm: str) -> None:
    found = objects(helm, EXAMPLE)
    route, service = one("Route", found)["spec"], one("Service", found)
    assert route["to"]["name"] == service["metadata"]["name"]
    assert route["port"]["targetPort"] in [port["name"] for port in service["spec"]["ports"]]
