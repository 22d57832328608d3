"""`modelservice diff` on a fleet: how a branch changes its services, with common changes listed once."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from modelservice.cli import main
from modelservice.gitops.fleet_check import sound_fleet

from tests.repositories import git

FLEET = "layers: [defaults.yaml, {file: prod.yaml, for: prod/*}]\nenvironments: {dev: {}, prod: {}}\n"
MODEL = "model: {name: Qwen/Qwen3-8B}\n"
SERVICES = ["dev/chat", "dev/embed", "prod/chat", "prod/embed"]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, newest_helm: str) -> Path:
    """Change into a repository whose last commit has a fleet in services/."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(Path(newest_helm).parent), prepend=os.pathsep)
    layers = {"fleet": FLEET, "defaults": "args: [--seed=1]\n", "prod": "service: {annotations: {stage: prod}}\n"}
    for name, text in {**layers, **dict.fromkeys(SERVICES, MODEL)}.items():
        file = tmp_path / f"services/{name}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    git("init", "-q", "-b", "main")
    git("add", ".")
    git("commit", "-qm", "one")
    sound_fleet.cache_clear()
    return tmp_path / "services"


def diff(*arguments: str) -> Result:
    sound_fleet.cache_clear()
    return CliRunner().invoke(main, ["diff", *arguments], catch_exceptions=False)


def found(*arguments: str, code: int = 1) -> dict[str, Any]:
    answer = diff(*arguments, "--format", "json")
    assert answer.exit_code == code, answer.stderr
    result: dict[str, Any] = json.loads(answer.stdout)
    return result


def statuses(result: dict[str, Any]) -> dict[str, str]:
    return {one["service"]: one["status"] for one in result["services"]}


def test_nothing_differs() -> None:
    answer = diff("main", "services")
    assert (answer.exit_code, answer.stdout) == (0, "4 services: no differences\n")


def test_a_change_of_a_layer_is_listed_once_for_the_services_that_use_it(here: Path) -> None:
    (here / "defaults.yaml").write_text("args: [--seed=2]\n")
    result = found("main", "services")
    assert statuses(result) == dict.fromkeys(SERVICES, "changed")
    assert [one["restarts"] for one in result["services"]] == [True] * 4
    (common,) = result["common"]
    assert common == {
        "kinds": ["Deployment"],
        "path": "spec.template.spec.containers[server].args",
        "old": "--seed=1",
        "new": "--seed=2",
        "services": SERVICES,
    }
    text = diff("main", "services").stdout
    assert text.count("--seed=2") == 1
    assert text.startswith("4 services: 4 change, 4 restart\n")
    assert diff("main", "services", "--format", "markdown").stdout.count("--seed=2") == 1
    assert diff("main", "services", "--objects").stdout.count("--seed=2") == 4


def test_a_layer_of_one_environment_affects_no_other(here: Path) -> None:
    (here / "prod.yaml").write_text("service: {annotations: {stage: live}}\n")
    result = found("main", "services")
    assert statuses(result) == dict.fromkeys(SERVICES[2:], "changed")
    assert not any(one["restarts"] for one in result["services"])
    assert "none restarts" in diff("main", "services").stdout


def test_services_appear_disappear_and_change_in_two_revisions(here: Path) -> None:
    (here / "dev/new.yaml").write_text("model: {name: a/b}\n")
    (here / "prod/embed.yaml").unlink()
    (here / "prod/chat.yaml").write_text(MODEL + "args: [--seed=9]\n")
    git("add", ".")
    git("commit", "-qm", "two")
    result = found("HEAD~", "HEAD", "services")
    assert statuses(result) == {"dev/new": "new", "prod/chat": "changed", "prod/embed": "gone"}
    gone = result["services"][2]
    assert "the old claim and its data are kept" in gone["effects"]
    assert statuses(found("HEAD~:services", "services")) == statuses(result)
    # The other way round.
    assert statuses(found("HEAD", "HEAD~", "services"))["dev/new"] == "gone"


