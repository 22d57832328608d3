"""Reading one values file: data, positions, findings, and bounds."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from modelservice.findings import Position
from modelservice.reading import parser
from modelservice.reading.document import MAX_BYTES, RULES, Document, read
from modelservice.reading.values_files import load, values_files

TEXT = """\
# a comment
model:
  name: facebook/opt-125m
args:
  - --dtype=half
  - name: x
map: {a: 1, "b":   [x, yy]}
empty:
"""


def _read(text: str) -> Document:
    return read("values.yaml", text.encode())


def _rules(raw: bytes) -> list[str]:
    return [finding.rule for finding in read("values.yaml", raw).findings]


def _at(text: str) -> list[tuple[int, int, str]]:
    return [(*finding.position[1:], finding.rule) for finding in _read(text).findings]


@pytest.mark.parametrize(
    ("path", "key", "value"),
    [
        ((), (1, 1), (1, 1)),
        (("model",), (2, 1), (3, 3)),
        (("model", "name"), (3, 3), (3, 9)),
        (("args",), (4, 1), (5, 3)),
        (("args", 0), (5, 5), (5, 5)),
        (("args", 1), (6, 5), (6, 5)),
        (("args", 1, "name"), (6, 5), (6, 11)),
        (("map",), (7, 1), (7, 6)),
        (("map", "b"), (7, 13), (7, 20)),
        (("map", "b", 1), (7, 24), (7, 24)),
        (("empty",), (8, 1), (8, 7)),
    ],
)
def test_positions_of_keys_and_values(
    path: tuple[str | int, ...], key: tuple[int, int], value: tuple[int, int]
) -> None:
    document = _read(TEXT)
    assert document.key_position(path) == Position("values.yaml", *key)
    assert document.value_position(path) == Position("values.yaml", *value)
    assert document.is_written(path)


@pytest.mark.parametrize(
    ("path", "nearest"),
    [
        (("nothing",), (1, 1)),
        (("model", "nothing", "deeper"), (2, 1)),
        (("args", 2), (4, 1)),
        (("args", "0"), (4, 1)),
        (("model", "name", "deeper"), (3, 3)),
    ],
)
def test_path_that_is_not_written_points_at_the_nearest_key(
    path: tuple[str | int, ...], nearest: tuple[int, int]
) -> None:
    document = _read(TEXT)
    assert document.key_position(path) == Position("values.yaml", *nearest)
    assert document.value_position(path) == Position("values.yaml", *nearest)
    assert not document.is_written(path)


def test_columns_count_characters_not_bytes() -> None:
    assert _read("é😀: 日本\nü: {日: x}\n").value_position(("ü", "日")) == Position("values.yaml", 2, 8)


def test_columns_hold_with_windows_line_ends() -> None:
    assert _read("a: 1\r\nb:\r\n  c: 2\r\n").value_position(("b", "c")) == Position("values.yaml", 3, 6)


@pytest.mark.parametrize(
    ("raw", "rule"),
    [
        (b"", "empty-file"),
        (b"# nothing\n\n", "empty-file"),
        (b"---\nnull\n", "empty-file"),
        (b"- a\n", "yaml-top-level"),
        (b"a:1\n", "yaml-top-level"),
        (b"a: \xff\n", "yaml-encoding"),
        (b"\xef\xbb\xbfa: 1\n", "yaml-encoding"),
        (b"\xff\xfea\0:\0", "yaml-encoding"),
        (b"\x7fELF\0\0", "yaml-encoding"),
        (b"a: 1\n\0\n", "yaml-encoding"),
        ("a: x\u200b\ufeff\n".encode(), "yaml-encoding"),
        (b"a: 1\n---\nb: 2\n", "yaml-documents"),
        (b"%YAML 1.1\n---\na: 1\n", "yaml-documents"),
        (b"--- {a: 1}\n", "yaml-documents"),
        (b"a:\n\tb: 1\n", "yaml-tab"),
        (b"a: 1\na: 2\n", "yaml-duplicate-key"),
        (b"a: on\n", "yaml-ambiguous"),
        (b"a: &x 1\n", "yaml-alias"),
        (b"a: *x\n", "yaml-alias"),
        (b"a: {<<: {b: 1}}\n", "yaml-merge-key"),
        (b"a: !!int '1'\n", "yaml-tag"),
        (b"a: " + b"[" * 65 + b"]" * 65, "yaml-depth"),
        (b"a: [" + b"x," * 60_000 + b"]", "file-size"),
        (b"a" * (MAX_BYTES + 1), "file-size"),
        (b"a: [1\n", "yaml-syntax"),
    ],
)
def test_refused_file_gives_one_clear_finding(raw: bytes, rule: str) -> None:
    assert _rules(raw) == [rule]


def test_sixty_four_levels_are_accepted() -> None:
    assert _rules(b"a: " + b"[" * 64 + b"]" * 64) == []


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("a: 1\nb: 'x\nc: 2\n", 2, 4),
        ("a: [1,\nb: 2\nc: 3\n", 1, 4),
        ("a: 1\nb\nc: 3\n", 2, 1),
        ("a: 1\n b: 2\n", 2, 3),
        ("a:\n  b: 1\n c: 2\n", 3, 2),
        ("  a: 1\nb: 2\n", 2, 1),
        ("a: @x\n", 1, 4),
        ("a: *.txt\n", 1, 5),
        ('a: "\\d"\n', 1, 5),
        ("a: - b\n", 1, 4),
        ("a: [x,, z]\n", 1, 7),
    ],
)
def test_syntax_error_points_to_the_mistake(text: str, line: int, column: int) -> None:
    assert _at(text) == [(line, column, "yaml-syntax")]


def test_all_problems_of_a_file_are_reported() -> None:
    text = "a: yes\nb: 017\n1: x\na: 2\nc: &x [*x, !y z]\n"
    assert _at(text) == [
        (1, 4, "yaml-ambiguous"),
        (2, 4, "yaml-ambiguous"),
        (3, 1, "yaml-ambiguous"),
        (4, 1, "yaml-duplicate-key"),
        (5, 4, "yaml-alias"),
        (5, 8, "yaml-alias"),
        (5, 12, "yaml-tag"),
    ]


def test_problems_before_a_syntax_error_are_reported_too() -> None:
    assert _at("a: yes\nb: [1\n") == [(1, 4, "yaml-ambiguous"), (2, 4, "yaml-syntax")]


def test_findings_of_a_hostile_file_are_capped() -> None:
    assert len(_rules(b"- y\n" * 1000)) == 50


def test_finding_carries_the_path_of_the_value() -> None:
    assert [finding.path for finding in _read("a:\n  - b: no\n").findings] == [("a", 0, "b")]


@pytest.mark.parametrize(
    ("value", "message", "hint"),
    [
        ("no", "Helm reads no as the boolean false", 'write false if that is meant, or "no" in quotes for text'),
        ("017", "Helm reads 017 as the number 15", 'write 15 if that is meant, or "017" in quotes for text'),
        (
            "9007199254740993",
            "Helm reads 9007199254740993 as 9007199254740992: whole numbers above 2^53 lose digits",
            'put it in quotes if it is text: "9007199254740993"',
        ),
    ],
)
def test_ambiguous_value_says_what_helm_reads_and_what_to_write(value: str, message: str, hint: str) -> None:
    finding = _read(f"a: {value}\n").findings[0]
    assert (finding.message, finding.hint) == (message, hint)


def test_template_left_in_values_is_recognised() -> None:
    for text in ("a: {{ .Values.b }}\n", "a: [{{ .b }}]\n", "a: x\nb: {{ .c }}-d\n"):
        assert any("does not render templates" in finding.hint for finding in _read(text).findings)


def test_file_with_a_dialect_problem_is_checked_further() -> None:
    document = _read("a: yes\nb: {c: 1}\n")
    assert document.readable
    assert document.data == {"a": True, "b": {"c": 1}}


@pytest.mark.parametrize("raw", [b"", b"a: [1\n", b"- a\n", b"a: yes\nb: [\n", b"\xff", b"a" * (MAX_BYTES + 1)])
def test_unreadable_file_has_no_data(raw: bytes) -> None:
    document = read("values.yaml", raw)
    assert not document.readable
    assert document.data == {}


def test_numbers_are_those_that_json_can_represent() -> None:
    data = _read("a: 1.0\nb: 1e3\nc: 1.50\nd: +7\ne: -.5\n").data
    assert [(value, type(value)) for value in data.values()] == [
        (1, int),
        (1000, int),
        (1.5, float),
        (7, int),
        (-0.5, float),
    ]


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("coder.yml", "did you mean coder.yaml?"),
        ("x/cahtbot.yaml", "did you mean x/chatbot.yaml?"),
        ("Qwen/Qwen3-8B", "check the path; for a model: modelservice init Qwen/Qwen3-8B"),
        # Nothing is surely meant.
        ("chat2.yaml", "check the path"),
        ("services/dev.yaml", "check the path"),
        ("services/dev", "check the path"),
        ("x/chat", "check the path"),
    ],
)
def test_what_is_meant_by_a_missing_file(path: str, hint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("x").mkdir()
    for name in ("coder.yaml", "x/chatbot.yaml"):
        Path(name).write_text("model: {name: a/b}\n")
    assert [finding.hint for finding in load(path).findings] == [hint]


def test_a_missing_file_a_folder_and_a_closed_file_are_findings(tmp_path: Path) -> None:
    assert [finding.rule for finding in load(str(tmp_path / "none.yaml")).findings] == ["file-missing"]
    assert [finding.rule for finding in load(str(tmp_path)).findings] == ["file-unreadable"]
    assert [finding.rule for finding in load(str(tmp_path / "x.yaml" / "z")).findings] == ["file-missing"]
    assert [finding.rule for finding in load("nul\0").findings] == ["file-unreadable"]
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    assert [finding.rule for finding in load(str(tmp_path / "loop.yaml")).findings] == ["file-unreadable"]


def test_file_without_permission_is_a_finding(open_folder: Path, unprivileged: Callable[[str, str, Path], str]) -> None:
    file = open_folder / "values.yaml"
    file.write_text("a: 1\n")
    file.chmod(0)
    program = "print([finding.rule for finding in load(sys.argv[1]).findings])"
    assert unprivileged("from modelservice.reading.values_files import load", program, file) == "['file-unreadable']\n"


def test_endless_file_is_read_up_to_the_limit() -> None:
    assert [finding.rule for finding in load("/dev/zero").findings] == ["file-size"]


def test_minus_is_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a: 1\n")))
    document = load("-")
    assert (document.name, document.text, document.data) == ("<stdin>", "a: 1\n", {"a": 1})


def test_folders_are_walked_in_order_without_hidden_files(tmp_path: Path) -> None:
    for name in ("b.yaml", "a.yml", "c.txt", ".hidden.yaml", "sub/d.yaml", ".git/e.yaml", "sub/.f/g.yaml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = list(values_files(["-", str(tmp_path), "none.yaml"]))
    assert found == ["-", *(str(tmp_path / name) for name in ("a.yml", "b.yaml", "sub/d.yaml")), "none.yaml"]


def test_folder_without_values_files_is_reported(tmp_path: Path) -> None:
    assert list(values_files([str(tmp_path)])) == [str(tmp_path)]


def test_every_rule_is_listed_once_and_used() -> None:
    ids = [rule.id for rule in RULES]
    folder = Path(parser.__file__).parent
    sources = "".join(
        (folder / f"{name}.py").read_text() for name in ("document", "values_files", "parser", "syntax_errors")
    )
    assert len(ids) == len(set(ids))
    assert all(sources.count(f'"{rule}"') >= 2 for rule in ids)


_TOKENS = [
    "a",
    "b: ",
    "- ",
    "\n",
    "\n  ",
    " ",
    "\t",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    "?",
    "'",
    '"',
    "|",
    ">",
    "#",
    "&",
    "*",
]
_TOKENS += ["!", "%", "@", "---", "...", "yes", "017", "\\", "\r", "é", "\ufeff", "\0", "<<: ", "{{ x }}"]


@given(st.binary() | st.lists(st.sampled_from(_TOKENS)).map(lambda tokens: "".join(tokens).encode()))
@example(b"\x0b\x0b\x00\x80")
def test_no_input_bytes_cause_an_exception(raw: bytes) -> None:
    document = read("values.yaml", raw)
    for finding in document.findings:
        assert finding.hint
        assert 1 <= finding.position.line <= raw.count(b"\n") + raw.count(b"\r") + 2
        assert finding.position.column >= 1


def test_a_vertical_tab_is_not_a_line_break() -> None:
    (finding,) = read("values.yaml", b"a: 1\nb: \x0b\xff").findings
    assert finding.position[1:] == (2, 5)


@pytest.mark.parametrize("text", [TEXT, "a: yes\nb: [1\n", "a: &x {b: *x}\n", 'a: "\\U99999999"\n'])
def test_the_python_parser_gives_the_same_results(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fast = _read(text)
    monkeypatch.setattr(parser, "_PARSER", yaml.SafeLoader)
    slow = _read(text)
    assert (slow.data, [finding.rule for finding in slow.findings]) == (
        fast.data,
        [finding.rule for finding in fast.findings],
    )


_BOMBS = """
import time
from modelservice.reading.document import MAX_BYTES as M, read

