"""Making the generated files of this project."""

from __future__ import annotations

import click

from modelservice.errors import InputError


@click.command()
@click.option("--check", is_flag=True, help="Change nothing: print what is stale, missing or extra, and exit 1.")
def generate(check: bool) -> None:
    """Generate the chart, the schemas and the documents' tables from their source."""
    from modelservice import generate as generation

    root = generation.checkout()
    found = generation.drift(root) if check else generation.write(root)
    for item in found:
        click.echo(f"{item.kind if check else 'mended'}: {item.path}\n{item.diff if check else ''}", nl=False)
    if check and found:
        raise InputError(f"{len(found)} generated files differ from their source: run `modelservice generate`")
