"""`modelservice publish` with broken or hostile files: one sentence, and nothing is published."""

import gzip
import io
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.repositories import done, modelservice, small_archive


def packed(path: Path, **members: str) -> Path:
    """Return an archive with these files; `Chart` stands for llama/Chart.yaml."""
    with tarfile.open(path, "w:gz") as archive:
        for name, text in members.items():
            about = tarfile.TarInfo(f"llama/{name}.yaml")
            about.size = len(text.encode())
            archive.addfile(about, io.BytesIO(text.encode()))
    return path


def refused(helm: str, folder: Path, *archives: Path) -> str:
    """Publish into a folder, check that nothing was published, and return the error message."""
    answer = modelservice(helm, "publish", *archives, "--to", folder / "site", "--url", "https://x.example")
    assert (answer.returncode, answer.stdout, answer.stderr.count("\n")) == (1, "", 1), answer.stdout + answer.stderr
    assert not list(folder.glob("site/*.tgz"))
    return answer.stderr


def test_a_truncated_archive_is_refused(tmp_path: Path, helm: str) -> None:
    whole = small_archive(helm, tmp_path).read_bytes()
    for length in (2, len(whole) // 2, len(whole) - 4):
        (tmp_path / "x.tgz").write_bytes(whole[:length])
        assert "is not a packaged chart, or it is damaged" in refused(helm, tmp_path, tmp_path / "x.tgz")


def test_an_archive_with_a_byte_overwritten_is_refused(tmp_path: Path, helm: str) -> None:
    content = bytearray(small_archive(helm, tmp_path).read_bytes())
    content[-20] ^= 0xFF
    (tmp_path / "x.tgz").write_bytes(content)
    assert "is not a packaged chart, or it is damaged" in refused(helm, tmp_path, tmp_path / "x.tgz")


def test_a_broken_header_after_the_first_file_is_refused(tmp_path: Path, helm: str) -> None:
    tar = bytearray(gzip.decompress(small_archive(helm, tmp_path).read_bytes()))
    tar[1024] ^= 0xFF
    (tmp_path / "x.tgz").write_bytes(gzip.compress(tar))
    assert "is not a packaged chart, or it is damaged" in refused(helm, tmp_path, tmp_path / "x.tgz")


BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{new}: &{new} [{','.join(['*' + old] * 10)}]\n" for old, new in zip("abcdefghi", "bcdefghij", strict=True)
)


@pytest.mark.parametrize(
    ("chart", "words"),
    [
        ("name: ../../evil\nversion: 1.0.0\n", "has the chart name '../../evil'"),
        ("name: Llama\nversion: 1.0.0\n", "has the chart name 'Llama'"),
        ("name: null\nversion: 1.0.0\n", "is not a packaged chart"),
        ("name: 12\nversion: 1.0.0\n", "is not a packaged chart"),
        (BOMB + "name: *j\nversion: 1.0.0\n", "is not a packaged chart"),
        ("name: llama\nversion: 2001-99-99\n", "is not a packaged chart"),
        ("name: llama\nversion: 1.0\n", "is not a packaged chart"),
        ("name: llama\nversion: '1.0'\n", "has the version '1.0'"),
        ("name: llama\nversion: v1.0.0\n", "has the version 'v1.0.0'"),
        ("name: llama\nversion: 1.0.0\nx: " + "[" * 3000, "is not a packaged chart"),
        ("name: llama\nversion: 1.0.0\nx: \x00", "is not a packaged chart"),
        ("- llama\n", "is not a packaged chart"),
        ("", "is not a packaged chart"),
        ("# " + "x" * (256 << 10) + "\nname: llama\nversion: 1.0.0\n", "is not a packaged chart"),
    ],
)
def test_an_invalid_chart_yaml_is_refused(chart: str, words: str, tmp_path: Path, helm: str) -> None:
    assert words in refused(helm, tmp_path, packed(tmp_path / "x.tgz", Chart=chart))


def test_charts_that_helm_silently_leaves_out_of_the_index_are_refused(tmp_path: Path, helm: str) -> None:
    archive = packed(tmp_path / "x.tgz", Chart="apiVersion: v2\nname: llama\nversion: 1.0.0\n", values="a: [")
    assert "llama 1.0.0: helm cannot load it, so nothing was published" in refused(helm, tmp_path, archive)


def test_an_archive_that_unpacks_to_more_than_helm_loads_is_refused(tmp_path: Path, helm: str) -> None:
    (tmp_path / "x.tgz").write_bytes(gzip.compress(bytes(101 << 20), 1))
    assert "unpacks to more than 100 MiB" in refused(helm, tmp_path, tmp_path / "x.tgz")


def test_a_missing_file_is_named_with_the_reason(tmp_path: Path, helm: str) -> None:
    assert "none.tgz cannot be read: No such file" in refused(helm, tmp_path, tmp_path / "none.tgz")


def test_a_registry_gets_no_broken_archive(tmp_path: Path, helm: str) -> None:
    (tmp_path / "x.tgz").write_bytes(small_archive(helm, tmp_path).read_bytes()[:200])
    answer = modelservice(helm, "publish", tmp_path / "x.tgz", "--to", "oci://localhost:9/charts", "--plain-http")
    assert (answer.returncode, "is not a packaged chart" in answer.stderr) == (1, True)


def test_two_different_archives_of_one_version_are_refused(tmp_path: Path, helm: str) -> None:
    one, other = (small_archive(helm, tmp_path, content=content) for content in "ab")
    assert "are both llama 1.0.0, but differ: publish one" in refused(helm, tmp_path, one, other)


def test_one_archive_named_twice_is_published_once(tmp_path: Path, helm: str) -> None:
    one = small_archive(helm, tmp_path)
    shutil.copy(one, tmp_path / "x.tgz")
    answer = modelservice(helm, "publish", one, tmp_path / "x.tgz", "--to", tmp_path / "site", "--url", "http://x")
    assert len(done(answer).splitlines()) == answer.stderr.count("pushed") == 1


def test_files_with_the_same_name_are_published_under_their_charts_names(tmp_path: Path, helm: str) -> None:
    archives = []
    for name in ("llama", "qwen"):
        archives.append(tmp_path / name / "x.tgz")
        archives[-1].parent.mkdir()
        shutil.copy(small_archive(helm, tmp_path, name), archives[-1])
    lines = done(modelservice(helm, "publish", *archives, "--to", tmp_path / "site", "--url", "http://x")).splitlines()
    assert "helm install llama llama --repo http://x --version 1.0.0" in lines
    for name in ("llama", "qwen"):
        shown = subprocess.run([helm, "show", "chart", tmp_path / f"site/{name}-1.0.0.tgz"], capture_output=True)
        assert f"name: {name}".encode() in shown.stdout
