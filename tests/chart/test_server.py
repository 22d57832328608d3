"""The container that serves: command, arguments, variables, GPUs, start and stop."""

import re

import pytest

from tests.chart.rendering import CPU, MODEL, Object, notes, objects, one, pod, server, variables, workload


def arguments(helm: str, values: Object) -> list[str]:
    found: list[str] = server(objects(helm, {**MODEL, **values}))["args"]
    return found


def test_the_command_is_explicit_so_that_the_images_entrypoint_does_not_matter(helm: str) -> None:
    assert server(objects(helm, MODEL))["command"] == ["vllm", "serve", "Qwen/Qwen3-0.6B"]
    command = ["/opt/vllm", "serve", "Qwen/Qwen3-0.6B"]
    assert server(objects(helm, {**MODEL, "command": command}))["command"] == command


def test_the_server_listens_on_the_port_of_the_service_and_the_probes(helm: str) -> None:
    items = objects(helm, MODEL)
    assert "--port=8000" in server(items)["args"]
    assert server(items)["ports"] == [{"name": "http", "containerPort": 8000, "protocol": "TCP"}]
    assert one("Service", items)["spec"]["ports"] == [
        {"name": "http", "port": 8000, "targetPort": "http", "protocol": "TCP"}
    ]
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert server(items)[probe]["httpGet"] == {"path": "/health", "port": "http"}


@pytest.mark.parametrize(
    ("count", "args", "expected"),
    [
        (1, [], []),
        (2, [], ["--tensor-parallel-size=2"]),
        (4, ["--seed=1"], ["--tensor-parallel-size=4"]),
        (4, ["--tensor-parallel-size=4"], []),
        (4, ["--tensor_parallel_size", "4"], []),
        (4, ["-tp", "4"], []),
        (4, ["-tp=4"], []),
        (4, ["--pipeline-parallel-size=4"], []),
        (4, ["--data-parallel-size", "4"], []),
    ],
)
def test_the_model_is_split_over_all_gpus_unless_an_argument_says_how(
    count: int, args: list[str], expected: list[str], helm: str
) -> None:
    found = arguments(helm, {"gpu": {"count": count}, "args": args})
    assert [argument for argument in found[: len(found) - len(args)] if "parallel" in argument] == expected


def test_gpus_are_in_requests_and_limits(helm: str) -> None:
    resources = server(objects(helm, {**MODEL, "gpu": {"count": 2}}))["resources"]
    assert resources == {
        "requests": {"cpu": "4", "memory": "10Gi", "nvidia.com/gpu": "2"},
        "limits": {"cpu": "8", "memory": "16Gi", "nvidia.com/gpu": "2"},
    }


def test_without_a_gpu_there_is_no_runtime_class_and_no_gpu_resource(helm: str) -> None:
    items = objects(helm, {**MODEL, **CPU})
    assert "runtimeClassName" not in pod(items)
    assert set(server(items)["resources"]["limits"]) == {"cpu", "memory"}
    assert pod(objects(helm, MODEL))["runtimeClassName"] == "nvidia"
    assert "runtimeClassName" not in pod(objects(helm, {**MODEL, "runtimeClassName": ""}))


def test_slices_are_requested_from_volcano(helm: str) -> None:
    items = objects(helm, {**MODEL, "gpu": {"count": 2, "vgpu": {"enabled": True, "memoryMiB": 8000, "cores": 25}}})
    assert pod(items)["schedulerName"] == "volcano"
    limits = server(items)["resources"]["limits"]
    assert {name: limits[name] for name in limits if "/" in name} == {
        "volcano.sh/vgpu-number": "2",
        "volcano.sh/vgpu-memory": "8000",
        "volcano.sh/vgpu-cores": "25",
    }
    assert "--tensor-parallel-size=2" in server(items)["args"]


@pytest.mark.parametrize(
    ("count", "args", "expected"),
    [
        (1, [], []),
        (2, [], ["--disable-custom-all-reduce"]),
        (2, ["--no-disable-custom-all-reduce"], ["--no-disable-custom-all-reduce"]),
    ],
)
def test_a_model_split_over_slices_disables_custom_all_reduce(
    count: int, args: list[str], expected: list[str], helm: str
) -> None:
    found = arguments(helm, {"gpu": {"count": count, "vgpu": {"enabled": True}}, "args": args})
    assert [argument for argument in found if "all-reduce" in argument] == expected


