"""The chart rendered by a real helm."""

import functools
import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import kubernetes_validate
import yaml
from kubernetes_validate import utils

from tests import crds

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts/modelservice"
EXAMPLES = sorted((ROOT / "values-examples").glob("*.yaml"))
MODEL = {"model": {"name": "Qwen/Qwen3-0.6B"}}
# Without a cache the package would list its folders and read two megabytes of definitions for every object.
utils.all_versions = functools.cache(utils.all_versions)
utils.schema_contents = functools.cache(utils.schema_contents)
CPU = {"image": {"repository": "example.com/vllm-cpu", "tag": "v0.33.0"}, "gpu": {"count": 0}}

Object = dict[str, Any]


def _run(helm: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([helm, *arguments], capture_output=True, text=True, check=False)


@functools.cache
def text(helm: str, values: str, release: str = "qwen2.5", chart: Path = CHART) -> str:
    """Return what helm prints for a values file's path, or for values as JSON; fails with helm's words."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "values.json"
        file.write_text(Path(values).read_text() if values.startswith("/") else values)
        answer = _run(helm, "template", release, str(chart), "-f", str(file), "--namespace", "models")
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def objects(helm: str, values: Object | Path, release: str = "qwen2.5", chart: Path = CHART) -> list[Object]:
    """Return the rendered objects, including the pod of helm test."""
    given = str(values) if isinstance(values, Path) else json.dumps(values)
    return documents(text(helm, given, release, chart))


def documents(manifests: str) -> list[Object]:
    """Return the objects of a stream, by the parser in C."""
    return [item for item in yaml.load_all(manifests, yaml.CSafeLoader) if item]


def strictly(item: Object, kubernetes: str) -> None:
    """Fail if the API server of a Kubernetes release, or a custom resource's definition, would refuse the object."""
    if item["kind"] in crds.KINDS:
        assert crds.complaints(item) == []
    else:
        kubernetes_validate.validate(item, kubernetes, strict=True)


def one(kind: str, items: list[Object]) -> Object:
    """Return the only object of a kind."""
    (found,) = (item for item in items if item["kind"] == kind)
    return found


def workload(items: list[Object]) -> Object:
    """Return the Deployment or StatefulSet."""
    (found,) = (item for item in items if item["kind"] in ("Deployment", "StatefulSet"))
    return found


def pod(items: list[Object]) -> Object:
    """Return the spec of the workload's pods."""
    spec: Object = workload(items)["spec"]["template"]["spec"]
    return spec


def server(items: list[Object]) -> Object:
    """Return the container that serves the model."""
    (container,) = (container for container in pod(items)["containers"] if container["name"] == "server")
    return dict(container)


def variables(items: list[Object]) -> dict[str, Any]:
    """Return the container's variables: name → value, or valueFrom."""
    return {entry["name"]: entry.get("value", entry.get("valueFrom")) for entry in server(items)["env"]}


@functools.cache
def _chart_with_notes() -> Path:
    """Return a copy of the chart that renders its notes as an object: without a cluster helm 3 prints none."""
    chart = Path(tempfile.mkdtemp(prefix="modelservice-notes-")) / "chart"
    shutil.copytree(CHART, chart)
    body = (chart / "templates/NOTES.txt").read_text()
    rendered = 'kind: Notes\nmetadata: {}\ntext: {{ include "notes" . | toJson }}\n'
    (chart / "templates/notes.yaml").write_text('{{ define "notes" }}' + body + "{{ end }}" + rendered)
    return chart


def notes(helm: str, values: Object) -> str:
    """Return what helm says after an installation."""
    return str(one("Notes", objects(helm, values, chart=_chart_with_notes()))["text"])


def squeezed(manifests: str) -> str:
    """Return manifests as snapshots keep them: chart version masked, blank space normalised for both helms."""
    masked = re.sub(r'(helm\.sh/chart: "modelservice)-[^"]*"', r'\1-VERSION"', manifests)
    lines = [line.rstrip() for line in masked.splitlines()]
    return "\n".join(line for line in lines if line) + "\n"
