"""The commands of README.md and docs/ work as written, in a scratch copy of a clone.

A fence says how its block is tested:

- `sh` is run and must succeed; `console` has commands after `$` and the output of each; `...` stands for any lines.
- a second word, a key of `MARKS`, says why a block cannot run here.
- `title="FILE"` writes the block, in any language, to that file before the blocks below it run.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import click
import pytest
from click.testing import CliRunner
from modelservice.cli import main

ROOT = Path(__file__).parents[1]
COPIED = ["charts/modelservice", "values-examples"]
MARKS = {
    "cluster": "needs a cluster, or a server in one",
    "network": "needs a registry, a Git server or the hub",
    "checkout": "builds or tests the project itself",
}
# test_fleet_pages.py runs this page, with a registry.
ELSEWHERE = {"fleets.md"}
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
# A block that needs no shell runs in this process.
_SHELL = re.compile(r"[|<>&;$`*(\\]")
_DIFFERS = re.compile(r"\s*modelservice diff\b")


class Block(NamedTuple):
    """A fenced block: its first line, its language, the other words of its fence, and its text."""

    line: int
    language: str
    words: tuple[str, ...]
    text: str


def blocks(page: Path) -> Iterator[Block]:
    text = page.read_text()
    for found in re.finditer(r"(?ms)^( *)```(\w+)([^\n]*)\n(.*?)^\1```$", text):
        line = text.count("\n", 0, found.start()) + 1
        yield Block(line, found[2], tuple(shlex.split(found[3])), textwrap.dedent(found[4]))


def steps(block: Block) -> list[tuple[str, str | None]]:
    """Return the commands with their expected output, or None if it is not given."""
    if block.language == "sh":
        lines = block.text.splitlines()
        simple = all(line.startswith(("modelservice ", "#")) and not _SHELL.search(line) for line in lines if line)
        return [(line, None) for line in lines if line and line[0] != "#"] if simple else [(block.text, None)]
    parts = re.split(r"(?m)^\$ (.*)\n", block.text)
    return list(zip(parts[1::2], parts[2::2], strict=True))


def run(command: str) -> tuple[int, str]:
    if command.startswith("modelservice ") and not _SHELL.search(command):
        answer = CliRunner().invoke(main, shlex.split(command, comments=True)[1:], catch_exceptions=False)
        return answer.exit_code, answer.output
    shell = subprocess.run(["bash", "-euo", "pipefail", "-c", command], capture_output=True, text=True, check=False)
    return shell.returncode, shell.stdout + shell.stderr


def is_printed(shown: str, output: str) -> bool:
    pattern = "".join("(?:.*\n)*" if line == "...\n" else re.escape(line) for line in shown.splitlines(keepends=True))
    return re.fullmatch(pattern, output) is not None


@pytest.fixture
def scratch(tmp_path: Path, newest_helm: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a Git repository with the charts and the examples; the process is in it."""
    for name in COPIED:
        shutil.copytree(ROOT / name, tmp_path / name)
    programs = [Path(newest_helm).parent, Path(sys.executable).parent, os.environ["PATH"]]
    monkeypatch.setenv("PATH", os.pathsep.join(map(str, programs)))
    for person in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{person}_NAME", "t")
        monkeypatch.setenv(f"GIT_{person}_EMAIL", "t@example.com")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("KUBECONFIG", os.devnull)
    monkeypatch.chdir(tmp_path)
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main"], check=True)
    return tmp_path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_fence_has_only_known_marks(page: Path) -> None:
    known = re.compile(rf"{'|'.join(MARKS)}|title=[^/]\S*")
    assert [block for block in blocks(page) for word in block.words if not known.fullmatch(word)] == []


@pytest.mark.parametrize("page", [one for one in PAGES if one.name not in ELSEWHERE], ids=lambda page: page.name)
def test_the_commands_of_a_page_work_as_written(page: Path, scratch: Path) -> None:
    for block in blocks(page):
        for title in [word.removeprefix("title=") for word in block.words if word.startswith("title=")]:
            (scratch / title).parent.mkdir(parents=True, exist_ok=True)
            (scratch / title).write_text(block.text)
        if block.language not in ("sh", "console") or MARKS.keys() & set(block.words):
            continue
        for command, shown in steps(block):
            place = f"{page.name}:{block.line}: {command}"
            code, output = run(command)
            # 1 is expected if `diff` found a difference, or if the page shows an error.
            wanted = {0, 1} if _DIFFERS.match(command) else {int(": error: " in (shown or ""))}
            assert code in wanted, f"{place}\n{code}: {output}"
            assert shown is None or is_printed(shown, output), f"{place}\n{output}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_option_on_a_page_exists(page: Path) -> None:
    """Check options in prose too, and in blocks that cannot run here."""
    quoted = re.compile(r"'[^']*'|\\\n|\s#.*")
    named = re.findall(r"(?m)(?:^|[`|;&]) *modelservice ([a-z]+\b[^`|;&]*?)(?=[`|;&]|(?<!\\)$)", page.read_text())
    assert [text for text in named if not has_its_options(quoted.sub(" ", text).split())] == []


def has_its_options(words: list[str]) -> bool:
    """Return whether the first word is a command that has all options in the other words."""
    command = main.get_command(click.Context(main), words[0])
    if isinstance(command, click.Group) and words[1:]:
        command = command.commands.get(words[1].split("\\")[0])
    if command is None or command.context_settings.get("ignore_unknown_options"):
        return command is not None
    options = {word.split("=")[0] for word in words if word.startswith("--")}
    return options <= {name for one in command.params for name in [*one.opts, "--help"]}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_point_to_existing_files_and_headings(page: Path) -> None:
    dead = []
    for file, anchor in re.findall(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)", page.read_text()):
        there = page.parent / file if file else page
        if not there.exists() or (anchor and anchor not in anchors(there)):
            dead.append(f"{file}#{anchor}")
    assert dead == []


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives a page's headings."""
    headings = re.findall(r"(?m)^#+ (.+)$", page.read_text())
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_readme_links_every_page() -> None:
    linked = re.findall(r"\]\(docs/([\w-]+\.md)\)", (ROOT / "README.md").read_text())
    assert {page.name for page in (ROOT / "docs").glob("*.md")} - set(linked) == set()


def test_blocks_are_parsed_into_line_words_and_output(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("1. A\n\n   ```sh nowhere\n   false\n   ```\n\n```console\n$ echo a\na\n$ true\n```\n")
    first, second = blocks(page)
    assert (first.line, first.words, first.text) == (3, ("nowhere",), "false\n")
    assert steps(second) == [("echo a", "a\n"), ("true", "")]
    assert is_printed("a\n...\n", "a\nb\n")
    assert not is_printed("a\n", "a\nb\n")
    assert not has_its_options(["validate", "--fixes"])
    assert not has_its_options(["import", "podman"])
