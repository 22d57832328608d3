"""The pages on fleets and CI: their commands work as written, and their jobs are valid for GitHub and GitLab."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.repositories import ROOT, registry


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", (ROOT / "docs" / page).read_text(), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(("number", "schema"), [(0, "vendor.github-workflows"), (1, "vendor.gitlab-ci")])
def test_a_ci_job_is_valid_for_its_service(number: int, schema: str, tmp_path: Path) -> None:
    file = tmp_path / "job.yaml"
    file.write_text(blocks("ci.md", "yaml")[number])
    command = [Path(sys.executable).parent / "check-jsonschema", "--builtin-schema", schema, file]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout


_RUN = """\
set -e
modelservice() {
  code=0
  command modelservice "$@" || code=$?
  test "$code" = 0 || { test "$1" = diff && test "$code" = 1; }
}
"""
_PERSON = ("AUTHOR_NAME", "AUTHOR_EMAIL", "COMMITTER_NAME", "COMMITTER_EMAIL")


def test_the_page_on_fleets_works_as_written(tmp_path: Path, newest_helm: str) -> None:
    here = tmp_path / "models"
    here.mkdir()
    programs = f"{Path(newest_helm).parent}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    with registry(tmp_path / "registry") as place:
        # Exit code 1 of `diff` means that it found a difference.
        lines = _RUN
        lines += "\n".join(blocks("fleets.md", "sh"))
        lines = lines.replace("--to oci://registry.example.com/prod", f"--to oci://{place.host}/prod --plain-http")
        person = {f"GIT_{key}": "t@example.com" for key in _PERSON}
        variables = {**os.environ, **place.variables, **person, "PATH": programs}
        answer = subprocess.run(["bash", "-c", lines], cwd=here, env=variables, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    shown = re.findall(r"^```\n(3 services: .*?)^```$", (ROOT / "docs/fleets.md").read_text(), re.MULTILINE | re.DOTALL)
    assert shown[0] in answer.stdout
    assert "### Model services" in answer.stdout
    made = sorted(str(file.relative_to(here)) for file in here.rglob("*.yaml") if "services" not in file.parts)
    assert made == [
        "argocd/services-dev.yaml",
        "argocd/services-prod.yaml",
        "build/dev/chat.yaml",
        "build/prod/chat.yaml",
        "build/prod/embed-bge.yaml",
        "flux/dev/chat.yaml",
        "flux/dev/modelservice-dev-chart.yaml",
        "flux/prod/chat.yaml",
        "flux/prod/embed-bge.yaml",
        "flux/prod/modelservice-prod-chart.yaml",
    ]
    assert answer.stderr.count(": pushed sha256:") == 2
