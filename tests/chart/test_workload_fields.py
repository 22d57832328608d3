"""Fields of the workload and of the server's container that Kubernetes has and the console does not."""

import pytest

from tests.chart.rendering import MODEL, Object, notes, objects, server, strictly, variables, workload

SCRIPT = {"exec": {"command": ["sh", "-c", "sleep 60"]}}


@pytest.mark.parametrize(
    ("lifecycle", "rendered", "timeout"),
    [
        ({}, {"preStop": {"sleep": {"seconds": 15}}}, 100),
        ({"preStop": {"sleep": {"seconds": 30}}}, {"preStop": {"sleep": {"seconds": 30}}}, 85),
        # The grace period is then vLLM's only bound.
        ({"preStop": {"sleep": {"seconds": 120}}}, {"preStop": {"sleep": {"seconds": 120}}}, 0),
        # 120 seconds, minus the script's sleep and five seconds of reserve.
        ({"preStop": SCRIPT}, {"preStop": SCRIPT}, 55),
        ({"postStart": SCRIPT}, {"postStart": SCRIPT, "preStop": {"sleep": {"seconds": 15}}}, 100),
    ],
    ids=str,
)
def test_a_pre_stop_hook_replaces_the_charts_pause(
    lifecycle: Object, rendered: Object, timeout: int, helm: str
) -> None:
    found = objects(helm, {**MODEL, "lifecycle": lifecycle})
    assert server(found)["lifecycle"] == rendered
    assert f"--shutdown-timeout={timeout}" in server(found)["args"]
    strictly(workload(found), "1.30")


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet"])
def test_the_workload_has_its_own_labels_annotations_and_history_limit(kind: str, helm: str) -> None:
    own = {"labels": {"queue": "gpu"}, "annotations": {"reloader.stakater.com/auto": "true"}}
    values = {**MODEL, "description": "Chat", "revisionHistoryLimit": 0, "workload": {"kind": kind, **own}}
    found = objects(helm, values)
    plain = objects(helm, {**MODEL, "description": "Chat", "workload": {"kind": kind}})
    about = workload(found)["metadata"]
    assert about["labels"].items() >= own["labels"].items()
    assert about["annotations"] == {"field.cattle.io/description": "Chat", **own["annotations"]}
    assert workload(found)["spec"].pop("revisionHistoryLimit") == 0
    expected = workload(plain)
    assert workload(found)["spec"] == expected["spec"]
    others = [item for item in found if item["kind"] != kind]
    assert others == [item for item in plain if item["kind"] != kind]


def test_without_a_number_the_history_limit_is_kubernetes_default(helm: str) -> None:
    for values in (MODEL, {**MODEL, "revisionHistoryLimit": ""}):
        assert "revisionHistoryLimit" not in workload(objects(helm, values))["spec"]


@pytest.mark.parametrize("optional", [False, True])
def test_an_optional_token_may_be_missing(optional: bool, helm: str) -> None:
    values = {**MODEL, "huggingFace": {"tokenSecret": {"name": "hf", "optional": optional}}}
    reference = {"name": "hf", "key": "token", **({"optional": True} if optional else {})}
    assert variables(objects(helm, values))["HF_TOKEN"] == {"secretKeyRef": reference}
    assert ("do not start until these Secrets" in notes(helm, values)) is not optional
