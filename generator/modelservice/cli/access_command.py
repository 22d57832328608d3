"""`modelservice access`: how to reach a service."""

from __future__ import annotations

import click

from modelservice.cli.options import (
    ignore_option,
    layers_option,
    load_release,
    namespace_for,
    namespace_option,
    release_option,
)


@click.command("access")
@click.argument("values", required=False, type=click.Path(allow_dash=True, readable=False))
@layers_option
@ignore_option
@release_option
@namespace_option
@click.option(
    "--as",
    "style",
    type=click.Choice(["text", "curl", "python", "notebook", "env"]),
    default="text",
    show_default=True,
    help="text explains; the others print an example: a script, a Jupyter notebook, or variables for a shell.",
)
def access_command(
    values: str | None, layers: tuple[str, ...], release: str | None, namespace: str | None, style: str
) -> None:
    """Show how to reach a service: address, model name, key, examples.

    \b
    Examples:
      modelservice access values.yaml --release chat --namespace models
      modelservice access values.yaml --release chat --as python
    """
    from modelservice.serving.access import STYLES, access

    service = load_release(values, layers, release)
    found = access(service.values, release or service.name, namespace_for(namespace, values))
    click.echo(STYLES[style](found), nl=False)
