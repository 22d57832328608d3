"""`modelservice argocd`: what it writes is what Argo CD's definitions accept, from each kind of source."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from modelservice.cli import main

from tests.crds import complaints

GIT, CHARTS, OCI = (
    "https://git.example.com/models.git",
    "https://charts.example.com",
    "oci://registry.example.com/charts",
)
CHAT = "model: {name: Qwen/Qwen3-8B, servedName: qwen3}\nargs: ['--seed=7']\n"
SCALED = (
    "model: {name: Qwen/Qwen3-8B}\nmodelVolume: {accessModes: [ReadWriteMany]}\n"
    "autoscaling: {kind: ScaledObject, prometheusAddress: 'http://prometheus:9090'}\n"
)


@pytest.fixture(autouse=True)
def services(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a repository with services of two environments and a layer that they share."""
    monkeypatch.chdir(tmp_path)
    for name, text in (("prod/chat", CHAT), ("prod/scaled", SCALED), ("dev/chat", CHAT)):
        file = tmp_path / f"services/{name}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    (tmp_path / "defaults.yaml").write_text("runtimeClassName: ''\n")
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["argocd", *arguments], catch_exceptions=False)


def made(*arguments: str) -> list[dict[str, Any]]:
    answer = run(*arguments)
    assert answer.exit_code == 0, answer.stderr
    items = list(yaml.safe_load_all(answer.stdout))
    assert [complaint for item in items for complaint in complaints(item)] == []
    return items


def test_a_chart_from_a_registry_has_no_scheme_and_values_stand_inline() -> None:
    (item,) = made("services/prod/chat.yaml", "--chart-repo", OCI, "--chart-version", "1.2.3", "-n", "models")
    assert item["spec"]["source"] == {
        "repoURL": "registry.example.com/charts",
        "chart": "modelservice",
        "targetRevision": "1.2.3",
        "helm": {
            "releaseName": "chat",
            "valuesObject": {"model": {"name": "Qwen/Qwen3-8B", "servedName": "qwen3"}, "args": ["--seed=7"]},
        },
    }
    assert item["spec"]["destination"] == {"server": "https://kubernetes.default.svc", "namespace": "models"}
    assert item["spec"]["syncPolicy"] == {
        "automated": {"prune": True, "selfHeal": True},
        "syncOptions": ["CreateNamespace=true", "ServerSideApply=true", "RespectIgnoreDifferences=true"],
    }


def test_values_as_a_second_source_come_from_git_with_their_layers() -> None:
    arguments = ["services/prod/chat.yaml", "--chart-repo", CHARTS, "--values-git", GIT, "--revision", "main"]
    (item,) = made(*arguments, "-f", "defaults.yaml")
    chart, values = item["spec"]["sources"]
    assert chart["repoURL"] == CHARTS
    files = ["$values/defaults.yaml", "$values/services/prod/chat.yaml"]
    assert chart["helm"] == {"releaseName": "chat", "valueFiles": files}
    assert values == {"repoURL": GIT, "targetRevision": "main", "ref": "values"}


def test_a_chart_at_a_path_in_git() -> None:
    (item,) = made("services/prod/chat.yaml", "--git", GIT, "--revision", "v1")
    source = item["spec"]["source"]
    assert (source["repoURL"], source["path"], source["targetRevision"]) == (GIT, "charts/modelservice", "v1")
    assert source["helm"]["releaseName"] == "chat"


def test_a_rendered_chart_in_git_brings_its_values() -> None:
    (item,) = made("services/prod/chat.yaml", "--git", GIT, "--path", "charts", "--rendered")
    assert item["spec"]["source"] == {
        "repoURL": GIT,
        "path": "charts/chat",
        "targetRevision": "HEAD",
        "helm": {"releaseName": "chat"},
    }


def test_what_an_autoscaler_owns_is_ignored() -> None:
    chat, scaled = made("services/prod", "--chart-repo", OCI)
    assert "ignoreDifferences" not in chat["spec"]
    assert scaled["spec"]["ignoreDifferences"] == [
        {"group": "apps", "kind": "Deployment", "jsonPointers": ["/spec/replicas"]}
    ]


