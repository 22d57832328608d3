"""Pre-downloads, chat templates, and the compile cache."""

import pytest

from tests.chart.rendering import MODEL, Object, notes, objects, one, pod, server, variables, workload

JOB: Object = {**MODEL, "modelVolume": {"accessModes": ["ReadWriteMany"], "preDownload": "Job"}}


def job_name(values: Object, helm: str) -> str:
    return str(one("Job", objects(helm, values))["metadata"]["name"])


def test_an_init_container_downloads_into_the_model_volume(helm: str) -> None:
    token = {"tokenSecret": {"name": "hf-token"}}
    items = objects(helm, {**MODEL, "modelVolume": {"preDownload": "InitContainer"}, "huggingFace": token})
    (container,) = pod(items)["initContainers"]
    assert (container["name"], container["image"]) == ("download-model", server(items)["image"])
    assert container["volumeMounts"] == [{"name": "model-dir", "mountPath": "/root/.cache/huggingface/hub"}]
    names = {entry["name"] for entry in container["env"]}
    assert {"HF_HUB_CACHE", "HF_TOKEN"} <= names
    assert not names & {"HF_HUB_OFFLINE", "VLLM_API_KEY"}
    assert "limits" in container["resources"]
    assert "nvidia.com/gpu" not in container["resources"]["limits"]


@pytest.mark.parametrize("way", ["InitContainer", "Job"])
def test_the_download_gets_the_users_mounts_and_no_gpu(way: str, helm: str) -> None:
    values: Object = {
        **MODEL,
        "modelVolume": {
            "accessModes": ["ReadWriteMany"],
            "preDownload": way,
            "download": {"resources": {"limits": {"memory": "", "cpu": ""}, "requests": {"memory": "512Mi"}}},
        },
        "env": [{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}, {"name": "CUDA_VISIBLE_DEVICES", "value": "1"}],
        "envFrom": [{"configMapRef": {"name": "proxies"}}],
        "volumes": [
            {"name": "ca", "configMap": {"name": "ca"}},
            {"name": "adapters", "persistentVolumeClaim": {"claimName": "adapters"}},
            {"name": "of-a-sidecar", "emptyDir": {}},
        ],
        "volumeMounts": [{"name": "ca", "mountPath": "/ca"}, {"name": "adapters", "mountPath": "/adapters"}],
    }
    items = objects(helm, values)
    spec = one("Job", items)["spec"]["template"]["spec"] if way == "Job" else pod(items)
    (download,) = spec["containers"] if way == "Job" else spec["initContainers"]
    names = {entry["name"]: entry["value"] for entry in download["env"]}
    assert (names["HTTPS_PROXY"], names["NVIDIA_VISIBLE_DEVICES"]) == ("http://proxy:3128", "void")
    assert "CUDA_VISIBLE_DEVICES" not in names
    assert download["envFrom"] == values["envFrom"]
    assert download["resources"] == {"requests": {"cpu": "1", "memory": "512Mi"}}
    # With a claim that only one node can mount, the Job could block the pods that wait for it.
    claimed = ["adapters"] if way == "InitContainer" else []
    assert [item["name"] for item in download["volumeMounts"]] == ["model-dir", "ca", *claimed]
    if way == "Job":
        assert [item["name"] for item in spec["volumes"]] == ["model-dir", "ca"]


def test_a_job_downloads_and_the_pods_wait_without_credentials(helm: str) -> None:
    values = {**JOB, "huggingFace": {"tokenSecret": {"name": "hf-token"}}}
    items = objects(helm, values)
    job = one("Job", items)["spec"]["template"]
    (download,), (wait,) = job["spec"]["containers"], pod(items)["initContainers"]
    marker = {entry["name"]: entry.get("value") for entry in download["env"]}["MARKER"]
    assert marker.startswith("/root/.cache/huggingface/hub/.downloaded-")
    assert {"name": "MARKER", "value": marker} in wait["env"]
    assert not any("valueFrom" in entry for entry in wait["env"])
    assert wait["volumeMounts"][0]["readOnly"] is True
    selector = one("Service", items)["spec"]["selector"]
    assert not selector.items() <= job["metadata"]["labels"].items()


