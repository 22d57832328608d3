"""Writing and checking values."""

from __future__ import annotations

import sys

import click

from modelservice.cli.service import layers_option


@click.command()
@click.argument("values", nargs=-1, type=click.Path(allow_dash=True, readable=False))
@layers_option
@click.option(
    "--format",
    "style",
    type=click.Choice(["text", "json", "github", "sarif"]),
    default="text",
    show_default=True,
)
@click.option("--strict", is_flag=True, help="Warnings are errors.")
@click.option("--quiet", "-q", is_flag=True, help="No summary line.")
@click.option("--list-rules", is_flag=True, help="List every rule and exit.")
def validate(
    values: tuple[str, ...], layers: tuple[str, ...], style: str, strict: bool, quiet: bool, list_rules: bool
) -> None:
    """Check values files: YAML, fields, vLLM arguments and what contradicts what.

    VALUES are files, folders, or - for standard input; each is one service.
    """
    if list_rules:
        from modelservice import catalogue

        click.echo(catalogue.listed(), nl=False)
        return
    if not (values or layers):
        raise click.UsageError("name a values file, a folder, or - for standard input")
    from modelservice import check, report

    result = check.check_files(values, layers, strict=strict)
    color = style == "text" and sys.stdout.isatty()
    text = report.report(result.findings, style, sources=result.sources, files=result.files, color=color)
    click.echo(text, nl=False)
    if style == "text" and not quiet:
        click.echo(report.summary(result.findings, result.files), err=True)
    raise SystemExit(1 if check.errors(result.findings) else 0)


@click.command()
@click.argument("key", default="")
def explain(key: str) -> None:
    """Explain a field of the values file, a group of fields, or list them all."""
    from modelservice import explain as explanation
    from modelservice import fields

    click.echo(explanation.explain(fields.load_fields().fields, key), nl=False)
