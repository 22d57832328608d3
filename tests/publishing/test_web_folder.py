"""`modelservice publish` into a folder: its index lists the existing archives, even after an interruption."""

import fcntl
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from modelservice.publishing.archive import digest_of

from tests.killing import command, killed_after, killed_at, run
from tests.repositories import done, modelservice, small_archive

URL = "https://charts.example.com"


def publish(helm: str, folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return modelservice(helm, "publish", *arguments, "--to", folder, "--url", URL)


def listed(folder: Path) -> dict[str, str]:
    """Return file → digest from the index; each file must exist and match the index."""
    entries = yaml.safe_load((folder / "index.yaml").read_text())["entries"]
    found = {
        one["urls"][0].removeprefix(f"{URL}/"): f"sha256:{one['digest']}" for all_ in entries.values() for one in all_
    }
    assert {name: digest_of(folder / name) for name in found} == found
    return {Path(name).name: digest for name, digest in found.items()}


def left_in(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


@pytest.fixture
def site(tmp_path: Path, newest_helm: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with two charts; temporary files have their own folder, and helm is on PATH."""
    monkeypatch.setenv("PATH", f"{Path(newest_helm).parent}:{os.environ['PATH']}")
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    old, other = small_archive(newest_helm, tmp_path), small_archive(newest_helm, tmp_path, "qwen")
    assert run("publish", old, other, "--to", tmp_path / "site", "--url", URL).exit_code == 0
    return tmp_path / "site"


def test_a_killed_replacement_is_complete_or_absent(site: Path, tmp_path: Path, newest_helm: str) -> None:
    new, other = small_archive(newest_helm, tmp_path, content="b"), tmp_path / "chart-qwen-1.0.0-a/qwen-1.0.0.tgz"
    old = tmp_path / "chart-llama-1.0.0-a/llama-1.0.0.tgz"
    before, seen = left_in(site), []
    shutil.copytree(site, tmp_path / "before")
    for step in range(50):
        shutil.rmtree(site)
        shutil.copytree(tmp_path / "before", site)
        killed = killed_at(step, command("publish", new, "--to", site, "--url", URL, "--force"))
        found = listed(site)
        assert found["qwen-1.0.0.tgz"] == digest_of(other)
        seen.append(found["llama-1.0.0.tgz"])
        if not killed:
            break
        # The next publication, of any archive, removes all leftovers.
        assert run("publish", other, "--to", site, "--url", URL).exit_code == 0
        assert (listed(site), left_in(site)) == (found, before)
        again = run("publish", new, "--to", site, "--url", URL, "--force")
        assert (again.exit_code, listed(site)["llama-1.0.0.tgz"], left_in(site)) == (0, digest_of(new), before)
    assert seen == sorted(seen, key=[digest_of(old), digest_of(new)].index)
    assert set(seen) == {digest_of(old), digest_of(new)}
    assert not left_in(tmp_path / "tmp")


def test_a_killed_first_publication_is_completed_by_the_next_run(site: Path, tmp_path: Path, newest_helm: str) -> None:
    new, before = small_archive(newest_helm, tmp_path, version="1.0.1"), left_in(site)
    shutil.copytree(site, tmp_path / "before")
    step, killed = 0, True
    while killed:
        shutil.rmtree(site)
        shutil.copytree(tmp_path / "before", site)
        killed = killed_at(step, command("publish", new, "--to", site, "--url", URL))
        assert {"llama-1.0.0.tgz", "qwen-1.0.0.tgz"} <= listed(site).keys()
        assert run("publish", new, "--to", site, "--url", URL).exit_code == 0
        assert (listed(site)[new.name], left_in(site)) == (digest_of(new), {*before, new.name})
        step += 1
    assert 2 < step < 50


def test_killed_publishers_leave_a_correct_index(site: Path, tmp_path: Path, newest_helm: str) -> None:
    archives = [tmp_path / "chart-llama-1.0.0-a/llama-1.0.0.tgz", small_archive(newest_helm, tmp_path, content="b")]
    digests, before, chance = list(map(digest_of, archives)), left_in(site), random.Random(0)
    started = time.monotonic()
    assert run("publish", archives[0], "--to", site, "--url", URL, "--force").exit_code == 0
    assert run("publish", archives[1], "--to", site, "--url", URL, "--force").exit_code == 0
    longest = time.monotonic() - started
    for number in range(50):
        new = archives[number % 2]
        killed_after(chance.uniform(0, longest), command("publish", new, "--to", site, "--url", URL, "--force"))
        assert listed(site)["llama-1.0.0.tgz"] in digests
    assert run("publish", archives[0], "--to", site, "--url", URL, "--force").exit_code == 0
    assert (listed(site)["llama-1.0.0.tgz"], left_in(site)) == (digests[0], before)
    assert not left_in(tmp_path / "tmp")


def test_a_file_that_differs_from_the_index_is_repaired(tmp_path: Path, helm: str) -> None:
    folder, archive = tmp_path / "site", small_archive(helm, tmp_path)
    done(publish(helm, folder, archive))
    index = (folder / "index.yaml").read_bytes()
    for spoil in (lambda file: file.write_text("junk"), Path.unlink):
        spoil(folder / archive.name)
        answer = publish(helm, folder, archive)
        assert (answer.returncode, "llama 1.0.0: fixed sha256:" in answer.stderr) == (0, True)
        assert listed(folder) == {archive.name: digest_of(archive)}
    assert (folder / "index.yaml").read_bytes() == index
    assert "there already" in publish(helm, folder, archive).stderr


def test_a_file_that_the_index_does_not_list_is_not_replaced(tmp_path: Path, helm: str) -> None:
    folder, theirs, ours = tmp_path / "site", *(small_archive(helm, tmp_path, content=content) for content in "ab")
    folder.mkdir()
    shutil.copy(theirs, folder)
    answer = publish(helm, folder, ours)
    assert (answer.returncode, "already published with different content" in answer.stderr) == (1, True)
    assert digest_of(folder / theirs.name) == digest_of(theirs)
    done(publish(helm, folder, theirs))
    assert listed(folder) == {theirs.name: digest_of(theirs)}


def test_a_replacement_leaves_the_other_entries_unchanged(tmp_path: Path, helm: str) -> None:
    folder, old, new = tmp_path / "site", *(small_archive(helm, tmp_path, content=content) for content in "ab")
    done(publish(helm, folder, old, small_archive(helm, tmp_path, "qwen")))
    text = (folder / "index.yaml").read_text()
    (folder / "index.yaml").write_text(text.replace("apiVersion: v2", 'apiVersion: v2\n    icon: "ü: 2020-01-01"', 1))
    before = yaml.load((folder / "index.yaml").read_text(), yaml.BaseLoader)["entries"]["qwen"]
    done(publish(helm, folder, new, "--force"))
    assert yaml.load((folder / "index.yaml").read_text(), yaml.BaseLoader)["entries"]["qwen"] == before
    assert listed(folder)["llama-1.0.0.tgz"] == digest_of(new)


def test_an_entry_that_helm_would_drop_from_the_index_stops_the_command(tmp_path: Path, helm: str) -> None:
    folder = tmp_path / "site"
    done(publish(helm, folder, small_archive(helm, tmp_path, version="1.0.0+a")))
    before = (folder / "index.yaml").read_bytes()
    answer = publish(helm, folder, small_archive(helm, tmp_path, version="1.0.0+b"))
    assert (answer.returncode, "llama 1.0.0+a: helm would remove it" in answer.stderr) == (1, True)
    assert (folder / "index.yaml").read_bytes() == before


@pytest.fixture
def signed(tmp_path: Path, keyring: Path, helm: str) -> Callable[[Path], Path]:
    """Return a function that signs an archive with helm's provenance, without changing its bytes."""

    def sign(archive: Path) -> Path:
        command = ["package", archive.parent / "llama", "-d", archive.parent, "--sign", "--key", "tests"]
        subprocess.run([helm, *map(str, command), "--keyring", str(keyring)], check=True, capture_output=True)
        return archive

    return sign


def verified(helm: str, archive: Path, keyring: Path) -> bool:
    return subprocess.run([helm, "verify", archive, "--keyring", keyring], capture_output=True).returncode == 0


def test_a_signature_made_later_is_added(
    tmp_path: Path, keyring: Path, signed: Callable[[Path], Path], helm: str
) -> None:
    folder, archive = tmp_path / "site", signed(small_archive(helm, tmp_path))
    provenance = archive.with_name(f"{archive.name}.prov")
    provenance.rename(tmp_path / "later")
    done(publish(helm, folder, archive))
    assert not (folder / provenance.name).exists()
    (tmp_path / "later").rename(provenance)
    answer = publish(helm, folder, archive)
    assert (answer.returncode, "llama 1.0.0: signed sha256:" in answer.stderr) == (0, True)
    assert verified(helm, folder / archive.name, keyring)
    assert "there already" in publish(helm, folder, archive).stderr


def test_a_replacement_without_a_signature_removes_the_old_one(
    tmp_path: Path, signed: Callable[[Path], Path], helm: str
) -> None:
    folder = tmp_path / "site"
    done(publish(helm, folder, signed(small_archive(helm, tmp_path))))
    assert (folder / "llama-1.0.0.tgz.prov").exists()
    done(publish(helm, folder, small_archive(helm, tmp_path, content="b"), "--force"))
    assert not (folder / "llama-1.0.0.tgz.prov").exists()


def test_another_archives_signature_is_refused(tmp_path: Path, signed: Callable[[Path], Path], helm: str) -> None:
    archive, other = signed(small_archive(helm, tmp_path)), small_archive(helm, tmp_path, content="b")
    shutil.copy(other, archive)
    answer = publish(helm, tmp_path / "site", archive)
    assert (answer.returncode, "tgz.prov is the signature of another archive" in answer.stderr) == (1, True)
    assert not (tmp_path / "site").exists()


@pytest.mark.parametrize("index", [b"\xff\xfe\xfa", b"entries: [", b"entries: 7", b"hello", b"", b"[" * 3000, None])
def test_an_invalid_index_is_reported_in_one_sentence(index: bytes | None, tmp_path: Path, helm: str) -> None:
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "index.yaml").mkdir() if index is None else (folder / "index.yaml").write_bytes(index)
    answer = publish(helm, folder, small_archive(helm, tmp_path))
    assert (answer.returncode, answer.stderr.count("\n")) == (1, 1), answer.stderr
    assert "is not an index of a chart repository: fix it, or choose another folder" in answer.stderr


def test_an_entry_without_a_digest_is_compared_by_its_file(tmp_path: Path, helm: str) -> None:
    folder, archive, other = tmp_path / "site", *(small_archive(helm, tmp_path, content=content) for content in "ab")
    done(publish(helm, folder, archive))
    index = yaml.load((folder / "index.yaml").read_text(), yaml.BaseLoader)
    del index["entries"]["llama"][0]["digest"]
    (folder / "index.yaml").write_text(yaml.safe_dump(index))
    assert "there already" in publish(helm, folder, archive).stderr
    assert "already published with different content" in publish(helm, folder, other).stderr
    done(publish(helm, folder, small_archive(helm, tmp_path, "qwen")))
    done(publish(helm, folder, other, "--force"))
    assert listed(folder)["llama-1.0.0.tgz"] == digest_of(other)


def test_a_folder_that_cannot_be_written_is_reported_in_one_sentence(
    open_folder: Path, tmp_path: Path, unprivileged: Callable[[str, str, Path], str], helm: str
) -> None:
    folder = open_folder / "site"
    archive = Path(shutil.copy(small_archive(helm, tmp_path), open_folder))
    done(publish(helm, folder, archive))
    (folder / "artifacthub-repo.yml").unlink()
    (folder / ".modelservice.lock").chmod(0o666)
    folder.chmod(0o555)
    imports = (
        "from pathlib import Path; from modelservice import errors; from modelservice.publishing.publish import publish"
    )
    program = f"""
try: list(publish([Path("{archive}")], "{folder}", url="{URL}"))
except errors.InputError as error: print(error)
"""
    assert "cannot be written: Permission denied" in unprivileged(imports, program, open_folder)


def test_a_waiting_publisher_prints_one_message(tmp_path: Path, helm: str) -> None:
    folder, archive = tmp_path / "site", small_archive(helm, tmp_path)
    folder.mkdir()
    command = [sys.executable, "-m", "modelservice", "publish", archive, "--to", folder, "--url", URL]
    environment = {**os.environ, "PATH": f"{Path(helm).parent}:{os.environ['PATH']}"}
    said = tmp_path / "said"
    with (folder / ".modelservice.lock").open("w") as lock, said.open("w") as stderr:
        fcntl.flock(lock, fcntl.LOCK_EX)
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=stderr)
        for _ in range(100):
            if said.read_text():
                break
            time.sleep(0.1)
        assert not (folder / "index.yaml").exists()
    assert process.wait(timeout=30) == 0
    first, *rest = said.read_text().splitlines()
    assert first == f"{folder}: waiting for another publisher to finish"
    assert "waiting" not in "".join(rest)


@pytest.mark.parametrize("name", [".modelservice.lock", "modelservice-replacing"])
def test_a_link_in_place_of_our_files_is_named_and_not_followed(name: str, tmp_path: Path, helm: str) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "site" / name).symlink_to("../precious")
    answer = publish(helm, tmp_path / "site", small_archive(helm, tmp_path))
    assert (answer.returncode, f"site/{name} is a link" in answer.stderr) == (1, True)
    assert (tmp_path / "precious").read_text() == "precious"
