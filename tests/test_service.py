"""Values merged as Helm merges them, and the names that Helm accepts."""

import pytest
from modelservice.errors import InputError
from modelservice.schema.defaults import coalesce
from modelservice.service import make_service, misnamed, name_from

DEFAULTS = {"model": {"name": "facebook/opt-125m"}, "args": ["a"], "replicas": 1}


def test_maps_merge_and_lists_are_replaced() -> None:
    given = {"model": {"task": "score"}, "args": ["b"]}
    expected = {"model": {"name": "facebook/opt-125m", "task": "score"}, "args": ["b"], "replicas": 1}
    assert coalesce(DEFAULTS, given) == expected


def test_null_removes_a_default() -> None:
    assert coalesce(DEFAULTS, {"replicas": None, "model": {"name": None}}) == {"model": {}, "args": ["a"]}


@pytest.mark.parametrize(
    ("file", "name"),
    [("a/Qwen2.5_7B.yaml", "qwen2-5-7b"), ("opt-125m.yaml", "opt-125m"), ("-", "modelservice"), ("..yaml", "")],
)
def test_a_service_is_named_after_its_file(file: str, name: str) -> None:
    assert name_from(file) == name


@pytest.mark.parametrize("name", ["", "Qwen", "qwen2.5", "-a", "a" * 64])
def test_a_name_that_helm_refuses_is_refused_with_a_hint(name: str) -> None:
    with pytest.raises(InputError, match="--name with at most 63 lower case letters"):
        make_service(name, "0.1.0", {}, DEFAULTS)


@pytest.mark.parametrize("version", ["v0.1.0", "1.0", "1.02.3", "1.2.3.4", "1.2.3-01", ""])
def test_an_invalid_version_is_refused_with_an_example(version: str) -> None:
    with pytest.raises(InputError, match=r"such as 0\.1\.0"):
        make_service("opt", version, {}, DEFAULTS)


def test_the_default_description_names_the_model() -> None:
    assert make_service("opt", "1.2.3-rc.1+b7", {}, DEFAULTS).description == "facebook/opt-125m served by vLLM"
    assert make_service("opt", "0.1.0", {"description": "Chat"}, DEFAULTS).description == "Chat"


@pytest.mark.parametrize(
    ("name", "fits"),
    [("x" * 53, True), ("qwen2.5", True), ("x" * 54, False), ("", False), ("a..b", False), ("A", False)],
)
def test_release_names_follow_helms_rules(name: str, fits: bool) -> None:
    assert (misnamed(name) == "") is fits
