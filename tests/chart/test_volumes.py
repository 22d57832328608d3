"""The model volume and other volumes: no download is lost, and all necessary paths are writable."""

import pytest

from tests.chart.rendering import MODEL, Object, objects, one, pod, server, variables, workload


def volume(items: list[Object], name: str) -> Object:
    (found,) = (item for item in pod(items)["volumes"] if item["name"] == name)
    return found


def mount(items: list[Object], name: str) -> Object:
    (found,) = (item for item in server(items)["volumeMounts"] if item["name"] == name)
    return found


def test_a_new_claim_is_mounted_at_the_hub_cache_and_is_kept(helm: str) -> None:
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
    assert variables(items)["HF_HUB_CACHE"] == "/root/.cache/huggingface/hub"


def test_a_claim_is_deleted_with_its_release_only_if_retain_is_false(helm: str) -> None:
    items = objects(helm, {**MODEL, "modelVolume": {"retain": False}})
    assert "annotations" not in one("PersistentVolumeClaim", items)["metadata"]


def test_an_existing_claim_is_used_and_no_claim_is_made(helm: str) -> None:
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
    assert volume(items, "modelservice-home")["emptyDir"] == {}
    assert mount(items, "modelservice-home")["mountPath"] == found["HOME"] == "/home/modelservice"


def test_shared_memory_is_in_memory(helm: str) -> None:
    items = objects(helm, MODEL)
    assert volume(items, "dshm")["emptyDir"] == {"medium": "Memory", "sizeLimit": "16Gi"}
    assert mount(items, "dshm")["mountPath"] == "/dev/shm"
    unlimited = objects(helm, {**MODEL, "sharedMemory": {"sizeLimit": ""}})
    assert volume(unlimited, "dshm")["emptyDir"] == {"medium": "Memory"}
    without = objects(helm, {**MODEL, "sharedMemory": {"enabled": False}})
    assert [item["name"] for item in pod(without)["volumes"]] == ["model-dir"]


def test_each_replica_of_a_statefulset_has_the_same_claim_as_under_the_operator(helm: str) -> None:
    values = {**MODEL, "workload": {"kind": "StatefulSet"}, "replicas": 3, "labels": {"team": "a"}}
    items = objects(helm, values)
    spec = workload(items)["spec"]
    (claim,) = spec["volumeClaimTemplates"]
    # The claims are then called model-dir-modelservice-<name>-0, like the LLMOS operator's.
    assert (claim["metadata"]["name"], workload(items)["metadata"]["name"]) == ("model-dir", "modelservice-qwen2-5")
    assert claim["metadata"]["labels"] == spec["selector"]["matchLabels"]
    assert spec["persistentVolumeClaimRetentionPolicy"] == {"whenDeleted": "Retain", "whenScaled": "Retain"}
    assert spec["podManagementPolicy"] == "Parallel"
    assert [item["name"] for item in pod(items)["volumes"]] == ["dshm"]
    assert not [item for item in items if item["kind"] == "PersistentVolumeClaim"]


def test_a_statefulset_deletes_its_claims_only_if_retain_is_false(helm: str) -> None:
    items = objects(helm, {**MODEL, "workload": {"kind": "StatefulSet"}, "modelVolume": {"retain": False}})
    assert workload(items)["spec"]["persistentVolumeClaimRetentionPolicy"]["whenDeleted"] == "Delete"


def test_other_volumes_are_used_unchanged(helm: str) -> None:
    further = {"name": "adapters", "nfs": {"server": "nfs.example.com", "path": "/lora"}}
    where = {"name": "adapters", "mountPath": "/adapters", "readOnly": True}
    items = objects(helm, {**MODEL, "volumes": [further], "volumeMounts": [where]})
    assert volume(items, "adapters") == further
    assert mount(items, "adapters") == where


KINDS = [
    {"emptyDir": {"sizeLimit": "50Gi"}},
    {"hostPath": {"path": "/data/models", "type": "Directory"}},
    {"nfs": {"server": "nas.example.com", "path": "/models"}},
    {"csi": {"driver": "gcsfuse.csi.storage.gke.io", "volumeAttributes": {"bucketName": "models"}}},
    {"persistentVolumeClaim": {"claimName": "models"}},
]


