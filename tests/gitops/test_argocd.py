"""`modelservice argocd`: its output is valid by Argo CD's definitions, for each kind of source."""

import subprocess
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


SERVICES = {"prod/chat": CHAT, "prod/scaled": SCALED, "dev/chat": CHAT}


@pytest.fixture(autouse=True)
def services(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Change into a repository with services of two environments and a common layer."""
    monkeypatch.chdir(tmp_path)
    for name, text in SERVICES.items():
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


def test_a_chart_from_a_registry_has_no_scheme_and_inline_values() -> None:
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


def test_a_rendered_chart_in_git_contains_its_values() -> None:
    (item,) = made("services/prod/chat.yaml", "--git", GIT, "--path", "charts", "--rendered")
    assert item["spec"]["source"] == {
        "repoURL": GIT,
        "path": "charts/chat",
        "targetRevision": "HEAD",
        "helm": {"releaseName": "chat"},
    }


def test_replicas_that_an_autoscaler_sets_are_ignored() -> None:
    chat, scaled = made("services/prod", "--chart-repo", OCI)
    assert "ignoreDifferences" not in chat["spec"]
    assert scaled["spec"]["ignoreDifferences"] == [
        {"group": "apps", "kind": "Deployment", "jsonPointers": ["/spec/replicas"]}
    ]


def test_manual_project_server_and_namespace_options_are_used() -> None:
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
    assert generator["git"]["files"] == [{"path": "services/[!.]*/[!.]*.yaml"}]
    helm = item["spec"]["template"]["spec"]["sources"][0]["helm"]
    assert helm["valueFiles"] == ["$values/defaults.yaml", "$values/{{ .file.path.path }}/{{ .file.path.filename }}"]
    assert helm["releaseName"] in item["spec"]["template"]["metadata"]["name"]
    assert item["spec"]["template"]["spec"]["destination"]["namespace"] == "{{ .file.path.basename }}"


def test_a_set_finds_in_git_the_same_files_as_validate_and_names_the_rest(services: Path) -> None:
    hidden = ["prod/.draft.yaml", ".old/chat.yaml", "prod/.old/chat.yaml", "prod/team/.draft.yaml", "prod/.a/.b.yaml"]
    for name in hidden:
        (services / f"services/{name}").parent.mkdir(parents=True, exist_ok=True)
        (services / f"services/{name}").write_text("model: {nmae: a}\n")
    answer = run("services", "--application-set", "--values-git", GIT, "--chart-repo", OCI)
    # Argo CD's older globbing is that of `git ls-files`; its newer one does not go through folders.
    (files,) = yaml.safe_load(answer.stdout)["spec"]["generators"][0]["git"]["files"]
    for command in (["git", "init", "-q"], ["git", "add", "services"]):
        subprocess.run(command, check=True)
    listed = subprocess.run(["git", "ls-files", "--", files["path"]], check=True, capture_output=True, text=True)
    deep = ["services/prod/.old/chat.yaml", "services/prod/team/.draft.yaml"]
    assert set(listed.stdout.split()) == {*deep, *(f"services/{name}.yaml" for name in SERVICES)}
    assert answer.exit_code == 1
    assert [line.partition(":")[0] for line in answer.stderr.splitlines()][:-1] == deep


def test_a_set_names_its_wrong_files(services: Path) -> None:
    (services / "services/prod/bad.yaml").write_text("model: {nmae: a}\n")
    answer = run("services", "--application-set", "--values-git", GIT, "--chart-repo", OCI)
    assert answer.exit_code == 1
    assert "kind: ApplicationSet" in answer.stdout
    assert "did you mean name?" in answer.stderr
    assert "invalid or not written: services/prod/bad.yaml" in answer.stderr


def test_a_comment_says_how_a_file_was_made_and_a_second_run_changes_nothing() -> None:
    arguments = ["services/prod/chat.yaml", "--chart-repo", OCI, "-n", "models", "--manual"]
    first = run(*arguments).stdout
    comment = f"# Made by: modelservice argocd services/prod/chat.yaml --chart-repo {OCI} -n models --manual"
    assert first.splitlines()[0] == comment
    assert run(*arguments).stdout == first


def test_a_bad_service_does_not_stop_the_others(services: Path) -> None:
    (services / "services/prod/bad.yaml").write_text("model: {nmae: a}\n")
    answer = run("services/prod", "--chart-repo", OCI, "-o", "apps")
    assert answer.exit_code == 1
    assert "invalid or not written: services/prod/bad.yaml" in answer.stderr
    assert sorted(file.name for file in (services / "apps").iterdir()) == ["chat.yaml", "scaled.yaml"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["services/prod/chat.yaml"], 2, "name one source of the chart"),
        (["services/prod/chat.yaml", "--git", GIT, "--chart-repo", OCI], 2, "name one source of the chart"),
        (["services/prod/chat.yaml", "--chart-repo", OCI, "--rendered"], 2, "--rendered needs --git"),
        (["services/prod/chat.yaml", "--git", GIT, "--rendered", "--values-git", GIT], 1, "includes its values"),
        (["services", "--application-set", "--chart-repo", OCI], 2, "needs --values-git"),
        (["services/prod/chat.yaml", "--application-set", "--chart-repo", OCI, "--values-git", GIT], 2, "one folder"),
        (["services", "--application-set", "--git", GIT, "--rendered", "--values-git", GIT], 1, "generic chart"),
        (["/etc/hostname", "--chart-repo", OCI, "--values-git", GIT], 2, "path from the repository's root"),
    ],
)
def test_conflicting_options_are_reported(arguments: list[str], code: int, words: str) -> None:
    answer = run(*arguments)
    assert (answer.exit_code, words in answer.stderr) == (code, True), answer.stderr


def test_a_secret_with_its_values_is_not_written_to_an_application(services: Path) -> None:
    secret = "extraObjects: [{apiVersion: v1, kind: Secret, metadata: {name: a}, stringData: {pin: hunter2pw}}]\n"
    (services / "services/prod/chat.yaml").write_text(CHAT + secret)
    answer = run("services/prod/chat.yaml", "--chart-repo", CHARTS)
    assert (answer.exit_code, answer.stdout) == (1, "")
    assert "chat.yaml:3:16: error: extraObjects[0]: a Secret has its values in plain text" in answer.stderr
    assert "hunter2" not in answer.stderr


def test_two_services_with_the_same_name_are_refused_and_the_others_written() -> None:
    answer = run("services", "--chart-repo", OCI)
    assert answer.exit_code == 1
    assert "services/dev/chat.yaml: services/prod/chat.yaml would be the Application chat too" in answer.stderr
    assert "services/prod/chat.yaml: services/dev/chat.yaml would be the Application chat too" in answer.stderr
    assert [item["metadata"]["name"] for item in yaml.safe_load_all(answer.stdout)] == ["scaled"]


def test_an_application_of_other_values_is_not_overwritten(services: Path) -> None:
    options = ["--chart-repo", OCI, "-o", "apps"]
    for _ in range(2):
        assert run("services/dev/chat.yaml", *options).exit_code == 0
    before = (services / "apps/chat.yaml").read_text()
    answer = run("services/prod", *options)
    assert answer.exit_code == 1
    assert "apps/chat.yaml is already the Application of services/dev/chat.yaml" in answer.stderr
    assert (services / "apps/chat.yaml").read_text() == before
    assert (services / "apps/scaled.yaml").exists()
    (services / "services/dev/chat.yaml").unlink()
    assert run("services/prod", *options).exit_code == 0


def test_a_foreign_file_is_not_replaced(services: Path) -> None:
    file = next(services.rglob("*.yaml"))
    out = services.parent / "applications"
    out.mkdir()
    (out / "mine.yaml").write_text("kind: Precious\n")
    command = ["argocd", str(file), "--chart-repo", "https://a.b/c", "--release", "mine", "-o", str(out)]
    answer = CliRunner().invoke(main, command)
    assert (answer.exit_code, "did not write" in answer.stderr) == (1, True), answer.output
    assert (out / "mine.yaml").read_text() == "kind: Precious\n"


def test_an_existing_release_can_be_taken_over() -> None:
    (item,) = made("services/prod/chat.yaml", "--chart-repo", OCI, "--release", "llama")
    assert (item["metadata"]["name"], item["spec"]["source"]["helm"]["releaseName"]) == ("llama", "llama")
    assert run("services/prod", "--chart-repo", OCI, "--release", "llama").exit_code == 2


def test_server_side_diff_is_set() -> None:
    annotations = {"argocd.argoproj.io/compare-options": "ServerSideDiff=true"}
    (item,) = made("services/prod/chat.yaml", "--chart-repo", OCI)
    assert item["metadata"]["annotations"] == annotations
    (item,) = made("services", "--application-set", "--values-git", GIT, "--chart-repo", OCI)
    assert item["spec"]["template"]["metadata"]["annotations"] == annotations


def test_a_layer_is_not_a_service(services: Path) -> None:
    layers = ["services/defaults.yaml", "services/prod/shared.yaml"]
    for layer in layers:
        (services / layer).write_text("runtimeClassName: ''\n")
    given = [word for layer in layers for word in ("-f", layer)]
    found = made("services/prod", "--chart-repo", OCI, *given)
    assert [item["metadata"]["name"] for item in found] == ["chat", "scaled"]
    (item,) = made("services", "--application-set", "--values-git", GIT, "--chart-repo", OCI, *given)
    # Files that the pattern cannot match need no exclude, which older releases of Argo CD do not know for files.
    assert item["spec"]["generators"][0]["git"]["files"] == [
        {"path": "services/[!.]*/[!.]*.yaml"},
        {"path": "services/prod/shared.yaml", "exclude": True},
    ]


@pytest.mark.parametrize(
    ("files", "options", "says"),
    [
        (["prod/qwen-2-5.yaml", "prod/qwen-2.5.yaml"], [], "would be the Application prod-qwen-2-5 too"),
        (["a-b/c.yaml", "a/b-c.yaml"], [], "would be the Application a-b-c too"),
        (["prod/日本.yaml"], [], 'its release would be named "": rename the file'),
        ([f"prod/{'x' * 60}.yaml"], [], "1 to 53 lower case letters"),
        ([f"{'e' * 30}/{'x' * 50}.yaml"], [], "at most 63 characters"),
        (["Prod_EU/z.yaml"], [], 'its environment "Prod_EU" cannot be the name of a namespace'),
        (["prod/y.yml"], [], "rename it to end with .yaml"),
        (["top.yaml"], [], "Argo CD creates no Application for it: move it to services/<environment>/"),
        (["prod/team/x.yaml"], [], 'would use "team" as its environment'),
        (["dev/one.yaml", "prod/one.yaml"], ["-n", "models"], "would be the release one in models too"),
    ],
)
def test_a_file_that_a_set_would_not_deploy_as_intended_is_named(
    files: list[str], options: list[str], says: str, services: Path
) -> None:
    for name in ("dev/chat", "prod/scaled"):
        (services / f"services/{name}.yaml").unlink()
    for name in files:
        (services / f"services/{name}").parent.mkdir(parents=True, exist_ok=True)
        (services / f"services/{name}").write_text(CHAT)
    answer = run("services", "--application-set", "--values-git", GIT, "--chart-repo", OCI, *options)
    assert answer.exit_code == 1
    for name in files:
        assert f"services/{name}: " in answer.stderr
    assert says in answer.stderr


def test_a_folder_that_argo_cd_would_read_as_a_pattern_is_refused(services: Path) -> None:
    (services / "a[b]/svc/prod").mkdir(parents=True)
    (services / "a[b]/svc/prod/chat.yaml").write_text(CHAT)
    answer = run("a[b]/svc", "--application-set", "--values-git", GIT, "--chart-repo", OCI)
    assert (answer.exit_code, answer.stdout) == (1, "")
    assert "Argo CD would read a[b]/svc as a pattern" in answer.stderr


def test_a_range_of_versions_is_kept() -> None:
    (item,) = made("services/prod/chat.yaml", "--chart-repo", OCI, "--chart-version", ">=1.2.0 <2.0.0")
    assert item["spec"]["source"]["targetRevision"] == ">=1.2.0 <2.0.0"


@pytest.mark.parametrize("folder", [".", "Svc_X"])
def test_a_set_needs_a_name(folder: str, services: Path) -> None:
    (services / "Svc_X/prod").mkdir(parents=True)
    (services / "Svc_X/prod/chat.yaml").write_text(CHAT)
    answer = run(folder, "--application-set", "--values-git", GIT, "--chart-repo", OCI)
    assert (answer.exit_code, answer.stdout) == (1, "")
    assert "cannot be the name of an ApplicationSet" in answer.stderr


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--chart-repo", "oci://ann:s3cr3t@registry.example.com/x"], "--chart-repo contains a user"),
        (["--chart-repo", "https://s3cr3t@charts.example.com"], "--chart-repo contains a user"),
        (["--git", "ssh://git:s3cr3t@git.example.com/x.git"], "--git contains a user"),
        (
            ["--chart-repo", OCI, "--values-git", "https://ann:s3cr3t@git.example.com/x.git"],
            "--values-git contains a user",
        ),
        (["--chart-repo", "registry.example.com/s3cr3t"], "start it with https:// or oci://"),
        (["--chart-repo", OCI, "--values-git", "oci://registry.example.com/s3cr3t"], "--values-git is a registry"),
        (["--git", "oci://registry.example.com/s3cr3t"], "--git is a registry"),
        (["--chart-repo", "https://charts.example.com/?token=s3cr3t"], "without spaces, ? or #"),
        (["--chart-repo", "https://charts.example.com/#s3cr3t"], "without spaces, ? or #"),
        (["--chart-repo", "https://charts.example.com/a s3cr3t"], "without spaces, ? or #"),
        (["--chart-repo", "https://ann:a/s3cr3t@charts.example.com"], "--chart-repo contains a user"),
        (["--git", "https://git.example.com/x.git?token=s3cr3t"], "--git is not the address of a Git repository"),
        (["--git", "ann:s3cr3t@git.example.com:x.git"], "--git contains a user"),
        (["--git", GIT, "--path", "/s3cr3t"], "--path must be relative to the root of --git"),
        (["--git", GIT, "--path", "../s3cr3t"], "--path must be relative to the root of --git"),
        (["--chart-repo", OCI, "-n", "Bad NS"], '--namespace "Bad NS" is not a namespace'),
        (["--chart-repo", OCI, "--project", "Bad Project"], '--project "Bad Project" is not a project name'),
        (["--chart-repo", OCI, "--chart", "My Chart"], '--chart "My Chart" is not a chart name'),
        (["--chart-repo", OCI, "--chart-version", "latest"], '--chart-version "latest" is not a version'),
        (["--git", GIT, "--revision", "a b"], '--revision "a b" is not a branch, tag or commit'),
        (["--git", GIT, "--revision", ""], '--revision "" is not a branch, tag or commit'),
        (["--chart-repo", OCI, "--project", ""], '--project "" is not a project name'),
        (
            ["--chart-repo", OCI, "--server", "in-cluster"],
            "--server is not a cluster address: use one that `argocd cluster list` shows",
        ),
        (["--chart-repo", OCI, "--server", ""], "--server is not a cluster address"),
        (["--chart-repo", OCI, "--server", "https://ann:s3cr3t@gpu.example.com"], "--server contains a user"),
        (["--chart-repo", OCI, "--argocd-namespace", "Bad NS"], '--argocd-namespace "Bad NS" is not a namespace'),
    ],
)
def test_invalid_input_is_refused_and_no_secret_is_repeated(options: list[str], says: str) -> None:
    answer = run("services/prod/chat.yaml", *options)
    assert (answer.exit_code, answer.stdout, says in answer.stderr) == (1, "", True), answer.stderr
    assert "s3cr3t" not in answer.stderr


def test_a_query_distinguishes_clusters_with_the_same_address() -> None:
    (item,) = made("services/prod/chat.yaml", "--chart-repo", OCI, "--server", "https://gpu.example.com:6443?team=a")
    assert item["spec"]["destination"]["server"] == "https://gpu.example.com:6443?team=a"


def test_an_ssh_user_is_not_a_secret_and_a_trailing_slash_is_dropped() -> None:
    for git in ("ssh://git@git.example.com/models.git", "git@git.example.com:models.git"):
        (item,) = made("services/prod/chat.yaml", "--chart-repo", f"{OCI}/", "--values-git", git)
        assert [source["repoURL"] for source in item["spec"]["sources"]] == ["registry.example.com/charts", git]


def test_values_from_standard_input_are_in_the_application() -> None:
    answer = CliRunner().invoke(main, ["argocd", "-", "--chart-repo", OCI, "--release", "chat"], input=CHAT)
    values = yaml.safe_load(answer.stdout)["spec"]["source"]["helm"]["valuesObject"]
    assert values["args"] == ["--seed=7"]


def test_standard_input_has_no_path_in_git() -> None:
    answer = run("-", "--chart-repo", OCI, "--values-git", GIT)
    assert (answer.exit_code, "standard input has no path in Git" in answer.stderr) == (2, True)


def test_a_name_that_helm_refuses_is_refused_here(services: Path) -> None:
    long = services / f"services/prod/{'x' * 54}.yaml"
    long.write_text(CHAT)
    answer = run("services/prod", "--chart-repo", OCI)
    assert (answer.exit_code, "is not a valid release name" in answer.stderr) == (1, True)
    assert len(list(yaml.safe_load_all(answer.stdout))) == 2


@pytest.mark.parametrize(
    ("arguments", "idle"),
    [
        (["--chart-repo", OCI, "--revision", "v1"], "--revision"),
        (["--chart-repo", OCI, "--path", "charts"], "--path"),
        (["--git", GIT, "--chart", "x", "--chart-version", "3.0.0"], "--chart, --chart-version"),
    ],
)
def test_an_option_without_effect_is_refused(arguments: list[str], idle: str) -> None:
    answer = run("services/prod/chat.yaml", *arguments)
    assert (answer.exit_code, f"{idle}: no effect" in answer.stderr) == (2, True)
    assert made("services/prod/chat.yaml", "--chart-repo", OCI, "--values-git", GIT, "--revision", "v1")
