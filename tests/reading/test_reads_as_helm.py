"""Both helms read accepted files as the same data: values, keys, whole files, and layers."""

from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from modelservice.reading.document import merge, read

CASES = Path(__file__).parents[1] / "cases" / "reading"


def _lines(name: str) -> list[str]:
    return (CASES / name).read_text(encoding="utf-8").splitlines()[1:]


ACCEPTED = _lines("accepted.txt")
REFUSED = _lines("refused.txt")
# Texts that can be in front of a colon: no list, map or comment.
KEYS = [line for line in ACCEPTED if line[:1] not in ("[", "{", "#", "?", "!") and " #" not in line]
NO_KEYS = ["1", "-1", "+1", "1.5", "1e3", ".5", "017", "08", "0x1F", "1_000", "9007199254740993", ".inf"]
NO_KEYS += ["true", "False", "yes", "n", "Off", "null", "~", "<<"]
NO_KEYS += ["!!binary aGVsbG8=", "!custom x", "&a x", "[a]", "{a: b}", "*a"]

# Whole files that both helms read in the same way, and that are clear to people too.
FILES = {
    "nested maps": "a:\n  b:\n    c: 1\n  d: 2\ne: 3\n",
    "lists of maps": "a:\n  - name: x\n    value: 1\n  - name: z\n",
    "lists at the key's indentation": "a:\n- x\n- b: 1\n",
    "lists in lists": "a:\n  - - x\n    - z\n  - []\n",
    "flow over several lines": "a: [1,\n  2,\n]\nb: {c: 1,\n  d: [x, z]}\n",
    "flow at the top": "{a: 1, b: [x]}\n",
    "flow with JSON": '{"a":1,"b":["x",{"c":null}]}\n',
    "colons in flow": "a: [http://x:80/z, b:c]\nd: {e:f, g: h}\n",
    "literal block": "a: |\n  one\n    two\n\n  three\nb: 1\n",
    "literal block, kept end": "a: |+\n  one\n\n\nb: 1\n",
    "literal block, stripped": "a: |-\n  one\n\nb: 1\n",
    "literal block, given indentation": "a: |2\n   one\n  two\n",
    "literal block, no text": "a: |\nb: >\n",
    "literal block with a tab": "a: |\n  one\n  \ttwo\t\n",
    "literal block with a separator": "a: |\n  ---\n  # no comment\n  b: yes\n",
    "folded block": "a: >\n  one\n  two\n\n  three\n   four\n",
    "folded block, stripped": "a: >-\n\n  one\n  two\n",
    "plain text over lines": "a: one\n  two\n\n  three\nb: 1\n",
    "double quotes over lines": 'a: "one\n  two\\\n  three\n\n  four"\n',
    "single quotes over lines": "a: 'one\n  it''s\n\n  three'\n",
    "quotes with a tab": 'a: "one\n\ttwo"\n',
    "comments everywhere": "# top\na: 1 # one\n# between\nb: # two\n  # three\n  - x # four\n  # five\n",
    "modes of files": (
        "volumes:\n  - secret: {defaultMode: 0400, items: [{mode: 0o644}, {mode: 0}, {mode: 0777}]}\n"
        "extraObjects:\n  - {defaultMode: 0o0440}\n"
    ),
    "an empty value": "a:\nb:\n  c:\n  - \n",
    "empty collections": "a: {}\nb: []\nc: ''\n",
    "an explicit key": "? a\n: b\n? c\n",
    "an explicit start": "---\na: 1\n",
    "an explicit start with a comment": "# top\n--- # c\na: 1\n",
    "an explicit end": "a: 1\n...\n",
    "Windows line ends": "a: 1\r\nb: |\r\n  one\r\n  two\r\nc: [x,\r\n  z]\r\n",
    "old Macintosh line ends": "a: 1\rb:\r  - x\r",
    "no last line end": "a: 1",
    "all keys indented": "  a: 1\n  b: 2\n",
    "spaces around colons": "a : 1\n'b':   2\nc:\t3\n",
    "odd keys": "a b: 1\na.b/c-d: 2\n\"\": 3\n'1': 4\n\"yes\": 5\n'<<': {x: 1}\n日本: 6\n2024-01-01: 7\n",
    "quoted look-alikes": "a: 'yes'\nb: \"017\"\nc: !!str no\nd: '~'\n",
    "characters beyond ASCII": 'a: é日本😀\nb: "\\u00e9\\U0001F600"\n',
    "sixty levels": "a: " + "[" * 60 + "]" * 60 + "\n",
    "only an empty map": "{}\n",
}

