"""Every command has help with valid examples; `schema` prints what editors need."""

import json
import re
import shlex
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import click
import jsonschema
import pytest
from modelservice.cli import main

from tests.test_cli import run


@pytest.mark.parametrize("name", ["modelservice", "fleet"])
def test_the_schema_is_one_that_editors_can_use(name: str, tmp_path: Path) -> None:
    of = [] if name == "modelservice" else [name]
    schema = json.loads(run("schema", *of).stdout)
    jsonschema.Draft7Validator.check_schema(schema)
    line = run("schema", *of, "--line").stdout
    address = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)\n", line)
    assert address
    assert json.loads(urllib.request.urlopen(address[1]).read()) == schema
    (tmp_path / "a.yaml").write_text(f"{line}model: {{name: a/b}}\n")
    assert run("validate", tmp_path / "a.yaml").exit_code == 0


def every_command(group: click.Group, *path: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group, info_name="modelservice")
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from every_command(command, *path, name)


@pytest.mark.parametrize(("path", "command"), list(every_command(main)), ids=lambda one: str(one)[:30])
def test_a_commands_help_has_a_short_line_and_examples_that_it_takes(
    path: tuple[str, ...], command: click.Command
) -> None:
    shown = run(*path, "--help").stdout
    assert not command.get_short_help_str(66).endswith("..."), path
    assert [line for line in shown.splitlines() if len(line) > 100] == []
    examples = shown.partition("Examples:\n")[2].partition("\n\n")[0].replace(" \\\n      ", " ").splitlines()
    ours = [line.rpartition(" | ")[2] if " | modelservice" in line else line for line in examples]
    ours = [line.partition(" | ")[0].partition(" > ")[0].strip() for line in ours if "modelservice " in line]
    assert any(line.startswith(" ".join(("modelservice", *path))) for line in ours), path
    for line in ours:
        one, words = main, shlex.split(line)[1:]
        while isinstance(one, click.Group):
            one, words = one.get_command(click.Context(one), words[0]), words[1:]
        one.make_parser(click.Context(one, ignore_unknown_options=one.name == "explain")).parse_args(words)


@pytest.mark.parametrize(
    ("option", "begins"),
    [
        ("--name", "Name of the chart."),
        ("--release", "Name of the Helm release"),
        ("--namespace", "Namespace of the release."),
        ("--ignore", "Ignore a rule"),
        ("--values", "A values file that VALUES override."),
        ("--force", "Replace |Write into "),
    ],
)
def test_an_option_means_the_same_in_every_command(option: str, begins: str) -> None:
    found = [
        str(one.help)
        for _, command in every_command(main)
        for one in command.params
        if isinstance(one, click.Option) and option in one.opts
    ]
    assert len(found) > 1
    assert [text for text in found if not re.match(begins, text)] == []
