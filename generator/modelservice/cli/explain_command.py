"""`modelservice explain`: fields of the values file."""

from __future__ import annotations

import click


@click.command("explain")
@click.argument("key", default="")
def explain_command(key: str) -> None:
    """Explain a field of the values file, a group of fields, or list them all."""
    from modelservice.schema.explanation import explain
    from modelservice.schema.fields import load_fields

    click.echo(explain(load_fields().fields, key), nl=False)
