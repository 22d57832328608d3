"""An upgrade restarts no GPU pod without need, and changes no immutable field."""

import itertools
import shutil
from pathlib import Path

import pytest
import yaml

from tests.chart.rendering import CHART, EXAMPLES, MODEL, Object, objects, one, workload


def bumped(folder: Path) -> Path:
    """Return a copy of the chart with another version and vLLM release in its Chart.yaml."""
    chart = folder / "chart"
    shutil.copytree(CHART, chart)
    about = yaml.safe_load((chart / "Chart.yaml").read_text())
    (chart / "Chart.yaml").write_text(yaml.safe_dump({**about, "version": "9.9.9", "appVersion": "9.9.9"}))
    return chart


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_another_chart_version_changes_no_pod_selector_or_claim(example: Path, tmp_path: Path, helm: str) -> None:
    before, after = workload(objects(helm, example)), workload(objects(helm, example, chart=bumped(tmp_path)))
    assert before["metadata"]["labels"]["helm.sh/chart"] != after["metadata"]["labels"]["helm.sh/chart"]
    assert before["spec"] == after["spec"]


# The immutable fields of each kind, from the API server's validation of updates.
IMMUTABLE = {
    "Deployment": ["selector"],
    "StatefulSet": ["selector", "serviceName", "podManagementPolicy", "volumeClaimTemplates"],
    "Job": ["selector", "template", "completionMode"],
    "Service": ["clusterIP", "loadBalancerClass"],
    "Secret": ["type"],
}


def test_any_example_can_be_upgraded_to_any_other_of_its_kind(helm: str) -> None:
    named = [example for example in EXAMPLES if "Override" not in example.read_text()]
    renders = [{(i["kind"], i["metadata"]["name"]): i for i in objects(helm, example)} for example in named]
    for left, right in itertools.combinations(renders, 2):
        if {kind for kind, _ in left} & {kind for kind, _ in right} & {"Deployment", "StatefulSet"}:
            for kind, name in left.keys() & right.keys():
                for key in IMMUTABLE.get(kind, []):
                    assert left[kind, name]["spec"].get(key) == right[kind, name]["spec"].get(key), (kind, name, key)


def test_the_users_labels_are_on_pods_but_not_in_selectors_and_claim_templates(helm: str) -> None:
    plain = workload(objects(helm, {**MODEL, "workload": {"kind": "StatefulSet"}}))
    values = {**MODEL, "workload": {"kind": "StatefulSet"}, "labels": {"team": "search"}, "image": {"tag": "v0.32.0"}}
    labelled = workload(objects(helm, values))
    assert labelled["metadata"]["labels"]["team"] == "search"
    assert labelled["spec"]["template"]["metadata"]["labels"]["team"] == "search"
    assert labelled["spec"]["selector"] == plain["spec"]["selector"]
    assert labelled["spec"]["volumeClaimTemplates"] == plain["spec"]["volumeClaimTemplates"]


RECREATE = {"type": "Recreate"}
ONE_BY_ONE = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}


@pytest.mark.parametrize(
    ("replicas", "modes", "strategy"),
    [
        (0, ["ReadWriteOnce"], RECREATE),
        (1, ["ReadWriteOnce"], RECREATE),
        (1, ["ReadWriteMany"], RECREATE),
        (2, ["ReadWriteMany"], ONE_BY_ONE),
        (2, ["ReadWriteOnce", "ReadWriteMany"], ONE_BY_ONE),
    ],
)
def test_an_update_needs_no_spare_gpu_and_no_second_writer(
    replicas: int, modes: list[str], strategy: Object, helm: str
) -> None:
    values = {**MODEL, "replicas": replicas, "modelVolume": {"accessModes": modes}}
    assert one("Deployment", objects(helm, values))["spec"]["strategy"] == strategy


