"""A helm that cannot run, or another program, is reported as a tool failure in one sentence."""

from pathlib import Path

import pytest

from tests.killing import run

ELF = "\x7fELF\x02\x01\x01\0" + "a" * 56
OLD_SHELL = "#!/bin/sh\n"


@pytest.mark.parametrize(
    ("helm", "says"),
    [
        (None, "helm is not on PATH"),
        (ELF, "cannot run: Exec format error"),
        ("", "cannot run: Exec format error"),
        ("#!/no/such/interpreter\n", "cannot run: No such file or directory"),
        (f"{OLD_SHELL}kill -KILL $$\n", "cannot run: it was stopped by signal 9"),
        (f"{OLD_SHELL}[ $1 = version ] && echo v4.3.1 || kill -SEGV $$\n", "it was stopped by signal 11"),
        (f"{OLD_SHELL}echo v3.17.0\n", "is 3.17.0: install Helm 3.18 or later"),
        (f"{OLD_SHELL}echo hello\n", "is unknown: install"),
    ],
)
def test_every_command_reports_a_helm_that_cannot_run(
    helm: str | None, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.yaml").write_text("model: {name: a/b}\n")
    Path("bin").mkdir()
    Path("bin/helm").write_text(helm or "", encoding="latin-1")
    Path("bin/helm").chmod(0o644 if helm is None else 0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    for command in ("template a.yaml", "template a.yaml --output-dir out", "package a.yaml", "diff a.yaml a.yaml"):
        answer = run(*command.split())
        assert (answer.exit_code, says in answer.stderr) == (3, True), answer.output
    assert not Path("dist").exists()


def test_a_program_that_makes_no_archive_is_not_accepted_as_helm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.yaml").write_text("model: {name: a/b}\n")
    Path("helm").write_text(f"{OLD_SHELL}echo v4.3.1\n")
    Path("helm").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    answer = run("package", "a.yaml")
    assert (answer.exit_code, "wrote no archive: is it helm?" in answer.stderr) == (3, True)
