"""`modelservice generate`: the generated files of this project."""

from __future__ import annotations

import click

from modelservice.errors import InputError


@click.command("generate")
@click.option(
    "--check",
    is_flag=True,
    help="Write nothing; print stale, missing and extra files, and exit with 1 if there are any.",
)
def generate_command(check: bool) -> None:
    """Generate the chart, the schemas and the tables of this project.

    Exit codes: 0 success; 1 with --check, a file is stale; 3 a package is missing.

    \b
    Examples:
      modelservice generate --check
    """
    from modelservice.generated_files import checkout, drift, write

    root = checkout()
    found = drift(root) if check else write(root)
    for item in found:
        click.echo(f"{item.kind if check else 'updated'}: {item.path}\n{item.diff if check else ''}", nl=False)
    if check and found:
        raise InputError(f"{len(found)} generated files differ from their source: run `modelservice generate`")
