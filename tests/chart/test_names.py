"""Names that are valid for realistic release names, and selectors that do not overlap."""

import re
import shutil
from pathlib import Path

import pytest
import yaml

from tests.chart.rendering import CHART, EXAMPLES, MODEL, Object, objects, one, strictly, text, workload

LONG = "a-team-with-a-long-name-serves-a-model-with-one-name-"  # 53 characters with its last
RELEASES = ["qwen2.5", "123", "a", LONG[:52] + "1", LONG[:52] + "2"]
DNS_LABEL = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")


def pods_of(items: list[Object]) -> list[Object]:
    """Return the labels of every pod: the workload's and the helm test's."""
    return [workload(items)["spec"]["template"]["metadata"]["labels"], one("Pod", items)["metadata"]["labels"]]


def selectors_of(items: list[Object]) -> list[Object]:
    return [workload(items)["spec"]["selector"]["matchLabels"], one("Service", items)["spec"]["selector"]]


def matches(selector: Object, labels: Object) -> bool:
    return all(labels.get(key) == value for key, value in selector.items())


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet"])
def test_names_fit_kubernetes(release: str, kind: str, helm: str) -> None:
    items = objects(helm, {**MODEL, "workload": {"kind": kind}}, release)
    assert len(workload(items)["metadata"]["name"]) <= 52
    assert DNS_LABEL.fullmatch(workload(items)["metadata"]["name"])
    service = one("Service", items)["metadata"]["name"]
    assert len(service) <= 63
    assert DNS_LABEL.fullmatch(service)
    for item in items:
        assert len(item["metadata"]["name"]) <= 63 + len("-model-dir")
        for value in item["metadata"]["labels"].values():
            assert LABEL_VALUE.fullmatch(value), value


def test_the_service_has_the_name_that_the_llmos_operator_gives_it(helm: str) -> None:
    assert one("Service", objects(helm, MODEL, "qwen2.5"))["metadata"]["name"] == "modelservice-qwen2-5"
    assert one("Service", objects(helm, MODEL, "123"))["metadata"]["name"] == "modelservice-123"


def test_two_long_releases_that_differ_at_the_end_have_different_names(helm: str) -> None:
    left, right = (objects(helm, MODEL, release) for release in RELEASES[-2:])
    for kind in ("Deployment", "Service", "PersistentVolumeClaim", "ServiceAccount", "Pod"):
        assert one(kind, left)["metadata"]["name"] != one(kind, right)["metadata"]["name"]


def test_overrides_replace_parts_of_the_names(helm: str) -> None:
    items = objects(helm, {**MODEL, "nameOverride": "chat"}, "prod")
    assert one("Service", items)["metadata"]["name"] == "chat-prod"
    assert selectors_of(items)[0]["app.kubernetes.io/name"] == "chat"
    items = objects(helm, {**MODEL, "fullnameOverride": "llm"}, "prod")
    assert {item["metadata"]["name"] for item in items} == {"llm", "llm-model-dir", "llm-test"}


def test_a_name_that_yaml_would_retype_stays_text(helm: str) -> None:
    items = objects(helm, {**MODEL, "nameOverride": "on"}, "123")
    assert selectors_of(items)[0] == {"app.kubernetes.io/name": "on", "app.kubernetes.io/instance": "123"}


@pytest.mark.parametrize("word", ["on", "true", "null", "n"])
def test_an_object_whose_name_yaml_would_retype_is_strictly_valid(word: str, helm: str) -> None:
    items = objects(helm, {**MODEL, "fullnameOverride": word, "serviceAccount": {"name": "123"}})
    assert one("Service", items)["metadata"]["name"] == word
    for item in items:
        strictly(item, "1.34")


def test_selectors_of_two_releases_in_one_namespace_never_overlap(helm: str) -> None:
    left, right = objects(helm, MODEL, "a"), objects(helm, MODEL, "b")
    for mine, other in ((left, right), (right, left)):
        for selector in selectors_of(mine):
            assert matches(selector, pods_of(mine)[0])
            assert not any(matches(selector, labels) for labels in pods_of(other))


def test_no_request_reaches_the_pod_of_the_helm_test(helm: str) -> None:
    items = objects(helm, MODEL)
    assert not any(matches(selector, pods_of(items)[1]) for selector in selectors_of(items))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_selectors_contain_only_the_name_and_the_release(example: Path, helm: str) -> None:
    for selector in selectors_of(objects(helm, example)):
        assert set(selector) == {"app.kubernetes.io/name", "app.kubernetes.io/instance"}


def umbrella(folder: Path) -> Path:
    """Make an umbrella chart with two aliases of the chart, the second with a condition."""
    chart = folder / "umbrella"
    shutil.copytree(CHART, chart / "charts/modelservice")
    dependency = {"name": "modelservice", "version": ">=0.0.0-0"}
    dependencies = [{**dependency, "alias": "chat"}, {**dependency, "alias": "embed", "condition": "embed.enabled"}]
    about = {"apiVersion": "v2", "name": "umbrella", "version": "0.1.0", "dependencies": dependencies}
    (chart / "Chart.yaml").write_text(yaml.safe_dump(about))
    return chart


def values_of(embed: bool) -> str:
    return yaml.safe_dump(
        {
            "global": {"domain": "example.com"},
            "chat": {**MODEL, "nameOverride": "chat"},
            "embed": {"enabled": embed, "model": {"name": "BAAI/bge-m3", "task": "embedding"}, "nameOverride": "embed"},
        }
    )


def test_selectors_of_two_aliases_in_one_umbrella_chart_never_overlap(tmp_path: Path, helm: str) -> None:
    manifests = text(helm, values_of(True), "prod", umbrella(tmp_path))
    items = [item for item in yaml.safe_load_all(manifests) if item]
    sides = [[item for item in items if item["metadata"]["name"].startswith(name)] for name in ("chat-", "embed-")]
    assert [len(side) for side in sides] == [5, 5]
    for mine, other in (sides, sides[::-1]):
        for selector in selectors_of(mine):
            assert matches(selector, pods_of(mine)[0])
            assert not any(matches(selector, labels) for labels in pods_of(other))


def test_a_condition_switches_an_alias_off(tmp_path: Path, helm: str) -> None:
    manifests = text(helm, values_of(False), "prod", umbrella(tmp_path))
    names = {item["metadata"]["name"] for item in yaml.safe_load_all(manifests) if item}
    assert names == {"chat-prod", "chat-prod-model-dir", "chat-prod-test"}
