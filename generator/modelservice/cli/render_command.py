"""`modelservice render`: a self-contained chart of one service."""

from __future__ import annotations

from pathlib import Path

import click

from modelservice.cli.options import PlainPath, ignore_option, layers_option, load_service, name_option, version_option


@click.command("render")
@click.argument("values", required=False, type=click.Path(allow_dash=True, readable=False))
@layers_option
@ignore_option
@click.option(
    "--output", "-o", required=True, type=PlainPath(path_type=Path), metavar="DIR", help="Folder for the chart."
)
@name_option
@version_option
@click.option(
    "--force",
    is_flag=True,
    help="Write into a folder that modelservice did not make, next to its files, or over another service's chart.",
)
def render_command(
    values: str | None, layers: tuple[str, ...], output: Path, name: str | None, version: str, force: bool
) -> None:
    """Render a self-contained chart of one service.

    The chart has the service's values as its defaults, and needs no values file and no modelservice to install.

    \b
    Examples:
      modelservice render values.yaml -o build/chat --name chat
      helm install chat build/chat --namespace models
    """
    from modelservice.chart.folder import write_chart
    from modelservice.chart.plan import plan_chart
    from modelservice.schema.fields import load_fields

    service = load_service(values, layers, name, version)
    tree = plan_chart(load_fields(), service)
    write_chart(tree, output, force=force)
    click.echo(f"{output}: chart {service.name} {service.version}, {len(tree)} files", err=True)
