"""The model volume and the others: nothing downloaded is lost, and what must be writable is."""

from tests.chart.rendering import MODEL, Object, objects, one, pod, server, variables, workload


def volume(items: list[Object], name: str) -> Object:
    (found,) = (item for item in pod(items)["volumes"] if item["name"] == name)
    return found


def mount(items: list[Object], name: str) -> Object:
    (found,) = (item for item in server(items)["volumeMounts"] if item["name"] == name)
    return found


def test_a_new_claim_is_mounted_where_the_hub_caches_and_is_kept(helm: str) -> None:
    items = objects(helm, MODEL)
    claim = one("PersistentVolumeClaim", items)
    # Helm's, and Argo CD's: https://argo-cd.readthedocs.io/en/stable/user-guide/sync-options/
    kept = {"helm.sh/resource-policy": "keep", "argocd.argoproj.io/sync-options": "Prune=false,Delete=false"}
    assert claim["metadata"]["annotations"] == kept
    assert claim["spec"] == {
        "accessModes": ["ReadWriteOnce"],
        "volumeMode": "Filesystem",
        "resources": {"requests": {"storage": "20Gi"}},
    }
    assert volume(items, "model-dir")["persistentVolumeClaim"] == {"claimName": claim["metadata"]["name"]}
    assert mount(items, "model-dir") == {"name": "model-dir", "mountPath": "/root/.cache/huggingface/hub"}
    assert variables(items) == {"HF_HUB_CACHE": "/root/.cache/huggingface/hub"}


def test_a_claim_is_deleted_with_its_release_only_when_that_is_said(helm: str) -> None:
    items = objects(helm, {**MODEL, "modelVolume": {"retain": False}})
    assert "annotations" not in one("PersistentVolumeClaim", items)["metadata"]


def test_an_existing_claim_is_used_and_none_is_made(helm: str) -> None:
    items = objects(helm, {**MODEL, "modelVolume": {"existingClaim": "shared"}})
    assert not [item for item in items if item["kind"] == "PersistentVolumeClaim"]
    assert volume(items, "model-dir")["persistentVolumeClaim"] == {"claimName": "shared"}


def test_a_claim_is_restored_from_a_snapshot(helm: str) -> None:
    source = {"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": "models"}
    items = objects(helm, {**MODEL, "modelVolume": {"dataSource": source, "storageClassName": "fast"}})
    spec = one("PersistentVolumeClaim", items)["spec"]
    assert (spec["dataSource"], spec["storageClassName"]) == (source, "fast")


def test_a_shared_read_only_claim_is_read_only_offline_and_leaves_the_caches_writable(helm: str) -> None:
    items = objects(helm, {**MODEL, "modelVolume": {"existingClaim": "shared", "accessModes": ["ReadOnlyMany"]}})
    assert volume(items, "model-dir")["persistentVolumeClaim"] == {"claimName": "shared", "readOnly": True}
    assert mount(items, "model-dir")["readOnly"] is True
    found = variables(items)
    assert found["HF_HUB_OFFLINE"] == found["VLLM_NO_USAGE_STATS"] == "1"
    assert volume(items, "home")["emptyDir"] == {}
    assert mount(items, "home")["mountPath"] == found["HOME"] == "/home/modelservice"


def test_shared_memory_is_in_memory(helm: str) -> None:
    items = objects(helm, MODEL)
    assert volume(items, "dshm")["emptyDir"] == {"medium": "Memory", "sizeLimit": "16Gi"}
    assert mount(items, "dshm")["mountPath"] == "/dev/shm"
    unlimited = objects(helm, {**MODEL, "sharedMemory": {"sizeLimit": ""}})
    assert volume(unlimited, "dshm")["emptyDir"] == {"medium": "Memory"}
    without = objects(helm, {**MODEL, "sharedMemory": {"enabled": False}})
    assert [item["name"] for item in pod(without)["volumes"]] == ["model-dir"]


def test_each_replica_of_a_statefulset_has_the_claim_that_the_operator_would_make(helm: str) -> None:
    values = {**MODEL, "workload": {"kind": "StatefulSet"}, "replicas": 3, "labels": {"team": "a"}}
    items = objects(helm, values)
    spec = workload(items)["spec"]
    (claim,) = spec["volumeClaimTemplates"]
    # The claims are then called model-dir-modelservice-<name>-0, as those of the LLMOS operator are.
    assert (claim["metadata"]["name"], workload(items)["metadata"]["name"]) == ("model-dir", "modelservice-qwen2-5")
    assert claim["metadata"]["labels"] == spec["selector"]["matchLabels"]
    assert spec["persistentVolumeClaimRetentionPolicy"] == {"whenDeleted": "Retain", "whenScaled": "Retain"}
    assert spec["podManagementPolicy"] == "Parallel"
    assert [item["name"] for item in pod(items)["volumes"]] == ["dshm"]
    assert not [item for item in items if item["kind"] == "PersistentVolumeClaim"]


def test_a_statefulset_deletes_its_claims_only_when_that_is_said(helm: str) -> None:
    items = objects(helm, {**MODEL, "workload": {"kind": "StatefulSet"}, "modelVolume": {"retain": False}})
    assert workload(items)["spec"]["persistentVolumeClaimRetentionPolicy"]["whenDeleted"] == "Delete"


def test_further_volumes_are_taken_as_they_are(helm: str) -> None:
    further = {"name": "adapters", "nfs": {"server": "nfs.example.com", "path": "/lora"}}
    where = {"name": "adapters", "mountPath": "/adapters", "readOnly": True}
    items = objects(helm, {**MODEL, "volumes": [further], "volumeMounts": [where]})
    assert volume(items, "adapters") == further
    assert mount(items, "adapters") == where