def test_a_runtime_class_alone_gives_the_gpu(helm: str) -> None:
    items = objects(helm, {**MODEL, "gpu": {"count": 2, "resourceName": "", "memory": "64Gi"}})
    assert pod(items)["runtimeClassName"] == "nvidia"
    assert set(server(items)["resources"]["limits"]) == {"cpu", "memory"}
    assert "--tensor-parallel-size=2" in server(items)["args"]


def test_a_resource_claim_replaces_a_gpu_count(helm: str) -> None:
    amounts = {"cpu": "", "memory": ""}
    resources = {"requests": amounts, "limits": amounts, "claims": [{"name": "gpu"}]}
    items = objects(helm, {**MODEL, "gpu": {"count": 0}, "resources": resources})
    assert server(items)["resources"] == {"claims": [{"name": "gpu"}]}
    assert pod(items)["runtimeClassName"] == "nvidia"


def test_a_quantity_given_as_a_number_is_written_as_the_api_server_stores_it(helm: str) -> None:
    values = {
        "resources": {"requests": {"cpu": 2, "memory": 20000000000}, "limits": {"cpu": 2.5, "memory": 20000000000}}
    }
    resources = server(objects(helm, {**MODEL, **values}))["resources"]
    assert (resources["requests"]["cpu"], resources["limits"]["cpu"]) == ("2", "2.5")
    assert resources["requests"]["memory"] == "20000000000"


EMBED_NEW, EMBED_OLD = ["--runner=pooling", "--convert=embed"], ["--task=embedding"]
DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("image", "embed", "drains"),
    [
        ({"tag": "v0.6.4"}, EMBED_OLD, False),  # its choices are auto, generate and embedding
        ({"tag": "v0.10.0"}, EMBED_OLD, False),
        ({"tag": "v0.10.1.1"}, EMBED_NEW, False),
        ({"tag": "v0.17.1"}, EMBED_NEW, False),
        ({"tag": "v0.18.1"}, EMBED_NEW, True),
        ({"tag": "v0.19.1-cu130"}, EMBED_NEW, True),
        ({"tag": "v0.20.0rc1"}, EMBED_NEW, True),
        ({"tag": "v0.34.1"}, EMBED_NEW, True),
        ({"repository": "registry.example.com/mirror/vllm-openai", "tag": "v0.18.1"}, EMBED_NEW, True),
        ({"registry": "registry.example.com/hub", "tag": "v0.10.0"}, EMBED_OLD, False),
        ({"repository": "vllm/vllm-openai-rocm", "tag": "v0.18.1"}, EMBED_NEW, True),
        ({"repository": "rocm/vllm", "tag": "rocm7.0.0_vllm_0.10.0"}, EMBED_OLD, False),
        ({"tag": "v0.10.0.99999999999999999999"}, EMBED_OLD, False),
        *(
            (image, [], False)
            for image in (
                {"tag": "latest"},
                {"tag": "nightly-abc"},
                {"tag": "2026.08.09"},
                {"tag": "v99999999999999999999999.0.0"},
                {"tag": "v0.99999999999999999999.0"},
                {"tag": "", "digest": DIGEST},
                {"repository": "ghcr.io/llm-d/llm-d-cuda", "tag": "v0.4.0"},
                {"repository": "lmcache/vllm-openai", "tag": "v0.3.5"},
                {"repository": "vllm-openai", "registry": "docker.io/lmcache", "tag": "v0.20.2"},
                {"repository": "registry.redhat.io/rhaiis/vllm-cuda-rhel9", "tag": "3.2.1"},
                {"repository": "nvcr.io/nvidia/vllm", "tag": "26.01.1-py3"},
                {"repository": "vllm/vllm-tpu", "tag": "nightly"},
                {"repository": "public.ecr.aws/x/vllm-neuron", "tag": "0.11.0-optimum-neuron"},
                {"repository": "us-docker.pkg.dev/example/qwen-ft", "tag": "v0.20.2-1"},
            )
        ),
    ],
)
def test_flags_follow_the_release_in_the_tag(image: Object, embed: list[str], drains: bool, helm: str) -> None:
    found = arguments(helm, {"image": image, "model": {"name": "BAAI/bge-m3", "task": "embedding"}})
    assert found == ["--port=8000", *embed, *(["--shutdown-timeout=100"] if drains else [])]


