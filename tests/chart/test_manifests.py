"""Every example renders to its snapshot with each helm, and Kubernetes would accept the objects."""

import copy
import difflib
import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.chart.rendering import CHART, EXAMPLES, Object, objects, strictly, text
from tests.chart.snapshots import SNAPSHOTS, expected

each_example = pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)


@each_example
def test_an_example_renders_to_its_snapshot(example: Path, helm: str) -> None:
    then, now = (SNAPSHOTS / example.name).read_text(), expected(helm, example)
    diff = "\n".join(difflib.unified_diff(then.splitlines(), now.splitlines(), "snapshot", "now", lineterm=""))
    assert not diff, f"{diff}\nmeant? run: make snapshots"


def test_the_snapshots_are_those_of_the_examples() -> None:
    assert {file.name for file in SNAPSHOTS.iterdir()} == {example.name for example in EXAMPLES}


@each_example
def test_the_chart_is_lint_clean_with_an_example(example: Path, helm: str) -> None:
    answer = subprocess.run([helm, "lint", "--strict", str(CHART), "-f", str(example)], capture_output=True, text=True)
    assert answer.returncode == 0, answer.stdout


def test_the_chart_is_lint_clean_bare(helm: str) -> None:
    answer = subprocess.run([helm, "lint", "--strict", str(CHART)], capture_output=True, text=True)
    assert answer.returncode == 0, answer.stdout


@each_example
@pytest.mark.parametrize("kubernetes", ["1.30", "1.31", "1.32", "1.33", "1.34", "1.35", "1.36", "1.37"])
def test_kubernetes_accepts_every_object_under_strict_validation(
    example: Path, kubernetes: str, newest_helm: str
) -> None:
    for item in objects(newest_helm, example):
        strictly(_without_claims(item) if kubernetes == "1.30" else item, kubernetes)


def _without_claims(item: Object) -> Object:
    """Return an object without its pod's resource claims, which had another structure in Kubernetes 1.30."""
    found = copy.deepcopy(item)
    if found["kind"] in ("Deployment", "StatefulSet"):
        found["spec"]["template"]["spec"].pop("resourceClaims", None)
    return found


@each_example
def test_two_renders_are_byte_equal(example: Path, helm: str) -> None:
    assert text.__wrapped__(helm, str(example)) == text(helm, str(example))


def test_no_template_depends_on_the_cluster_the_clock_or_random_values() -> None:
    actions = re.compile(
        r"{{[^}]*\b(lookup|now|date|rand\w*|genCA|genPrivateKey|genSelfSignedCert|uuidv4|getHostByName)\b"
    )
    for template in (CHART / "templates").rglob("*"):
        if template.is_file():
            assert not actions.search(template.read_text()), template


@each_example
def test_every_variable_is_set_once_and_contains_no_token(example: Path, newest_helm: str) -> None:
    for item in objects(newest_helm, example):
        spec = (
            item["spec"].get("template", item)["spec"] if item["kind"] in ("Deployment", "StatefulSet", "Pod") else None
        )
        for container in spec["containers"] if spec else ():
            names = [entry["name"] for entry in container.get("env", ())]
            assert len(names) == len(set(names))
            for entry in container.get("env", ()):
                if entry["name"] in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "VLLM_API_KEY"):
                    assert set(entry["valueFrom"]) == {"secretKeyRef"}
    assert "hf_" not in json.dumps(objects(newest_helm, example)).replace("hf_hub", "")