# Files that Helm refuses, or that one helm or a person reads differently.
REFUSED_FILES = {
    "empty": b"",
    "only comments": b"# nothing\n\n",
    "only null": b"null\n",
    "list at the top": b"- a\n",
    "text at the top": b"a:1\n",
    "rest outside the first indentation": b" a: 1\nb: 2\n",
    "rest after an end": b"a: 1\n...\nb: 2\n",
    "two documents": b"a: 1\n---\nb: 2\n",
    "an empty document first": b"---\n# c\n---\na: 1\n",
    "a separator at the end": b"a: 1\n---\n",
    "text behind a separator": b"--- {a: 1}\n",
    "text that begins as a separator": b"a: 'x\n---z'\n",
    "YAML directive": b"%YAML 1.1\n---\na: 1\n",
    "TAG directive": b"%TAG ! tag:x,2000:\n---\na: 1\n",
    "byte-order mark": b"\xef\xbb\xbfa: 1\n",
    "UTF-16": "a: 1\n".encode("utf-16"),
    "Latin-1": b"a: \xe9\n",
    "NUL": b"a: \0\n",
    "control character": b"a: \x1b[0m\n",
    "line break of YAML 1.1": "a: x\u2028b: 1\n".encode(),
    "invisible character": "a: x\ufeffz\n".encode(),
    "tab as indentation": b"a:\n\tb: 1\n",
    "tab behind a dash": b"a:\n-\tb\n",
    "duplicate key": b"a: 1\nb: 2\na: 3\n",
    "duplicate key in another form": b"a: 1\n'a': 2\n",
    "merge key": b"a: {<<: {b: 1}, c: 2}\n",
    "anchor": b"a: &x 1\n",
    "alias": b"a: &x 1\nb: *x\n",
    "tagged map": b"a: !!map\n  b: 1\n",
    "map as a key": b"{a: 1}: 2\n",
    "template": b"a: {{ .Values.b }}\n",
    "missing key": b": 1\n",
    "unclosed list": b"a: [1, 2\nb: 3\n",
    "unclosed quote": b"a: 'x\nb: 3\n",
    "odd indentation": b"a:\n  b: 1\n c: 2\n",
    "eighty levels": b"a: " + b"[" * 80 + b"]" * 80 + b"\n",
}

# (lower layer, upper layer)
LAYERS = {
    "another key": ("a: 1\n", "b: 2\n"),
    "the same key": ("a: 1\n", "a: 2\n"),
    "maps are merged": ("a: {b: 1, c: 2}\n", "a: {c: 3, d: 4}\n"),
    "maps are merged deeply": ("a: {b: {c: {d: 1, e: 2}}}\n", "a: {b: {c: {e: 3}}}\n"),
    "lists are replaced": ("a: [1, 2, 3]\n", "a: [4]\n"),
    "lists of maps are replaced": ("a: [{b: 1, c: 2}]\n", "a: [{b: 3}]\n"),
    "an empty list replaces": ("a: [1]\n", "a: []\n"),
    "an empty map changes nothing": ("a: {b: 1}\n", "a: {}\n"),
    "null over a scalar": ("a: 1\n", "a: null\n"),
    "null over a map": ("a: {b: 1}\n", "a:\n"),
    "null over a key that is not there": ("b: 1\n", "a: ~\n"),
    "null inside a map": ("a: {b: 1, c: 2}\n", "a: {b: null}\n"),
    "a scalar over null": ("a: null\n", "a: 1\n"),
    "a map over null": ("a: null\n", "a: {b: null, c: 1}\n"),
    "a map over a scalar": ("a: 1\n", "a: {b: 2}\n"),
    "a map over a list": ("a: [1]\n", "a: {b: 2}\n"),
    "a scalar over a map": ("a: {b: 1}\n", "a: text\n"),
    "a list over a map": ("a: {b: 1}\n", "a: [1]\n"),
    "zero, false and empty text replace": ("a: {b: 1, c: true, d: x}\n", "a: {b: 0, c: false, d: ''}\n"),
    "a layer without keys": ("a: 1\n", "{}\n"),
}


