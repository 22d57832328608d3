"""`modelservice publish`: the published charts can be installed with the printed lines."""

import os
import random
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml
from modelservice.publishing.archive import digest_of

from tests.killing import command, killed_after, run
from tests.repositories import PASSWORD, ROOT, USER, Registry, done, modelservice, registry, small_archive, web

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
EXAMPLES = [ROOT / "values-examples/opt-125m.yaml", ROOT / "values-examples/cpu.yaml"]


def packaged(helm: str, folder: Path, *options: str) -> list[Path]:
    """Return the archives of two services."""
    return [Path(done(modelservice(helm, "package", one, "-d", folder, *options)).split()[0]) for one in EXAMPLES]


def run_line(helm: str, line: str, **variables: str) -> str:
    """Run a printed install line as `helm template`, because there is no cluster here."""
    words = shlex.split(line)
    assert words[:2] == ["helm", "install"]
    command = [helm, "template", *words[2:]]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **variables})
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with registry(tmp_path_factory.mktemp("registry") / "plain") as running:
        yield running


def test_a_registry_lists_by_version_and_by_digest(plain: Registry, tmp_path: Path, helm: str) -> None:
    archives = packaged(helm, tmp_path)
    to = f"oci://{plain.host}/{Path(helm).parent.name}/charts"
    answers = [modelservice(helm, "publish", one, "--to", to, *plain.options, **plain.variables) for one in archives]
    lines = "".join(map(done, answers)).splitlines()
    assert [("@sha256:" in line, line.endswith(" --plain-http")) for line in lines] == [(False, True), (True, True)] * 2
    for line in lines:
        assert "kind: Deployment" in run_line(helm, line, **plain.variables)


def test_the_same_version_is_left_unchanged_and_other_content_refused(
    plain: Registry, tmp_path: Path, helm: str
) -> None:
    to = f"oci://{plain.host}/{Path(helm).parent.name}/again"
    command = ["--to", to, *plain.options]
    archive = packaged(helm, tmp_path / "a")[0]
    done(modelservice(helm, "publish", archive, *command, **plain.variables))
    again = modelservice(helm, "publish", archive, *command, **plain.variables)
    assert (again.returncode, "there already sha256:" in again.stderr) == (0, True)
    other = packaged(helm, tmp_path / "b", "--app-version", "other")[0]
    refused = modelservice(helm, "publish", other, *command, **plain.variables)
    assert (refused.returncode, "already published with different content" in refused.stderr) == (1, True)
    forced = modelservice(helm, "publish", other, *command, "--force", **plain.variables)
    assert (forced.returncode, "had different content, which was replaced" in forced.stderr) == (0, True)


