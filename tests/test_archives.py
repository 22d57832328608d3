"""`modelservice package`: linted, the same bytes for the same input, signed and verified."""

import shutil
import subprocess
import tarfile
import time
from pathlib import Path

import pytest
import yaml

from tests.chart.rendering import CHART
from tests.repositories import ROOT, done, modelservice

EXAMPLE = ROOT / "values-examples/opt-125m.yaml"


def chart_of(archive: Path) -> dict[str, object]:
    with tarfile.open(archive) as opened:
        (name,) = (name for name in opened.getnames() if name.count("/") == 1 and name.endswith("/Chart.yaml"))
        return dict(yaml.safe_load(opened.extractfile(name) or b""))


def test_the_same_input_gives_the_same_bytes_whatever_the_clock_says(tmp_path: Path, helm: str) -> None:
    first = done(modelservice(helm, "package", EXAMPLE, "-d", tmp_path / "a"))
    time.sleep(1.1)
    second = done(modelservice(helm, "package", EXAMPLE, "-d", tmp_path / "b"))
    assert first.split()[1] == second.split()[1]
    one, other = (next((tmp_path / name).glob("*.tgz")).read_bytes() for name in "ab")
    assert one == other


def test_an_archive_renders_as_its_values_do(tmp_path: Path, helm: str) -> None:
    archive = done(modelservice(helm, "package", EXAMPLE, "-d", tmp_path, "--version", "1.2.3")).split()[0]
    plain = subprocess.run([helm, "template", "x", archive], capture_output=True, text=True, check=True).stdout
    generic = [helm, "template", "x", str(CHART), "-f", str(EXAMPLE)]
    other = subprocess.run(generic, capture_output=True, text=True, check=True).stdout
    lines = [line for line in plain.splitlines() if "helm.sh/chart" not in line and "# Source" not in line]
    assert lines == [line for line in other.splitlines() if "helm.sh/chart" not in line and "# Source" not in line]
    assert Path(archive).name == "opt-125m-1.2.3.tgz"


def test_versions_and_name_are_as_asked(tmp_path: Path, helm: str) -> None:
    options = ["--version", "2.0.0-rc.1", "--app-version", "9.9", "--name", "chat"]
    archive = Path(done(modelservice(helm, "package", EXAMPLE, "-d", tmp_path, *options)).split()[0])
    about = chart_of(archive)
    assert (about["name"], about["version"], about["appVersion"]) == ("chat", "2.0.0-rc.1", "9.9")
    annotations = about["annotations"]
    assert isinstance(annotations, dict)
    assert annotations["artifacthub.io/prerelease"] == "true"
    assert "image: vllm/vllm-openai:v0.33.0" in annotations["artifacthub.io/images"]


def test_the_generic_chart_is_packaged_too(tmp_path: Path, helm: str) -> None:
    archive = Path(done(modelservice(helm, "package", CHART, "-d", tmp_path, "--version", "0.2.0")).split()[0])
    assert chart_of(archive)["version"] == "0.2.0"


@pytest.mark.parametrize("version", ["1", "v1.0.0", "1.0", "1.0.0_1", "01.0.0"])
def test_what_is_no_version_is_refused_before_anything_is_made(version: str, tmp_path: Path, helm: str) -> None:
    answer = modelservice(helm, "package", EXAMPLE, "-d", tmp_path / "dist", "--version", version)
    assert answer.returncode == 1
    assert f'"{version}" is not a version: Helm wants three numbers' in answer.stderr
    assert not (tmp_path / "dist").exists()


def test_wrong_values_and_a_bad_chart_make_no_archive(tmp_path: Path, helm: str) -> None:
    (tmp_path / "bad.yaml").write_text("model: {nmae: a}\n")
    answer = modelservice(helm, "package", tmp_path / "bad.yaml", "-d", tmp_path / "dist")
    assert (answer.returncode, "did you mean name?" in answer.stderr) == (1, True)
    shutil.copytree(CHART, tmp_path / "chart")
    (tmp_path / "chart/templates/service.yaml").write_text("{{ .Values.nothing.there }}")
    answer = modelservice(helm, "package", tmp_path / "chart", "-d", tmp_path / "dist")
    assert (answer.returncode, "helm lint failed" in answer.stderr) == (3, True)
    assert not (tmp_path / "dist").exists()


def test_a_signed_archive_verifies_and_a_changed_one_does_not(tmp_path: Path, keyring: Path, helm: str) -> None:
    command = ["package", EXAMPLE, "-d", tmp_path, "--sign", "tests", "--keyring", keyring]
    archive = Path(done(modelservice(helm, *command)).split()[0])
    assert archive.with_name(f"{archive.name}.prov").is_file()
    verify = [helm, "verify", str(archive), "--keyring", str(keyring)]
    assert subprocess.run(verify, capture_output=True).returncode == 0
    archive.write_bytes(archive.read_bytes() + b"x")
    assert subprocess.run(verify, capture_output=True).returncode != 0


def test_an_unknown_key_is_helms_own_sentence(tmp_path: Path, keyring: Path, helm: str) -> None:
    command = ["package", EXAMPLE, "-d", tmp_path / "dist", "--sign", "nobody", "--keyring", keyring]
    answer = modelservice(helm, *command)
    assert (answer.returncode, "helm package failed" in answer.stderr) == (3, True)
    assert not (tmp_path / "dist").exists()
    assert modelservice(helm, "package", EXAMPLE, "--sign", "nobody").returncode == 2
