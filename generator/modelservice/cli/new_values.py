"""Check and write the values that `init` and `import` make."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

import click

from modelservice.errors import InputError

if TYPE_CHECKING:
    from modelservice.models.gpus import Gpu


def require_absent(output: Path | None, *, force: bool) -> None:
    """Raise InputError if a file would be replaced without --force."""
    if output and output.exists() and not force:
        raise InputError(f"{output} already exists: choose another name, or replace it with --force")


def report_values(text: str, output: Path | None) -> bool:
    """Print the findings of the values to standard error; return whether there are no errors."""
    from modelservice.check import check, errors
    from modelservice.reading.document import read
    from modelservice.report import report, summary

    name = str(output or "<stdout>")
    findings = check(read(name, text.encode()))
    click.echo(report(findings, "text", sources={name: text}, files=1, color=False), nl=False, err=True)
    click.echo(summary(findings, 1, 0), err=True)
    return not errors(findings)


def write_values(text: str, output: Path | None, gpu: Gpu | None = None, *, is_right: bool) -> None:
    """Write the values into the file and print the next steps, or print the values if there is no file.

    `gpu` is the GPU that was asked for; `is_right`: the values have no errors.
    """
    from modelservice.reading.document import read
    from modelservice.schema.defaults import coalesce, default_values
    from modelservice.starting.next_steps import next_steps
    from modelservice.writing.files import replace_file

    if output is None:
        click.echo(text, nl=False)
        return
    replace_file(output, text)
    if not is_right:
        click.echo(f"next: correct the errors above, then modelservice validate {quote(str(output))}", err=True)
        return
    values = coalesce(default_values(), read(str(output), text.encode()).data)
    click.echo("next: " + "\n      ".join(next_steps(output, values, gpu)), err=True)
