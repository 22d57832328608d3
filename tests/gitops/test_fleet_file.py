"""fleet.yaml: the layers of each service, and mistakes in the file."""

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from modelservice.cli import main
from modelservice.errors import InputError
from modelservice.gitops.fleet_check import check_fleets, sound_fleet
from modelservice.gitops.fleet_file import Layer
from modelservice.gitops.members import fleets, members
from modelservice.report import line

from tests.repositories import git

FLEET = """\
layers:
  - defaults.yaml
  - {file: layers/prod.yaml, for: prod/*}
  - {file: bases/embed.yaml, for: ["*/embed-*", dev/chat.yaml]}
environments:
  dev: {}
  prod: {namespace: models, path: live/prod}
"""
FILES = ["defaults.yaml", "layers/prod.yaml", "bases/embed.yaml"]
SERVICES = ["dev/chat.yaml", "dev/embed-bge.yml", "live/prod/chat.yaml", "live/prod/embed-bge.yaml"]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in [*FILES, *SERVICES, "dev/.hidden.yaml", "dev/deeper/chat.yaml"]:
        file = Path("services") / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("model: {name: a/b}\n")
    Path("services/fleet.yaml").write_text(FLEET.replace("for: prod/*", "for: live/prod/*"))


def found(*arguments: str) -> list[tuple[str, list[str], str]]:
    return [(one.values, list(one.layers), one.namespace) for one in members(arguments)]


DEV = ("services/dev/chat.yaml", ["services/defaults.yaml", "services/bases/embed.yaml"], "dev")
DEV_EMBED = ("services/dev/embed-bge.yml", DEV[1], "dev")
PROD = ("services/live/prod/chat.yaml", ["services/defaults.yaml", "services/layers/prod.yaml"], "models")
PROD_EMBED = ("services/live/prod/embed-bge.yaml", PROD[1], "models")


def test_each_service_has_its_layers_in_order_and_its_namespace() -> None:
    assert found("services") == found(".") == found("services/fleet.yaml") == [DEV, DEV_EMBED, PROD, PROD_EMBED]
    assert found("services/live") == [PROD, PROD_EMBED]
    assert found("services/dev/chat.yaml", "services/dev") == [DEV, DEV_EMBED]


@pytest.mark.parametrize(
    ("pattern", "files"),
    [
        # As in .gitignore and Argo CD's glob: ** matches any number of folders.
        ("**", SERVICES),
        ("live/**", SERVICES[2:]),
        ("**/chat.yaml", [SERVICES[0], SERVICES[2]]),
        ("live/**/embed-*", SERVICES[3:]),
        ("**/dev/*", SERVICES[:2]),
        ("*/chat", SERVICES[:1]),
        ("live/*", []),
        ("dev", []),
        ("chat.yaml", []),
    ],
)
def test_a_pattern_matches_paths_from_the_folder_of_the_fleet(pattern: str, files: list[str]) -> None:
    layer = Layer("layer.yaml", (pattern,))
    assert [file for file in SERVICES if layer.is_below(file)] == files


@pytest.mark.parametrize(
    ("written", "says"),
    [
        (
            "live/prod",
            "live/prod matches no file in any environment's folder; write a pattern such as live/prod/*",
        ),
        ("services/dev/*", "write dev/*: paths are relative to the folder of fleet.yaml"),
        ('"{dev,live/prod}/*"', "write a list, such as [dev/*, live/prod/*]"),
        ("[dev/*, prod/*]", "error: layers[0].for[1]: prod/* matches no file in any environment's folder"),
        ("dev/embd-*", "warning: layers[0].for: dev/embd-* matches no service, so the layer has no effect"),
    ],
)
def test_a_pattern_without_matches_gets_a_hint(written: str, says: str) -> None:
    text = (
        f"layers: [{{file: defaults.yaml, for: {written}}}]\nenvironments: {{dev: {{}}, prod: {{path: live/prod}}}}\n"
    )
    Path("services/fleet.yaml").write_text(text)
    Path("services/layers/prod.yaml").unlink()
    Path("services/bases/embed.yaml").unlink()
    finding = check_fleets([Path("services")])[0][0]
    assert says in line(finding)


