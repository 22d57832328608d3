"""Generated files match their source, and `generate --check` reports if they do not."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from modelservice.chart.changelog import changes
from modelservice.cli import main
from modelservice.schema import kubernetes

ROOT = Path(__file__).parents[1]
COPIED = ["generator", "schemas", "charts", "docs", "tests/cases", "CHANGELOG.md"]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, tmp_path / name)
    return tmp_path


def generate(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(checkout / "generator")}
    command = [sys.executable, "-c", "from modelservice.cli import main; main()", "generate", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=checkout, check=False)


def files(root: Path) -> dict[str, bytes]:
    kept = (path for path in root.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in kept}


def test_nothing_is_stale(checkout: Path) -> None:
    answer = generate(checkout, "--check")
    assert (answer.returncode, answer.stdout) == (0, "")


def test_a_changed_default_is_reported_and_updated_in_every_file(checkout: Path) -> None:
    source = checkout / "schemas/modelservice.schema.yaml"
    source.write_text(source.read_text().replace("default: 1800", "default: 2400"))
    before = files(checkout)
    answer = generate(checkout, "--check")
    stale = {line.removeprefix("stale: ") for line in answer.stdout.splitlines() if line.startswith("stale: ")}
    assert stale == {
        "charts/modelservice/README.md",
        "charts/modelservice/questions.yaml",
        "charts/modelservice/values.schema.json",
        "charts/modelservice/values.yaml",
        "docs/values.md",
        "schemas/modelservice.schema.json",
    }
    assert answer.returncode == 1
    assert "+startupSeconds: 2400" in answer.stdout
    assert "run `modelservice generate`" in answer.stderr
    assert files(checkout) == before

    assert generate(checkout).returncode == 0
    after = files(checkout)
    assert {path for path in after if after[path] != before.get(path)} == stale
    assert generate(checkout, "--check").returncode == 0


def test_missing_and_extra_files_are_reported_and_corrected(checkout: Path) -> None:
    (checkout / "charts/modelservice/values.yaml").unlink()
    (checkout / "charts/modelservice/templates/mine.yaml").write_text("kind: ConfigMap\n")
    answer = generate(checkout, "--check")
    assert "missing: charts/modelservice/values.yaml" in answer.stdout
    assert "extra: charts/modelservice/templates/mine.yaml" in answer.stdout
    assert answer.returncode == 1
    generate(checkout)
    assert (checkout / "charts/modelservice/values.yaml").is_file()
    assert not (checkout / "charts/modelservice/templates/mine.yaml").exists()


def test_the_troubleshooting_page_has_a_line_for_every_example() -> None:
    page = (ROOT / "docs/troubleshooting.md").read_text()
    named = {name.strip() for row in re.findall(r"(?m)^\| ([a-z0-9, *-]+) \|", page) for name in row.split(",")}
    examples = {example.stem for example in (ROOT / "values-examples").glob("*.yaml")}
    assert {name for name in examples if not name.startswith("everything")} - named == set()


def test_a_missing_package_has_the_exit_code_of_a_missing_tool(monkeypatch: pytest.MonkeyPatch) -> None:
    kubernetes.kubernetes_releases.cache_clear()
    monkeypatch.setattr(kubernetes, "find_spec", lambda name: None)
    answer = CliRunner().invoke(main, ["generate", "--check"])
    assert (answer.exit_code, "pip install -e '.[test]'" in answer.stderr) == (3, True)


def test_the_changes_on_artifact_hub_are_those_of_the_chart(tmp_path: Path) -> None:
    (tmp_path / "CHANGELOG.md").write_text(
        "# Changelog\n\n## Unreleased\n\n### Chart\n\n- Two\n  lines.\n- One.\n\n### Added\n\n- `validate`.\n\n"
        "## 0.1.0\n\n### Chart\n\n- Old.\n"
    )
    assert changes(tmp_path / "CHANGELOG.md") == ["Two lines.", "One."]
