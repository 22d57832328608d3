"""`modelservice generate`: the generated files of this project."""

from __future__ import annotations

import click

from modelservice.errors import InputError


@click.command("generate")
@click.option(
    "--check",
    is_flag=True,
    help="Change nothing: print what is stale, missing or extra, and exit 1 (3: a package is missing).",
)
def generate_command(check: bool) -> None:
    """Generate the chart, the schemas and the documents' tables from their source."""
    from modelservice.generated_files import checkout, drift, write

    root = checkout()
    found = drift(root) if check else write(root)
    for item in found:
        click.echo(f"{item.kind if check else 'fixed'}: {item.path}\n{item.diff if check else ''}", nl=False)
    if check and found:
        raise InputError(f"{len(found)} generated files differ from their source: run `modelservice generate`")
