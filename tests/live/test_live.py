"""Rendered manifests with a real vLLM: it starts within its budget, answers every route, and stops in time."""

import itertools
import json
import shutil
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from modelservice.schema.defaults import coalesce, default_values
from modelservice.serving.access import Access, access, as_curl, as_notebook, as_python

from tests.chart.rendering import EXAMPLES, ROOT, objects, one, pod, server
from tests.live.conftest import CHAT, EMBED, accesses, copy_models
from tests.live.hub import hub
from tests.live.ingress_nginx import controller
from tests.live.serving import CPU_FLAGS, ENVIRONMENT, MODELS, RELEASE, Server, close, fill, parse, run_python, serving

pytestmark = pytest.mark.live
KEY = "open-sesame"
HERE = Path(__file__).parent


def curl(server: Server, path: str, *arguments: str, key: str = KEY) -> tuple[int, str]:
    """Send a request with curl; return the status and the body."""
    headers = ["--header", f"Authorization: Bearer {key}", "--header", "Content-Type: application/json"]
    command = ["curl", "--silent", "--write-out", "\n%{http_code}", *headers, *arguments, server.url + path]
    body, _, status = subprocess.run(command, capture_output=True, text=True, check=True).stdout.rpartition("\n")
    return int(status), body


def posted(server: Server, path: str, **body: Any) -> tuple[int, Any]:
    status, text = curl(server, path, "--data", json.dumps({"model": "tiny", **body}))
    return status, json.loads(text or "null")


MESSAGES = [{"role": "user", "content": "Say hello."}]


@pytest.mark.live_smoke
def test_the_probes_of_the_manifest_succeed(chat: Server) -> None:
    assert all(chat.probe(name) for name in ("startupProbe", "readinessProbe", "livenessProbe"))


@pytest.mark.live_smoke
def test_every_route_of_a_chat_model_answers_curl(chat: Server) -> None:
    status, chatted = posted(chat, "/v1/chat/completions", messages=MESSAGES, max_tokens=8)
    assert (status, chatted["choices"][0]["message"]["role"]) == (200, "assistant")
    status, completed = posted(chat, "/v1/completions", prompt="Once", max_tokens=8)
    assert (status, len(completed["choices"])) == (200, 1)
    status, stream = curl(
        chat, "/v1/completions", "--data", json.dumps({"model": "tiny", "prompt": "a", "stream": True})
    )
    assert status == 200
    assert stream.rstrip().endswith("data: [DONE]")
    status, tokens = posted(chat, "/tokenize", prompt="Hello")
    assert (status, posted(chat, "/detokenize", tokens=tokens["tokens"])[1]["prompt"]) == (200, "Hello")
    status, models = curl(chat, "/v1/models")
    assert (status, [model["id"] for model in json.loads(models)["data"]]) == (200, ["tiny"])
    assert curl(chat, "/health")[0] == 200
    assert curl(chat, "/openapi.json")[0] == curl(chat, "/openapi.json", "--head")[0] == 200
    assert posted(chat, "/v1/embeddings", input="a")[0] == 404


def helm_test(server: Server, **changed: str) -> subprocess.CompletedProcess[str]:
    """Run the program of `helm test` with its own variables, except the address."""
    pod = one("Pod", server.items)["spec"]["containers"][0]
    variables = {entry["name"]: entry.get("value", KEY) for entry in pod["env"]}
    return run_python(pod["args"][0], **{**variables, "BASE_URL": server.url, **changed})


@pytest.mark.live_smoke
def test_the_pod_of_helm_test_succeeds(chat: Server) -> None:
    answer = helm_test(chat)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "serves tiny" in answer.stdout
    assert "POST /v1/chat/completions 200" in answer.stdout
    assert helm_test(chat, MODEL="other").returncode != 0
    assert helm_test(chat, TASK="embedding").returncode != 0


def test_the_pod_of_helm_test_succeeds_with_an_embedding_model(embed: Server) -> None:
    answer = helm_test(embed)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "POST /v1/embeddings 200" in answer.stdout


def test_the_key_is_required(chat: Server) -> None:
    assert curl(chat, "/v1/models", key="wrong")[0] == 401
    assert curl(chat, "/v1/models")[0] == 200


def smoke(url: str, key: str = "", *more: str) -> subprocess.CompletedProcess[str]:
    command = [str(ROOT / ".venv/bin/modelservice"), "smoke", url, *more]
    return subprocess.run(command, capture_output=True, text=True, check=False, env={"OPENAI_API_KEY": key})


