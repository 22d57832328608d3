"""`modelservice access`: how to reach a service."""

from __future__ import annotations

import click

from modelservice.cli.options import ignore_option, layers_option, load_release, namespace_for, namespace_option


@click.command("access")
@click.argument("values", required=False, type=click.Path(allow_dash=True, readable=False))
@layers_option
@ignore_option
@click.option("--release", help="Name of the release. Default: the file's name.")
@namespace_option
@click.option(
    "--as", "style", type=click.Choice(["text", "curl", "python", "notebook", "env"]), default="text", show_default=True
)
def access_command(
    values: str | None, layers: tuple[str, ...], release: str | None, namespace: str | None, style: str
) -> None:
    """Say how to reach a service: addresses, model name, key, and examples to paste."""
    from modelservice.serving.access import STYLES, access

    service = load_release(values, layers, release)
    found = access(service.values, release or service.name, namespace_for(namespace, values))
    click.echo(STYLES[style](found), nl=False)
