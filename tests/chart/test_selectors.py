"""Changes that must not affect selectors, and aliases from a real `helm dependency build` in an umbrella chart."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.chart.rendering import CHART, MODEL, Object, objects, one, text, workload
from tests.chart.test_names import LABEL_VALUE, LONG, RELEASES, matches, pods_of, selectors_of

PLAIN = {"app.kubernetes.io/name": "modelservice", "app.kubernetes.io/instance": "qwen2.5"}
# RFC 1035, which Kubernetes applies to a Service's name: it starts with a letter.
SERVICE_NAME = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet"])
@pytest.mark.parametrize(
    "values",
    [
        {},
        {"labels": {"team": "search"}},
        {"image": {"tag": "v0.32.0"}},
        {"vllmVersion": "0.30.0"},
        {"model": {"name": "BAAI/bge-m3", "task": "embedding"}},
    ],
    ids=str,
)
def test_no_upgrade_changes_a_selector(values: Object, kind: str, helm: str) -> None:
    items = objects(helm, {**MODEL, "workload": {"kind": kind}, **values})
    assert selectors_of(items) == [PLAIN, PLAIN]


def test_a_new_chart_version_changes_no_selector(tmp_path: Path, helm: str) -> None:
    chart = tmp_path / "chart"
    shutil.copytree(CHART, chart)
    about = yaml.safe_load((chart / "Chart.yaml").read_text())
    (chart / "Chart.yaml").write_text(yaml.safe_dump({**about, "version": "9.9.9"}))
    assert selectors_of(objects(helm, MODEL, chart=chart)) == [PLAIN, PLAIN]


@pytest.mark.parametrize("key", sorted(PLAIN))
def test_a_label_that_a_selector_needs_is_refused(key: str, tmp_path: Path, helm: str) -> None:
    values = tmp_path / "values.json"
    values.write_text(json.dumps({**MODEL, "labels": {key: "mine"}}))
    answer = subprocess.run([helm, "template", "a", str(CHART), "-f", str(values)], capture_output=True, text=True)
    assert answer.returncode != 0
    assert key in answer.stderr.replace("~1", "/")  # helm 4 prints JSON pointers


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet"])
def test_labels_of_pods_and_selectors_fit_kubernetes(release: str, kind: str, helm: str) -> None:
    items = objects(helm, {**MODEL, "workload": {"kind": kind}}, release)
    for labels in [*pods_of(items), *selectors_of(items)]:
        assert all(LABEL_VALUE.fullmatch(value) for value in labels.values()), labels


@pytest.mark.parametrize(
    "values",
    [{}, {"nameOverride": "chat"}, {"nameOverride": LONG[:40]}, {"fullnameOverride": LONG.ljust(63, "x")[:63]}],
    ids=str,
)
@pytest.mark.parametrize("release", RELEASES)
def test_a_services_name_fits_and_is_the_statefulsets_service(release: str, values: Object, helm: str) -> None:
    items = objects(helm, {**MODEL, "workload": {"kind": "StatefulSet"}, **values}, release)
    name = one("Service", items)["metadata"]["name"]
    assert SERVICE_NAME.fullmatch(name)
    assert workload(items)["spec"]["serviceName"] == name


@pytest.mark.parametrize("key", ["nameOverride", "fullnameOverride"])
def test_an_override_that_starts_with_a_digit_makes_a_valid_service_name(key: str, tmp_path: Path, helm: str) -> None:
    values = tmp_path / "values.json"
    values.write_text(json.dumps({**MODEL, key: "7b"}))
    answer = subprocess.run([helm, "template", "a", str(CHART), "-f", str(values)], capture_output=True, text=True)
    assert answer.returncode != 0
    assert key in answer.stderr


def built(helm: str, folder: Path) -> Path:
    """Return an umbrella chart with two aliases of this checkout's chart, fetched by helm."""
    chart = folder / "umbrella"
    chart.mkdir()
    version = yaml.safe_load((CHART / "Chart.yaml").read_text())["version"]
    source = {"name": "modelservice", "version": version, "repository": f"file://{CHART}"}
    dependencies = [{**source, "alias": alias, "condition": f"{alias}.enabled"} for alias in ("chat", "embed")]
    about = {"apiVersion": "v2", "name": "umbrella", "version": "0.1.0", "dependencies": dependencies}
    (chart / "Chart.yaml").write_text(yaml.safe_dump(about))
    subprocess.run([helm, "dependency", "build", str(chart)], capture_output=True, text=True, check=True)
    return chart


@pytest.mark.parametrize("key", ["nameOverride", "fullnameOverride"])
def test_selectors_of_two_aliases_that_helm_fetched_never_overlap(key: str, tmp_path: Path, helm: str) -> None:
    aliases = {alias: {**MODEL, key: alias} for alias in ("chat", "embed")}
    values = json.dumps({"global": {"team": "search"}, **aliases})
    items = [item for item in yaml.safe_load_all(text(helm, values, "prod", built(helm, tmp_path))) if item]
    sides = [[item for item in items if item["metadata"]["name"].startswith(alias)] for alias in aliases]
    assert sum(map(len, sides)) == len(items) > 0
    for mine, other in (sides, sides[::-1]):
        for selector in selectors_of(mine):
            assert matches(selector, pods_of(mine)[0])
            assert not any(matches(selector, labels) for labels in [pods_of(mine)[1], *pods_of(other)])


def test_an_umbrella_chart_with_every_alias_switched_off_is_empty(tmp_path: Path, helm: str) -> None:
    values = json.dumps({alias: {"enabled": False} for alias in ("chat", "embed")})
    assert not [item for item in yaml.safe_load_all(text(helm, values, "prod", built(helm, tmp_path))) if item]