@pytest.mark.live_smoke
def test_smoke_accepts_a_chat_server_and_reports_what_bypasses_its_key(chat: Server) -> None:
    answer = smoke(chat.url, KEY, "--format", "json")
    result = json.loads(answer.stdout)
    assert (answer.returncode, result["task"], result["key"]) == (0, "generate", "asked for"), answer.stdout
    streamed = next(item for item in result["answers"] if item["first_token"] is not None)
    assert 0 < streamed["first_token"] <= streamed["seconds"]
    open_routes = {item["route"] for item in result["answers"] if "without the key" in item["note"]}
    assert open_routes == {"GET /metrics", "GET /openapi.json", "POST /tokenize", "POST /invocations"}
    assert KEY not in answer.stdout


@pytest.mark.live_smoke
@pytest.mark.parametrize("closed", [False, True])
def test_nginx_shows_metrics_without_the_key_until_the_documented_annotation_is_set(
    chat: Server, helm4: str, tmp_path: Path, closed: bool
) -> None:
    page = (ROOT / "docs/exposing.md").read_text()
    blocks = (part.partition("```")[0] for part in page.split("```yaml\n")[1:])
    block = next(part for part in blocks if "nginx.ingress.kubernetes.io/rewrite-target" in part)
    documented = yaml.safe_load(block)["ingress"]["annotations"]
    ingress = {"enabled": True, "hosts": ["localhost"], "annotations": documented if closed else {}}
    rendered = one("Ingress", objects(helm4, {**CHAT, "ingress": ingress}))
    with controller(rendered, chat.url, tmp_path / "nginx") as url:
        answer = smoke(f"{url}/v1", KEY, "--format", "json")
    result = json.loads(answer.stdout)
    assert (answer.returncode, result["key"]) == (0, "asked for"), answer.stdout
    spellings = ("/metrics/../v1/models", "/metrics/%2e%2e/v1/models", "/metrics%2f..%2fv1/models")
    found = {item["route"] for item in result["answers"] if "without the key" in item["note"]}
    assert found == (set() if closed else {f"GET {path}" for path in spellings})


def test_smoke_reports_a_wrong_key(chat: Server) -> None:
    answer = smoke(chat.url, "wrong")
    assert answer.returncode == 1
    assert "the key is wrong or missing" in answer.stdout


def test_smoke_accepts_an_embedding_server(embed: Server) -> None:
    answer = smoke(embed.url, "", "--format", "json")
    assert answer.returncode == 0, answer.stdout
    assert (json.loads(answer.stdout)["task"], json.loads(answer.stdout)["model"]) == ("embedding", "tiny")


def found(values: dict[str, Any]) -> Access:
    return access(coalesce(default_values(), values), "tiny", "models")


@pytest.mark.live_smoke
def test_the_program_for_the_openai_package_runs_unchanged(chat: Server) -> None:
    answer = run_python(as_python(found(CHAT)), OPENAI_BASE_URL=f"{chat.url}/v1", OPENAI_API_KEY=KEY)
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.startswith("['tiny']")


def test_the_program_for_an_embedding_model_runs_unchanged(embed: Server) -> None:
    answer = run_python(as_python(found(EMBED)), OPENAI_BASE_URL=f"{embed.url}/v1")
    assert answer.returncode == 0, answer.stderr
    assert "2 vectors of 64 numbers" in answer.stdout


@pytest.mark.parametrize("kind", ["chat", "embed"])
def test_the_notebook_runs_from_top_to_bottom(kind: str, chat: Server, embed: Server) -> None:
    running, values = (chat, CHAT) if kind == "chat" else (embed, EMBED)
    program = """
import nbformat, os
from nbclient import NotebookClient
notebook = nbformat.reads(os.environ["NOTEBOOK"], as_version=4)
nbformat.validate(notebook)
NotebookClient(notebook, timeout=120).execute()
print(sum(len(cell.get("outputs", [])) > 0 for cell in notebook.cells))
"""
    variables = {"OPENAI_BASE_URL": f"{running.url}/v1", "OPENAI_API_KEY": KEY}
    answer = run_python(program, NOTEBOOK=as_notebook(found(values)), **variables)
    assert answer.returncode == 0, answer.stderr[-2000:]
    assert int(answer.stdout.split()[-1]) >= 3


@pytest.mark.parametrize("kind", ["chat", "embed"])
def test_the_shell_script_runs_unchanged(kind: str, chat: Server, embed: Server) -> None:
    running, values = (chat, CHAT) if kind == "chat" else (embed, EMBED)
    variables = {"OPENAI_BASE_URL": f"{running.url}/v1", "OPENAI_API_KEY": KEY, "PATH": "/usr/bin:/bin"}
    script = f"set -e\n{as_curl(found(values))}"
    answer = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False, env=variables)
    assert answer.returncode == 0, answer.stdout + answer.stderr


