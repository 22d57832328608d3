"""`modelservice package FOLDER`: every service of an environment, and nothing overwritten."""

import re
from pathlib import Path

import pytest

from tests.repositories import done, modelservice, registry

FLEET = "layers: [defaults.yaml]\nenvironments: {dev: {}, prod: {}}\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Change into a folder with a fleet in services/."""
    monkeypatch.chdir(tmp_path)
    model = "model: {name: Qwen/Qwen3-8B}\n"
    files = {
        "fleet": FLEET,
        "defaults": "args: [--seed=1]\n",
        "dev/chat": model,
        "prod/chat": model,
        "prod/embed": model,
    }
    for name, text in files.items():
        file = tmp_path / f"services/{name}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return tmp_path / "services"


def archives() -> dict[str, bytes]:
    return {str(file): file.read_bytes() for file in sorted(Path("dist").rglob("*.tgz"))}


def test_an_environment_is_packaged_with_its_layers_and_content_versions(newest_helm: str, here: Path) -> None:
    said = done(modelservice(newest_helm, "package", "services/prod"))
    first = archives()
    names = [re.sub(r"\+c[0-9a-f]{12}", "+c…", name) for name in first]
    assert names == ["dist/prod/chat-0.1.0+c….tgz", "dist/prod/embed-0.1.0+c….tgz"]
    assert [line.split()[0] for line in said.splitlines()] == list(first)
    done(modelservice(newest_helm, "package", "services/prod"))
    assert archives() == first
    (here / "defaults.yaml").write_text("args: [--seed=2]\n")
    done(modelservice(newest_helm, "package", "services/prod"))
    both = archives()
    assert len(both) == 4
    assert {name: both[name] for name in first} == first


@pytest.mark.parametrize("source", ["services/fleet.yaml", "services/defaults.yaml"])
def test_a_layer_and_the_fleet_file_stand_for_services(newest_helm: str, source: str) -> None:
    done(modelservice(newest_helm, "package", source, "--version", "1.0.0"))
    assert list(archives()) == ["dist/dev/chat-1.0.0.tgz", "dist/prod/chat-1.0.0.tgz", "dist/prod/embed-1.0.0.tgz"]


def test_a_single_file_of_a_fleet_has_its_name_and_layers(newest_helm: str) -> None:
    done(modelservice(newest_helm, "package", "services/prod/chat.yaml", "--name", "talk"))
    assert list(archives()) == ["dist/talk-0.1.0.tgz"]


def test_an_existing_version_with_other_content_is_not_overwritten(newest_helm: str, here: Path) -> None:
    done(modelservice(newest_helm, "package", "services", "--version", "1.0.0"))
    first = archives()
    assert list(first) == ["dist/dev/chat-1.0.0.tgz", "dist/prod/chat-1.0.0.tgz", "dist/prod/embed-1.0.0.tgz"]
    (here / "prod/chat.yaml").write_text("model: {name: a/b}\n")
    (here / "prod/embed.yaml").write_text("model: {nmae: a/b}\n")
    answer = modelservice(newest_helm, "package", "services", "--version", "1.0.0")
    assert answer.returncode == 1
    assert "dist/prod/chat-1.0.0.tgz already exists with different content" in answer.stderr
    assert "not packaged: services/prod/chat.yaml, services/prod/embed.yaml" in answer.stderr
    assert archives() == first


def test_packages_are_published_once(newest_helm: str, here: Path, tmp_path: Path) -> None:
    (here / "fleet.yaml").write_text(FLEET.replace("prod: {}", "prod: {namespace: models}"))
    done(modelservice(newest_helm, "package", "services/prod"))
    with registry(tmp_path / "registry") as place:
        line = ["publish", *archives(), "--to", f"oci://{place.host}/prod", *place.options]
        for outcome in ("pushed", "there already"):
            answer = modelservice(newest_helm, *line, **place.variables)
            assert answer.returncode == 0, answer.stderr
            assert answer.stderr.count(f": {outcome}") == 2, answer.stderr
            # One line for each new version.
            lines = [line for line in answer.stdout.splitlines() if " --version 0.1.0+c" in line]
            begins = [line.partition(" oci://")[0] for line in lines]
            names = ["chat", "embed"] if outcome == "pushed" else []
            assert begins == [f"helm install {name} --namespace models" for name in names], answer.stdout
            assert len(answer.stdout.splitlines()) == len(lines)


def test_two_files_of_the_same_release_are_named_and_the_others_packaged(newest_helm: str, here: Path) -> None:
    (here / "prod/chat.yml").write_text("model: {name: a/b}\n")
    answer = modelservice(newest_helm, "package", "services/prod")
    assert answer.returncode == 1
    assert "services/prod/chat.yml: services/prod/chat.yaml would be the chart prod/chat too" in answer.stderr
    assert [Path(name).name.partition("-0")[0] for name in archives()] == ["embed"]
