"""`modelservice argocd` on a fleet: ApplicationSets deploy the services and layers that other commands use."""

import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from modelservice.cli import main
from modelservice.gitops.fleet_check import sound_fleet
from modelservice.gitops.members import members

from tests.crds import complaints
from tests.gitops.filled_set import applications

GIT, OCI = "https://git.example.com/models.git", "oci://registry.example.com/charts"
FLEET = f"""\
layers:
  - defaults.yaml
  - {{file: layers/prod.yaml, for: prod/*}}
  - {{file: bases/embed.yaml, for: ["*/embed-*", dev/chat, "dev/[!a-w]?.yaml"]}}
  - {{file: prod/scaled.yaml, for: "prod/embed-*"}}
chart: {{repository: {OCI}, version: 1.2.3}}
git: {{repository: {GIT}, revision: main}}
environments:
  dev: {{chart: {{version: 1.3.0}}}}
  prod: {{namespace: models, server: https://gpu.example.com, project: llm}}
"""
FILES = {
    "defaults.yaml": "runtimeClassName: ''\n",
    "layers/prod.yaml": "replicas: ''\n",
    "bases/embed.yaml": "gpu: {count: 1}\n",
    "prod/scaled.yaml": (
        "modelVolume: {accessModes: [ReadWriteMany]}\nworkload: {kind: StatefulSet}\n"
        "autoscaling: {kind: ScaledObject, prometheusAddress: 'http://prometheus:9090'}\n"
    ),
}
SERVICES = ["dev/chat", "dev/embed-bge", "dev/xy", "dev/xyz", "prod/chat", "prod/embed-bge", "prod/embed-own"]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, newest_helm: str) -> Path:
    """Change into a repository that has a fleet in services/."""
    monkeypatch.setenv("PATH", str(Path(newest_helm).parent), prepend=os.pathsep)
    monkeypatch.chdir(tmp_path)
    services = {f"{name}.yaml": "model: {name: Qwen/Qwen3-8B}\n" for name in SERVICES}
    services["prod/embed-own.yaml"] += "autoscaling: {kind: ''}\n"
    for name, text in {**FILES, **services, "fleet.yaml": FLEET}.items():
        file = tmp_path / "services" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["argocd", *arguments], catch_exceptions=False)


def made(*arguments: str) -> dict[str, dict[str, Any]]:
    answer = run(*arguments)
    assert answer.exit_code == 0, answer.stderr
    items = list(yaml.safe_load_all(answer.stdout))
    assert [complaint for item in items for complaint in complaints(item)] == []
    return {item["metadata"]["name"]: item for item in items}


def test_each_environment_has_a_set_with_its_own_project_cluster_and_chart() -> None:
    sets = made("services")
    assert sets == made("services/fleet.yaml", "--application-set")
    assert list(sets) == ["services-dev", "services-prod"]
    dev, prod = (item["spec"]["template"]["spec"] for item in sets.values())
    assert (dev["project"], dev["destination"]) == (
        "default",
        {"server": "https://kubernetes.default.svc", "namespace": "dev"},
    )
    assert (prod["project"], prod["destination"]) == (
        "llm",
        {"server": "https://gpu.example.com", "namespace": "models"},
    )
    (generator,) = sets["services-prod"]["spec"]["generators"]
    assert generator["git"] == {
        "repoURL": GIT,
        "revision": "main",
        # The layer in the environment's own folder, which the pattern would match.
        "files": [
            {"path": "services/prod/[!.]*.yaml"},
            {"path": "services/prod/scaled.yaml", "exclude": True},
        ],
        "pathParamPrefix": "file",
    }
    assert list(made("services/prod")) == ["services-prod"]