@pytest.fixture(scope="module")
def chart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a chart without defaults that prints its values, encoded because helm reads what it prints as YAML."""
    folder = tmp_path_factory.mktemp("printer")
    (folder / "templates").mkdir()
    (folder / "Chart.yaml").write_text("apiVersion: v2\nname: printer\nversion: 0.1.0\n")
    (folder / "templates" / "values.yaml").write_text("values: {{ .Values | toJson | b64enc }}\n")
    return folder


def _helm_reads(helm: str, chart: Path, *files: str) -> Any:
    """Return the values as helm prints them, with numbers marked, because to Python True equals 1."""
    arguments = []
    for index, text in enumerate(files):
        path = chart.parent / f"layer-{chart.name}-{index}.yaml"
        path.write_bytes(text.encode())
        arguments += ["-f", str(path)]
    answer = subprocess.run([helm, "template", "x", str(chart), *arguments], capture_output=True, check=False)
    assert answer.returncode == 0, answer.stderr.decode()
    return _marked(base64.b64decode(answer.stdout.split(b"values: ")[1]).decode())


def _marked(text: str) -> Any:
    return json.loads(text, parse_int=_number, parse_float=_number)


def _number(digits: str) -> tuple[str, float]:
    return "number", float(digits)


def _accepted(text: str) -> Any:
    document = read("values.yaml", text.encode())
    assert document.findings == ()
    return _marked(json.dumps(document.data))


def test_accepted_values_are_what_helm_reads(helm: str, chart: Path) -> None:
    text = "".join(f"v{index}: {value}\n" for index, value in enumerate(ACCEPTED))
    ours, theirs = _accepted(text), _helm_reads(helm, chart, text)
    differing = {ACCEPTED[int(key[1:])]: (value, theirs[key]) for key, value in ours.items() if value != theirs[key]}
    assert differing == {}
    assert len(theirs) == len(ACCEPTED)


@pytest.mark.parametrize("value", REFUSED)
def test_refused_value_has_a_position_and_a_hint(value: str) -> None:
    findings = read("values.yaml", f"v: {value}\n".encode()).findings
    assert findings
    for finding in findings:
        assert finding.position.line in (1, 2)
        assert finding.hint


def test_accepted_text_is_the_same_key_in_helm(helm: str, chart: Path) -> None:
    keys = [key for key in KEYS if not read("values.yaml", f"{key}: 1\n".encode()).findings]
    lines = {next(iter(read("values.yaml", f"{key}: 1\n".encode()).data)): f"{key}: 1\n" for key in keys}
    text = "".join(lines.values())
    assert len(lines) > 100
    assert _accepted(text) == _helm_reads(helm, chart, text)


@pytest.mark.parametrize("key", NO_KEYS)
def test_key_that_is_not_text_is_refused(key: str) -> None:
    assert read("values.yaml", f"{key} : x\n".encode()).findings


@pytest.mark.parametrize("name", FILES)
def test_accepted_file_is_what_helm_reads(name: str, helm: str, chart: Path) -> None:
    assert _accepted(FILES[name]) == _helm_reads(helm, chart, FILES[name])


@pytest.mark.parametrize("name", REFUSED_FILES)
def test_refused_file_has_a_hint(name: str) -> None:
    findings = read("values.yaml", REFUSED_FILES[name]).findings
    assert findings
    assert all(finding.hint for finding in findings)


@pytest.mark.parametrize("name", LAYERS)
def test_layers_are_merged_as_helm_merges_them(name: str, helm: str, chart: Path) -> None:
    layers = LAYERS[name]
    merged = merge([read(f"{index}.yaml", text.encode()) for index, text in enumerate(layers)])
    assert _marked(json.dumps(merged.data)) == _helm_reads(helm, chart, *layers)


def test_three_layers_are_merged_as_helm_merges_them(helm: str, chart: Path) -> None:
    layers = ("a: {b: 1, c: 1}\n", "a: null\n", "a: {d: 1}\n")
    merged = merge([read(f"{index}.yaml", text.encode()) for index, text in enumerate(layers)])
    assert _marked(json.dumps(merged.data)) == _helm_reads(helm, chart, *layers)