@pytest.mark.parametrize("example", accesses())
def test_the_output_of_access_for_an_example_runs_unchanged(example: str, as_examples: dict[str, Server]) -> None:
    shown = accesses()[example]
    variables = {"OPENAI_BASE_URL": f"{as_examples[shown.task].url}/v1", "PATH": "/usr/bin:/bin"}
    command = ["sh", "-ec", as_curl(shown)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, env=variables)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    answer = run_python(as_python(shown), OPENAI_BASE_URL=variables["OPENAI_BASE_URL"])
    assert answer.returncode == 0, answer.stderr
    assert shown.model in answer.stdout


def test_an_embedding_model_embeds_and_does_not_chat(embed: Server) -> None:
    status, answer = posted(embed, "/v1/embeddings", input=["Hello", "world"])
    assert (status, [len(item["embedding"]) for item in answer["data"]]) == (200, [64, 64])
    assert posted(embed, "/v1/chat/completions", messages=MESSAGES)[0] == 404


def test_a_stream_in_progress_finishes_when_the_pod_is_stopped(helm4: str, volumes: Path) -> None:
    with serving(helm4, {**CHAT, "terminationGracePeriodSeconds": 60}, volumes, copy_models) as running:
        lines: list[str] = []

        def stream() -> None:
            body = {"model": "tiny", "prompt": "a", "max_tokens": 1900, "stream": True, "ignore_eos": True}
            with httpx.stream("POST", f"{running.url}/v1/completions", json=body, timeout=120) as answer:
                lines.extend(line for line in answer.iter_lines() if line)

        # Started shortly before SIGTERM, so it is still running when the signal arrives.
        late = threading.Timer(14, stream)
        late.start()
        seconds = running.stop()
        late.join(60)
        assert lines[-1] == "data: [DONE]", lines[-3:]
        assert running.process.returncode == 0
        assert 15 < seconds < 60


def test_a_shared_cache_is_served_read_only_and_offline(helm4: str, volumes: Path) -> None:
    def prepare(folder: Path) -> None:
        fill(folder, "chat", "org/tiny")
        close(folder)

    values = {
        "model": {"name": "org/tiny"},
        "modelVolume": {"existingClaim": "shared", "accessModes": ["ReadOnlyMany"]},
    }
    with serving(helm4, values, volumes, prepare) as running:
        assert server(running.items)["volumeMounts"][0]["readOnly"] is True
        body = json.dumps({"model": "org/tiny", "prompt": "a", "max_tokens": 4})
        assert curl(running, "/v1/completions", "--data", body)[0] == 200
        assert any((volumes / "modelservice-home").rglob("*")), "the caches should be in HOME"


def test_the_restricted_example_serves_as_user_2000(helm4: str, volumes: Path) -> None:
    example = yaml.safe_load(next(item for item in EXAMPLES if item.stem == "restricted").read_text())
    values = {**example, **RELEASE, "model": CHAT["model"]}
    # The test cannot make the image's root file system read-only, but the user cannot write to it anyway.
    with serving(helm4, values, volumes, copy_models) as running:
        status = Path(f"/proc/{running.process.pid}/status").read_text()
        assert "Uid:\t2000\t2000" in status
        assert "CapEff:\t0000000000000000" in status
        assert posted(running, "/v1/completions", prompt="a", max_tokens=4)[0] == 200


def test_tls_keys_root_path_template_and_compile_cache_together(helm4: str, volumes: Path) -> None:
    def prepare(folder: Path) -> None:
        copy_models(folder)
        folder.chmod(0o2777)  # as fsGroup does
        certificate(folder.parent / "modelservice-tls")

    values = {
        **CHAT,
        "model": {**CHAT["model"], "chatTemplate": "{% for m in messages %}<<{{ m.content }}>>{% endfor %}"},
        "restricted": True,
        "apiKeySecret": {"name": "keys", "keys": ["search", "ads"]},
        "rootPath": "/llm",
        "tls": {"secretName": "pod-tls"},
        "compileCache": {"volume": "model"},
    }
    keys = {"VLLM_API_KEY": "key-of-search", "API_KEY_1": "key-of-search", "API_KEY_2": "key-of-ads"}
    flags = [flag for flag in CPU_FLAGS if flag != "--enforce-eager"]
    with serving(helm4, values, volumes, prepare, flags, **keys) as running:
        for key, status in (("key-of-search", 200), ("key-of-ads", 200), ("other", 401)):
            assert curl(running, "/llm/v1/models", "--insecure", key=key)[0] == status
        body = json.dumps({"model": "tiny", "messages": MESSAGES, "return_token_ids": True, "max_tokens": 2})
        status, answer = curl(running, "/llm/v1/chat/completions", "--insecure", "--data", body, key="key-of-ads")
        assert status == 200
        body = json.dumps({"model": "tiny", "tokens": json.loads(answer)["prompt_token_ids"]})
        assert "<<Say hello.>>" in json.loads(curl(running, "/detokenize", "--insecure", "--data", body)[1])["prompt"]
        assert "key-of-" not in running.log.read_text()
        cache = volumes / "model-dir/.compile-cache"
        assert any((cache / "vllm/torch_compile_cache").rglob("*")), "vLLM should keep there what it compiles"
        assert not any((volumes / "modelservice-home").rglob("torch_compile_cache"))


