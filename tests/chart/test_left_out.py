"""An empty text or a null leaves a field out, in the generic chart and in a rendered one; nothing else changes."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from modelservice.check import check, errors
from modelservice.cli import main
from modelservice.reading.document import read

from tests.chart.rendering import MODEL, Object, notes, objects, one, server, strictly, workload

RESTRICTED = {**MODEL, "restricted": True, "modelVolume": {"mountPath": "/models"}}
POD = ("spec", "template", "spec", "securityContext")
CONTAINER = ("spec", "template", "spec", "containers", 0)
# Other values, the field in the values, and the workload's field that is then left out.
CASES: list[tuple[Object, str, tuple[Any, ...]]] = [
    (MODEL, "replicas", ("spec", "replicas")),
    (MODEL, "resources.requests.cpu", (*CONTAINER, "resources", "requests", "cpu")),
    (MODEL, "resources.requests.memory", (*CONTAINER, "resources", "requests", "memory")),
    (MODEL, "resources.limits.cpu", (*CONTAINER, "resources", "limits", "cpu")),
    (MODEL, "resources.limits.memory", (*CONTAINER, "resources", "limits", "memory")),
    (RESTRICTED, "podSecurityContext.runAsUser", (*POD, "runAsUser")),
    (RESTRICTED, "podSecurityContext.runAsGroup", (*POD, "runAsGroup")),
    (RESTRICTED, "podSecurityContext.fsGroup", (*POD, "fsGroup")),
    (RESTRICTED, "securityContext.readOnlyRootFilesystem", (*CONTAINER, "securityContext", "readOnlyRootFilesystem")),
    (MODEL, "securityContext.allowPrivilegeEscalation", (*CONTAINER, "securityContext", "allowPrivilegeEscalation")),
]


def with_value(values: Object, key: str, value: Any) -> Object:
    made = copy.deepcopy(values)
    place = made
    *above, last = key.split(".")
    for part in above:
        place = place.setdefault(part, {})
    place[last] = value
    return made


def without(item: Any, path: tuple[Any, ...]) -> Any:
    """Return a copy of an object without the field at a path, which must exist."""
    made = copy.deepcopy(item)
    place = made
    for part in path[:-1]:
        place = place[part]
    del place[path[-1]]
    return made


@pytest.mark.parametrize("value", ["", None])
@pytest.mark.parametrize(("values", "key", "path"), CASES, ids=[key for _, key, _ in CASES])
def test_a_field_is_left_out(
    values: Object, key: str, path: tuple[Any, ...], value: Any, helm: str, tmp_path: Path
) -> None:
    given = with_value(values, key, value)
    assert errors(check(read("values.yaml", json.dumps(given).encode()))) == []
    found = objects(helm, given)
    if "readOnly" not in key:  # also removes the volumes that only a read-only root file system needs
        assert workload(found) == without(workload(objects(helm, values)), path)
    for item in found:
        strictly(item, "1.30")
    (tmp_path / "service.yaml").write_text(yaml.safe_dump(given))
    answer = CliRunner().invoke(main, ["render", str(tmp_path / "service.yaml"), "-o", str(tmp_path / "chart")])
    assert answer.exit_code == 0, answer.output
    assert unlabelled(objects(helm, {}, chart=tmp_path / "chart")) == unlabelled(found)


def unlabelled(items: list[Object]) -> list[Object]:
    for item in items:
        item["metadata"].get("labels", {}).pop("helm.sh/chart", None)
    return items


def test_replicas_left_to_another_controller_do_not_mean_a_stopped_service(helm: str) -> None:
    values = {**MODEL, "replicas": "", "prometheusRule": {"enabled": True}, "serviceMonitor": {"enabled": True}}
    rules = one("PrometheusRule", objects(helm, values))["spec"]["groups"][0]["rules"]
    assert "ModelServiceNotReady" in [rule["alert"] for rule in rules]
    assert "It is stopped" not in notes(helm, values)
    assert "It is stopped" in notes(helm, {**MODEL, "replicas": 0})


def test_without_any_request_and_limit_the_gpu_stays(helm: str) -> None:
    nothing = {"cpu": "", "memory": ""}
    values = {**MODEL, "resources": {"requests": nothing, "limits": nothing}}
    assert server(objects(helm, values))["resources"] == {
        "requests": {"nvidia.com/gpu": "1"},
        "limits": {"nvidia.com/gpu": "1"},
    }
    on_cpu = {**values, "image": {"repository": "example.com/vllm-cpu"}, "gpu": {"count": 0}}
    assert "resources" not in server(objects(helm, on_cpu))


def test_empty_texts_are_left_out_of_the_users_containers() -> None:
    container = {"name": "a", "image": "b:1", "securityContext": {"runAsUser": ""}}
    text = json.dumps({**MODEL, "initContainers": [container]})
    assert [finding.rule for finding in errors(check(read("values.yaml", text.encode())))] == ["wrong-type"]