def test_an_environment_may_have_no_services_yet() -> None:
    text = "layers: [defaults.yaml, {file: layers/prod.yaml, for: stage/*}]\nenvironments:\n  dev:\n  stage:\n"
    Path("services/fleet.yaml").write_text(text)
    Path("services/stage").mkdir()
    assert {one.rule for one in check_fleets([Path("services")])[0]} == {"fleet-stray"}
    assert found("services/dev/chat.yaml") == [("services/dev/chat.yaml", ["services/defaults.yaml"], "dev")]


def test_an_environment_without_a_folder_may_have_lost_its_last_service() -> None:
    shutil.rmtree("services/live")
    shutil.rmtree("services/dev/deeper")
    (finding,) = check_fleets([Path("services")])[0]
    assert (finding.rule, finding.severity) == ("fleet-environment", "warning")
    assert found("services") == [DEV, DEV_EMBED]


def test_a_layer_stands_for_the_services_that_use_it() -> None:
    assert found("services/layers/prod.yaml") == [PROD, PROD_EMBED]
    assert found("services/bases/embed.yaml") == [DEV, DEV_EMBED]
    assert len(found("services/defaults.yaml")) == len(SERVICES)


def test_the_fleet_is_found_in_parent_folders_within_the_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("services/dev")
    assert found("chat.yaml") == [("chat.yaml", ["../defaults.yaml", "../bases/embed.yaml"], "dev")]
    Path(".git").mkdir()
    sound_fleet.cache_clear()
    assert found("chat.yaml") == [("chat.yaml", [], "")]


def test_layers_on_the_command_line_replace_the_fleets() -> None:
    given = members(["services/dev/chat.yaml"], ["services/layers/prod.yaml"])
    assert [(one.layers, one.namespace) for one in given] == [(("services/layers/prod.yaml",), "")]


def test_a_folder_without_a_fleet_works_as_before() -> None:
    Path("services/fleet.yaml").unlink()
    assert [one.values for one in members(["services/dev"])] == [
        "services/dev/chat.yaml",
        "services/dev/embed-bge.yml",
        "services/dev/deeper/chat.yaml",
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("environments: {}\n", "services/fleet.yaml:1:15: wrong-length"),
        ("layers: []\n", "services/fleet.yaml:1:1: missing-key"),
        ("environments:\n  dev: {namspace: a}\n", "services/fleet.yaml:2:9: unknown-key"),
        ("environments:\n  Dev: {}\n", "services/fleet.yaml:2:3: bad-format"),
        ("layers: [../x.yaml]\nenvironments: {dev: {}}\n", "services/fleet.yaml:1:10: bad-format"),
        ("layers: [no.yaml]\nenvironments: {dev: {}}\n", "services/fleet.yaml:1:10: fleet-layer"),
        (
            "layers: [{file: defaults.yaml, for: x/*}]\nenvironments: {dev: {}}\n",
            "services/fleet.yaml:1:37: fleet-layer",
        ),
        ("environments: {prod: {}}\n", "services/fleet.yaml:1:16: fleet-environment"),
        ("environments: {dev: {}, prod: {path: live/prd}}\n", "services/fleet.yaml:1:25: fleet-environment"),
        ("environments: {dev: {}, test: {path: dev}}\n", "services/fleet.yaml:1:25: fleet-environment"),
        (
            "environments: {dev: {namespace: a}, prod: {path: live/prod, namespace: a}}\n",
            "services/fleet.yaml:1:37: fleet-release",
        ),
        (
            "environments: {dev: {}}\ngit: {repository: 'https://ann:s3cr3t@git.example.com/m.git'}\n",
            "services/fleet.yaml:2:19: fleet-credentials",
        ),
        ("environments: [\n", "services/fleet.yaml:2:1: yaml-syntax"),
    ],
)
def test_mistakes_are_reported_at_their_position(text: str, says: str) -> None:
    Path("services/fleet.yaml").write_text(text)
    findings = check_fleets([Path("services")])[0]
    assert says in [f"{one.position.file}:{one.position.line}:{one.position.column}: {one.rule}" for one in findings]


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("namespace: models", "namespace: dev", "fleet-release"),
        ("namespace: models", "namspace: models", "unknown-key"),
        ("defaults.yaml", "default.yaml", "fleet-layer"),
        ("live/prod/*", "live/prd/*", "fleet-layer"),
        ("path: live/prod", "path: live/prd", "fleet-environment"),
        ("environments:", "chrt: {}\nenvironments:", "unknown-key"),
    ],
)
def test_a_mistake_in_the_fleet_does_not_hide_those_in_its_services(old: str, new: str, rule: str) -> None:
    file = Path("services/fleet.yaml")
    file.write_text(file.read_text().replace(old, new))
    Path("services/dev/chat.yaml").write_text("replica: 2\n")
    answer = CliRunner().invoke(main, ["validate", "services"], catch_exceptions=False)
    assert (answer.exit_code, f"[{rule}]" in answer.stdout) == (1, True)
    assert "services/dev/chat.yaml:1:1: error: replica: unknown key; did you mean replicas?" in answer.stdout


