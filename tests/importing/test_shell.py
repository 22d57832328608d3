"""Shell lines are split as by bash; broken pastes are read as intended."""

import subprocess

import pytest
from modelservice.errors import InputError
from modelservice.importing.shell import commands

ONE = [
    "a b  c",
    "a 'b c' \"d e\" f\\ g",
    "a \\\n  b \\\n  --c=d",
    'a --x \'{"a": {"b": 1}}\' # a comment',
    'a --x={\\"a\\":1}',
    "a b#c '#d'",
    "a ''",
    "a 'it'\\''s'",
    "a --x=\"b 'c' d\"",
]


@pytest.mark.parametrize("line", ONE)
def test_words_are_split_as_by_bash(line: str) -> None:
    script = f"a() {{ printf '%s\\0' a \"$@\"; }}\n{line}"
    words = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True).stdout.split("\0")[:-1]
    assert [command.words for command in commands(line)] == [words]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a; b && c | d", [["a"], ["b"], ["c"], ["d"]]),
        ("$ a b\n> c\nroot@host:~# d", [["a", "b"], ["c"], ["d"]]),
        ("a b > log 2>&1 &", [["a", "b"]]),
        ("a \\ \n  b", [["a", "b"]]),
        ("a \\  # why\n  # more\n  b", [["a", "b"]]),
        ("a `\r\n  b", [["a", "b"]]),
        ("M=x/y\na $M ${M} ${N:-n} $O", [["a", "x/y", "x/y", "n", "$O"]]),
        ("a <your token> $(id -u)", [["a", "$your_token", "$id_u"]]),
        ("a ${M:?set M} ${M?}", [["a", "${M}", "${M}"]]),
        (
            'a -v C:\\Users\\me:/m -v "D:\\b:/n" -v %USERPROFILE%\\c:/o',
            [["a", "-v", "C:/Users/me:/m", "-v", "D:/b:/n", "-v", "%USERPROFILE%/c:/o"]],
        ),
        ("# nothing", []),
    ],
)
def test_a_paste(text: str, expected: list[list[str]]) -> None:
    assert [command.words for command in commands(text)] == expected


def test_variables_of_a_command_and_exported_ones() -> None:
    assert [command.variables for command in commands("X=0\nexport A=1\nB=2 c\nd")] == [
        {"A": "1", "B": "2"},
        {"A": "1"},
    ]


@pytest.mark.parametrize("text", ["a 'b", 'a "b', "x" * 300_000])
def test_unreadable_input_is_reported(text: str) -> None:
    with pytest.raises(InputError):
        commands(text)
