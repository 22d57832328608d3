"""`modelservice package`: linted, the same bytes for the same input, signed and verified."""

import os
import shutil
import subprocess
import tarfile
import time
from pathlib import Path

import pytest
import yaml

from tests.chart.rendering import CHART
from tests.killing import run
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


def test_the_generic_chart_needs_no_checkout(tmp_path: Path, helm: str) -> None:
    installed = done(modelservice(helm, "package", "--generic", "-d", tmp_path / "a")).split()
    assert installed[1] == done(modelservice(helm, "package", CHART, "-d", tmp_path / "b")).split()[1]
    assert Path(installed[0]).name.startswith("modelservice-")
    assert modelservice(helm, "package", EXAMPLE, "--generic", "-d", tmp_path / "c").returncode == 2


def test_an_archive_renders_like_its_values(tmp_path: Path, helm: str) -> None:
    archive = done(modelservice(helm, "package", EXAMPLE, "-d", tmp_path, "--version", "1.2.3")).split()[0]
    plain = subprocess.run([helm, "template", "x", archive], capture_output=True, text=True, check=True).stdout
    generic = [helm, "template", "x", str(CHART), "-f", str(EXAMPLE)]
    other = subprocess.run(generic, capture_output=True, text=True, check=True).stdout
    lines = [line for line in plain.splitlines() if "helm.sh/chart" not in line and "# Source" not in line]
    assert lines == [line for line in other.splitlines() if "helm.sh/chart" not in line and "# Source" not in line]
    assert Path(archive).name == "opt-125m-1.2.3.tgz"


def test_the_given_versions_and_name_are_used(tmp_path: Path, helm: str) -> None:
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
    about = chart_of(archive)
    assert about == {**yaml.safe_load((CHART / "Chart.yaml").read_text()), "version": "0.2.0"}


@pytest.mark.parametrize(("version", "said"), [("1.1.0-rc.1", "true"), ("1.1.0+a-b", "false"), ("1.1.0", "false")])
def test_a_prerelease_is_marked_as_one(version: str, said: str, tmp_path: Path, helm: str) -> None:
    for source in (CHART, EXAMPLE):
        archive = Path(done(modelservice(helm, "package", source, "-d", tmp_path, "--version", version)).split()[0])
        annotations = chart_of(archive)["annotations"]
        assert isinstance(annotations, dict)
        assert annotations["artifacthub.io/prerelease"] == said


def test_a_packaged_chart_contains_the_files_of_its_folder(tmp_path: Path, helm: str) -> None:
    command = ["package", CHART, "-d", tmp_path]
    plain, other = (
        Path(done(modelservice(helm, *command, "--version", version)).split()[0]) for version in ("1.0.0", "1.0.0-rc.1")
    )
    with tarfile.open(plain) as one, tarfile.open(other) as another:
        assert one.getnames() == another.getnames()


def test_the_images_of_other_containers_are_listed(tmp_path: Path, helm: str) -> None:
    (tmp_path / "chat.yaml").write_text(
        "model: {name: a/b}\n"
        "initContainers: [{name: warm-up, image: 'busybox:1.37'}]\n"
        "extraContainers: [{name: proxy, image: 'envoyproxy/envoy:v1.36.0'}]\n"
    )
    archive = Path(done(modelservice(helm, "package", tmp_path / "chat.yaml", "-d", tmp_path)).split()[0])
    annotations = chart_of(archive)["annotations"]
    assert isinstance(annotations, dict)
    assert yaml.safe_load(annotations["artifacthub.io/images"])[1:] == [
        {"name": "warm-up", "image": "busybox:1.37"},
        {"name": "proxy", "image": "envoyproxy/envoy:v1.36.0"},
    ]


@pytest.mark.parametrize("options", [["--name", "chat"], ["-f", EXAMPLE]])
def test_options_for_values_are_refused_for_a_chart(options: list[str | Path], tmp_path: Path, helm: str) -> None:
    answer = modelservice(helm, "package", CHART, "-d", tmp_path / "dist", *options)
    assert (answer.returncode, "--name and -f need values files" in answer.stderr) == (2, True)
    assert not (tmp_path / "dist").exists()


@pytest.mark.parametrize("epoch", ["abc", "", "-1", "99999999999"])
def test_an_invalid_source_date_epoch_is_reported_in_one_sentence(epoch: str, tmp_path: Path, helm: str) -> None:
    answer = modelservice(helm, "package", EXAMPLE, "-d", tmp_path / "dist", SOURCE_DATE_EPOCH=epoch)
    assert (answer.returncode, answer.stderr.splitlines()[-1]) == (
        1,
        f"error: SOURCE_DATE_EPOCH is {epoch!r}: unset it, or set it to seconds since 1970",
    )
    assert not (tmp_path / "dist").exists()


@pytest.mark.parametrize("version", ["1", "v1.0.0", "1.0", "1.0.0_1", "01.0.0"])
def test_an_invalid_version_is_refused_before_anything_is_written(version: str, tmp_path: Path, helm: str) -> None:
    answer = modelservice(helm, "package", EXAMPLE, "-d", tmp_path / "dist", "--version", version)
    assert answer.returncode == 1
    assert f'"{version}" is not a version: Helm needs three numbers' in answer.stderr
    assert not (tmp_path / "dist").exists()