@pytest.mark.parametrize("source", KINDS, ids=lambda source: next(iter(source)))
@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet"])
def test_any_volume_can_replace_the_claim(source: Object, kind: str, helm: str) -> None:
    items = objects(helm, {**MODEL, "modelVolume": {"volume": source, "subPath": "hub"}, "workload": {"kind": kind}})
    assert volume(items, "model-dir") == {"name": "model-dir", **source}
    assert mount(items, "model-dir")["subPath"] == "hub"
    assert not [item for item in items if item["kind"] == "PersistentVolumeClaim"]
    assert "volumeClaimTemplates" not in workload(items)["spec"]


def test_replicas_without_a_claim_need_no_read_write_many_and_roll(helm: str) -> None:
    values = {**MODEL, "replicas": 3, "modelVolume": {"volume": {"emptyDir": {}}}}
    assert workload(objects(helm, values))["spec"]["strategy"]["type"] == "RollingUpdate"


@pytest.mark.parametrize(
    "source",
    [{"image": {"reference": "example.com/model:1"}}, {"nfs": {"server": "nas", "path": "/models", "readOnly": True}}],
)
def test_a_read_only_volume_is_mounted_read_only_and_offline(source: Object, helm: str) -> None:
    items = objects(helm, {**MODEL, "modelVolume": {"volume": source}})
    assert mount(items, "model-dir")["readOnly"] is True
    assert variables(items)["HF_HUB_OFFLINE"] == "1"
    assert "VLLM_CACHE_ROOT" not in variables(items)


@pytest.mark.parametrize("enabled", [False, ""])
@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet"])
def test_no_unused_claim_is_made(enabled: object, kind: str, helm: str) -> None:
    elsewhere: Object = {
        "model": {"name": "/weights/qwen", "source": "local"},
        "volumes": [{"name": "weights", "hostPath": {"path": "/data"}}],
        "volumeMounts": [{"name": "weights", "mountPath": "/weights"}],
        "modelVolume": {"enabled": enabled},
        "workload": {"kind": kind},
    }
    items = objects(helm, elsewhere)
    assert "PersistentVolumeClaim" not in {item["kind"] for item in items}
    assert "volumeClaimTemplates" not in workload(items)["spec"]
    assert {item["name"] for item in pod(items)["volumes"]} == {"weights", "dshm"}
    # Nothing else refers to the volume: no variable, and no compile cache.
    assert "env" not in server(items)


def test_a_claim_is_made_if_something_uses_the_model_volume(helm: str) -> None:
    fills = {"name": "copy", "image": "x:1", "volumeMounts": [{"name": "model-dir", "mountPath": "/out"}]}
    elsewhere = {"model": {"name": "/weights/qwen", "source": "local"}, "volumes": [], "volumeMounts": []}
    weights: Object = {
        "volumes": [{"name": "weights", "hostPath": {"path": "/data"}}],
        "volumeMounts": [{"name": "weights", "mountPath": "/weights"}],
    }
    for use in (
        {"initContainers": [fills]},
        {"args": ["--lora-modules=a=/root/.cache/huggingface/hub/a"]},
        {"compileCache": {"volume": "model"}},
        {"modelVolume": {"enabled": True}},
    ):
        items = objects(helm, {**elsewhere, **weights, **use})
        assert one("PersistentVolumeClaim", items)


@pytest.mark.parametrize("path", ["/root/.cache/huggingface/hub/", "/root/.cache/huggingface", "/root/.cache"])
def test_a_user_volume_at_the_mount_path_replaces_the_model_volume(path: str, helm: str) -> None:
    values: Object = {
        **MODEL,
        "volumes": [{"name": "cache", "hostPath": {"path": "/data"}}],
        "volumeMounts": [{"name": "cache", "mountPath": path}],
    }
    items = objects(helm, values)
    assert [item["name"] for item in server(items)["volumeMounts"]] == ["dshm", "cache"]
    assert variables(items) == {"HF_HUB_CACHE": "/root/.cache/huggingface/hub"}


@pytest.mark.parametrize(
    ("volume_values", "env", "cache"),
    [
        ({"mountPath": "/root/.cache"}, [], "/root/.cache/huggingface/hub"),
        ({"mountPath": "/root/.cache/huggingface/"}, [], "/root/.cache/huggingface/hub"),
        ({"mountPath": "/root/.cache/huggingface-2"}, [], "/root/.cache/huggingface-2"),
        ({"mountPath": "/models"}, [], "/models"),
        ({"mountPath": "/cache"}, [{"name": "HF_HOME", "value": "/cache/hf"}], None),
        ({}, [{"name": "HF_HUB_CACHE", "value": "/root/.cache/huggingface/hub/x"}], "/root/.cache/huggingface/hub/x"),
    ],
)
def test_the_cache_path_follows_the_library_or_the_user(
    volume_values: Object, env: list[Object], cache: str | None, helm: str
) -> None:
    items = objects(helm, {**MODEL, "modelVolume": {"existingClaim": "models", **volume_values}, "env": env})
    assert variables(items).get("HF_HUB_CACHE") == cache


