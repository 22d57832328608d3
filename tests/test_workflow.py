"""The steps of the chart's workflow, run as by GitHub, in their own repository."""

import base64
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from tests.repositories import ROOT

WORKFLOW = ROOT / ".github/workflows/chart.yaml"


def fork(folder: Path, helm: str) -> dict[str, str]:
    """Make a repository with the chart and a remote; return the variables that GitHub and the first steps set."""
    shutil.copytree(ROOT / "charts/modelservice", folder / "checkout/charts/modelservice")
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.com", "-C", str(folder / "checkout")]
    subprocess.run(["git", "init", "--quiet", "--bare", str(folder / "origin")], check=True)
    for command in ("init -q -b main", "add --all", "commit -q -m fork", f"remote add origin {folder / 'origin'}"):
        subprocess.run([*git, *command.split()], check=True)
    variables = {
        "PATH": f"{Path(helm).parent}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(folder),
        "RUNNER_TEMP": str(folder),
        "GITHUB_ENV": str(folder / "env"),
        "GITHUB_ACTOR": "someone",
        "GITHUB_REF_NAME": "v1.1.0-rc.1",
        "OWNER": "SomeOne",
        "NAME": "fork",
    }
    assert step("Name the places", folder, variables).returncode == 0
    return variables | dict(line.split("=", 1) for line in (folder / "env").read_text().splitlines())


def step(name: str, folder: Path, variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a step of the job that publishes."""
    steps = yaml.safe_load(WORKFLOW.read_text())["jobs"]["publish"]["steps"]
    (script,) = [one["run"] for one in steps if one.get("name") == name]
    command = ["bash", "-e", "-c", script]
    return subprocess.run(command, cwd=folder / "checkout", env=variables, capture_output=True, text=True, check=False)


def pages(folder: Path, *command: str) -> list[str]:
    git = ["git", "-C", str(folder / "origin"), *command]
    return subprocess.run(git, capture_output=True, text=True, check=True).stdout.splitlines()


def test_a_fork_publishes_a_signed_chart_to_its_pages_once(tmp_path: Path, keyring: Path, helm: str) -> None:
    secrets = {"SIGNING_KEY": base64.b64encode(keyring.read_bytes()).decode(), "SIGNING_KEY_NAME": "tests"}
    variables = fork(tmp_path / "fork", helm) | secrets
    assert (variables["REGISTRY"], variables["PAGES"]) == (
        "oci://ghcr.io/someone/charts",
        "https://someone.github.io/fork",
    )
    for name in ("Package and sign", "Publish to the pages"):
        answer = step(name, tmp_path / "fork", variables)
        assert answer.returncode == 0, answer.stderr
    assert pages(tmp_path / "fork", "ls-tree", "--name-only", "gh-pages") == [
        "artifacthub-repo.yml",
        "index.yaml",
        "modelservice-1.1.0-rc.1.tgz",
        "modelservice-1.1.0-rc.1.tgz.prov",
    ]
    assert 'artifacthub.io/prerelease: "true"' in "\n".join(pages(tmp_path / "fork", "show", "gh-pages:index.yaml"))
    before = pages(tmp_path / "fork", "rev-parse", "gh-pages")
    git = ["git", "-C", str(tmp_path / "fork/checkout"), "worktree", "remove", "--force", "pages"]
    subprocess.run(git, check=True)
    answer = step("Publish to the pages", tmp_path / "fork", variables)
    assert answer.returncode == 0, answer.stderr
    assert pages(tmp_path / "fork", "rev-parse", "gh-pages") == before


def test_a_push_that_is_refused_is_a_failure(tmp_path: Path, keyring: Path, helm: str) -> None:
    secrets = {"SIGNING_KEY": base64.b64encode(keyring.read_bytes()).decode(), "SIGNING_KEY_NAME": "tests"}
    variables = fork(tmp_path / "fork", helm) | secrets
    assert step("Package and sign", tmp_path / "fork", variables).returncode == 0
    hook = tmp_path / "fork/origin/hooks/pre-receive"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    assert step("Publish to the pages", tmp_path / "fork", variables).returncode != 0


def test_without_secrets_nothing_is_packaged(tmp_path: Path, helm: str) -> None:
    variables = fork(tmp_path / "fork", helm)
    for secrets in ({}, {"SIGNING_KEY": "", "SIGNING_KEY_NAME": ""}, {"SIGNING_KEY": "eA==", "SIGNING_KEY_NAME": ""}):
        answer = step("Package and sign", tmp_path / "fork", variables | secrets)
        assert (answer.returncode != 0, "add this secret" in answer.stderr) == (True, True)
    assert not (tmp_path / "fork/checkout/dist").exists()


def test_every_action_is_pinned_by_commit_with_its_tag_in_a_comment() -> None:
    used = re.findall(r"uses: (.*)", WORKFLOW.read_text())
    assert used
    for one in used:
        assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", one), one