def test_manual_project_server_and_namespace_are_as_asked() -> None:
    options = ["--manual", "--project", "llm", "--server", "https://gpu.example.com", "--argocd-namespace", "gitops"]
    (item,) = made("services/prod/chat.yaml", "--chart-repo", OCI, *options)
    assert "automated" not in item["spec"]["syncPolicy"]
    assert (item["spec"]["project"], item["metadata"]["namespace"]) == ("llm", "gitops")
    assert item["spec"]["destination"]["server"] == "https://gpu.example.com"


def test_a_set_finds_every_service_of_a_folder() -> None:
    arguments = ["services", "--application-set", "--values-git", GIT, "--chart-repo", OCI, "-f", "defaults.yaml"]
    (item,) = made(*arguments)
    assert item["kind"] == "ApplicationSet"
    (generator,) = item["spec"]["generators"]
    assert generator["git"]["files"] == [{"path": "services/*/*.yaml"}]
    helm = item["spec"]["template"]["spec"]["sources"][0]["helm"]
    assert helm["valueFiles"] == ["$values/defaults.yaml", "$values/{{ .path.path }}/{{ .path.filename }}"]
    assert helm["releaseName"] in item["spec"]["template"]["metadata"]["name"]
    assert item["spec"]["template"]["spec"]["destination"]["namespace"] == "{{ .path.basename }}"


def test_a_set_says_which_of_its_files_are_wrong(services: Path) -> None:
    (services / "services/prod/bad.yaml").write_text("model: {nmae: a}\n")
    answer = run("services", "--application-set", "--values-git", GIT, "--chart-repo", OCI)
    assert answer.exit_code == 1
    assert "kind: ApplicationSet" in answer.stdout
    assert "did you mean name?" in answer.stderr
    assert "not made, or wrong: services/prod/bad.yaml" in answer.stderr


def test_a_comment_on_top_says_how_it_was_made_and_twice_is_the_same() -> None:
    arguments = ["services/prod/chat.yaml", "--chart-repo", OCI, "-n", "models", "--manual"]
    first = run(*arguments).stdout
    comment = f"# Made by: modelservice argocd services/prod/chat.yaml --chart-repo {OCI} -n models --manual"
    assert first.splitlines()[0] == comment
    assert run(*arguments).stdout == first


def test_a_bad_service_does_not_stop_the_others(services: Path) -> None:
    (services / "services/prod/bad.yaml").write_text("model: {nmae: a}\n")
    answer = run("services/prod", "--chart-repo", OCI, "-o", "apps")
    assert answer.exit_code == 1
    assert "not made, or wrong: services/prod/bad.yaml" in answer.stderr
    assert sorted(file.name for file in (services / "apps").iterdir()) == ["chat.yaml", "scaled.yaml"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["services/prod/chat.yaml"], 2, "say where the chart is"),
        (["services/prod/chat.yaml", "--git", GIT, "--chart-repo", OCI], 2, "say where the chart is"),
        (["services/prod/chat.yaml", "--chart-repo", OCI, "--rendered"], 2, "--rendered needs --git"),
        (["services/prod/chat.yaml", "--git", GIT, "--rendered", "--values-git", GIT], 1, "brings its values"),
        (["services", "--application-set", "--chart-repo", OCI], 2, "needs --values-git"),
        (["services/prod/chat.yaml", "--application-set", "--chart-repo", OCI, "--values-git", GIT], 2, "one folder"),
        (["services", "--application-set", "--git", GIT, "--rendered", "--values-git", GIT], 1, "generic chart"),
        (["/etc/hostname", "--chart-repo", OCI, "--values-git", GIT], 1, "not made"),
    ],
)
def test_what_does_not_fit_together_is_said(arguments: list[str], code: int, words: str) -> None:
    answer = run(*arguments)
    assert (answer.exit_code, words in answer.stderr) == (code, True), answer.stderr


def test_two_services_of_one_name_are_refused() -> None:
    answer = run("services", "--chart-repo", OCI)
    assert answer.exit_code == 1
    assert "an Application's name is its own" in answer.stderr