def certificate(folder: Path) -> None:
    """Make a self-signed certificate with the files of a Secret of type kubernetes.io/tls."""
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"]
    names = ["-keyout", str(folder / "tls.key"), "-out", str(folder / "tls.crt")]
    subprocess.run([*command, *names], check=True, capture_output=True)
    (folder / "tls.key").chmod(0o644)


def helper(items: list[Any], name: str) -> dict[str, Any]:
    """Return the init container of this name, or the container of the Job."""
    jobs = [item["spec"]["template"]["spec"]["containers"] for item in items if item["kind"] == "Job"]
    every = itertools.chain(pod(items).get("initContainers", []), *jobs)
    (found,) = (container for container in every if container["name"] == name)
    return dict(found)


def test_a_job_downloads_the_model_and_the_pod_waits_for_it(helm4: str, volumes: Path) -> None:
    values = {
        "model": {"name": "org/tiny"},
        "modelVolume": {"accessModes": ["ReadWriteMany"], "preDownload": "Job", "readOnly": True},
    }
    items = objects(helm4, {**RELEASE, **values})
    hub_folder = volumes / "hub"
    shutil.copytree(MODELS / "chat", hub_folder)
    (hub_folder / "pytorch_model.bin").write_bytes(b"not wanted beside safetensors")
    cache = volumes / "model-dir"
    cache.mkdir()

    def environment(container: dict[str, Any]) -> dict[str, str]:
        mount = container["volumeMounts"][0]["mountPath"]
        return {entry["name"]: entry["value"].replace(mount, str(cache)) for entry in container["env"]}

    wait, download = helper(items, "wait-for-model"), helper(items, "download-model")
    waiting = subprocess.Popen([ENVIRONMENT / "bin/python", "-c", wait["args"][0]], env=environment(wait))
    with hub(hub_folder, "org/tiny") as url:
        variables = {**environment(download), "HF_ENDPOINT": url, "HF_HUB_DISABLE_XET": "1", "HOME": str(volumes)}
        answer = run_python(download["args"][0], **variables)
    assert answer.returncode == 0, answer.stderr
    assert waiting.wait(15) == 0
    assert not any(cache.rglob("pytorch_model.bin"))
    with serving(helm4, values, volumes, lambda folder: None) as running:
        body = json.dumps({"model": "org/tiny", "prompt": "a", "max_tokens": 4})
        assert curl(running, "/v1/completions", "--data", body)[0] == 200


def test_the_server_exports_the_metrics_of_alerts_and_autoscaling(chat: Server) -> None:
    kinds = [line for line in curl(chat, "/metrics")[1].splitlines() if line.startswith("# TYPE vllm:")]
    assert set(kinds) == set((HERE / "metrics-0.32.0.txt").read_text().splitlines())


def test_vllms_own_parser_accepts_the_arguments_of_every_example(helm4: str) -> None:
    lines = {}
    for example in EXAMPLES:
        container = server(objects(helm4, example))
        lines[example.stem] = [*container["command"][2:], *(word.replace("$$", "$") for word in container["args"])]
    assert {name: said for name, said in parse(lines).items() if said} == {}


def test_arguments_that_we_refuse_are_refused_by_the_parser(helm4: str) -> None:
    lines = {"unknown": ["m", "--max-modl-len=1"], "task": ["m", "--task=embed"], "choice": ["m", "--dtype=fp16"]}
    assert all(parse(lines).values())


def test_an_idle_server_stops_at_once(helm4: str, volumes: Path) -> None:
    with serving(helm4, CHAT, volumes, copy_models) as running:
        assert 15 <= running.stop() < 30
        assert running.process.returncode == 0
    time.sleep(1)
    shutil.rmtree(volumes / "model-dir", ignore_errors=True)