@pytest.mark.parametrize(
    ("values", "version"),
    [
        ({"image": {"tag": "v0.18.1-cu130"}}, "0.18.1"),
        ({"image": {"tag": "v0.10.1.1"}}, "0.10.1.1"),
        ({"image": {"tag": "rocm6.4.1_vllm_0.10.1_20250909"}}, "0.10.1"),
        ({"image": {"tag": "main"}, "vllmVersion": "0.10.1.1"}, "0.10.1.1"),
        ({"image": {"repository": "ghcr.io/llm-d/llm-d-cuda", "tag": "v0.4.0"}}, "v0.4.0"),
        ({"image": {"repository": "ghcr.io/llm-d/llm-d-cuda", "tag": "v0.4.0"}, "vllmVersion": "0.20.2"}, "0.20.2"),
        ({"image": {"tag": "x" * 64 + "."}}, "x" * 63),
        ({"image": {"tag": "", "digest": DIGEST}}, None),
    ],
)
def test_the_version_label_is_the_release_or_the_tag_and_not_a_guess(
    values: Object, version: str | None, helm: str
) -> None:
    labels = workload(objects(helm, {**MODEL, **values}))["metadata"]["labels"]
    assert labels.get("app.kubernetes.io/version") == version


@pytest.mark.parametrize("name", ["s3://models/qwen3-8b", "gs://models/a/b", "az://models/q", "/opt/model"])
def test_a_model_in_an_object_store_or_in_the_image_is_served_where_it_is(name: str, helm: str) -> None:
    inside = {"source": "local"} if name.startswith("/") else {}
    values = {"model": {"name": name, **inside}, "image": {"repository": "example.com/baked", "tag": "7"}}
    found = objects(helm, {**values, "networkPolicy": {"enabled": True}})
    assert server(found)["command"] == ["vllm", "serve", name]
    ports = [port["port"] for way in one("NetworkPolicy", found)["spec"]["egress"] for port in way["ports"]]
    assert ports == ([53, 53] if inside else [53, 53, 443])


def test_vllm_version_overrides_the_tag(helm: str) -> None:
    values = {"image": {"tag": "v0.33.0"}, "vllmVersion": "0.10.0", "model": {"name": "BAAI/bge-m3", "task": "score"}}
    assert arguments(helm, values) == ["--port=8000", "--task=score"]


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ({}, "vllm/vllm-openai:v0.33.0"),
        ({"registry": "registry.example.com:5000"}, "registry.example.com:5000/vllm/vllm-openai:v0.33.0"),
        ({"registry": "r.example.com", "repository": "ghcr.io/a/b"}, "ghcr.io/a/b:v0.33.0"),
        ({"registry": "r.example.com", "repository": "localhost/b"}, "localhost/b:v0.33.0"),
        ({"registry": "r.example.com", "repository": "vllm"}, "r.example.com/vllm:v0.33.0"),
        ({"tag": "", "digest": DIGEST}, f"vllm/vllm-openai@{DIGEST}"),
        ({"digest": DIGEST}, f"vllm/vllm-openai:v0.33.0@{DIGEST}"),
    ],
)
def test_a_registry_is_added_to_a_repository_without_a_host(image: Object, expected: str, helm: str) -> None:
    assert server(objects(helm, {**MODEL, "image": image}))["image"] == expected