def test_only_a_deployments_claim_has_labels_and_annotations(helm: str) -> None:
    extra = {"labels": {"backup": "no"}, "annotations": {"a.example.com/b": "c"}}
    claim = one("PersistentVolumeClaim", objects(helm, {**MODEL, "modelVolume": extra}))["metadata"]
    assert claim["labels"]["backup"] == "no"
    assert claim["annotations"]["a.example.com/b"] == "c"
    assert claim["annotations"]["helm.sh/resource-policy"] == "keep"
    plain, labelled = (
        objects(helm, {**MODEL, "workload": {"kind": "StatefulSet"}, "modelVolume": volume}) for volume in ({}, extra)
    )
    assert workload(plain) == workload(labelled)


@pytest.mark.parametrize(
    ("values", "kept"),
    [
        ({}, True),
        ({"workload": {"kind": "StatefulSet"}, "replicas": 2}, True),
        ({"modelVolume": {"volume": {"emptyDir": {}}}, "replicas": 2}, True),
        ({"modelVolume": {"accessModes": ["ReadWriteMany"]}}, False),
        ({"modelVolume": {"accessModes": ["ReadWriteMany"]}, "replicas": 2}, False),
        ({"modelVolume": {"volume": {"hostPath": {"path": "/data"}}}}, False),
        ({"modelVolume": {"existingClaim": "models", "readOnly": True}}, False),
        ({"modelVolume": {"enabled": False}}, False),
        ({"env": [{"name": "TRITON_CACHE_DIR", "value": "/tmp/triton"}]}, False),
        ({"compileCache": {"volume": ""}}, False),
    ],
)
def test_compiled_files_are_kept_if_a_single_pod_writes(values: Object, kept: bool, helm: str) -> None:
    found = variables(objects(helm, {**MODEL, **values})) if values != {"modelVolume": {"enabled": False}} else {}
    assert ("VLLM_CACHE_ROOT" in found) is kept


def test_a_private_authority_is_trusted_by_the_server_and_the_download(helm: str) -> None:
    values = {**MODEL, "modelVolume": {"preDownload": "InitContainer"}, "caBundle": {"secret": "ca", "key": "all.pem"}}
    items = objects(helm, values)
    assert volume(items, "modelservice-ca") == {"name": "modelservice-ca", "secret": {"secretName": "ca"}}
    for container in (server(items), *pod(items)["initContainers"]):
        names = {entry["name"]: entry.get("value") for entry in container["env"]}
        for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE"):
            assert names[name] == "/etc/modelservice/ca/all.pem"
        mounts = {item["name"]: item for item in container["volumeMounts"]}
        assert mounts["modelservice-ca"]["mountPath"] == "/etc/modelservice/ca"


@pytest.mark.parametrize(
    ("values", "added"),
    [
        ({}, ["DAC_OVERRIDE"]),
        ({"securityContext": {"capabilities": {"drop": ["ALL"], "add": []}}}, []),
        ({"securityContext": {"capabilities": {"add": ["SYS_PTRACE"]}}}, ["SYS_PTRACE"]),
        ({"securityContext": {"capabilities": {"drop": []}}}, None),
        ({"podSecurityContext": {"runAsUser": 2000}, "modelVolume": {"mountPath": "/models"}}, None),
        ({"podSecurityContext": {"runAsUser": ""}, "modelVolume": {"mountPath": "/models"}}, None),
        ({"restricted": True}, None),
        ({"containerPort": 80}, ["DAC_OVERRIDE", "NET_BIND_SERVICE"]),
        ({"containerPort": 80, "restricted": True}, None),
    ],
)
def test_root_can_write_to_a_volume_that_another_user_filled(values: Object, added: object, helm: str) -> None:
    items = objects(helm, {**MODEL, **values})
    assert server(items)["securityContext"]["capabilities"].get("add") == added


def test_an_id_left_to_the_namespace_is_not_treated_as_root(helm: str) -> None:
    values = {**MODEL, "podSecurityContext": {"runAsUser": "", "fsGroup": ""}, "modelVolume": {"mountPath": "/models"}}
    items = objects(helm, values)
    assert variables(items)["HOME"] == "/home/modelservice"
    assert not {"runAsUser", "fsGroup"} & pod(items)["securityContext"].keys()
