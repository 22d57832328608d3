"""Every command with odd options and odd files: one of our exit codes, no traceback, no secret, in a short time."""

import os
import random
import time
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from modelservice.cli import main

from tests.odd_files import SECRET, odd_files

ODD = ["", "-", " ", ".", "no/such", "\x1b[31m", "日本", "nan", "-1", "1e999", "0" * 300, "x" * 5000, "--", "\udcff"]
ODD += ["https://127.0.0.1:1/a", "oci://127.0.0.1:1/a", "http://[", "HEAD:a.yaml", "1.2.3", "a,b=c", "/dev/null"]
# These options set how long to wait, and would make the test slow.
LEFT_OUT = {("smoke", "wait_seconds"), ("smoke", "timeout")}


def command_lines(random_: random.Random, number: int, files: list[str]) -> list[list[str]]:
    """Return odd command lines of all commands except `generate`, which writes to this repository."""
    context = click.Context(main)
    names = [name for name in main.list_commands(context) if name != "generate"]
    return [
        command_line(name, main.get_command(context, name), random_, files) for name in random_.choices(names, k=number)
    ]


def command_line(name: str, command: click.Command | None, random_: random.Random, files: list[str]) -> list[str]:
    assert command
    given = [one for one in command.params if random_.random() < 0.4 and (name, one.name) not in LEFT_OUT]
    return [name, *(word for parameter in given for word in words(parameter, random_, files))]


def words(parameter: click.Parameter, random_: random.Random, files: list[str]) -> list[str]:
    choices = list(parameter.type.choices) if isinstance(parameter.type, click.Choice) else files
    value = random_.choice([random_.choice(choices), random_.choice(ODD)])
    if isinstance(parameter, click.Option):
        option = random_.choice(parameter.opts)
        return [option] if parameter.is_flag else [option, value]
    return [value] * random_.choice([1, 1, 2])


def faults(line: list[str], number: int) -> list[str]:
    """Return the faults in how a command ends, in a folder with this number of files."""
    start = time.process_time()
    answer = CliRunner().invoke(main, line, input="model: {name: a/b}\n")
    seconds = time.process_time() - start
    found = {
        repr(answer.exception): answer.exception and not isinstance(answer.exception, SystemExit),
        f"exit code {answer.exit_code}": answer.exit_code not in (0, 1, 2, 3, 130),
        "the secret is printed": SECRET in answer.output,
        # It may check every file of the folder before and after a change, in 10 ms each.
        f"{seconds:.1f} s": seconds > max(5, number / 50),
    }
    return [f"{line}: {what}" for what, wrong in found.items() if wrong]


def faults_of(seed: int, number: int, folder: Path) -> list[str]:
    """Run the commands and files to validate that the seed draws, in the folder; return their faults."""
    random_ = random.Random(seed)
    files = [f"{index}.yaml" for index in range(number)]
    for file, raw in zip(files, odd_files(random_, number), strict=True):
        (folder / file).write_bytes(raw)
    lines = command_lines(random_, number, files) + [["validate", "--format", "json", file] for file in files]
    return [fault for line in lines for fault in faults(line, number)]


def test_a_command_ends_with_one_of_our_exit_codes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    # Without helm and git, which take too long here.
    monkeypatch.setenv("PATH", os.fspath(tmp_path))
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    assert faults_of(0, 250, tmp_path) == []
