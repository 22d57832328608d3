"""Many services at once: each has its manifests, and one bad file does not stop the others."""

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


def test_each_service_has_a_file_of_its_manifests(fleet: Path, helm: str) -> None:
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
    assert "bad.yaml: not written: its values are wrong" in answer.stderr
    assert f"1 of {SERVICES + 1} services not written" in answer.stderr
    assert len(list((fleet / "out").rglob("*.yaml"))) == SERVICES


def test_two_files_for_one_place_are_refused_before_anything_is_written(fleet: Path, helm: str) -> None:
    (fleet / "chat-0.yaml").write_text("model: {name: a/b}\n")
    files = [fleet / "chat-0.yaml", fleet / "services/dev/chat-0.yaml"]
    answer = modelservice(helm, "template", *files, "--output-dir", fleet / "out")
    assert (answer.returncode, "would both be chat-0.yaml" in answer.stderr) == (1, True)
    assert not (fleet / "out").exists()
    assert modelservice(helm, "template", *files).returncode == 2