@pytest.mark.parametrize("layers", ["layers: [5]\n", "layer: [defaults.yaml]\n"])
def test_services_are_not_checked_if_their_layers_are_unknown(layers: str) -> None:
    Path("services/fleet.yaml").write_text(f"{layers}environments: {{dev: {{}}}}\n")
    Path("services/dev/chat.yaml").write_text("replica: 2\n")
    answer = CliRunner().invoke(main, ["validate", "services"], catch_exceptions=False)
    assert answer.exit_code == 1
    assert "services/dev/chat.yaml" not in answer.stdout


def test_credentials_are_not_repeated() -> None:
    Path("services/fleet.yaml").write_text(
        "environments: {dev: {}}\ngit: {repository: 'https://ann:s3cr3t@git.example.com/m.git'}\n"
    )
    for style in ("text", "json", "github", "sarif"):
        answer = CliRunner().invoke(main, ["validate", "services", "--format", style], catch_exceptions=False)
        assert answer.exit_code == 1
        assert "fleet-credentials" in answer.output
        assert "s3cr3t" not in answer.output


def test_a_file_that_no_command_uses_is_reported() -> None:
    Path("services/prod").mkdir()
    Path("services/prod/kustomization.yaml").write_text("apiVersion: kustomize.config.k8s.io/v1beta1\n")
    Path("services/prod/chat.yaml").write_text("model: {name: a/b}\n")
    findings = check_fleets([Path("services")])[0]
    assert [(one.position.file, one.rule, one.severity) for one in findings] == [
        ("services/dev/deeper/chat.yaml", "fleet-stray", "warning"),
        ("services/prod/chat.yaml", "fleet-stray", "warning"),
    ]


OBJECT = "apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nmetadata: {name: a}\n"


def test_objects_beside_values_are_not_services() -> None:
    Path("services/dev/kustomization.yaml").write_text("resources: [chat.yaml]\n")
    Path("flux").mkdir()
    Path("flux/source.yaml").write_text(OBJECT)
    assert found(".") == found("services") == [DEV, DEV_EMBED, PROD, PROD_EMBED]
    assert "kustomization" not in "".join(one.position.file for one in check_fleets([Path("services")])[0])
    # Values with a key too many are not an object.
    Path("flux/values.yaml").write_text("apiVersion: v1\nreplicas: 2\n")
    assert found("flux") == [("flux/values.yaml", [], "")]
    Path("flux/values.yaml").unlink()
    # A folder with nothing else was meant to be checked.
    assert found("flux") == [("flux/source.yaml", [], "")]


