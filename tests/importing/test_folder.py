"""Imports of several services into a folder, one file each."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from modelservice.cli import main
from modelservice.models.facts_file import facts_path, write_facts
from modelservice.models.model_facts import ModelFacts

CONTAINER = {"name": "server", "image": "vllm/vllm-openai:v0.33.0", "args": ["--model", "Qwen/Qwen3-8B"]}
COMPOSE = """
services:
  db: {image: postgres}
  chat: {image: "vllm/vllm-openai:v0.33.0", command: --model Qwen/Qwen3-8B}
  embed: {image: "vllm/vllm-openai:v0.33.0", command: --model BAAI/bge-m3}
"""


def deployment(name: str, namespace: str, **about: Any) -> dict[str, Any]:
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [copy.deepcopy(CONTAINER)]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace, **about},
        "spec": {"selector": {"matchLabels": labels}, "template": template},
    }


def service(name: str, namespace: str, port: int) -> dict[str, Any]:
    spec = {"selector": {"app": name}, "ports": [{"port": port, "targetPort": 8000}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": namespace}, "spec": spec}


def model_service(name: str, namespace: str, **more: Any) -> dict[str, Any]:
    spec = {
        "model": "Qwen/Qwen3-8B",
        "template": {"spec": {"containers": [{"name": "a", "image": CONTAINER["image"]}]}},
    }
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "ml.llmos.ai/v1", "kind": "ModelService", "metadata": metadata, "spec": {**spec, **more}}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, newest_helm: str) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(Path(newest_helm).parent), prepend=":")


def run(kind: str, objects: list[dict[str, Any]], *words: str) -> Result:
    text = yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": objects})
    return CliRunner().invoke(main, ["import", kind, "-", *words], input=text)


def written(folder: str) -> dict[str, dict[str, Any]]:
    root = Path(folder)
    return {str(file.relative_to(root)): yaml.safe_load(file.read_text()) for file in sorted(root.rglob("*.yaml"))}


def test_services_of_several_namespaces_go_into_a_folder_each() -> None:
    # The same names, labels and ports in both namespaces: each workload has the Service of its own.
    objects = [
        one
        for port, namespace in ((80, "a"), (81, "b"))
        for one in (deployment("chat", namespace), service("chat", namespace, port))
    ]
    elsewhere = service("dns", "kube-system", 53)
    answer = run("kubernetes", [*objects, deployment("other", "b"), elsewhere], "-o", "services/")
    assert answer.exit_code == 0, answer.output
    files = written("services")
    assert list(files) == ["a/chat.yaml", "b/chat.yaml", "b/other.yaml"]
    assert [files[name].get("service", {}).get("port") for name in files] == [80, 81, None]
    assert "note: " not in answer.stderr
    assert Path("services/a/chat.yaml").read_text().startswith("# Imported from Deployment a/chat.\n")


def test_services_of_one_namespace_go_into_the_folder_itself_if_it_exists() -> None:
    Path("services").mkdir()
    answer = run("llmos", [model_service("a", "x"), model_service("b", "x")], "-o", "services")
    assert (answer.exit_code, list(written("services"))) == (0, ["a.yaml", "b.yaml"]), answer.output
    assert answer.stderr.index("services/a.yaml:") < answer.stderr.index("services/b.yaml:")


def test_compose_services_get_a_file_each() -> None:
    Path("compose.yaml").write_text(COMPOSE)
    answer = CliRunner().invoke(main, ["import", "docker", "-f", "compose.yaml", "-o", "out/"])
    assert answer.exit_code == 0, answer.output
    models = {name: values["model"]["name"] for name, values in written("out").items()}
    assert models == {"chat.yaml": "Qwen/Qwen3-8B", "embed.yaml": "BAAI/bge-m3"}
    several = CliRunner().invoke(main, ["import", "docker", "-f", "compose.yaml"])
    assert "choose one with --service, or import all into a folder with -o" in several.stderr


def test_files_are_replaced_only_with_force() -> None:
    Path("services").mkdir()
    Path("services/b.yaml").write_text("mine\n")
    objects = [model_service("a", "x"), model_service("b", "x")]
    refused = run("llmos", objects, "-o", "services")
    assert (refused.exit_code, [file.name for file in Path("services").iterdir()]) == (1, ["b.yaml"])
    assert "services/b.yaml already exists" in refused.stderr
    assert run("llmos", objects, "-o", "services", "--force").exit_code == 0
    assert written("services")["b.yaml"]["model"]["name"] == "Qwen/Qwen3-8B"


def test_a_service_that_cannot_be_imported_does_not_stop_the_others() -> None:
    answer = run("llmos", [model_service("a", "x", model=""), model_service("b", "x")], "-o", "services/")
    assert (answer.exit_code, list(written("services"))) == (1, ["b.yaml"])
    assert "services/a.yaml:\nerror: ModelService a lacks spec.model" in answer.stderr


def test_strict_writes_nothing_if_one_service_is_not_complete() -> None:
    answer = run(
        "llmos", [model_service("a", "x"), model_service("b", "x", serviceType="NodePort")], "-o", "s/", "--strict"
    )
    assert (answer.exit_code, Path("s").exists()) == (1, False)
    assert "--strict: s/b.yaml: 1 part of the original is not in the values" in answer.stderr


@pytest.mark.parametrize("name", ["../up", "a/../../up", ".hidden", "a\nmodel: x"])
def test_names_that_are_no_file_names_write_nothing(name: str) -> None:
    answer = run("llmos", [model_service(name, "x"), model_service("b", "x")], "-o", "services/")
    assert (answer.exit_code, [*Path().rglob("*")]) == (1, [])
    alone = run("llmos", [model_service(name, "x")])
    assert "model: x" not in alone.stdout.splitlines()


def test_objects_with_the_same_file_are_refused() -> None:
    twin = {**deployment("chat", "a"), "kind": "StatefulSet"}
    answer = run("kubernetes", [deployment("chat", "a"), twin], "-o", "services/")
    assert (answer.exit_code, Path("services").exists()) == (1, False)
    assert "StatefulSet a/chat would both be services/chat.yaml" in answer.stderr


def test_a_line_needs_a_file() -> None:
    answer = CliRunner().invoke(main, ["import", "vllm", "vllm serve a/b", "-o", "services/"])
    assert (answer.exit_code, Path("services").exists()) == (1, False)


def test_the_size_of_an_existing_claim_is_not_filled_in() -> None:
    facts = ModelFacts("Qwen/Qwen3-8B", "", "a test", {}, (), {"model.safetensors": 16 * 2**30})
    write_facts(facts, facts_path("Qwen/Qwen3-8B", "a.yaml"))
    item = deployment("chat", "a")
    pod = item["spec"]["template"]["spec"]
    pod["volumes"] = [{"name": "models", "persistentVolumeClaim": {"claimName": "models"}}]
    pod["containers"][0]["volumeMounts"] = [{"name": "models", "mountPath": "/root/.cache/huggingface"}]
    answer = run("kubernetes", [item], "-o", "a.yaml")
    assert answer.exit_code == 0, answer.output
    assert yaml.safe_load(Path("a.yaml").read_text())["modelVolume"]["existingClaim"] == "models"
    assert "modelVolume.size" not in answer.stderr


def test_a_dash_is_standard_output() -> None:
    piped, given = run("kubernetes", [deployment("chat", "a")], "-o", "-"), run("kubernetes", [deployment("chat", "a")])
    assert piped.stdout == given.stdout
    assert "Qwen/Qwen3-8B" in given.stdout
    first = CliRunner().invoke(main, ["init", "Qwen/Qwen3-8B", "--yes", "-o", "-"])
    assert "Qwen/Qwen3-8B" in first.stdout
    Path("values.yaml").write_text(given.stdout)
    for command in ("argocd", "flux"):
        words = [command, "values.yaml", "--chart-repo", "oci://registry.example.com/charts"]
        plain, dash = (CliRunner().invoke(main, [*words, *more]) for more in ((), ("-o", "-")))
        assert (dash.exit_code, dash.stdout) == (0, plain.stdout), dash.output
    for words in (["render", "values.yaml", "-o", "-"], ["template", "values.yaml", "--output-dir", "-"]):
        assert CliRunner().invoke(main, words).exit_code == 2
    assert not Path("-").exists()
