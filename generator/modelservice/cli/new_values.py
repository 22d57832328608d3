"""Check and write the values that `init` and `import` make."""

from __future__ import annotations

from pathlib import Path

import click

from modelservice.errors import InputError


def require_absent(output: Path | None, *, force: bool) -> None:
    """Raise InputError if a file would be replaced without --force."""
    if output and output.exists() and not force:
        raise InputError(f"{output} already exists: choose another name, or replace it with --force")


def report_values(text: str, output: Path | None) -> bool:
    """Print the findings of the values to standard error; return whether there are no errors."""
    from modelservice.check import check, errors
    from modelservice.reading.document import read
    from modelservice.report import report, summary

    name = str(output or "values.yaml")
    findings = check(read(name, text.encode()))
    click.echo(report(findings, "text", sources={name: text}, files=1, color=False), nl=False, err=True)
    click.echo(summary(findings, 1, 0), err=True)
    return not errors(findings)


def write_values(text: str, output: Path | None, then: str) -> None:
    """Write the values into the file, and print `then`, the next steps; without a file, print the values."""
    from modelservice.writing.files import replace_file

    if output is None:
        click.echo(text, nl=False)
    else:
        replace_file(output, text)
        click.echo(then, err=True)
