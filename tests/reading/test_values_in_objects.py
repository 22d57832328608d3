"""`validate` reads the values inside Argo CD's, Flux's and k3s' objects, and reports the positions of mistakes."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from modelservice.cli import main

FLUX = """\
apiVersion: source.toolkit.fluxcd.io/v1
kind: OCIRepository
metadata: {name: modelservice}
spec: {url: oci://registry.example.com/charts/modelservice, interval: 1h}
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: chat, annotations: {wave: 017}}
spec:
  chartRef: {kind: OCIRepository, name: modelservice}
  values:
    model:
      nmae: a/b
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: other}
spec:
  chartRef: {kind: OCIRepository, name: modelservice}
  values:
    model: {name: a/b}
    replicas: two
    labels: {yes: "1"}
"""
OBJECT = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: chat}
spec:
  source:
    chart: modelservice
    repoURL: registry.example.com/charts
    helm:
      valuesObject:
        replicas: two
"""
TEXT = OBJECT.replace("valuesObject:\n", "values: |\n        # The model\n")
SOURCES = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: chat}
spec:
  sources:
    - {repoURL: https://git.example.com/models.git, ref: values}
    - repoURL: oci://registry.example.com/charts/modelservice
      path: .
      helm: {valuesObject: {replicas: two}}
"""
K3S = """\
apiVersion: helm.cattle.io/v1
kind: HelmChart
metadata: {name: chat}
spec:
  chart: oci://registry.example.com/charts/modelservice
  valuesContent: |-
    model: {name: a/b}

    replicas: two
"""
RENDERED = OBJECT.replace("chart: modelservice", "path: charts/qwen").replace(
    "replicas", "model: {name: a/b}\n        replicas"
)
QUOTED = OBJECT.replace("valuesObject:\n        replicas: two", 'values: "replicas: two"')


def findings(text: str) -> list[str]:
    Path("x.yaml").write_text(text)
    answer = CliRunner().invoke(main, ["validate", "--format", "json", "x.yaml"], catch_exceptions=False)
    found = json.loads(answer.stdout)["findings"]
    return [f"{one['line']}:{one['column']} {one['path']} {one['rule']}" for one in found if one["severity"] == "error"]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (FLUX, ["13:7 model.nmae unknown-key", "22:15 replicas wrong-type", "23:14 labels yaml-ambiguous"]),
        (OBJECT, ["10:19 replicas wrong-type"]),
        (TEXT, ["11:19 replicas wrong-type"]),
        (SOURCES, ["9:39 replicas wrong-type"]),
        (K3S, ["9:15 replicas wrong-type"]),
        (RENDERED, ["11:19 replicas wrong-type"]),
        (QUOTED, ["9:15 replicas wrong-type"]),
        (OBJECT.replace("two", "1"), []),
        (FLUX.replace("nmae", "name").replace("two", "1").replace("yes", "x"), []),
    ],
)
def test_a_mistake_is_reported_at_its_position_in_the_object(text: str, wanted: list[str]) -> None:
    assert findings(text) == wanted


SHARED = "replicas: 2"
RELEASE = FLUX.split("---\n")[1].replace("model:\n      nmae: a/b", SHARED)


@pytest.mark.parametrize(
    ("text", "elsewhere"),
    [
        (OBJECT.replace("replicas: two", SHARED), "      valueFiles: [$values/prod/chat.yaml]\n"),
        (
            OBJECT.replace("replicas: two", SHARED),
            "      values: |\n        modelVolume: {accessModes: [ReadWriteMany]}\n",
        ),
        (RELEASE, "  valuesFrom: [{kind: ConfigMap, name: a}]\n"),
    ],
)
def test_incomplete_values_are_not_checked_by_rules_across_keys(text: str, elsewhere: str) -> None:
    """Another file may fix the volume that two replicas share; a wrong type is an error in any case."""
    assert [line.split()[-1] for line in findings(text)] == ["read-write-once-shared"]
    assert findings(text + elsewhere) == []
    assert [line.split()[-1] for line in findings(text.replace(SHARED, "replicas: two") + elsewhere)] == ["wrong-type"]


@pytest.mark.parametrize(
    "text",
    [
        "apiVersion: apps/v1\nkind: Deployment\nspec: {replicas: 1}\n",
        OBJECT.replace("chart: modelservice", "chart: nginx"),
        RENDERED.replace("{name: a/b}", "a/b"),
        RENDERED.replace("replicas", "podinfo"),
        FLUX.split("---\n")[1].replace("model:", "podinfo:").replace("017", "a"),
        OBJECT.replace("valuesObject", "fileParameters"),
    ],
)
def test_an_object_without_values_of_this_chart_is_refused_as_before(text: str) -> None:
    assert findings(text) == ["1:1 apiVersion kubernetes-object"]


def test_a_note_says_that_text_after_a_yaml_mistake_was_not_read() -> None:
    assert findings(FLUX.replace("nmae", "name").replace("two", "1").replace("yes", "x") + "---\na: [\n")[-1].endswith(
        "yaml-syntax"
    )


def test_no_edit_is_offered_for_values_inside_objects() -> None:
    Path("x.yaml").write_text(FLUX)
    answer = CliRunner().invoke(main, ["validate", "--format", "json", "x.yaml"], catch_exceptions=False)
    assert not [one for one in json.loads(answer.stdout)["findings"] if "fix" in one]


def test_values_with_a_key_called_kind_are_values() -> None:
    assert findings("model: {name: a/b}\nautoscaling:\n  kind: ''\n") == []