def test_a_renamed_service_is_a_new_release_and_its_claim_stays(here: Path) -> None:
    (here / "prod/chat.yaml").write_text("model: {name: a/b}\n")
    git("commit", "-qam", "two")
    (here / "prod/chat.yaml").rename(here / "prod/chat-2.yaml")
    (one,) = found("main", "services")["services"]
    assert (one["status"], one["before"], one["service"]) == ("moved", "prod/chat", "prod/chat-2")
    text = diff("main", "services").stdout
    assert "> prod/chat → prod/chat-2: a new release; the old one is removed\n" in text
    assert "is added" not in text
    assert "the old claim and its data are kept" in text
    assert "the new volume is empty, and the model is downloaded again" in text


def test_another_namespace_is_another_release(here: Path) -> None:
    (here / "fleet.yaml").write_text(FLEET.replace("prod: {}", "prod: {namespace: models, chart: {version: 0.2.0}}"))
    result = found("main", "services")
    assert statuses(result) == {"prod/chat": "moved", "prod/embed": "moved"}
    assert result["environments"] == ["prod: namespace prod → models", "prod: chart the chart → the chart 0.2.0"]


@pytest.mark.parametrize("place", ["namespace: models", "server: https://gpu.example.com"])
def test_a_move_lists_what_must_exist_there(here: Path, place: str) -> None:
    # A bucket has no claim that could remain.
    bucket = "model: {name: 's3://models/Qwen3-14B', servedName: qwen3}\n"
    (here / "prod/embed.yaml").write_text(bucket + "apiKeySecret: {name: llm-keys}\n")
    git("commit", "-qam", "two")
    (here / "fleet.yaml").write_text(FLEET.replace("prod: {}", f"prod: {{{place}}}"))
    chat, embed = (one["effects"] for one in found("HEAD", "services")["services"])
    kept = "the old claim and its data are kept"
    assert (kept in chat, kept in embed) == (True, False)
    assert "the new volume is empty there: the model is downloaded again, or must be copied" in chat
    assert embed[-1] == "this Secret must exist there: llm-keys"
    address = "the service's address changes from modelservice-chat.prod to modelservice-chat.models: tell its clients"
    assert (address in chat) is place.startswith("namespace")


def test_a_bad_service_does_not_stop_the_others(here: Path) -> None:
    (here / "dev/chat.yaml").write_text("model: {nmae: a/b}\n")
    (here / "prod/chat.yaml").write_text(MODEL + "args: [--seed=9]\n")
    answer = diff("main", "services")
    assert answer.exit_code == 2
    assert "? dev/chat: services/dev/chat.yaml:1:9: error: model.nmae" in answer.stdout
    assert "+ --seed=9" in answer.stdout


def test_mistakes_in_a_revision_are_reported_with_the_revisions_path(here: Path) -> None:
    good = (here / "dev/chat.yaml").read_text()
    (here / "dev/chat.yaml").write_text("model: {nmae: a/b}\n")
    git("commit", "-qam", "bad")
    (here / "dev/chat.yaml").write_text(good)
    assert "HEAD:services/dev/chat.yaml:1:9: error" in diff("HEAD", "services").stdout


def test_one_service_of_a_fleet_has_the_layers_of_each_revision(here: Path) -> None:
    (here / "defaults.yaml").write_text("args: [--seed=2]\n")
    answer = diff("main", "services/prod/chat.yaml")
    assert answer.exit_code == 1
    assert "- --seed=1\n      + --seed=2" in answer.stdout
    assert diff("main:services/prod/chat.yaml", "services/prod/chat.yaml").stdout == answer.stdout


def test_a_folder_without_a_fleet_is_compared_too(here: Path) -> None:
    (here / "fleet.yaml").unlink()
    git("commit", "-qam", "no fleet")
    (here / "dev/chat.yaml").write_text("model: {name: a/b}\n")
    assert statuses(found("main", "services/dev")) == {"chat": "changed"}