def test_another_publishers_archive_after_the_push_is_reported(
    plain: Registry, tmp_path: Path, newest_helm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A helm that pushes, and lets another publisher push before it returns."""
    ours, other = (small_archive(newest_helm, tmp_path, content=content) for content in "ab")
    to = f"oci://{plain.host}/both"
    (tmp_path / "bin").mkdir()
    helm = tmp_path / "bin/helm"
    helm.write_text(
        f'#!/bin/sh\n{newest_helm} "$@" || exit\n'
        f'[ "$1" = push ] && {newest_helm} push {other} {to} --plain-http >/dev/null 2>&1\nexit 0\n'
    )
    helm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{helm.parent}:{os.environ['PATH']}")
    for options in ([], ["--force"]):
        answer = run("publish", ours, "--to", to, *plain.options, *options)
        assert (answer.exit_code, answer.stdout) == (3, "")
        assert "llama 1.0.0 was pushed to" in answer.stderr
        assert "another publisher has replaced it (sha256:" in answer.stderr
    # The same archive does not count as another one, although its manifest has another time.
    os.utime(other, (0, 0))
    again = run("publish", shutil.copy(other, tmp_path), "--to", f"{to}/same", *plain.options)
    assert (again.exit_code, "pushed sha256:" in again.stderr) == (0, True)


def test_killed_publishers_leave_the_old_or_the_new_archive(
    plain: Registry, tmp_path: Path, newest_helm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{Path(newest_helm).parent}:{os.environ['PATH']}")
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    archives = [small_archive(newest_helm, tmp_path, content=content) for content in "ab"]
    place = ["--to", f"oci://{plain.host}/killed", *plain.options, "--force"]
    chance, seen = random.Random(0), set()
    for archive in archives:
        started = time.monotonic()
        assert run("publish", archive, *place).exit_code == 0
    longest = time.monotonic() - started
    for number in range(50):
        killed_after(chance.uniform(0, longest), command("publish", archives[number % 2], *place))
        manifest = httpx.get(f"http://{plain.host}/v2/killed/llama/manifests/1.0.0", headers={"Accept": MANIFEST})
        seen.add(manifest.json()["layers"][0]["digest"])
    assert seen == set(map(digest_of, archives))
    assert run("publish", archives[0], *place).exit_code == 0
    assert not list((tmp_path / "tmp").iterdir())


def test_a_registry_that_never_answers_is_a_tool_failure_in_time(
    tmp_path: Path, newest_helm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{Path(newest_helm).parent}:{os.environ['PATH']}")
    monkeypatch.setattr("modelservice.helm._SECONDS", 1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        place = f"oci://localhost:{silent.getsockname()[1]}/x"
        answer = run("publish", small_archive(newest_helm, tmp_path), "--to", place, "--plain-http")
    assert (answer.exit_code, "helm pull did not finish within 1 seconds" in answer.stderr) == (3, True)


def test_a_registry_with_a_password_needs_helms_login_and_no_secret_is_printed(tmp_path: Path, helm: str) -> None:
    archive = packaged(helm, tmp_path)[0]
    with registry(tmp_path / "the registry", secured=True) as secured:
        command = ["publish", archive, "--to", f"oci://{secured.host}/charts", *secured.options]
        before = modelservice(helm, *command, **secured.variables)
        assert (before.returncode, f"log in with `helm registry login {secured.host}`" in before.stderr) == (3, True)
        login = [helm, "registry", "login", secured.host, "-u", USER, "-p", PASSWORD, *secured.options]
        subprocess.run(login, check=True, capture_output=True, env={**os.environ, **secured.variables})
        after = modelservice(helm, *command, **secured.variables)
        for line in done(after).splitlines():
            assert "kind: Deployment" in run_line(helm, line, **secured.variables)
        assert PASSWORD not in before.stdout + before.stderr + after.stdout + after.stderr


@pytest.mark.parametrize(
    ("host", "options", "step"),
    [
        ("localhost:9", ["--plain-http"], "no registry answers at localhost:9"),
        ("nowhere.invalid", [], "the name nowhere.invalid cannot be resolved"),
    ],
)
def test_an_unreachable_registry_is_a_tool_failure_with_its_own_hint(
    host: str, options: list[str], step: str, tmp_path: Path, helm: str
) -> None:
    answer = modelservice(helm, "publish", small_archive(helm, tmp_path), "--to", f"oci://{host}/x", *options)
    assert (answer.returncode, "cannot be read" in answer.stderr) == (3, True)
    assert step in answer.stderr.splitlines()[-1]
    assert "login" not in answer.stderr


def test_the_wrong_protocol_for_a_registry_is_a_failure_with_its_own_hint(
    plain: Registry, tmp_path: Path, helm: str
) -> None:
    archive = small_archive(helm, tmp_path)
    with registry(tmp_path / "registry", secured=True) as secured:
        wrong = [(secured, [], "--ca-file"), (secured, ["--plain-http"], "remove --plain-http")]
        # Helm 3 tries HTTP by itself on localhost.
        wrong += [] if "/3." in helm else [(plain, [], "uses HTTP: pass --plain-http")]
        for place, options, step in wrong:
            answer = modelservice(helm, "publish", archive, "--to", f"oci://{place.host}/x", *options)
            assert (answer.returncode, step in answer.stderr.splitlines()[-1]) == (3, True), answer.stderr


def test_a_name_too_long_for_a_release_is_cut_in_the_install_lines(plain: Registry, tmp_path: Path, helm: str) -> None:
    name = f"{'a' * 52}-{'b' * 10}"
    to = f"oci://{plain.host}/{Path(helm).parent.name}/long"
    for line in done(
        modelservice(helm, "publish", small_archive(helm, tmp_path, name), "--to", to, *plain.options)
    ).splitlines():
        assert f"helm install {'a' * 52} oci" in line
        assert "kind: ConfigMap" in run_line(helm, line, **plain.variables)


def test_a_registry_keeps_an_archive_as_it_was_pushed(
    plain: Registry, keyring: Path, tmp_path: Path, helm: str
) -> None:
    archive, to = small_archive(helm, tmp_path), f"oci://{plain.host}/{Path(helm).parent.name}/later"
    command = [helm, "package", archive.parent / "llama", "-d", archive.parent, "--sign", "--key", "tests"]
    subprocess.run([*command, "--keyring", keyring], check=True, capture_output=True)
    provenance = archive.with_name(f"{archive.name}.prov").rename(tmp_path / "later")
    first = done(modelservice(helm, "publish", archive, "--to", to, *plain.options))
    provenance.rename(archive.with_name(f"{archive.name}.prov"))
    again = modelservice(helm, "publish", archive, "--to", to, *plain.options)
    assert (done(again), "there already" in again.stderr) == (first, True)


def test_a_folder_behind_a_web_server_lists_old_and_new(tmp_path: Path, helm: str) -> None:
    folder = tmp_path / "site"
    folder.mkdir()
    with web(folder, tmp_path / "nginx") as url:
        first, second = packaged(helm, tmp_path / "dist")
        lines = done(modelservice(helm, "publish", first, "--to", folder, "--url", url)).splitlines()
        before = yaml.safe_load((folder / "index.yaml").read_text())["entries"]["opt-125m"]
        lines += done(modelservice(helm, "publish", second, "--to", f"file://{folder}", "--url", url)).splitlines()
        assert yaml.safe_load((folder / "index.yaml").read_text())["entries"]["opt-125m"] == before
        variables = {"HELM_CACHE_HOME": str(tmp_path / "cache"), "HELM_CONFIG_HOME": str(tmp_path / "config")}
        for line in lines:
            assert "kind: Deployment" in run_line(helm, line, **variables)
        for command in (["repo", "add", "ours", url], ["pull", "ours/cpu", "--version", "0.1.0", "-d", str(tmp_path)]):
            subprocess.run([helm, *command], check=True, capture_output=True, env={**os.environ, **variables})
    assert (folder / "artifacthub-repo.yml").read_text().startswith("# Artifact Hub reads this file")


def test_a_signed_archive_is_verified_from_both_kinds_of_repository(
    plain: Registry, keyring: Path, tmp_path: Path, helm: str
) -> None:
    signing = ["--sign", "tests", "--keyring", keyring]
    command = ["package", EXAMPLES[0], "-d", tmp_path / "dist", "--name", "signed", *signing]
    archive = done(modelservice(helm, *command)).split()[0]
    folder = tmp_path / "site"
    folder.mkdir()
    to = f"oci://{plain.host}/{Path(helm).parent.name}/signed"
    verify = ["--verify", "--keyring", str(keyring), "-d", str(tmp_path / "pulled")]
    (tmp_path / "pulled").mkdir()
    with web(folder, tmp_path / "nginx") as url:
        done(modelservice(helm, "publish", archive, "--to", folder, "--url", url))
        done(modelservice(helm, "publish", archive, "--to", to, *plain.options, **plain.variables))
        # Helm 3.18.0 does not accept a signature from a registry, not even its own: "media type … is not allowed".
        from_registry = [] if "/3." in helm else [[f"{to}/signed", "--version", "0.1.0", *plain.options]]
        for place in (["signed", "--repo", url], *from_registry):
            answer = subprocess.run([helm, "pull", *place, *verify], capture_output=True, text=True, check=False)
            assert answer.returncode == 0, answer.stderr
            assert "tests@example.com" in answer.stdout + answer.stderr


def test_other_content_for_a_folder_is_refused_and_nothing_changes(tmp_path: Path, helm: str) -> None:
    folder, command = tmp_path / "site", ["--to", tmp_path / "site", "--url", "https://charts.example.com"]
    done(modelservice(helm, "publish", *packaged(helm, tmp_path / "a"), *command))
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    again = modelservice(helm, "publish", *packaged(helm, tmp_path / "b"), *command)
    assert (again.returncode, again.stderr.count("there already")) == (0, 2)
    other = packaged(helm, tmp_path / "c", "--app-version", "other")[0]
    assert modelservice(helm, "publish", other, *command).returncode == 1
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before
    forced = modelservice(helm, "publish", other, *command, "--force")
    assert (forced.returncode, "which was replaced" in forced.stderr) == (0, True)


@pytest.mark.parametrize(
    ("to", "code", "words"), [("ftp://x/y", 1, "is not a place to publish to"), ("folder", 1, "a folder needs --url")]
)
def test_an_invalid_destination_is_reported_in_one_sentence(
    to: str, code: int, words: str, tmp_path: Path, helm: str
) -> None:
    answer = modelservice(helm, "publish", packaged(helm, tmp_path)[0], "--to", to)
    assert (answer.returncode, words in answer.stderr, answer.stderr.count("\n")) == (code, True, 1)


def test_an_invalid_archive_is_reported_in_one_sentence(tmp_path: Path, helm: str) -> None:
    (tmp_path / "x.tgz").write_bytes(b"no archive")
    answer = modelservice(helm, "publish", tmp_path / "x.tgz", "--to", tmp_path / "site", "--url", "https://x.example")
    assert (answer.returncode, "is not a packaged chart" in answer.stderr) == (1, True)


def listed(folder: Path) -> list[str]:
    """Return the archives that an index lists; it must be whole."""
    if not (folder / "index.yaml").exists():
        return []
    entries = yaml.safe_load((folder / "index.yaml").read_text())["entries"]
    return [one["urls"][0].rsplit("/", 1)[1] for all_ in entries.values() for one in all_]


def test_the_archives_of_two_publishers_at_once_are_both_listed(tmp_path: Path, helm: str) -> None:
    folder = tmp_path / "site"
    archives = packaged(helm, tmp_path / "dist")
    command = [sys.executable, "-m", "modelservice", "publish", "--to", folder, "--url", "https://x.example"]
    environment = {**os.environ, "PATH": f"{Path(helm).parent}:{os.environ['PATH']}"}
    publishers = [subprocess.Popen([*command, archive], env=environment) for archive in archives]
    assert [publisher.wait() for publisher in publishers] == [0, 0]
    assert sorted(listed(folder)) == sorted(archive.name for archive in archives)
    assert re.search("digest", (folder / "index.yaml").read_text())