@pytest.mark.parametrize("options", [[], ["--fix"]])
def test_a_stray_file_that_a_hook_passes_is_only_a_warning(options: list[str]) -> None:
    stray = "services/dev/deeper/chat.yaml"
    Path(stray).write_text("replica: 2\n")
    answer = CliRunner().invoke(main, ["validate", stray, *options], catch_exceptions=False)
    assert answer.exit_code == 0
    assert "warning: is neither a service nor a layer" in answer.stdout
    assert "replica" not in answer.stdout


@pytest.mark.parametrize("text", ["defaultNamespace: a\nhelm: {chart: b}\n", "model: {name: a/b}\n"])
def test_ranchers_fleet_yaml_and_a_service_called_fleet_are_not_read_as_a_fleet(text: str) -> None:
    Path("other").mkdir()
    Path("other/fleet.yaml").write_text(text)
    Path("other/chat.yaml").write_text("model: {name: a/b}\n")
    assert found("other/chat.yaml") == [("other/chat.yaml", [], "")]
    assert check_fleets(fleets(["other"])) == ([], {})
    assert found("other")[-1] == ("other/fleet.yaml", [], "")


def test_a_wrong_fleet_stops_the_other_commands() -> None:
    Path("services/fleet.yaml").write_text("environments: {}\n")
    with pytest.raises(InputError, match=r"modelservice validate services/fleet\.yaml"):
        members(["services"])


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "for: live/prod/*",
            "for: live/prd/*",
            "live/prd/* matches no file in any environment's folder; write a pattern such as live/prod/*",
        ),
        ("path: live/prod", "path: dev", "its folder dev is that of dev too"),
        ("path: live/prod", "path: live", "live/prod/* matches no file in any environment's folder"),
        ("namespace: models", "namespace: dev", "dev/chat.yaml and live/prod/chat.yaml are both the release chat"),
    ],
)
@pytest.mark.parametrize(
    "command", ["template --output-dir o", "argocd", "flux", "package", "fit", "upgrade", "diff HEAD"]
)
def test_every_command_reports_a_mistake_in_the_fleet(command: str, old: str, new: str, says: str) -> None:
    git("init", "-q", "-b", "main")
    git("add", ".")
    git("commit", "-qm", "one")
    file = Path("services/fleet.yaml")
    file.write_text(file.read_text().replace(old, new))
    answer = CliRunner().invoke(main, [*command.split(), "services"], catch_exceptions=False)
    assert (answer.exit_code, answer.stdout) == (2 if "diff" in command else 1, "")
    assert says in answer.stderr


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("fleet", "environments  The environments by name"),
        ("fleet.layers", "for   The services that it lies below"),
        ("fleet.environments.prod", "namespace  Where its services run."),
        ("fleet.environments.prod.chart.version", "The version that is installed."),
        ("fleet.git.revision", 'DEFAULT:  "HEAD"'),
        ("fleet.environments.server", "The address of its cluster"),
        ("environments.prod.server", "The address of its cluster"),
        ("environments.server", "The address of its cluster"),
        ("layers", "for   The services that it lies below"),
    ],
)
def test_a_key_is_explained(key: str, says: str) -> None:
    answer = CliRunner().invoke(main, ["explain", key], catch_exceptions=False)
    assert says in answer.stdout


def test_explain_reports_an_unknown_key() -> None:
    answer = CliRunner().invoke(main, ["explain", "fleet.nothing"], catch_exceptions=False)
    assert (answer.exit_code, "fleet.yaml has no key nothing" in answer.stderr) == (1, True)
    answer = CliRunner().invoke(main, ["explain", "fleet.enviroments"], catch_exceptions=False)
    assert answer.stderr == "error: fleet.yaml has no key enviroments; did you mean environments?\n"
