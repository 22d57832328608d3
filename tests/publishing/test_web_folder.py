"""`modelservice publish` into a folder: its index lists what is there, whoever was interrupted, and nothing is lost."""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from modelservice.publishing.archive import digest_of

from tests.repositories import done, modelservice, small_archive

URL = "https://charts.example.com"
# Kills itself before the step of that number: a file put in its place, or taken away.
KILLED = """
import os, pathlib, signal, sys
left = int(sys.argv.pop(1))
def counted(real):
    def step(*args, **options):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*args, **options)
    return step
pathlib.Path.replace, pathlib.Path.unlink = counted(pathlib.Path.replace), counted(pathlib.Path.unlink)
from modelservice.cli import main
main()
"""


def publish(helm: str, folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return modelservice(helm, "publish", *arguments, "--to", folder, "--url", URL)


def listed(folder: Path) -> dict[str, str]:
    """Return file → digest as the index has it; each file must be there, and be what the index says."""
    entries = yaml.safe_load((folder / "index.yaml").read_text())["entries"]
    found = {one["urls"][0].rsplit("/", 1)[1]: f"sha256:{one['digest']}" for all_ in entries.values() for one in all_}
    assert {name: digest_of(folder / name) for name in found} == found
    return found


def publish_and_be_killed(helm: str, step: int, *arguments: str | Path) -> int:
    command = [sys.executable, "-c", KILLED, str(step), "publish", *map(str, arguments), "--url", URL]
    path = f"{Path(helm).parent}:{os.environ['PATH']}"
    return subprocess.run(command, env={**os.environ, "PATH": path}, capture_output=True, check=False).returncode


def test_a_replacement_that_is_killed_at_any_step_leaves_a_true_index(tmp_path: Path, helm: str) -> None:
    if "/3." in helm:
        return  # the order of steps is ours; one helm is enough
    before, folder = tmp_path / "before", tmp_path / "site"
    other = small_archive(helm, tmp_path, "qwen")
    old, new = (small_archive(helm, tmp_path, content=content) for content in "ab")
    done(publish(helm, before, old, other))
    seen = set()
    for step in range(50):
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(before, folder)
        code = publish_and_be_killed(helm, step, new, "--to", folder, "--force")
        found = listed(folder)
        assert found["qwen-1.0.0.tgz"] == digest_of(other)
        seen.add(found.get("llama-1.0.0.tgz"))
        if code == 0:
            break
        assert code == -signal.SIGKILL
        if "llama-1.0.0.tgz" not in found:
            done(publish(helm, folder, old))
            assert listed(folder)["llama-1.0.0.tgz"] == digest_of(old)
        done(publish(helm, folder, new, "--force"))
        assert listed(folder)["llama-1.0.0.tgz"] == digest_of(new)
    assert seen == {digest_of(old), None, digest_of(new)}


def test_a_file_that_is_not_what_the_index_says_is_mended(tmp_path: Path, helm: str) -> None:
    folder, archive = tmp_path / "site", small_archive(helm, tmp_path)
    done(publish(helm, folder, archive))
    index = (folder / "index.yaml").read_bytes()
    for spoil in (lambda file: file.write_text("junk"), Path.unlink):
        spoil(folder / archive.name)
        answer = publish(helm, folder, archive)
        assert (answer.returncode, "llama 1.0.0: mended sha256:" in answer.stderr) == (0, True)
        assert listed(folder) == {archive.name: digest_of(archive)}
    assert (folder / "index.yaml").read_bytes() == index
    assert "there already" in publish(helm, folder, archive).stderr


def test_a_replacement_keeps_the_other_entries_as_they_were(tmp_path: Path, helm: str) -> None:
    folder, old, new = tmp_path / "site", *(small_archive(helm, tmp_path, content=content) for content in "ab")
    done(publish(helm, folder, old, small_archive(helm, tmp_path, "qwen")))
    text = (folder / "index.yaml").read_text()
    (folder / "index.yaml").write_text(text.replace("apiVersion: v2", 'apiVersion: v2\n    icon: "ü: 2020-01-01"', 1))
    before = yaml.load((folder / "index.yaml").read_text(), yaml.BaseLoader)["entries"]["qwen"]
    done(publish(helm, folder, new, "--force"))
    assert yaml.load((folder / "index.yaml").read_text(), yaml.BaseLoader)["entries"]["qwen"] == before
    assert listed(folder)["llama-1.0.0.tgz"] == digest_of(new)


def test_what_helm_would_drop_from_the_index_stops_it(tmp_path: Path, helm: str) -> None:
    folder = tmp_path / "site"
    done(publish(helm, folder, small_archive(helm, tmp_path, version="1.0.0+a")))
    before = (folder / "index.yaml").read_bytes()
    answer = publish(helm, folder, small_archive(helm, tmp_path, version="1.0.0+b"))
    assert (answer.returncode, "llama 1.0.0+a: helm would drop it" in answer.stderr) == (1, True)
    assert (folder / "index.yaml").read_bytes() == before


@pytest.fixture
def signed(tmp_path: Path, keyring: Path, helm: str) -> Callable[[Path], Path]:
    """Return a function that signs an archive: helm's own provenance, for bytes that stay as they are."""

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


def test_a_replacement_without_a_signature_takes_the_old_one_away(
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
    assert (answer.returncode, "tgz.prov signs another archive" in answer.stderr) == (1, True)
    assert not (tmp_path / "site").exists()


@pytest.mark.parametrize("index", [b"\xff\xfe\xfa", b"entries: [", b"entries: 7", b"hello", b"", b"[" * 3000, None])
def test_what_is_no_index_is_one_sentence(index: bytes | None, tmp_path: Path, helm: str) -> None:
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "index.yaml").mkdir() if index is None else (folder / "index.yaml").write_bytes(index)
    answer = publish(helm, folder, small_archive(helm, tmp_path))
    assert (answer.returncode, answer.stderr.count("\n")) == (1, 1), answer.stderr
    assert "is no index of a chart repository: choose another folder, or mend it" in answer.stderr


def test_an_entry_without_a_digest_is_known_by_its_file(tmp_path: Path, helm: str) -> None:
    folder, archive, other = tmp_path / "site", *(small_archive(helm, tmp_path, content=content) for content in "ab")
    done(publish(helm, folder, archive))
    index = yaml.load((folder / "index.yaml").read_text(), yaml.BaseLoader)
    del index["entries"]["llama"][0]["digest"]
    (folder / "index.yaml").write_text(yaml.safe_dump(index))
    assert "there already" in publish(helm, folder, archive).stderr
    assert "there already, with other content" in publish(helm, folder, other).stderr
    done(publish(helm, folder, small_archive(helm, tmp_path, "qwen")))
    done(publish(helm, folder, other, "--force"))
    assert listed(folder)["llama-1.0.0.tgz"] == digest_of(other)


def test_a_folder_that_cannot_be_written_is_one_sentence(
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


def test_a_publisher_that_waits_says_so_once(tmp_path: Path, helm: str) -> None:
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


def test_a_link_in_the_locks_place_is_not_followed(tmp_path: Path, helm: str) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "site/.modelservice.lock").symlink_to("../precious")
    answer = publish(helm, tmp_path / "site", small_archive(helm, tmp_path))
    assert (answer.returncode, "Traceback" in answer.stderr) == (1, False)
    assert (tmp_path / "precious").read_text() == "precious"