def test_every_service_has_the_layers_that_the_other_commands_give_it(tmp_path: Path) -> None:
    sets = made("services")
    for environment in ("dev", "prod"):
        own = [one for one in members(["services"]) if one.environment and one.environment.name == environment]
        filled = applications(sets[f"services-{environment}"], [one.values for one in own], tmp_path / environment)
        assert len(filled) == len([name for name in SERVICES if name.startswith(environment)])
        for member, item in zip(own, filled, strict=True):
            assert complaints({"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", **item}) == []
            chart, values = item["spec"]["sources"]
            assert chart["helm"]["releaseName"] == Path(member.values).stem
            assert item["metadata"]["name"] == f"{environment}-{Path(member.values).stem}"
            assert chart["helm"]["valueFiles"] == [f"$values/{file}" for file in (*member.layers, member.values)]
            assert chart["targetRevision"] == {"dev": "1.3.0", "prod": "1.2.3"}[environment]
            assert values == {"repoURL": GIT, "targetRevision": "main", "ref": "values"}


def test_replicas_are_ignored_if_a_layer_sets_an_autoscaler(tmp_path: Path) -> None:
    names = ["services/prod/chat.yaml", "services/prod/embed-bge.yaml", "services/prod/embed-own.yaml"]
    filled = applications(made("services")["services-prod"], names, tmp_path / "filled")
    scaled = [{"group": "apps", "kind": "StatefulSet", "jsonPointers": ["/spec/replicas"]}]
    assert [item["spec"].get("ignoreDifferences") for item in filled] == [None, scaled, None]


def test_a_null_in_a_service_does_not_stop_the_set(here: Path) -> None:
    file = here / "services/prod/chat.yaml"
    file.write_text("model: {name: Qwen/Qwen3-8B}\nautoscaling: null\nworkload: null\n")
    sets = {item["metadata"]["name"]: item for item in yaml.safe_load_all(run("services").stdout)}
    (item,) = applications(sets["services-prod"], ["services/prod/chat.yaml"], here / "filled")
    assert "ignoreDifferences" not in item["spec"]


def test_options_override_the_fleet() -> None:
    options = ["--chart-repo", "https://charts.example.com", "--chart-version", "9.9.9", "--project", "mine"]
    spec = made("services/dev", *options, "-n", "here", "--values-git", "https://git.example.com/fork.git")[
        "services-dev"
    ]["spec"]
    assert spec["generators"][0]["git"]["repoURL"] == "https://git.example.com/fork.git"
    assert (spec["template"]["spec"]["project"], spec["template"]["spec"]["destination"]["namespace"]) == (
        "mine",
        "here",
    )
    assert "https://charts.example.com" in spec["templatePatch"]
    assert "9.9.9" in spec["templatePatch"]


def test_a_single_service_gets_an_application_with_merged_values() -> None:
    (item,) = made("services/prod/embed-own.yaml").values()
    assert item["metadata"]["name"] == "prod-embed-own"
    assert item["spec"]["destination"] == {"server": "https://gpu.example.com", "namespace": "models"}
    values = item["spec"]["source"]["helm"]["valuesObject"]
    assert values["replicas"] == ""
    assert values["gpu"] == {"count": 1}
    assert values["workload"]["kind"] == "StatefulSet"
    assert item["spec"]["source"]["helm"]["releaseName"] == "embed-own"


def test_a_null_that_leaves_a_field_out_is_written_as_an_empty_text(here: Path) -> None:
    (here / "services/prod/chat.yaml").write_text("model: {name: Qwen/Qwen3-8B}\nreplicas: null\n")
    (item,) = made("services/prod/chat.yaml").values()
    assert item["spec"]["source"]["helm"]["valuesObject"]["replicas"] == ""


def test_without_a_git_repository_each_service_has_an_application(here: Path) -> None:
    file = here / "services/fleet.yaml"
    file.write_text(file.read_text().replace(f"git: {{repository: {GIT}, revision: main}}\n", ""))
    assert list(made("services")) == [name.replace("/", "-") for name in SERVICES]
    assert "needs --values-git" in run("services", "--application-set").stderr


def test_a_chart_by_digest_is_an_oci_artifact() -> None:
    digest = f"sha256:{'0' * 64}"
    (item,) = made("services/dev/xy.yaml", "--chart-version", digest).values()
    source = item["spec"]["source"]
    assert (source["repoURL"], source["path"]) == ("oci://registry.example.com/charts/modelservice", ".")
    assert source["targetRevision"] == digest
    assert "chart" not in source
    answer = run("services/dev/xy.yaml", "--chart-repo", "https://charts.example.com", "--chart-version", digest)
    assert answer.exit_code == 1
    assert "which needs a registry" in answer.stderr


