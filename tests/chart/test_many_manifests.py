"""Many services rendered by one helm have the same manifests as when rendered one by one."""

from pathlib import Path

import pytest
from modelservice.chart.many_manifests import TOGETHER, Release, many_manifests, write_chart_for_many
from modelservice.check import check_service
from modelservice.errors import ModelServiceError
from modelservice.schema.defaults import default_values
from modelservice.service import make_service

from tests.chart.rendering import CHART, EXAMPLES, ROOT, text
from tests.conftest import HELM_RELEASES

GOOD = sorted((ROOT / "tests/cases").glob("*/good*.yaml"))
# They contain random values, which differ each time.
RANDOM = ("secret-literal/good-more.yaml", "secret-object/good-encoded.yaml")
PLAIN = [file for file in GOOD if not str(file).endswith(RANDOM)]


@pytest.fixture
def many(tmp_path: Path) -> Path:
    write_chart_for_many(CHART, tmp_path / "many, of all")
    return tmp_path / "many, of all"


@pytest.fixture(autouse=True)
def this_helm(helm: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(Path(helm).parent), prepend=":")


def release(file: Path) -> Release:
    service = check_service([str(file)])
    assert not service.errors
    values = make_service("x", "0.1.0", service.document.data, default_values()).values
    return Release("qwen2.5", "models", values)


def differing(helm: str, many: Path, files: list[Path]) -> list[str]:
    releases = [release(file) for file in files]
    parts = (releases[start : start + TOGETHER] for start in range(0, len(files), TOGETHER))
    made = [one for part in parts for one in many_manifests(many, part)]
    return [str(file) for file, one in zip(files, made, strict=True) if text(helm, str(file)) != one]


def test_each_example_is_rendered_as_if_it_were_alone(helm: str, many: Path) -> None:
    assert differing(helm, many, EXAMPLES) == []


@pytest.mark.parametrize("helm", HELM_RELEASES[:1], indirect=True)
def test_every_good_case_is_rendered_as_if_it_were_alone(helm: str, many: Path) -> None:
    assert differing(helm, many, PLAIN) == []


def test_text_is_not_changed(helm: str, many: Path, tmp_path: Path) -> None:
    file = tmp_path / "odd.yaml"
    odd = '"\\U0001F600 \\u2028 <&> {{ x }} \\\\ , \\t"'
    file.write_text(f"model: {{name: a/b}}\nenv: [{{name: ODD, value: {odd}}}]\nargs: [--seed=12345678]\n")
    assert differing(helm, many, [file]) == []


def test_one_service_that_helm_refuses_stops_all(many: Path) -> None:
    sound = release(EXAMPLES[0])
    wrong = sound._replace(values={**sound.values, "extraObjects": ['{{ fail "no luck" }}']})
    with pytest.raises(ModelServiceError):
        many_manifests(many, [sound, wrong])
    with pytest.raises(ModelServiceError):
        many_manifests(many, [sound._replace(values={**sound.values, "replicas": float("inf")})])