@pytest.mark.parametrize("arguments", [("no-such-revision", "services"), ("main", "HEAD", "nowhere")])
def test_what_cannot_be_compared_has_its_own_exit_code(arguments: tuple[str, ...]) -> None:
    assert diff(*arguments).exit_code == 2


def test_markdown_shows_values_as_they_are(here: Path) -> None:
    (here / "defaults.yaml").write_text("args: [--seed=1]\npodAnnotations: {note: 'a ``` | <b> fence'}\n")
    text = diff("main", "services", "--format", "markdown").stdout
    assert "````diff\n" in text
    assert "+ note: a ``` | <b> fence" in text or "+ a ``` | <b> fence" in text


def test_a_pipe_in_place_of_a_layer_is_reported_without_waiting(here: Path) -> None:
    (here / "defaults.yaml").unlink()
    os.mkfifo(here / "defaults.yaml")
    answer = diff("HEAD", "services")
    assert answer.exit_code == 2, answer.output
    assert "this is a pipe or a socket" in answer.output


def test_layers_of_a_folder_without_a_fleet_are_those_of_each_revision(here: Path) -> None:
    (here / "fleet.yaml").unlink()
    git("commit", "-qam", "no fleet")
    (here / "defaults.yaml").write_text("args: [--seed=2]\n")
    Path("more.yaml").write_text("args: [--seed=3]\n")
    result = found("main", "services", "-f", "services/defaults.yaml")
    assert result["common"][0] | {"services": []} == {
        "kinds": ["Deployment"],
        "path": "spec.template.spec.containers[server].args",
        "old": "--seed=1",
        "new": "--seed=2",
        "services": [],
    }
    # A layer that does not exist in the revision is left out for it.
    result = found("main", "services", "-f", "services/defaults.yaml", "-f", "more.yaml")
    assert (result["common"][0]["old"], result["common"][0]["new"]) == ("--seed=1", "--seed=3")


def test_a_git_range_is_reported() -> None:
    answer = diff("main..HEAD", "services")
    assert (answer.exit_code, answer.stderr) == (
        2,
        "error: main..HEAD is a range: name one revision; `modelservice diff main HEAD FOLDER` compares two\n",
    )


def test_what_the_target_branch_got_later_is_not_compared(here: Path) -> None:
    git("switch", "-qc", "branch")
    (here / "dev/chat.yaml").write_text(MODEL + "args: [--seed=2]\n")
    git("commit", "-qam", "two")
    git("switch", "-q", "main")
    (here / "prod/new.yaml").write_text(MODEL)
    git("add", ".")
    git("commit", "-qm", "three")
    for arguments in (["main...branch", "services"], ["main...", "branch", "services"]):
        assert statuses(found(*arguments)) == {"dev/chat": "changed"}
    git("switch", "-q", "branch")
    assert statuses(found("main", "services")) == {"dev/chat": "changed", "prod/new": "gone"}
    assert statuses(found("main...", "services")) == {"dev/chat": "changed"}
    assert "--seed=2" in diff("main...:services/dev/chat.yaml", "services/dev/chat.yaml").stdout
    assert "Git has no common commit of nothing and HEAD here" in diff("nothing...", "services").stderr


def test_two_revisions_need_a_folder() -> None:
    answer = diff("main", "HEAD")
    assert answer.exit_code == 2
    assert "to compare two revisions of a folder: diff main HEAD FOLDER" in answer.stderr


def test_services_that_helm_refuses_do_not_stop_the_others(here: Path) -> None:
    (here / "dev/chat.yaml").write_text(
        MODEL + "extraObjects: ['{{ if .Values.replicas }}{{ fail \"no luck\" }}{{ end }}']\n"
    )
    (here / "prod/chat.yaml").write_text(MODEL + "args: [--seed=9]\n")
    result = found("main", "services", code=2)
    assert statuses(result) == {"dev/chat": "wrong", "prod/chat": "changed"}
    assert "no luck" in result["services"][0]["effects"][0]


