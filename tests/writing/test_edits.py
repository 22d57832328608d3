"""Edits of values files change only the intended lines, and Helm reads the intended data."""

from __future__ import annotations

import base64
import copy
import difflib
import itertools
import json
import random
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from modelservice.findings import Action, Edit
from modelservice.reading.document import Document, read
from modelservice.writing.edits import edited
from modelservice.writing.page import UnclearEditError

from tests.conftest import ROOT
from tests.reading.test_reads_as_helm import FILES

VALUES: list[Any] = [
    *(0, 7, 1.5, True, "x", "yes", "017", "", "a: b # c", "{x}", "'q'", '"d"', "#h", "- x", "é😀", " lead", "tr "),
    *("multi\nline\n", "a\nb", '--x={"a":1,"b":[2]}', "x" * 150 + " " + "y" * 100),
    *({}, [], {"name": "A", "value": "1"}, ["a", "b: c"], {"a": {"b": ["c", {"d": 1}]}}),
]
TARGETS = (("moved",), ("gpu", "new", "x"), ("labels", "a.b/c"))


def corpus() -> dict[str, str]:
    files = [*ROOT.glob("values-examples/*.yaml"), *ROOT.glob("tests/cases/*/*.yaml")]
    texts = {**FILES, **{str(file.relative_to(ROOT)): file.read_bytes().decode("utf-8", "replace") for file in files}}
    return {name: text for name, text in texts.items() if editable(text)}


def editable(text: str) -> bool:
    document = read("values.yaml", text.encode())
    return document.readable and bool(document.data) and "yaml-documents" not in {one.rule for one in document.findings}


CORPUS = corpus()