def test_wrong_values_and_a_bad_chart_make_no_archive(tmp_path: Path, helm: str) -> None:
    (tmp_path / "bad.yaml").write_text("model: {nmae: a}\n")
    answer = modelservice(helm, "package", tmp_path / "bad.yaml", "-d", tmp_path / "dist")
    assert (answer.returncode, "did you mean name?" in answer.stderr) == (1, True)
    shutil.copytree(CHART, tmp_path / "chart")
    (tmp_path / "chart/templates/service.yaml").write_text("{{ .Values.nothing.there }}")
    answer = modelservice(helm, "package", tmp_path / "chart", "-d", tmp_path / "dist")
    assert (answer.returncode, "helm lint failed" in answer.stderr) == (3, True)
    assert "nil pointer evaluating interface {}.there" in answer.stderr
    (tmp_path / "chart/templates/service.yaml").write_text('{{ fail "give a key" }}')
    answer = modelservice(helm, "package", tmp_path / "chart", "-d", tmp_path / "dist")
    assert (answer.returncode, "helm template failed" in answer.stderr, "give a key" in answer.stderr) == (
        3,
        True,
        True,
    )
    assert not (tmp_path / "dist").exists()


def test_a_signed_archive_verifies_and_a_changed_one_does_not(tmp_path: Path, keyring: Path, helm: str) -> None:
    command = ["package", EXAMPLE, "-d", tmp_path, "--sign", "tests", "--keyring", keyring]
    archive = Path(done(modelservice(helm, *command)).split()[0])
    assert archive.with_name(f"{archive.name}.prov").is_file()
    verify = [helm, "verify", str(archive), "--keyring", str(keyring)]
    assert subprocess.run(verify, capture_output=True).returncode == 0
    archive.write_bytes(archive.read_bytes() + b"x")
    assert subprocess.run(verify, capture_output=True).returncode != 0


def test_an_unknown_signing_key_is_reported_in_helms_words(tmp_path: Path, keyring: Path, helm: str) -> None:
    command = ["package", EXAMPLE, "-d", tmp_path / "dist", "--sign", "nobody", "--keyring", keyring]
    answer = modelservice(helm, *command)
    assert (answer.returncode, "helm package failed" in answer.stderr) == (3, True)
    assert not (tmp_path / "dist").exists()
    assert modelservice(helm, "package", EXAMPLE, "--sign", "nobody").returncode == 2


def test_signing_with_helm_4_gives_the_same_bytes_as_not_signing(tmp_path: Path, keyring: Path, helm: str) -> None:
    if "/3." in helm:
        return  # Helm 3 signs an archive with the current time; see docs/publish.md
    plain = done(modelservice(helm, "package", EXAMPLE, "-d", tmp_path / "a")).split()[1]
    time.sleep(1.1)
    command = ["package", EXAMPLE, "-d", tmp_path / "b", "--sign", "tests", "--keyring", keyring]
    assert done(modelservice(helm, *command)).split()[1] == plain


def test_packaging_without_a_key_removes_the_old_signature(tmp_path: Path, keyring: Path, helm: str) -> None:
    command = ["package", EXAMPLE, "-d", tmp_path / "dist"]
    done(modelservice(helm, *command, "--sign", "tests", "--keyring", keyring))
    assert len(list((tmp_path / "dist").iterdir())) == 2
    done(modelservice(helm, *command))
    assert [file.name for file in (tmp_path / "dist").iterdir()] == ["opt-125m-0.1.0.tgz"]


def test_incomplete_signing_options_are_a_usage_error(tmp_path: Path, keyring: Path, helm: str) -> None:
    for options in (["--sign", ""], ["--sign", " "], []):
        answer = modelservice(helm, "package", EXAMPLE, "-d", tmp_path / "dist", "--keyring", keyring, *options)
        assert (answer.returncode, "--sign" in answer.stderr.splitlines()[-1]) == (2, True)
    answer = modelservice(helm, "package", EXAMPLE, "-d", tmp_path / "dist", "--passphrase-file", keyring)
    assert (answer.returncode, "need --sign KEY" in answer.stderr) == (2, True)
    assert not (tmp_path / "dist").exists()


def test_an_archive_with_other_content_is_not_replaced_without_force(
    tmp_path: Path, newest_helm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(Path(newest_helm).parent))
    command = ["package", EXAMPLE, "-d", tmp_path]
    archive = tmp_path / "opt-125m-0.1.0.tgz"
    assert run(*command).exit_code == 0
    first = archive.read_bytes()
    assert run(*command).exit_code == 0
    refused = run(*command, "--app-version", "other")
    assert (refused.exit_code, "already exists with different content: raise --version" in refused.stderr) == (1, True)
    assert archive.read_bytes() == first
    assert run(*command, "--app-version", "other", "--force").exit_code == 0
    assert chart_of(archive)["appVersion"] == "other"
    archive.write_text("junk")
    assert run(*command).exit_code == 1
    assert archive.read_text() == "junk"
    assert os.listdir(tmp_path) == [archive.name]
