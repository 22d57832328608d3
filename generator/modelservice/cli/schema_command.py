"""`modelservice schema`: the JSON Schema of values files, for editors and other tools."""

from __future__ import annotations

import click


@click.command("schema")
@click.argument("of", metavar="[values|fleet]", type=click.Choice(["values", "fleet"]), default="values")
@click.option("--line", is_flag=True, help="Print the first line of a file, a comment that names the schema.")
def schema_command(of: str, line: bool) -> None:
    """Print the JSON Schema of values files, for editors.

    `fleet` is the schema of fleet.yaml. Editors with the YAML language server (VS Code, Neovim and others)
    complete and check a file whose first line names its schema. --line prints that line with the schema's path on
    this machine. For a file that others edit too, commit the schema next to it, and name it by its relative path.

    \b
    Examples:
      modelservice schema --line
      modelservice schema > values.schema.json
      modelservice schema fleet > fleet.schema.json
    """
    from modelservice.schema.source import FLEET_SCHEMA, SCHEMA

    file = {"values": SCHEMA, "fleet": FLEET_SCHEMA}[of]
    click.echo(
        f"# yaml-language-server: $schema={file.resolve().as_uri()}\n" if line else file.read_text("utf-8"), nl=False
    )