def test_a_read_only_server_is_offline_and_its_download_job_is_not(helm: str) -> None:
    items = objects(helm, {**MODEL, "modelVolume": {**JOB["modelVolume"], "readOnly": True}})
    assert variables(items)["HF_HUB_OFFLINE"] == "1"
    names = {entry["name"] for entry in one("Job", items)["spec"]["template"]["spec"]["containers"][0]["env"]}
    assert "HF_HUB_OFFLINE" not in names


@pytest.mark.parametrize(
    "other",
    [
        {"model": {"name": "Qwen/Qwen3-1.7B"}},
        {"model": {**MODEL["model"], "revision": "v2"}},
        {"image": {"tag": "v0.32.0"}},
    ],
)
def test_another_model_revision_or_image_makes_another_job(other: Object, helm: str) -> None:
    assert job_name({**JOB, **other}, helm) != job_name(JOB, helm)


def test_settings_that_do_not_affect_the_download_leave_the_job_unchanged(helm: str) -> None:
    changed = {
        **JOB,
        "replicas": 3,
        "args": ["--max-model-len=4096"],
        "env": [{"name": "VLLM_LOGGING_LEVEL", "value": "DEBUG"}],
    }
    assert job_name(changed, helm) == job_name(JOB, helm)
    assert len(job_name({**JOB, "nameOverride": "a" * 40}, helm)) <= 63


def test_a_pre_download_gets_the_budget_a_second_time(helm: str) -> None:
    values = {**MODEL, "startupSeconds": 1200, "modelVolume": {"preDownload": "InitContainer"}}
    assert workload(objects(helm, values))["spec"]["progressDeadlineSeconds"] == 1200 + 1200 + 600
    assert "--timeout 3120s" in notes(helm, values)


def test_a_chat_template_is_mounted_unchanged_and_another_one_restarts_the_pods(helm: str) -> None:
    text = "{% for m in messages %}{{ m.content }}\n{% endfor %}"
    items = objects(helm, {**MODEL, "model": {"name": "facebook/opt-125m", "chatTemplate": text}})
    assert one("ConfigMap", items)["data"] == {"template.jinja": text}
    assert "--chat-template=/etc/modelservice/chat-template/template.jinja" in server(items)["args"]
    other = objects(helm, {**MODEL, "model": {"name": "facebook/opt-125m", "chatTemplate": f"{text} "}})
    sums = [workload(one)["spec"]["template"]["metadata"]["annotations"] for one in (items, other)]
    assert sums[0] != sums[1]


@pytest.mark.parametrize(
    ("cache", "folder"),
    [
        ({"volume": "model"}, "/root/.cache/huggingface/hub/.compile-cache"),
        ({"volume": "own"}, "/var/cache/modelservice"),
        ({"volume": "own", "existingClaim": "compiled"}, "/var/cache/modelservice"),
    ],
)
def test_all_compile_caches_are_in_the_volume(cache: Object, folder: str, helm: str) -> None:
    items = objects(helm, {**MODEL, "compileCache": cache})
    assert {name: variables(items)[name] for name in variables(items) if name != "HF_HUB_CACHE"} == {
        "VLLM_CACHE_ROOT": f"{folder}/vllm",
        "TRITON_CACHE_DIR": f"{folder}/triton",
        "TORCHINDUCTOR_CACHE_DIR": f"{folder}/torchinductor",
        "FLASHINFER_WORKSPACE_BASE": folder,
    }
    claims = [item["metadata"]["name"] for item in items if item["kind"] == "PersistentVolumeClaim"]
    assert len(claims) == (2 if cache == {"volume": "own"} else 1)


def test_a_revision_pins_what_is_served(helm: str) -> None:
    items = objects(helm, {**MODEL, "model": {**MODEL["model"], "revision": "c1899de"}})
    assert "--revision=c1899de" in server(items)["args"]