@pytest.mark.parametrize(
    ("file", "text", "says"),
    [
        ("prod/deeper/x.yaml", "model: {name: a/b}\n", "move it out of prod"),
        ("prod/other.yml", "model: {name: a/b}\n", "rename it to end with .yaml"),
        ("prod/bad.yaml", "model: {name: [\n", "creates no Application of the whole set"),
        ("prod/wrong.yaml", "model: {nmae: a/b}\n", "did you mean name?"),
        (f"prod/{'x' * 60}.yaml", "model: {name: a/b}\n", "1 to 53 lower case letters"),
    ],
)
def test_files_that_a_set_would_not_deploy_are_reported(file: str, text: str, says: str, here: Path) -> None:
    (here / f"services/{file}").parent.mkdir(exist_ok=True)
    (here / f"services/{file}").write_text(text)
    answer = run("services")
    assert answer.exit_code == 1
    assert f"services/{file}:" in answer.stderr
    assert says in answer.stderr
    assert answer.stdout.count("kind: ApplicationSet") == 2


def test_paths_are_relative_to_the_git_repository(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = made("services")
    (here / ".git").mkdir()
    monkeypatch.chdir(here / "services/prod")
    sound_fleet.cache_clear()
    assert made("..") == before


def test_a_second_run_writes_the_same_bytes(here: Path) -> None:
    assert run("services", "-o", "apps").exit_code == 0
    first = {file.name: file.read_bytes() for file in (here / "apps").iterdir()}
    assert run("services", "-o", "apps").exit_code == 0
    assert {file.name: file.read_bytes() for file in (here / "apps").iterdir()} == first
    assert sorted(first) == ["services-dev.yaml", "services-prod.yaml"]


def test_a_common_namespace_is_refused_if_releases_would_collide() -> None:
    answer = run("services", "--namespace", "here", "--server", "https://one.example.com")
    assert answer.exit_code == 1
    assert (
        "dev/chat and prod/chat would create the same Service modelservice-chat in the namespace here" in answer.stderr
    )


def test_a_secret_in_the_fleet_is_not_written_to_a_set(here: Path) -> None:
    file = here / "services/fleet.yaml"
    file.write_text(file.read_text().replace("https://git.example.com", "https://ann:s3cr3t@git.example.com"))
    answer = run("services")
    assert (answer.exit_code, answer.stdout) == (1, "")
    assert "git.repository: the address contains a user, a password or a token" in answer.stderr
    assert "fleet.yaml" in answer.stderr
    assert "s3cr3t" not in answer.stderr


def test_nothing_in_the_fleet_is_a_template(here: Path) -> None:
    file = here / "services/fleet.yaml"
    file.write_text(file.read_text().replace(f"{OCI},", '"oci://{{.model.name}}.example.com/charts",'))
    assert run("services").exit_code == 1
    file.write_text(file.read_text().replace("oci://{{.model.name}}.example.com/charts", OCI + "/{{.model.name}}"))
    sound_fleet.cache_clear()
    answer = run("services")
    assert (answer.exit_code, answer.stdout) == (1, "")
    assert "as a template: write it without {{" in answer.stderr


def test_only_the_requested_services_are_checked(here: Path) -> None:
    (here / "services/prod/wrong.yaml").write_text("model: {nmae: a/b}\n")
    assert run("services/dev").exit_code == 0


def test_the_set_of_a_removed_environment_is_removed(here: Path) -> None:
    assert run("services", "--output", "argocd").exit_code == 0
    fleet = FLEET.replace("  prod: {namespace: models, server: https://gpu.example.com, project: llm}\n", "")
    lines = [line for line in fleet.splitlines(keepends=True) if "prod" not in line]
    (here / "services/fleet.yaml").write_text("".join(lines))
    sound_fleet.cache_clear()
    answer = run("services", "--output", "argocd")
    assert "argocd/services-prod.yaml: removed, because nothing needs it any more" in answer.stderr
    assert sorted(file.name for file in Path("argocd").iterdir()) == ["services-dev.yaml"]
