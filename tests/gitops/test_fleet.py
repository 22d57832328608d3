"""Many services at once: each has its manifests, and one bad file does not stop the others."""

import contextlib
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.repositories import modelservice

SERVICES = 30


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    for number in range(SERVICES):
        file = tmp_path / f"services/{'prod' if number % 2 else 'dev'}/chat-{number}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"model: {{name: Qwen/Qwen3-8B, servedName: chat-{number}}}\n")
    return tmp_path


def test_each_service_gets_a_file_with_its_manifests(fleet: Path, helm: str) -> None:
    (fleet / "defaults.yaml").write_text("runtimeClassName: ''\n")
    command = [
        "template",
        fleet / "services",
        "--output-dir",
        fleet / "out",
        "-n",
        "models",
        "-f",
        fleet / "defaults.yaml",
    ]
    answer = modelservice(helm, *command)
    assert answer.returncode == 0, answer.stderr
    assert f"{SERVICES} services" in answer.stderr
    files = sorted(path.relative_to(fleet / "out").as_posix() for path in (fleet / "out").rglob("*.yaml"))
    assert len(files) == SERVICES
    assert files[0] == "dev/chat-0.yaml"
    items = [item for item in yaml.safe_load_all((fleet / "out/dev/chat-0.yaml").read_text()) if item]
    (pod,) = (item["spec"]["template"]["spec"] for item in items if item["kind"] == "Deployment")
    assert "runtimeClassName" not in pod
    assert "--served-model-name=chat-0" in pod["containers"][0]["args"]
    alone = modelservice(
        helm, "template", fleet / "services/dev/chat-0.yaml", "-n", "models", "-f", fleet / "defaults.yaml"
    )
    assert [item for item in yaml.safe_load_all(alone.stdout) if item] == [
        {
            **item,
            "metadata": {**item["metadata"], "labels": {**item["metadata"]["labels"], **chart(item, "chat-0-0.1.0")}},
        }
        for item in items
    ]


def chart(item: dict[str, dict[str, dict[str, str]]], label: str) -> dict[str, str]:
    return {"helm.sh/chart": label} if "helm.sh/chart" in item["metadata"]["labels"] else {}


def test_a_bad_file_is_named_and_the_others_are_written(fleet: Path, helm: str) -> None:
    (fleet / "services/prod/bad.yaml").write_text("model: {nmae: a}\n")
    answer = modelservice(helm, "template", fleet / "services", "--output-dir", fleet / "out")
    assert answer.returncode == 1
    assert "bad.yaml: not written: its values have errors" in answer.stderr
    assert f"1 of {SERVICES + 1} services were not written" in answer.stderr
    assert len(list((fleet / "out").rglob("*.yaml"))) == SERVICES


def test_two_files_for_the_same_output_are_named_and_the_others_are_written(fleet: Path, helm: str) -> None:
    (fleet / "chat-0.yaml").write_text("model: {name: a/b}\n")
    files = [fleet / "chat-0.yaml", fleet / "services/dev/chat-0.yaml", fleet / "services/dev/chat-2.yaml"]
    answer = modelservice(helm, "template", *files, "--output-dir", fleet / "out")
    assert answer.returncode == 1
    assert answer.stderr.count("would be written to chat-0.yaml too") == 2
    assert "2 of 3 services were not written" in answer.stderr
    assert [file.name for file in (fleet / "out").iterdir()] == ["chat-2.yaml"]
    assert modelservice(helm, "template", *files).returncode == 2


def test_a_file_whose_name_is_not_a_release_name_is_reported(tmp_path: Path, helm: str) -> None:
    for name in ("日本", "x" * 54, "chat"):
        (tmp_path / f"{name}.yaml").write_text("model: {name: a/b}\n")
    answer = modelservice(helm, "template", tmp_path, "--output-dir", tmp_path / "out")
    assert answer.returncode == 1
    assert '日本.yaml: not written: its release would be named "": rename the file' in answer.stderr
    assert "2 of 3 services were not written" in answer.stderr