def expanded(text: str, env: dict[str, str]) -> str:
    """Return an argument as Kubernetes expands it: $(NAME) of a variable is replaced, $$ is $, other $ are kept."""
    return re.sub(
        r"\$(\$|\(([^)]*)\))",
        lambda found: "$" if found[1] == "$" else env.get(found[2], found[0]),
        text,
    )


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("--a=$(POD_IP)", "--a=10.0.0.1"),
        ("--a=$(HF_HUB_CACHE)", "--a=$(HF_HUB_CACHE)"),
        ("--a=$5 and $$5", "--a=$5 and $$5"),
        ('--b={"x": "$(POD_IP):$1", "y": [1, 2]}', '--b={"x": "10.0.0.1:$1", "y": [1, 2]}'),
        ("--c=two\nlines: #no comment", "--c=two\nlines: #no comment"),
    ],
)
def test_the_process_gets_the_argument_unchanged(written: str, meant: str, helm: str) -> None:
    values = {"args": [written], "env": [{"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}]}
    rendered = arguments(helm, values)[-1]
    assert expanded(rendered, {"POD_IP": "10.0.0.1", "HF_HUB_CACHE": "/models"}) == meant


def test_values_of_variables_stay_text(helm: str) -> None:
    env = [{"name": "A", "value": "yes"}, {"name": "B", "value": "1"}, {"name": "C", "value": "{{ .Values.x }}"}]
    items = objects(helm, {**MODEL, "env": env})
    assert server(items)["env"][-3:] == env


def test_fields_become_their_flags(helm: str) -> None:
    model = {"name": "a/b", "servedName": "on", "reasoningParser": "qwen3", "toolCallParser": "hermes"}
    found = arguments(helm, {"model": model, "image": {"tag": "v0.17.1"}})
    expected = [
        "--served-model-name=on",
        "--reasoning-parser=qwen3",
        "--enable-auto-tool-choice",
        "--tool-call-parser=hermes",
    ]
    assert found == ["--port=8000", *expected]


def test_several_names_are_one_flag_and_the_notes_use_the_first(helm: str) -> None:
    values = {"model": {"name": "a/b", "servedName": ["qwen3", "gpt-4o"], "reasoningParser": "qwen3"}}
    found = arguments(helm, values)
    # vLLM reads everything up to the next flag as a name, so a flag must follow.
    assert found[:5] == ["--served-model-name", "qwen3", "gpt-4o", "--port=8000", "--reasoning-parser=qwen3"]
    test = one("Pod", objects(helm, values))["spec"]["containers"][0]["env"]
    assert {"name": "MODEL", "value": "qwen3"} in test
    assert "The model name to send: qwen3 or gpt-4o." in notes(helm, values)


def test_tokens_come_from_a_secret(helm: str) -> None:
    values = {"huggingFace": {"tokenSecret": {"name": "hf", "key": "t"}, "endpoint": "https://hf-mirror.com"}}
    found = variables(objects(helm, {**MODEL, **values}))
    assert found["HF_TOKEN"] == found["HUGGING_FACE_HUB_TOKEN"] == {"secretKeyRef": {"name": "hf", "key": "t"}}
    assert found["HF_ENDPOINT"] == "https://hf-mirror.com"


def test_modelscope_downloads_into_the_model_volume(helm: str) -> None:
    found = variables(objects(helm, {"model": {"name": "a/b", "source": "modelscope"}}))
    assert found["VLLM_USE_MODELSCOPE"] == "True"
    assert found["MODELSCOPE_CACHE"] == "/root/.cache/huggingface/hub"


@pytest.mark.parametrize(
    ("values", "seconds"),
    [
        ({}, 1800),
        ({"startupSeconds": 605}, 605),
        ({"startupSeconds": 900, "probes": {"startup": {"periodSeconds": 7}}}, 900),
        ({"probes": {"startup": {"initialDelaySeconds": 60, "periodSeconds": 10, "failureThreshold": 30}}}, 360),
    ],
)
def test_the_start_up_budget_is_one_number(values: Object, seconds: int, helm: str) -> None:
    items = objects(helm, {**MODEL, **values})
    probe = server(items)["startupProbe"]
    budget = probe.get("initialDelaySeconds", 0) + probe["periodSeconds"] * probe["failureThreshold"]
    assert seconds <= budget < seconds + probe["periodSeconds"]
    deadline = workload(items)["spec"]["progressDeadlineSeconds"]
    assert deadline == budget + 600
    timeout = int(re.search(r"--timeout (\d+)s", notes(helm, {**MODEL, **values}))[1])
    assert timeout == deadline + 120


def test_the_users_probe_handler_replaces_the_default(helm: str) -> None:
    items = objects(helm, {**MODEL, "probes": {"liveness": {"tcpSocket": {"port": 8000}, "periodSeconds": 30}}})
    assert server(items)["livenessProbe"] == {
        "tcpSocket": {"port": 8000}, "periodSeconds": 30, "timeoutSeconds": 15, "failureThreshold": 10,
    }  # fmt: skip


def test_the_liveness_probe_spares_a_saturated_server_and_restarts_a_dead_one(helm: str) -> None:
    container = server(objects(helm, MODEL))
    # llm-d/llm-d-benchmark#1734: 15 seconds, 10 times; gonka-ai/gonka#1421: 2 seconds kill healthy servers, 10 do not.
    probe = container["livenessProbe"]
    assert probe["timeoutSeconds"] >= 15
    assert 120 <= probe["periodSeconds"] * probe["failureThreshold"] <= 300
    assert container["readinessProbe"]["timeoutSeconds"] >= 10
    often = server(objects(helm, {**MODEL, "probes": {"liveness": {"periodSeconds": 5}}}))["livenessProbe"]
    assert (often["periodSeconds"], often["timeoutSeconds"]) == (5, 5)


@pytest.mark.parametrize("name", ["startup", "readiness", "liveness"])
def test_a_probe_is_switched_off(name: str, helm: str) -> None:
    off, plain = objects(helm, {**MODEL, "probes": {name: {"enabled": False}}}), objects(helm, MODEL)
    assert server(off) == {key: value for key, value in server(plain).items() if key != f"{name}Probe"}
    assert objects(helm, {**MODEL, "probes": {name: {"enabled": True}}}) == plain
    assert workload(off)["spec"].get("progressDeadlineSeconds") == 2400  # the rollout still has the budget


@pytest.mark.parametrize(("written", "scheme"), [({}, "HTTPS"), ({"scheme": "HTTP"}, "HTTP")], ids=str)
def test_the_users_probe_uses_the_servers_scheme(written: Object, scheme: str, helm: str) -> None:
    asked = {"path": "/ping", "port": "http", **written}
    values = {**MODEL, "tls": {"secretName": "pod-tls"}, "probes": {"readiness": {"httpGet": asked}}}
    assert server(objects(helm, values))["readinessProbe"]["httpGet"] == {**asked, "scheme": scheme}


@pytest.mark.parametrize("grace", [30, 120, 3600])
def test_the_drain_ends_before_the_pod_is_killed(grace: int, helm: str) -> None:
    items = objects(helm, {**MODEL, "terminationGracePeriodSeconds": grace})
    sleep = server(items)["lifecycle"]["preStop"]["sleep"]["seconds"]
    (timeout,) = (int(arg.split("=")[1]) for arg in server(items)["args"] if arg.startswith("--shutdown-timeout"))
    assert sleep == 15
    assert 0 < sleep + timeout < pod(items)["terminationGracePeriodSeconds"] == grace


def test_the_users_shutdown_timeout_replaces_the_charts(helm: str) -> None:
    found = arguments(helm, {"args": ["--shutdown-timeout=30"]})
    assert [argument for argument in found if "shutdown" in argument] == ["--shutdown-timeout=30"]


def test_the_notes_say_how_to_reach_it_or_that_it_is_stopped(helm: str) -> None:
    assert "http://modelservice-qwen2-5.models.svc.cluster.local:8000/v1" in notes(helm, MODEL)
    assert "The model name to send: Qwen/Qwen3-0.6B." in notes(helm, MODEL)
    stopped = notes(helm, {**MODEL, "replicas": 0})
    assert "It is stopped" in stopped
    assert "--timeout" not in stopped


BY_MODULE = ["python3", "-m", "vllm.entrypoints.openai.api_server", "--model"]


@pytest.mark.parametrize(
    ("values", "command"),
    [
        ({"image": {"tag": "v0.4.2"}}, BY_MODULE),
        ({"image": {"tag": "v0.5.1"}}, BY_MODULE),
        ({"image": {"tag": "v0.5.2"}}, ["vllm", "serve"]),
        ({"image": {"repository": "quay.io/example/vllm", "tag": "0.4.2"}}, ["vllm", "serve"]),
        ({"image": {"tag": "latest"}, "vllmVersion": "0.4.0"}, BY_MODULE),
    ],
)
def test_a_vllm_without_the_serve_subcommand_is_started_by_its_module(
    values: Object, command: list[str], helm: str
) -> None:
    assert server(objects(helm, {**MODEL, **values}))["command"] == [*command, "Qwen/Qwen3-0.6B"]
    own = {**values, "command": ["/start"]}
    assert server(objects(helm, {**MODEL, **own}))["command"] == ["/start"]


@pytest.mark.parametrize(
    ("prestop", "timeout"),
    [
        ({"sleep": {"seconds": 30}}, 85),
        ({"exec": {"command": ["sleep", "30"]}}, 85),
        ({"exec": {"command": ["/bin/sh", "-c", "echo x; /bin/sleep 30; echo y"]}}, 85),
        ({"exec": {"command": ["sh", "-c", "sleep 5m"]}}, 100),
        ({"httpGet": {"path": "/drain", "port": 8000}}, 100),
        ({"sleep": {"seconds": 0}}, 115),
    ],
)
def test_vllm_finishes_within_the_grace_period(prestop: Object, timeout: int, helm: str) -> None:
    args = server(objects(helm, {**MODEL, "lifecycle": {"preStop": prestop}}))["args"]
    assert f"--shutdown-timeout={timeout}" in args


@pytest.mark.parametrize(("grace", "pause", "timeout"), [(25, 12, 8), (30, 15, 10), (2, 1, 0)])
def test_a_short_grace_period_is_shared_with_the_pause(grace: int, pause: int, timeout: int, helm: str) -> None:
    found = server(objects(helm, {**MODEL, "terminationGracePeriodSeconds": grace}))
    assert found["lifecycle"]["preStop"]["sleep"]["seconds"] == pause
    assert f"--shutdown-timeout={timeout}" in found["args"]
