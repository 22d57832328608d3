"""`--changed-since`: the services that a branch changes, through their values, a layer or fleet.yaml."""

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from modelservice.cli import main
from modelservice.gitops.changed_services import only_changed
from modelservice.gitops.fleet_check import sound_fleet
from modelservice.gitops.members import members

from tests.repositories import git

FLEET = "layers: [defaults.yaml, {file: prod.yaml, for: prod/*}]\nenvironments: {dev: {}, prod: {}}\n"
SERVICES = ["dev/chat", "dev/embed", "prod/chat", "prod/embed"]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Change into a repository whose branch main has a fleet in services/."""
    monkeypatch.chdir(tmp_path)
    layers = {"fleet": FLEET, "defaults": "args: [--seed=1]\n", "prod": "labels: {stage: prod}\n"}
    for name, text in {**layers, **dict.fromkeys(SERVICES, "model: {name: a/b}\n")}.items():
        file = tmp_path / f"services/{name}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    git("init", "-q", "-b", "main")
    git("add", ".")
    git("commit", "-qm", "one")
    git("checkout", "-qb", "work")
    return tmp_path / "services"


def changed(revision: str = "main") -> list[str]:
    sound_fleet.cache_clear()
    found = only_changed(revision, members(["services"]))
    return [str(Path(one.values).relative_to("services").with_suffix("")) for one in found]


@pytest.mark.parametrize(
    ("file", "wanted"),
    [
        ("dev/chat.yaml", ["dev/chat"]),
        ("prod.yaml", ["prod/chat", "prod/embed"]),
        ("defaults.yaml", SERVICES),
        ("fleet.yaml", SERVICES),
        ("README.md", []),
    ],
)
@pytest.mark.parametrize("committed", [True, False])
def test_a_file_stands_for_the_services_that_it_is_part_of(
    file: str, wanted: list[str], committed: bool, here: Path
) -> None:
    with (here / file).open("a") as opened:
        opened.write("# changed\n")
    if committed:
        git("add", ".")
        git("commit", "-qm", "two")
    assert changed() == wanted


def test_a_new_service_counts_as_changed_and_later_changes_on_main_do_not(here: Path) -> None:
    git("checkout", "-q", "main")
    (here / "prod/chat.yaml").write_text("model: {name: c/d}\n")
    git("commit", "-qam", "main goes on")
    git("checkout", "-q", "work")
    (here / "dev/new.yaml").write_text("model: {name: a/b}\n")
    assert changed() == ["dev/new"]


def run(*arguments: str) -> Result:
    sound_fleet.cache_clear()
    return CliRunner().invoke(main, [*arguments], catch_exceptions=False)


def test_validate_checks_only_changed_services(here: Path) -> None:
    (here / "dev/chat.yaml").write_text("model: {nmae: a/b}\n")
    git("commit", "-qam", "bad")
    assert run("validate", "services", "--changed-since", "HEAD").exit_code == 0
    (here / "prod.yaml").write_text("replicas: two\n")
    answer = run("validate", "services", "--changed-since", "HEAD", "--format", "json")
    assert (answer.exit_code, json.loads(answer.stdout)["files"]) == (1, 2)
    assert {one["file"] for one in json.loads(answer.stdout)["findings"]} == {"services/prod.yaml"}


def test_template_renders_only_changed_services(here: Path, newest_helm: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(Path(newest_helm).parent), prepend=os.pathsep)
    (here / "dev/embed.yaml").write_text("model: {name: c/d}\n")
    assert run("template", "services", "--output-dir", "build", "--changed-since", "main").exit_code == 0
    assert [str(file) for file in Path("build").rglob("*.yaml")] == ["build/dev/embed.yaml"]
    assert run("template", "services/dev/embed.yaml", "--changed-since", "main").exit_code == 2


def test_a_missing_revision_is_reported() -> None:
    answer = run("validate", "services", "--changed-since", "nowhere")
    assert answer.exit_code == 1
    assert "Git has no revision nowhere here" in answer.stderr


def test_a_submodule_has_its_own_revisions(here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    above = tmp_path / "above"
    above.mkdir()
    monkeypatch.chdir(above)
    git("init", "-q", "-b", "trunk")
    git("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(here.parent), "models")
    git("commit", "-qm", "one")
    with (above / "models/services/prod.yaml").open("a") as opened:
        opened.write("# changed\n")
    answer = run("validate", "models/services", "--changed-since", "work", "--format", "json")
    assert (answer.exit_code, json.loads(answer.stdout)["files"]) == (0, 2)
    assert run("validate", "models/services", "--changed-since", "trunk").exit_code == 1
    monkeypatch.chdir("/")
    answer = run("validate", str(above / "models/services"), "--changed-since", "work", "--format", "json")
    assert (answer.exit_code, json.loads(answer.stdout)["files"]) == (0, 2)