def test_a_layer_in_the_folder_is_not_a_service(fleet: Path, helm: str) -> None:
    layer = fleet / "services/defaults.yaml"
    layer.write_text("runtimeClassName: ''\n")
    answer = modelservice(helm, "template", fleet / "services", "--output-dir", fleet / "out", "-f", layer)
    assert answer.returncode == 0, answer.stderr
    assert not (fleet / "out/defaults.yaml").exists()


@pytest.mark.parametrize(
    ("words", "shows"),
    [
        ("validate services --quiet", b"100%"),
        ("validate services --diff", b"100%"),
        ("upgrade services --check", b"100%"),
        ("template services --output-dir out", b"\r\x1b[Kservices/dev/bad.yaml:1:"),
        ("flux services --chart-repo oci://example.com/charts --output out", b"\r\x1b[Kservices/dev/bad.yaml:1:"),
        ("argocd services --chart-repo oci://example.com/charts -o out", b"\r\x1b[Kservices/dev/bad.yaml:1:"),
        ("argocd services --application-set --chart-repo oci://a.b/c --values-git https://a.b/c.git -o out", b"100%"),
    ],
)
def test_progress_on_a_terminal_does_not_mix_with_findings(words: str, shows: bytes, fleet: Path, helm: str) -> None:
    (fleet / "services/dev/bad.yaml").write_text("model: {nmae: a/b}\n")
    screen, terminal = pty.openpty()
    command = [sys.executable, "-m", "modelservice", *words.split()]
    path = f"{Path(helm).parent}:{os.environ['PATH']}"
    subprocess.run(command, cwd=fleet, stderr=terminal, env={**os.environ, "PATH": path}, check=False)
    os.close(terminal)
    said = b""
    with contextlib.suppress(OSError):  # the end of a terminal's output
        while part := os.read(screen, 100_000):
            said += part
    os.close(screen)
    assert b"100%" in said
    assert shows in said


def test_no_file_is_written_through_a_link_out_of_the_folder(tmp_path: Path, helm: str) -> None:
    (tmp_path / "in/sub").mkdir(parents=True)
    (tmp_path / "out").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out/sub").symlink_to("../elsewhere")
    (tmp_path / "in/sub/chat.yaml").write_text("model: {name: a/b}\n")
    answer = modelservice(helm, "template", tmp_path / "in", "--output-dir", tmp_path / "out")
    assert answer.returncode == 1
    assert "is a link to a place outside" in answer.stderr
    assert not list((tmp_path / "elsewhere").iterdir())


def test_a_foreign_file_is_not_replaced(tmp_path: Path, helm: str) -> None:
    (tmp_path / "in").mkdir()
    for name in "ab":
        (tmp_path / f"in/{name}.yaml").write_text("model: {name: Qwen/Qwen3-8B}\n")
    (tmp_path / "out").mkdir()
    (tmp_path / "out/a.yaml").write_text("kind: Precious\n")
    for _ in range(2):  # the second run replaces what the first one wrote
        answer = modelservice(helm, "template", tmp_path / "in", "--output-dir", tmp_path / "out")
        assert (answer.returncode, "a.yaml is a file that modelservice did not write" in answer.stderr) == (1, True)
        assert "b.yaml" not in answer.stderr
    assert (tmp_path / "out/a.yaml").read_text() == "kind: Precious\n"
    assert "kind: Deployment" in (tmp_path / "out/b.yaml").read_text()


def test_a_folder_without_services_is_one_finding(tmp_path: Path, helm: str) -> None:
    (tmp_path / "in").mkdir()
    answer = modelservice(helm, "template", tmp_path / "in", "--output-dir", tmp_path / "out")
    assert answer.returncode == 1
    assert "the folder contains no *.yaml file" in answer.stderr
