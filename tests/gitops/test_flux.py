"""`modelservice flux`: valid by Flux's definitions, and deploys the same services as the other commands."""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from modelservice.cli import main
from modelservice.gitops.fleet_check import sound_fleet
from modelservice.gitops.members import members
from modelservice.helm import run_helm

from tests.crds import KINDS, complaints
from tests.gitops.filled_set import applications

CHART = str(Path(__file__).parents[2] / "charts/modelservice")
GIT, OCI = "https://git.example.com/models.git", "oci://registry.example.com/charts"
FLEET = f"""\
layers: [defaults.yaml, {{file: layers/prod.yaml, for: prod/*}}, {{file: bases/embed.yaml, for: "*/embed-*"}}]
chart: {{repository: {OCI}, version: 1.2.3}}
git: {{repository: {GIT}}}
environments: {{dev: {{}}, prod: {{namespace: models}}}}
"""
MODEL = "model: {name: Qwen/Qwen3-8B}\n"
FILES = {
    "fleet.yaml": FLEET,
    "defaults.yaml": "runtimeClassName: ''\nargs: [--seed=1]\nlabels: {team: a}\n",
    "layers/prod.yaml": "replicas: null\nlabels: {stage: prod}\nstartupSeconds: 3000\n",
    "bases/embed.yaml": "args: [--seed=2]\ngpu: {count: 1}\n",
    "dev/chat.yaml": MODEL,
    "dev/embed-bge.yaml": MODEL + "args: [--seed=3]\n",
    "prod/chat.yaml": MODEL + "modelVolume: {preDownload: InitContainer}\n",
    "prod/embed-bge.yaml": MODEL + "replicas: 2\nmodelVolume: {accessModes: [ReadWriteMany]}\n",
}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, newest_helm: str) -> Path:
    """Change into a repository that has a fleet in services/."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(Path(newest_helm).parent), prepend=os.pathsep)
    for name, text in FILES.items():
        file = tmp_path / "services" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, [*arguments], catch_exceptions=False)


def made(*arguments: str) -> list[dict[str, Any]]:
    answer = run("flux", *arguments)
    assert answer.exit_code == 0, answer.stderr
    items = list(yaml.safe_load_all(answer.stdout))
    assert [complaint for item in items if item["kind"] in KINDS for complaint in complaints(item)] == []
    return items


def of_kind(items: list[dict[str, Any]], kind: str) -> dict[tuple[str, str], dict[str, Any]]:
    return {(i["metadata"]["namespace"], i["metadata"]["name"]): i for i in items if i["kind"] == kind}


def test_each_environment_has_the_chart_and_each_service_a_release() -> None:
    items = made("services")
    sources = of_kind(items, "OCIRepository")
    assert list(sources) == [("dev", "modelservice-dev"), ("models", "modelservice-prod")]
    assert sources["models", "modelservice-prod"]["spec"] == {
        "interval": "1h",
        "url": "oci://registry.example.com/charts/modelservice",
        "ref": {"tag": "1.2.3"},
        # https://fluxcd.io/flux/components/helm/helmreleases/#chart-reference
        "layerSelector": {"mediaType": "application/vnd.cncf.helm.chart.content.v1.tar+gzip", "operation": "copy"},
    }
    releases = of_kind(items, "HelmRelease")
    assert list(releases) == [("dev", "chat"), ("dev", "embed-bge"), ("models", "chat"), ("models", "embed-bge")]
    assert releases["models", "chat"]["spec"]["chartRef"] == {"kind": "OCIRepository", "name": "modelservice-prod"}
    assert releases["models", "chat"]["spec"]["values"]["replicas"] == ""


@pytest.mark.parametrize(
    ("version", "ref"),
    [
        ("1.2.3+build.1", {"tag": "1.2.3_build.1"}),
        (">=1.2.0 <2.0.0", {"semver": ">=1.2.0 <2.0.0"}),
        (f"sha256:{'0' * 64}", {"digest": f"sha256:{'0' * 64}"}),
    ],
)
def test_a_version_is_a_tag_a_range_or_a_digest(version: str, ref: dict[str, str]) -> None:
    (source,) = of_kind(made("services/dev/chat.yaml", "--chart-version", version), "OCIRepository").values()
    assert source["spec"]["ref"] == ref


def test_a_release_refers_to_its_chart_repository() -> None:
    items = made("services/dev/chat.yaml", "--chart-repo", "https://charts.example.com")
    (source,), (release,) = (of_kind(items, kind).values() for kind in ("HelmRepository", "HelmRelease"))
    assert source["spec"]["url"] == "https://charts.example.com"
    assert release["spec"]["chart"]["spec"] == {
        "chart": "modelservice",
        "version": "1.2.3",
        "sourceRef": {"kind": "HelmRepository", "name": "modelservice-dev"},
    }


def test_the_timeout_is_the_rollouts_deadline() -> None:
    releases = of_kind(made("services"), "HelmRelease")
    for member in members(["services"]):
        name = Path(member.values).stem
        rendered = yaml.safe_load_all(run_helm(["template", name, CHART, *_words([*member.layers, member.values])]))
        (workload,) = [item["spec"] for item in rendered if item["kind"] == "Deployment"]
        grace = workload["template"]["spec"]["terminationGracePeriodSeconds"]
        release = releases[member.namespace, name]["spec"]
        assert release["timeout"] == f"{workload['progressDeadlineSeconds'] + grace}s"
        assert release["upgrade"]["remediation"] == {"retries": 3, "remediateLastFailure": True}


@pytest.mark.parametrize("options", [[], ["--values-from"]])
def test_flux_argo_cd_and_template_deploy_the_same(options: list[str], here: Path) -> None:
    """Flux merges the ConfigMaps of a release in their order, as helm does files; Argo CD gives helm the files."""
    items = made("services", *options)
    maps = of_kind(items, "ConfigMap")
    assert bool(maps) == bool(options)
    assert run("template", "services", "--output-dir", "build").exit_code == 0
    sets = {item["spec"]["template"]["spec"]["destination"]["namespace"]: item for item in _sets()}
    for member in members(["services"]):
        assert member.environment
        place = member.namespace, Path(member.values).stem
        wanted = Path("build", member.environment.name, f"{place[1]}.yaml").read_text()
        release = of_kind(items, "HelmRelease")[place]["spec"]
        texts = [maps[place[0], one["name"]]["data"]["values.yaml"] for one in release.get("valuesFrom", [])]
        files = [here / f"{number}.yaml" for number in range(max(len(texts), 1))]
        for file, text in zip(files, texts or [yaml.safe_dump(release["values"])], strict=True):
            file.write_text(text)
        assert _rendered(release["releaseName"], place[0], [str(file) for file in files]) == wanted
        (item,) = applications(sets[place[0]], [member.values], here / "-".join(place))
        helm = item["spec"]["sources"][0]["helm"]
        named = [file.removeprefix("$values/") for file in helm["valueFiles"]]
        assert _rendered(helm["releaseName"], item["spec"]["destination"]["namespace"], named) == wanted


def _sets() -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(run("argocd", "services").stdout))


def _words(files: list[str]) -> list[str]:
    return [word for file in files for word in ("-f", file)]


def _rendered(release: str, namespace: str, files: list[str]) -> str:
    return run_helm(["template", release, CHART, "-n", namespace, *_words(files)])


def test_files_are_in_their_environments_folder_and_a_second_run_changes_nothing(here: Path) -> None:
    names = ("chat", "embed-bge")
    wanted = [f"{one}/{name}.yaml" for one in ("dev", "prod") for name in (*names, f"modelservice-{one}-chart")]
    seen = []
    for _ in range(2):
        assert run("flux", "services", "--values-from", "-o", "flux").exit_code == 0
        seen.append({str(f.relative_to("flux")): f.read_bytes() for f in Path("flux").rglob("*.yaml")})
    assert sorted(seen[0]) == wanted
    assert seen[0] == seen[1]
    assert b"layer-layers-prod" in seen[0]["prod/modelservice-prod-chart.yaml"]
    assert b"layer-layers-prod" not in seen[0]["dev/modelservice-dev-chart.yaml"]


def test_a_bad_service_does_not_stop_the_others(here: Path) -> None:
    (here / "services/dev/chat.yaml").write_text("model: {nmae: a}\n")
    answer = run("flux", "services")
    assert answer.exit_code == 1
    assert "not made: services/dev/chat.yaml" in answer.stderr
    assert answer.stdout.count("kind: HelmRelease") == 3


def test_a_missing_chart_is_reported(here: Path) -> None:
    (here / "services/fleet.yaml").unlink()
    answer = run("flux", "services/dev/chat.yaml")
    assert answer.exit_code == 1
    assert "the chart's repository is not set" in answer.stderr
    two = run("flux", "services/dev", "services/prod", "--chart-repo", OCI)
    assert "services/dev/chat.yaml: services/prod/chat.yaml would be the HelmRelease chat too" in two.stderr


def test_files_of_deleted_values_are_removed(here: Path) -> None:
    (here / "flux/own").mkdir(parents=True)
    (here / "flux/own/chat.yaml").write_text("kind: Precious\n")
    assert run("flux", "services", "--output", "flux").exit_code == 0
    assert run("flux", "services/dev", "--output", "flux").exit_code == 0
    (here / "services/dev/chat.yaml").unlink()
    (here / "services/prod/chat.yaml").rename(here / "services/prod/talk.yaml")
    (here / "services/prod/embed-bge.yaml").write_text("modle: x\n")
    answer = run("flux", "services", "--output", "flux")
    assert "flux/prod/chat.yaml: removed, because its values file is gone" in answer.stderr
    left = sorted(str(file.relative_to(here / "flux")) for file in (here / "flux").rglob("*.yaml"))
    # Another command line wrote the file of dev/chat.yaml; a service with errors keeps its old file.
    assert left == [
        "dev/chat.yaml",
        "dev/embed-bge.yaml",
        "dev/modelservice-dev-chart.yaml",
        "own/chat.yaml",
        "prod/embed-bge.yaml",
        "prod/modelservice-prod-chart.yaml",
        "prod/talk.yaml",
    ]
    run("flux", "services/dev", "--output", "flux")
    assert not (here / "flux/dev/chat.yaml").exists()


def test_the_chart_of_a_removed_environment_is_removed(here: Path) -> None:
    assert run("flux", "services", "--output", "flux").exit_code == 0
    fleet = FLEET.replace(", prod: {namespace: models}", "").replace("{file: layers/prod.yaml, for: prod/*}, ", "")
    (here / "services/fleet.yaml").write_text(fleet)
    shutil.rmtree(here / "services/prod")
    (here / "services/layers/prod.yaml").unlink()
    sound_fleet.cache_clear()
    answer = run("flux", "services", "--output", "flux")
    assert "flux/prod/modelservice-prod-chart.yaml: removed, because nothing needs it any more" in answer.stderr
    assert not list(Path("flux/prod").iterdir())


def test_each_cluster_has_a_folder_with_all_that_it_needs(here: Path) -> None:
    fleet = FLEET.replace("dev: {}", "dev: {namespace: models, server: 'https://dev.example.com'}")
    (here / "services/fleet.yaml").write_text(fleet)
    answer = run("flux", "services", "--output", "flux")
    assert answer.exit_code == 0
    assert "flux/dev: apply it in the cluster https://dev.example.com, because Flux's" in answer.stderr
    for name in ("dev", "prod"):
        files = [list(yaml.safe_load_all(file.read_text())) for file in Path("flux", name).iterdir()]
        kinds = sorted(item["kind"] for items in files for item in items)
        assert kinds == ["HelmRelease", "HelmRelease", "OCIRepository"]
    assert run("flux", "services").exit_code == 2


def test_the_files_are_the_same_from_another_folder_of_the_repository(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / ".git").mkdir()
    assert run("flux", "services", "--output", "flux").exit_code == 0
    before = {file: file.read_bytes() for file in (here / "flux").rglob("*.yaml")}
    monkeypatch.chdir(here / "services")
    sound_fleet.cache_clear()
    assert run("flux", ".", "--output", "../flux").exit_code == 0
    assert {file: file.read_bytes() for file in (here / "flux").rglob("*.yaml")} == before
    (here / "services/dev/chat.yaml").unlink()
    answer = run("flux", ".", "--output", "../flux")
    assert "../flux/dev/chat.yaml: removed, because its values file is gone" in answer.stderr