def test_replicas_on_one_node_share_a_read_write_once_volume_and_are_recreated(helm: str) -> None:
    values = {**MODEL, "replicas": 2, "nodeName": "gpu-1"}
    assert one("Deployment", objects(helm, values))["spec"]["strategy"] == RECREATE


def test_the_users_strategy_is_used_unchanged(helm: str) -> None:
    surge = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    values = {**MODEL, "strategy": surge, "modelVolume": {"accessModes": ["ReadWriteMany"]}}
    assert one("Deployment", objects(helm, values))["spec"]["strategy"] == surge
    values = {**MODEL, "workload": {"kind": "StatefulSet"}, "strategy": {"type": "OnDelete"}}
    assert one("StatefulSet", objects(helm, values))["spec"]["updateStrategy"] == {"type": "OnDelete"}


@pytest.mark.parametrize("written", [{"type": "RollingUpdate"}, {"rollingUpdate": {"maxSurge": 1}}], ids=str)
def test_a_rolling_update_leaves_nothing_for_kubernetes_to_fill_in(written: Object, helm: str) -> None:
    # A default from the API server has no owner and is kept when the strategy becomes Recreate, which is then refused.
    values = {**MODEL, "strategy": written, "modelVolume": {"accessModes": ["ReadWriteMany"]}}
    strategy = one("Deployment", objects(helm, values))["spec"]["strategy"]
    surge = written.get("rollingUpdate", {}).get("maxSurge", "25%")
    assert strategy == {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": "25%"}}


@pytest.mark.parametrize("written", [{}, {"type": "RollingUpdate"}, {"rollingUpdate": {}}], ids=str)
def test_a_stateful_set_leaves_nothing_for_kubernetes_to_fill_in(written: Object, helm: str) -> None:
    # A default partition set by the API server is kept when the type becomes OnDelete, which is then refused.
    stateful = {**MODEL, "workload": {"kind": "StatefulSet"}, "strategy": written}
    strategy = one("StatefulSet", objects(helm, stateful))["spec"]["updateStrategy"]
    assert strategy == {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}


def test_other_strategies_have_no_rolling_update_settings(helm: str) -> None:
    values = {**MODEL, "strategy": {"type": "Recreate", "rollingUpdate": {}}}
    assert one("Deployment", objects(helm, values))["spec"]["strategy"] == RECREATE


# Keys that affect only the workload or its pods.
SWITCHES: list[Object] = [
    {"podSpec": {"hostIPC": True, "hostname": "llm"}, "serverContainer": {"workingDir": "/srv"}},
    {"lifecycle": {"preStop": {"sleep": {"seconds": 30}}}},
    {"revisionHistoryLimit": 3},
    {"workload": {"labels": {"a": "b"}, "annotations": {"reloader.stakater.com/auto": "true"}}},
    {"huggingFace": {"tokenSecret": {"name": "hf", "optional": True}}},
    {"envFrom": [{"configMapRef": {"name": "settings"}}]},
    {"caBundle": {"configMap": "private-ca"}},
    {"modelVolume": {"subPath": "hub"}},
    {"compileCache": {"volume": ""}},
    {"containerPort": 8080},
    {"containerPort": 80},
    {"probes": {"liveness": {"enabled": False}}},
    {"gpu": {"resourceName": ""}},
    {"podSpec": {"resourceClaims": [{"name": "gpu", "resourceClaimTemplateName": "one-gpu"}]}},
]


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet"])
@pytest.mark.parametrize("switch", SWITCHES, ids=lambda switch: next(iter(switch)))
def test_switching_a_key_on_or_off_changes_no_immutable_field(switch: Object, kind: str, helm: str) -> None:
    values = {**MODEL, "workload": {"kind": kind}}
    on = {**values, **switch, "workload": {**switch.get("workload", {}), "kind": kind}}
    before, after = workload(objects(helm, values)), workload(objects(helm, on))
    assert before != after
    for key in IMMUTABLE[kind]:
        assert before["spec"].get(key) == after["spec"].get(key)