aliases = b"a0: &a0 [x]\\n" + b"".join(b"a%d: &a%d [%s]\\n" % (n, n, b"*a%d," % (n - 1) * 10) for n in range(1, 20))
bombs = [
    aliases, b"[" * M, b"- " * (M // 2), b"{a: " * (M // 4), b"? " * (M // 2), b"- a\\n" * (M // 4), b"&a " * (M // 3),
    b"a: [" + b"a: ," * (M // 4 - 2) + b"]", b"a: [" + b"y," * (M // 2 - 4) + b"]", b"a: 1\\n" * (M // 5),
    b"".join(b"k%06d:\\n" % n for n in range(M // 9)), b"a: " + b"1" * (M - 3), b"a: " + b"1_" * (M // 2 - 2),
    b"x" * M, b"\\n" * M, b"\\0" * M, b"\\xff" * M, b"a: |\\n" + b"  x\\n" * (M // 4 - 2),
    b"a: '" + b"x\\n " * (M // 3 - 2),
    b'a: "' + b"\\\\\\\\/" * (M // 3 - 2) + b'"', b"[? " * (M // 3), b"---\\n" * (M // 4),
    b"!" * M, b"-" * M, b"\\t" * M,
]
for bomb in bombs:
    assert len(bomb) <= M
    start = time.process_time()
    read("values.yaml", bomb)
    seconds = time.process_time() - start
    assert seconds < 2, (bomb[:20], seconds)
with open("/proc/self/status") as status:
    peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
assert peak < 200 * 1024, peak
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of memory is read from /proc")
def test_hostile_files_are_bounded_in_time_and_memory() -> None:
    answer = subprocess.run([sys.executable, "-c", _BOMBS], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
