"""Findings in the layers of a fleet: each is reported once, and names the services that it concerns."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from modelservice.cli import main

FILES = {
    "fleet.yaml": "layers: [all.yaml]\nenvironments: {dev: {}}\n",
    "all.yaml": "image: {tag: v0.33.0}\nhuggingFace: {tokenSecret: {name: hf-token}}\n",
    "dev/chat.yaml": "model: {name: Qwen/Qwen3-8B}\n",
    "dev/local.yaml": (
        "model: {source: local, name: /models/a, servedName: a}\n"
        "modelVolume: {mountPath: /models, existingClaim: models}\n"
    ),
}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in FILES.items():
        write(name, text)


def write(name: str, text: str) -> None:
    file = Path("services") / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)


def found(path: str = "services") -> list[str]:
    answer = CliRunner().invoke(main, ["validate", path, "--quiet"], catch_exceptions=False)
    return [line for line in answer.stdout.splitlines() if line.startswith("services/")]


@pytest.mark.parametrize("path", ["services", "services/dev/local.yaml"])
def test_a_finding_in_a_layer_names_the_services_if_others_use_the_layer(path: str) -> None:
    (line,) = found(path)
    assert line.startswith("services/all.yaml:2:29: warning: huggingFace.tokenSecret.name: is for models from Hugging")
    assert "is local (in services/dev/local.yaml); override it there, or remove it" in line


def test_a_comment_in_a_services_file_ignores_a_finding_of_its_merged_values() -> None:
    comment = "# modelservice: ignore[hugging-face-unused] the layer is for the others\n"
    write("dev/local.yaml", comment + FILES["dev/local.yaml"])
    assert found() == []


def test_a_finding_for_every_service_is_reported_once_without_their_names() -> None:
    write("all.yaml", "image: {tag: v0.33.0}\nstartupSecond: 3600\n")
    # The suggested edit differs here, because the service has the right key too.
    write("dev/local.yaml", FILES["dev/local.yaml"] + "startupSeconds: 3600\n")
    (line,) = found()
    assert line.endswith("error: startupSecond: unknown key; did you mean startupSeconds? [unknown-key]")


def test_a_layer_that_cannot_be_read_does_not_hide_wrong_keys() -> None:
    write("all.yaml", "image: {\n")
    write("dev/chat.yaml", FILES["dev/chat.yaml"] + "replica: 2\n")
    assert [line.split(":")[0] for line in found()] == ["services/all.yaml", "services/dev/chat.yaml"]
