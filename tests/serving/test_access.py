"""`modelservice access`: the names are the chart's, the examples fit the model, and no key is printed."""

import ast
import json
import subprocess
from typing import Any

import pytest
from click.testing import CliRunner
from modelservice.cli import main
from modelservice.schema.defaults import coalesce, default_values
from modelservice.serving.access import STYLES, access, as_notebook, as_python, as_text

from tests.chart.rendering import MODEL, ROOT, objects, one

LONG = "a-team-with-a-long-name-serves-a-model-with-one-name"


def found(values: dict[str, Any], release: str = "qwen3") -> Any:
    return access(coalesce(default_values(), values), release, "models")


@pytest.mark.parametrize("release", ["qwen2.5", "123", f"{LONG}1", f"{LONG}2"])
@pytest.mark.parametrize("names", [{}, {"nameOverride": "chat"}, {"fullnameOverride": "llm"}])
def test_the_service_is_named_as_the_chart_names_it(release: str, names: dict[str, str], helm: str) -> None:
    values = {**MODEL, **names}
    rendered = one("Service", objects(helm, values, release))["metadata"]["name"]
    assert found(values, release).service == rendered


def test_the_address_is_as_documented_by_llmos() -> None:
    assert access(coalesce(default_values(), MODEL), "name", "default").url == (
        "http://modelservice-name.default.svc.cluster.local:8000/v1"
    )


def test_the_cluster_address_has_the_services_port_and_the_local_one_8000() -> None:
    model = found({**MODEL, "service": {"type": "LoadBalancer", "port": 80}})
    assert model.url == "http://modelservice-qwen3.models.svc.cluster.local:80/v1"
    assert "port-forward service/modelservice-qwen3 8000:80" in as_text(model)
    assert "http://<that address>:80/v1" in as_text(model)
    assert "http://localhost:8000/v1" in as_python(model)


def test_the_text_says_how_to_reach_the_type_of_service() -> None:
    assert "port-forward service/modelservice-qwen3 8000:8000" in as_text(found(MODEL))
    assert "loadBalancer" not in as_text(found(MODEL))
    assert "loadBalancer" in as_text(found({**MODEL, "service": {"type": "LoadBalancer"}}))
    assert "nodePort" in as_text(found({**MODEL, "service": {"type": "NodePort"}}))
    fixed = as_text(found({**MODEL, "service": {"type": "NodePort", "nodePort": 30862}}))
    assert "http://<any node>:30862/v1" in fixed
    assert "jsonpath" not in fixed


@pytest.mark.parametrize(
    ("task", "has", "has_not"),
    [
        ("generate", "/v1/chat/completions", "/v1/embeddings"),
        ("embedding", "/v1/embeddings", "/v1/chat/completions"),
        ("score", "/v1/rerank", "/v1/chat/completions"),
    ],
)
def test_the_examples_use_a_route_that_the_model_serves(task: str, has: str, has_not: str) -> None:
    model = found({"model": {"name": "a/b", "task": task}})
    for style in ("text", "curl"):
        assert has in STYLES[style](model)
        assert has_not not in STYLES[style](model)
    assert ("chat.completions" in as_python(model)) == (task == "generate")


def test_all_names_are_listed_and_the_examples_use_the_first() -> None:
    model = found({"model": {"name": "a/b", "servedName": ["qwen3", "gpt-4o"]}})
    assert "Model name to send   qwen3 or gpt-4o\n" in as_text(model)
    assert 'model = "qwen3"' in as_python(model)


def test_the_key_is_named_and_never_printed() -> None:
    secret = {"secretKeyRef": {"name": "api-keys", "key": "search"}}
    values = {**MODEL, "env": [{"name": "VLLM_API_KEY", "valueFrom": secret}]}
    assert "get secret api-keys" in as_text(found(values))
    assert "get secret api-keys" in STYLES["env"](found(values))
    assert "none is required" in as_text(found(MODEL))


def test_the_key_is_the_first_of_its_secret() -> None:
    values = {**MODEL, "apiKeySecret": {"name": "llm-api-keys", "keys": ["search", "ads"]}}
    assert "get secret llm-api-keys" in as_text(found(values))
    assert '{{index .data "search" | base64decode}}' in as_text(found(values))


def test_external_addresses_are_those_of_ingress_and_route() -> None:
    ingress = {"enabled": True, "hosts": ["a.example.com", "b.example.com"], "tls": [{"hosts": ["a.example.com"]}]}
    route = {"enabled": True, "hostnames": ["c.example.com"]}
    outside = found({**MODEL, "rootPath": "/llm", "ingress": ingress, "httpRoute": route}).outside
    assert outside == (
        "https://a.example.com/llm/v1",
        "http://b.example.com/llm/v1",
        "https://c.example.com/llm/v1",
    )
    assert found({**MODEL, "ingress": {**ingress, "enabled": False}}).outside == ()


@pytest.mark.parametrize(
    ("paths", "says"),
    [(["/v1"], "only /v1"), (["/v1", "/tokenize"], "only /v1 and /tokenize"), (["/"], "every route")],
)
def test_the_text_lists_the_paths_that_are_forwarded(paths: list[str], says: str) -> None:
    ingress = {"enabled": True, "hosts": ["a.example.com"], "paths": paths}
    assert f"forwards {says}\n" in as_text(found({**MODEL, "ingress": ingress}))


@pytest.mark.parametrize("style", ["text", "curl", "python", "env"])
def test_a_server_with_tls_is_called_with_https(style: str) -> None:
    printed = STYLES[style](found({**MODEL, "tls": {"secretName": "pod-tls"}}))
    assert "https://localhost:8000/v1" in printed
    assert "http://" not in printed


@pytest.mark.parametrize("task", ["generate", "embedding", "score"])
def test_the_examples_are_a_program_a_notebook_and_a_script(task: str) -> None:
    model = found({"model": {"name": "a/b", "task": task}})
    ast.parse(as_python(model))
    notebook = json.loads(as_notebook(model))
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            ast.parse(cell["source"])
    for style in ("curl", "env"):
        subprocess.run(["sh", "-n"], input=STYLES[style](model), text=True, check=True)


@pytest.mark.parametrize("style", list(STYLES))
def test_the_command_prints_each_style(style: str) -> None:
    example = str(ROOT / "values-examples/embeddings.yaml")
    answer = CliRunner().invoke(main, ["access", example, "-n", "models", "--as", style], catch_exceptions=False)
    assert answer.exit_code == 0
    assert "bge-m3" in answer.stdout