def test_without_helm_the_exit_code_is_that_of_a_missing_tool(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "defaults.yaml").write_text("args: [--seed=2]\n")
    git_alone = here.parent / "bin"
    git_alone.mkdir()
    (git_alone / "git").symlink_to(shutil.which("git") or "")
    monkeypatch.setenv("PATH", str(git_alone))
    answer = diff("main", "services")
    assert answer.exit_code == 3
    assert "helm is not on PATH" in answer.stderr


def test_a_submodule_has_its_own_revisions(here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    above = tmp_path / "above"
    above.mkdir()
    monkeypatch.chdir(above)
    git("init", "-q", "-b", "trunk")
    git("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(here.parent), "models")
    (above / "models/services/prod/chat.yaml").write_text(MODEL + "args: [--seed=9]\n")
    assert statuses(found("main", "models/services")) == {"prod/chat": "changed"}
    assert "+ --seed=9" in diff("main", "models/services/prod/chat.yaml").stdout


def test_both_files_of_one_release_are_named(here: Path) -> None:
    (here / "prod/chat.yml").write_text(MODEL)
    assert statuses(found("main", "services")) == {"prod/chat.yml": "new"}


def test_a_missing_layer_stops_only_its_services(here: Path) -> None:
    (here / "prod.yaml").unlink()
    (here / "dev/chat.yaml").write_text(MODEL + "args: [--seed=9]\n")
    result = found("main", "services", code=2)
    assert statuses(result) == {"dev/chat": "changed", "prod/chat": "wrong", "prod/embed": "wrong"}
    assert "there is no such file" in result["services"][1]["effects"][0]


def test_a_corrected_pattern_shows_what_it_changes(here: Path) -> None:
    (here / "fleet.yaml").write_text(FLEET.replace("prod/*", "prd/*"))
    git("commit", "-qam", "misspelled")
    (here / "fleet.yaml").write_text(FLEET)
    assert statuses(found("main", "services")) == {"prod/chat": "changed", "prod/embed": "changed"}


def test_a_fleet_that_the_new_revision_describes_wrongly_is_named_as_the_user_writes_it(here: Path) -> None:
    (here / "fleet.yaml").write_text("environments: {}\n")
    git("commit", "-qam", "wrong")
    answer = diff("main~", "main", "services")
    assert answer.exit_code == 2
    assert answer.stderr == "error: main:services/fleet.yaml: has 0 keys, but needs at least 1\n"


def test_a_branch_that_repairs_main_can_be_compared(here: Path) -> None:
    (here / "prod.yaml").write_text("service: {annotations: {stage: prod}\n")
    git("commit", "-qam", "wrong")
    (here / "prod.yaml").write_text("service: {annotations: {stage: prod}}\n")
    (here / "prod/embed.yaml").unlink()
    result = found("main", "services")
    assert statuses(result) == {"prod/chat": "repaired", "prod/embed": "gone"}
    for one in result["services"]:
        assert one["effects"][0] == "the old state has errors, so there is nothing to compare with"
        assert one["effects"][1].startswith("main:services/prod.yaml:1:")
    assert "| repaired | prod/chat | the old" in diff("main", "services", "--format", "markdown").stdout


def test_a_branch_that_repairs_the_fleet_can_be_compared(here: Path) -> None:
    (here / "fleet.yaml").write_text(FLEET + "oops: 1\n")
    git("commit", "-qam", "unknown key")
    (here / "fleet.yaml").write_text(FLEET)
    assert diff("main", "services").stdout == "4 services: no differences\n"
    (here / "fleet.yaml").write_text("environments: {}\n")
    git("commit", "-qam", "wrong")
    (here / "fleet.yaml").write_text(FLEET)
    result = found("main", "services")
    assert statuses(result) == dict.fromkeys(SERVICES, "new")
    reason = "main:services/fleet.yaml: has 0 keys, but needs at least 1"
    assert result["environments"] == [f"all services are listed as new, because {reason}"]


def test_a_service_is_renamed_and_edited_at_once(here: Path) -> None:
    values = f"{MODEL}gpu: {{count: 2}}\nargs: [--seed=1]\n"
    for service in ("dev/chat", "prod/chat"):
        (here / f"{service}.yaml").write_text(values)
    git("commit", "-qam", "two")
    for service in ("dev/chat", "prod/chat"):
        (here / f"{service}.yaml").unlink()
        (here / f"{service}-2.yaml").write_text(values.replace("count: 2", "count: 4"))
    (here / "dev/other.yaml").write_text("model: {name: BAAI/bge-m3}\n")
    result = found("main", "services")
    before = {one["service"]: one.get("before") for one in result["services"]}
    # What git diff -M says too.
    assert before == {"dev/chat-2": "dev/chat", "prod/chat-2": "prod/chat", "dev/other": None}
    assert diff("main", "services").stdout.startswith("5 services: 1 new, 2 renamed or moved\n")


def test_another_chart_may_restart_the_pods_of_its_services(here: Path) -> None:
    (here / "fleet.yaml").write_text(FLEET.replace("prod: {}", "prod: {chart: {version: 0.2.0}}"))
    assert diff("main", "services").stdout == (
        "4 services: 2 get another chart, and their pods may restart\nprod: chart the chart → the chart 0.2.0\n"
    )


RULE = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: rules}\ndata: {"{{ .Release.Name }}.rules": VALUE}\n'


def test_a_path_with_the_name_of_the_service_is_a_common_change(here: Path) -> None:
    def rules(value: str) -> str:
        return f"args: [--seed=1]\nextraObjects: [{json.dumps(RULE.replace('VALUE', value))}]\n"

    (here / "defaults.yaml").write_text(rules("one"))
    git("commit", "-qam", "two")
    (here / "defaults.yaml").write_text(rules("two"))
    (common,) = found("main", "services")["common"]
    assert (common["path"], common["services"]) == ("data.<service>.rules", SERVICES)
    assert diff("main", "services", "--format", "markdown").stdout.count("+ two") == 1


def test_services_are_in_the_order_of_the_environments(here: Path) -> None:
    (here / "fleet.yaml").write_text(FLEET.replace("dev: {}, prod: {}", "prod: {}, dev: {}"))
    git("commit", "-qam", "two")
    (here / "defaults.yaml").write_text("args: [--seed=2]\n")
    (common,) = found("main", "services")["common"]
    assert common["services"] == ["prod/chat", "prod/embed", "dev/chat", "dev/embed"]


def test_an_object_that_is_only_removed_is_mentioned(here: Path) -> None:
    (here / "prod.yaml").write_text("serviceMonitor: {enabled: true}\n")
    git("commit", "-qam", "two")
    (here / "prod.yaml").write_text("{}\n")
    assert "~ 2 services: prod/chat, prod/embed: ServiceMonitor is removed\n" in diff("main", "services").stdout


def test_a_shallow_clone_lacks_older_revisions(here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git("commit", "-q", "--allow-empty", "-m", "two")
    git("clone", "-q", "--depth", "1", f"file://{tmp_path}", "clone")
    monkeypatch.chdir("clone")
    answer = diff("HEAD~1", "services")
    assert (answer.exit_code, "this clone is shallow (git fetch --unshallow" in answer.stderr) == (2, True)
    git("fetch", "-q", "--unshallow")
    assert diff("HEAD~1", "services").exit_code == 0


def test_outside_of_a_repository_the_message_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    shutil.rmtree(tmp_path / ".git")
    for arguments in (("HEAD", "services"), ("HEAD:services/dev/chat.yaml", "services/dev/chat.yaml")):
        answer = diff(*arguments)
        assert (answer.exit_code, "there is no Git repository here" in answer.stderr) == (2, True), answer.stderr
