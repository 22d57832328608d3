"""Layers of one service: the position of each merged value, and the findings of all layers."""

from __future__ import annotations

from modelservice.findings import Position
from modelservice.reading.document import Document, merge, read

BASE = "model:\n  name: a\n  task: generate\nargs: [x, y]\ngpu:\n  count: 1\n"
PROD = "gpu:\n  count: 2\n\nargs:\n  - z\nmodel: {name: b}\n"


def _merged(*texts: str) -> Document:
    names = ("base.yaml", "prod.yaml", "last.yaml")
    return merge([read(name, text.encode()) for name, text in zip(names, texts, strict=False)])


def test_later_layers_win_and_maps_are_merged() -> None:
    assert _merged(BASE, PROD).data == {
        "model": {"name": "b", "task": "generate"},
        "args": ["z"],
        "gpu": {"count": 2},
    }


def test_value_is_placed_in_the_layer_that_wrote_it_last() -> None:
    merged = _merged(BASE, PROD)
    assert merged.value_position(("model", "name")) == Position("prod.yaml", 6, 15)
    assert merged.value_position(("model", "task")) == Position("base.yaml", 3, 9)
    assert merged.value_position(("args", 0)) == Position("prod.yaml", 5, 5)
    assert merged.key_position(("gpu", "count")) == Position("prod.yaml", 2, 3)


def test_item_of_a_replaced_list_is_no_longer_written() -> None:
    merged = _merged(BASE, PROD)
    assert not merged.is_written(("args", 1))
    assert merged.value_position(("args", 1)) == Position("prod.yaml", 4, 1)


def test_key_that_is_missing_in_a_merged_map_points_at_the_last_layer_with_that_map() -> None:
    assert _merged(BASE, PROD).key_position(("model", "source")) == Position("prod.yaml", 6, 1)


def test_map_that_a_scalar_replaced_is_no_longer_written() -> None:
    merged = _merged("a: {b: 1}\n", "a: x\n", "a: {c: 2}\n")
    assert merged.data == {"a": {"c": 2}}
    assert not merged.is_written(("a", "b"))


def test_null_stays_for_the_chart_to_remove_its_default() -> None:
    merged = _merged("a: {b: 1}\n", "a: {b: null}\n")
    assert merged.data == {"a": {"b": None}}
    assert merged.value_position(("a", "b")) == Position("prod.yaml", 1, 8)


def test_findings_of_all_layers_are_kept_with_their_files() -> None:
    merged = _merged("a: yes\n", "b: [\n")
    assert [(finding.position.file, finding.rule) for finding in merged.findings] == [
        ("base.yaml", "yaml-ambiguous"),
        ("prod.yaml", "yaml-syntax"),
    ]
    assert not merged.readable


def test_texts_of_all_layers_are_kept() -> None:
    assert _merged("a: 1\n", "b: 2\n").sources == {"base.yaml": "a: 1\n", "prod.yaml": "b: 2\n"}


def test_a_single_layer_is_not_changed() -> None:
    document = read("base.yaml", BASE.encode())
    assert merge([document]) is document


def test_merging_does_not_change_the_layers() -> None:
    base, prod = read("base.yaml", BASE.encode()), read("prod.yaml", PROD.encode())
    merge([base, prod])
    assert base == read("base.yaml", BASE.encode())
    assert prod == read("prod.yaml", PROD.encode())
