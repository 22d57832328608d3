"""Services of a fleet that would create the same objects, or serve the same host and path."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from modelservice.cli import main
from modelservice.gitops.cluster_conflicts import conflicts
from modelservice.gitops.members import members
from modelservice.report import lines

MODEL = "model: {name: Qwen/Qwen3-8B}\n"
FLEET = """\
layers: [layers/all.yaml]
chart: {repository: oci://registry.example.com/charts, version: 1.2.3}
git: {repository: https://git.example.com/models.git}
environments:
  dev: {}
  prod: {namespace: models, server: https://gpu.example.com}
"""
SERVICES = ("dev/chat", "dev/embed", "prod/chat", "prod/embed")
INGRESS = "ingress: {{enabled: true, hosts: [{}]}}\n"
ROUTE = "httpRoute: {{enabled: true, parentRefs: [{{name: {}}}], hostnames: [llm.example.com]{}}}\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write("fleet.yaml", FLEET)
    write("layers/all.yaml", "labels: {team: a}\n")
    for name in SERVICES:
        write(f"{name}.yaml", MODEL)


def write(name: str, text: str) -> None:
    file = Path("services") / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def found() -> list[str]:
    return lines(conflicts(members(["services"])))


EXTRA = "extraObjects: [{apiVersion: v1, kind: Secret, metadata: {name: hf-token}}]\n"


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        (
            "layers/all.yaml",
            "fullnameOverride: llm\n",
            "would create the same Service llm in the namespace models; remove",
        ),
        (
            "dev/embed.yaml",
            "fullnameOverride: modelservice-chat\n",
            "dev/chat and dev/embed would create the same Service",
        ),
        ("layers/all.yaml", "serviceAccount: {name: llm}\n", "would create the same ServiceAccount llm in"),
        ("layers/all.yaml", EXTRA, "would create the same Secret hf-token in the namespace models; create it once"),
        ("layers/all.yaml", INGRESS.format("llm.example.com"), "would serve the same address llm.example.com/v1"),
        ("layers/all.yaml", ROUTE.format("public", ""), "would serve the same address llm.example.com/v1"),
    ],
)
def test_two_services_with_one_name_or_address_are_found(name: str, text: str, says: str) -> None:
    write(name, (MODEL if "embed" in name else "") + text)
    (one,) = found()
    assert one.startswith(f"services/{name}:")
    assert says in one


@pytest.mark.parametrize(
    ("dev_chat", "dev_embed"),
    [
        ("nameOverride: llm\n", "nameOverride: llm\n"),
        ("serviceAccount: {name: a, create: false}\n", "serviceAccount: {name: a, create: false}\n"),
        (INGRESS.format("a.example.com"), INGRESS.format("b.example.com")),
        (INGRESS.format("'*'"), INGRESS.format("'*'")),
        (INGRESS.format("a.example.com"), INGRESS.format("a.example.com") + "rootPath: /embed\n"),
        (
            "ingress: {enabled: true, hosts: [a.example.com], paths: [/]}\n",
            "ingress: {enabled: true, hosts: [a.example.com], paths: [/v1/embeddings]}\n",
        ),
        (
            "ingress: {enabled: true, className: a, hosts: [a.example.com]}\n",
            "ingress: {enabled: true, className: b, hosts: [a.example.com]}\n",
        ),
        # https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/#canary
        (
            INGRESS.format("a.example.com"),
            INGRESS.format("a.example.com").replace(
                "}", ", annotations: {nginx.ingress.kubernetes.io/canary: 'true'}}"
            ),
        ),
        (ROUTE.format("public", ""), ROUTE.format("internal", "")),
        (ROUTE.format("public", ""), ROUTE.format("public", ", paths: [/v2]")),
        ("extraObjects: ['{kind: Secret, apiVersion: v1, metadata: {name: {{ .Release.Name }}}}']\n",) * 2,
        # Wrong values are reported elsewhere.
        ("ingress: {enabled: true, hosts: llm}\nserviceAccount: x\n", "httpRoute: null\nnameOverride: 5\n"),
    ],
)
def test_services_that_differ_do_not_conflict(dev_chat: str, dev_embed: str) -> None:
    write("dev/chat.yaml", MODEL + dev_chat)
    write("dev/embed.yaml", MODEL + dev_embed)
    assert found() == []


def test_the_same_names_and_addresses_are_fine_in_another_cluster() -> None:
    for name in ("dev/chat", "prod/embed"):
        write(f"{name}.yaml", MODEL + "fullnameOverride: llm\n" + INGRESS.format("llm.example.com"))
    assert found() == []


@pytest.mark.parametrize("command", ["validate", "argocd", "flux", "template --output-dir out"])
def test_every_command_that_deploys_refuses_a_conflict(command: str) -> None:
    write("layers/all.yaml", "fullnameOverride: llm\n")
    answer = CliRunner().invoke(main, [*command.split(), "services"], catch_exceptions=False)
    assert answer.exit_code == 1
    assert "prod/chat and prod/embed would create the same Service llm" in answer.output


def test_one_namespace_for_all_environments_is_a_conflict_of_releases() -> None:
    write("fleet.yaml", FLEET.replace(", server: https://gpu.example.com", ""))
    answer = CliRunner().invoke(main, ["flux", "services", "--namespace", "models"], catch_exceptions=False)
    assert answer.exit_code == 1
    assert "dev/chat and prod/chat would create the same Service modelservice-chat" in answer.stderr