def paths(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    children = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, child in children:
        yield (*path, key)
        yield from paths(child, (*path, key))


def at(data: Any, path: tuple[Any, ...]) -> Any:
    for part in path:
        data = data[part]
    return data


def drawn(data: Any, random_: random.Random) -> Edit | None:
    """Draw an edit of the data, or None if it makes no sense."""
    path, action, value = random_.choice(list(paths(data))), random_.choice(list(Action)), random_.choice(VALUES)
    here = at(data, path)
    if action is Action.SET and isinstance(here, dict):
        path = (*path, *random_.choice([(), ("new",), ("new", "deep"), ("on", 0, "x")]))
    if action is Action.MOVE:
        value = random_.choice([(*path[:-1], "renamed"), (*path[:-1], "in", "side"), *TARGETS])
        bad = isinstance(path[-1], int) or value[: len(path)] == path or not isinstance(data.get(value[0], {}), dict)
        return None if bad else Edit(action, path, value)
    if action is Action.REPLACE:
        return Edit(action, path, ["--a", "b: c", "{q}"]) if isinstance(path[-1], int) else None
    if action is Action.APPEND and not isinstance(here, list):
        return None
    return Edit(action, path, None if action is Action.REMOVE else value)


def meant(data: Any, edit: Edit) -> Any:
    """Return the data that an edit means."""
    action, path, value = edit
    data = copy.deepcopy(data)
    if action is Action.MOVE:
        moved = at(data, path)
        return put(without(data, path), value, moved)
    if action is Action.REMOVE:
        return without(data, path)
    if action is Action.SET:
        return put(data, path, value)
    at(data, path if action is Action.APPEND else path[:-1])
    if action is Action.APPEND:
        at(data, path).append(value)
    else:
        at(data, path[:-1])[path[-1] : path[-1] + 1] = value
    return data


def without(data: Any, path: tuple[Any, ...]) -> Any:
    """Remove a key, and the map above if it becomes empty, unless it is in a list."""
    del at(data, path[:-1])[path[-1]]
    while path[:-1] and not any(isinstance(part, int) for part in path) and at(data, path[:-1]) == {}:
        path = path[:-1]
        del at(data, path[:-1])[path[-1]]
    return data


def put(data: Any, path: tuple[Any, ...], value: Any) -> Any:
    place = data
    for part, below in itertools.pairwise(path):
        empty: Any = [] if isinstance(below, int) else {}
        if isinstance(place, list) and part == len(place):
            place.append(empty)
        elif isinstance(place, dict) and place.get(part) is None:
            place[part] = empty
        place = place[part]
    if isinstance(place, list) and path[-1] == len(place):
        place.append(value)
    else:
        place[path[-1]] = value
    return data


def lines_of(root: yaml.Node, path: tuple[Any, ...]) -> tuple[set[int], yaml.Node, int]:
    """Return the lines of a value and of its key by PyYAML's own marks, and how many parts of the path are written."""
    node = start = root
    depth = 0
    for depth, part in enumerate(path):
        if isinstance(node, yaml.MappingNode):
            found = next(((key, child) for key, child in node.value if key.value == part), None)
        else:
            items = node.value if isinstance(node, yaml.SequenceNode) else []
            found = (items[part], items[part]) if isinstance(part, int) and part < len(items) else None
        if found is None:
            return {*range(start.start_mark.line, last_line(node) + 1)}, node, depth
        start, node = found
    return {*range(start.start_mark.line, last_line(node) + 1)}, node, len(path)


def last_line(node: yaml.Node) -> int:
    children = [one for pair in node.value for one in (pair if isinstance(pair, tuple) else (pair,))]
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and children:
        return max(last_line(child) for child in children)
    end: int = node.end_mark.line - (node.end_mark.column == 0 and node.end_mark.line > node.start_mark.line)
    return end


def may_change(text: str, data: Any, edit: Edit) -> set[int]:
    """Return the lines that an edit may change or remove."""
    root = yaml.compose(text, Loader=yaml.CSafeLoader)
    action, path, value = edit
    renamed = action is Action.MOVE and value[:-1] == path[:-1]
    if action is Action.APPEND or (action is Action.SET and lines_of(root, path)[2] < len(path)):
        return around_new(root, path)
    if action in (Action.REMOVE, Action.MOVE) and not renamed:
        while path[:-1] and not any(isinstance(part, int) for part in path) and len(at(data, path[:-1])) == 1:
            path = path[:-1]
    lines = lines_of(root, path)[0]
    lines |= around_new(root, value) if action is Action.MOVE and not renamed else set()
    if action in (Action.REMOVE, Action.MOVE) and re.match("[ -]*- ", re.split("\r\n|\r|\n", text)[min(lines)]):
        lines |= {max(lines) + 1}  # the next key of an item moves after its dash
    # The key that keeps {} or [], and what is in brackets with the others.
    above, parent, _ = lines_of(root, path[:-1])
    return lines | (above if parent.flow_style or len(parent.value) == 1 else set())


def around_new(root: yaml.Node, path: tuple[Any, ...]) -> set[int]:
    """Return the lines that change if something new is written below an existing value."""
    lines, node, _ = lines_of(root, path)
    return set() if isinstance(node, yaml.CollectionNode) and node.value and not node.flow_style else lines


def are_kept(old: str, new: str, besides: set[int]) -> bool:
    """Return whether the new text has all lines of the old one in order, except those that may change."""
    one, other = (re.split("\r\n|\r|\n", text) for text in (old, new))
    left = iter(other)
    return all(line in left for number, line in enumerate(one) if number not in besides)


def line_ends(text: str) -> set[str]:
    return set(re.findall("\r\n|\r|\n", text))


def as_written(text: str, random_: random.Random) -> str:
    """Return the text as another editor saves it: with CRLF, or without a last line break."""
    plain = re.sub("\r\n|\r", "\n", text)
    text = random_.choice([text, plain, plain.replace("\n", "\r\n")])
    return text.rstrip("\r\n") if random_.random() < 0.2 else text


def exactly(data: Any) -> str:
    return json.dumps(data, sort_keys=True)


def results(seed: int, count: int) -> Iterator[tuple[str, Document, Edit, Document | None]]:
    """Yield random texts, documents and edits, each with its result, or None if the edit is unclear."""
    random_ = random.Random(seed)
    for _ in range(count):
        text = as_written(CORPUS[random_.choice(list(CORPUS))], random_)
        document = read("values.yaml", text.encode())
        edit = drawn(document.data, random_) if editable(text) else None
        if edit:
            try:
                yield text, document, edit, edited(document, (edit,))
            except UnclearEditError:
                yield text, document, edit, None


def faults(text: str, document: Document, edit: Edit, after: Document) -> str:
    """Return the fault in an edited file, or ""."""
    ended, ends = (one.endswith(("\n", "\r")) for one in (text, after.text))
    found = {
        "it says something else": exactly(read("a", after.text.encode()).data) != exactly(meant(document.data, edit)),
        "another line changed": not are_kept(text, after.text, may_change(text, document.data, edit)),
        "the line ends changed": not line_ends(after.text) <= (line_ends(text) or {"\n"}),
        # A blank line before the last line may now be the last one.
        "the last line end changed": ended != ends and (ended or edit.value is not None),
    }
    wrong = ", ".join(what for what, is_so in found.items() if is_so)
    return f"{edit}: {wrong}\n{text}\n{after.text}" if wrong else ""


@pytest.mark.parametrize("seed", range(4))
def test_an_edit_changes_only_the_intended_lines_and_gives_the_intended_data(seed: int) -> None:
    found = list(results(seed, 300))
    made = [(text, document, edit, after) for text, document, edit, after in found if after]
    assert [fault for one in made if (fault := faults(*one))] == []
    assert len(made) > 150
    # Anchors, comments inside a value, and so on; the only key of a file is treated differently.
    unclear = [edit for _, _, edit, after in found if not after and (edit.action, len(edit.path)) != (Action.REMOVE, 1)]
    assert len(unclear) < len(made) / 20


def test_both_helms_read_the_intended_data(helm: str, tmp_path: Path) -> None:
    """Each edited file is the values of a subchart, so one helm reads them all; Helm drops their nulls."""
    wanted = {}
    for number, (_, document, edit, after) in enumerate(results(99, 700)):
        # Without a last line break, Helm 4 adds one to a last | block, and Helm 3 does not.
        sound = after and after.text.endswith("\n") and not after.findings
        if after and sound and "null" not in exactly(after.data) and "global" not in after.data:
            chart = tmp_path / f"all/charts/c{number}"
            (chart / "templates").mkdir(parents=True)
            (chart / "Chart.yaml").write_text(f"apiVersion: v2\nname: c{number}\nversion: 0.1.0\n")
            (chart / "templates/values.yaml").write_text("values: {{ .Chart.Name }} {{ .Values | toJson | b64enc }}\n")
            (chart / "values.yaml").write_bytes(after.text.encode())
            wanted[f"c{number}"] = meant(document.data, edit)
    (tmp_path / "all/Chart.yaml").write_text("apiVersion: v2\nname: all\nversion: 0.1.0\n")
    answer = subprocess.run([helm, "template", "x", tmp_path / "all"], capture_output=True, text=True, check=True)
    found = {
        name: json.loads(base64.b64decode(text))
        for name, text in re.findall(r"^values: (\S+) (\S+)", answer.stdout, re.M)
    }
    for values in found.values():
        values.pop("global", None)
    assert len(found) > 200
    assert found == wanted


COMMENTED = """\
# Top

model:   # the model
  name: 'a/b'   # quoted
args:
- "--seed=1"  # one

# about the second
- --max-model-len=8192
gpu: {count: 1,  resourceName: nvidia.com/gpu}   # flow
env:
- name: A   # first
  # between
  value: "1"
text: |
  one
  two
# end
"""


def made(fix: tuple[Edit, ...], text: str = COMMENTED) -> list[str]:
    """Return the lines that edits change, as a diff shows them."""
    after = edited(read("values.yaml", text.encode()), fix)
    lines = difflib.unified_diff(text.splitlines(), after.text.splitlines(), n=0, lineterm="")
    return [line for line in lines if not line.startswith(("---", "+++", "@@"))]


@pytest.mark.parametrize(
    ("edit", "lines"),
    [
        (Edit(Action.SET, ("model", "name"), "c/d"), ["-  name: 'a/b'   # quoted", "+  name: 'c/d'   # quoted"]),
        (Edit(Action.SET, ("args", 0), "--seed=2"), ['-- "--seed=1"  # one', '+- "--seed=2"  # one']),
        (Edit(Action.SET, ("replicas",), 2), ["+replicas: 2"]),
        (Edit(Action.SET, ("model", "revision"), "1.0"), ['+  revision: "1.0"']),
        (Edit(Action.SET, ("a", "b", "c"), "d"), ["+a:", "+  b:", "+    c: d"]),
        (
            Edit(Action.SET, ("gpu", "count"), 2),
            [
                "-gpu: {count: 1,  resourceName: nvidia.com/gpu}   # flow",
                "+gpu: {count: 2,  resourceName: nvidia.com/gpu}   # flow",
            ],
        ),
        (Edit(Action.APPEND, ("args",), "--x=a, b"), ["+- --x=a, b"]),
        (Edit(Action.APPEND, ("env",), {"name": "B", "value": "on"}), ["+- name: B", '+  value: "on"']),
        (Edit(Action.REMOVE, ("args", 0)), ['-- "--seed=1"  # one']),
        (Edit(Action.REMOVE, ("model",)), ["-model:   # the model", "-  name: 'a/b'   # quoted"]),
        (Edit(Action.MOVE, ("text",), ("note",)), ["-text: |", "+note: |"]),
        (
            Edit(Action.MOVE, ("text",), ("model", "t")),
            ["+  t: |", "+    one", "+    two", "-text: |", "-  one", "-  two"],
        ),
        (
            Edit(Action.REPLACE, ("args", 0), ["--a", "--b"]),
            ['-- "--seed=1"  # one', '+- "--a"  # one', "+- --b"],
        ),
        (Edit(Action.SET, ("text",), "three\nfour\n"), ["-  one", "-  two", "+  three", "+  four"]),
    ],
    ids=str,
)
def test_comments_quotes_and_style_are_kept(edit: Edit, lines: list[str]) -> None:
    assert made((edit,)) == lines


def test_the_paths_of_a_fix_refer_to_the_original_values() -> None:
    fix = (
        Edit(Action.REMOVE, ("args", 0)),
        Edit(Action.SET, ("args", 1), "--y"),
        Edit(Action.APPEND, ("args",), "--z"),
    )
    after = edited(read("values.yaml", b"args: [a, b, c]\n"), fix)
    assert after.text == "args: [--y, c, --z]\n"


@pytest.mark.parametrize(
    ("text", "edit"),
    [
        ("a: &x {b: 1}\nc: *x\n", Edit(Action.SET, ("a", "b"), 2)),
        ("a: &x {b: 1}\nc: *x\n", Edit(Action.SET, ("c", "b"), 2)),
        ("a: 1\na: 2\n", Edit(Action.SET, ("a",), 3)),
        ("a: [b, # c\n  d]\n", Edit(Action.REMOVE, ("a", 0))),
        ("a:\n  b: 1\n  # about c\n  c: 1\n", Edit(Action.SET, ("a",), [1])),
        ("a: | # text\n  b\n", Edit(Action.SET, ("a",), "c")),
        ("{a}\n", Edit(Action.SET, ("a",), 1)),
        ("- name: x\n", Edit(Action.SET, ("a",), 1)),
        ("a: 1\n", Edit(Action.REMOVE, ("a",))),
        ("a: 1\n", Edit(Action.SET, ("a", "b"), 1)),
        ("a: 1\nb: 2\n", Edit(Action.MOVE, ("a",), ("b",))),
    ],
    ids=str,
)
def test_an_unclear_edit_is_not_made(text: str, edit: Edit) -> None:
    with pytest.raises(UnclearEditError):
        edited(read("values.yaml", text.encode()), (edit,))


def test_an_edit_next_to_an_anchor_is_made() -> None:
    text = "a: &x {b: 1}\nc: *x\nd: 1\n"
    assert edited(read("values.yaml", text.encode()), (Edit(Action.SET, ("d",), 2),)).text == text.replace(
        "d: 1", "d: 2"
    )


@pytest.mark.parametrize("text", ["", "# only a comment\n", "# no line end"])
def test_a_file_without_keys_gets_its_first(text: str) -> None:
    after = edited(read("values.yaml", text.encode()), (Edit(Action.SET, ("model", "name"), "a/b"),))
    assert after.text.startswith(text)
    assert after.data == {"model": {"name": "a/b"}}
