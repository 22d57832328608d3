"""Command line: each command parses, makes one library call and reports.

Data goes to standard output, words to standard error. Exit codes: 0 fine; 1 the input is wrong or a generated file
is stale; 2 usage; 3 a tool failed. What a command needs is imported when it runs: start-up is most of `validate`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from modelservice import __version__
from modelservice.errors import InputError, ModelServiceError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelservice.service import Service

_SECTIONS = {
    "Writing values": ["explain"],
    "Checking": ["validate"],
    "Building": ["render", "template"],
    "Using": ["access", "smoke"],
    "Maintaining this project": ["generate"],
}


class _Commands(click.Group):
    """The commands, listed by what a person is doing; failures with a message of our own end here."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ModelServiceError as error:
            click.echo(f"error: {error}", err=True)
            ctx.exit(error.exit_code)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, names in _SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name, self.commands[name].get_short_help_str(80)) for name in names])


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="modelservice")
def main() -> None:
    """Turn one small values file into a checked Helm chart that serves a model with vLLM."""


_layers = click.option(
    "-f",
    "--values",
    "layers",
    multiple=True,
    metavar="FILE",
    help="A layer below VALUES; repeatable, later over earlier.",
)
_name = click.option("--name", help="Name of the chart and the service. Default: the file's name.")
_version = click.option("--version", default="0.1.0", show_default=True, help="Version of the chart.")


@main.command()
@click.argument("values", nargs=-1, type=click.Path(allow_dash=True))
@_layers
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


@main.command()
@click.argument("key", default="")
def explain(key: str) -> None:
    """Explain a field of the values file, a group of fields, or list them all."""
    from modelservice import explain as explanation
    from modelservice import fields

    click.echo(explanation.explain(fields.load_fields().fields, key), nl=False)


@main.command()
@click.argument("values", required=False, type=click.Path(allow_dash=True))
@_layers
@click.option("--output", "-o", required=True, type=click.Path(path_type=Path), help="The chart's folder.")
@_name
@_version
@click.option("--force", is_flag=True, help="Write into a folder that modelservice did not make; its other files stay.")
def render(
    values: str | None, layers: tuple[str, ...], output: Path, name: str | None, version: str, force: bool
) -> None:
    """Make a self-contained chart of one service."""
    from modelservice import chart, fields
    from modelservice import render as rendering

    service = _service(values, layers, name, version)
    tree = chart.plan_chart(fields.load_fields(), service)
    rendering.write_chart(tree, output, force=force)
    click.echo(f"{output}: chart {service.name} {service.version}, {len(tree)} files", err=True)


@main.command()
@click.argument("values", required=False, type=click.Path(allow_dash=True))
@_layers
@click.option("--release", help="Name of the release. Default: the file's name.")
@click.option("--namespace", "-n", default="default", show_default=True, help="Namespace of the release.")
def template(values: str | None, layers: tuple[str, ...], release: str | None, namespace: str) -> None:
    """Print the manifests of one service, as helm renders them."""
    from modelservice import chart, fields
    from modelservice import render as rendering

    service = _service(values, layers, None, "0.1.0")
    tree = chart.plan_chart(fields.load_fields(), service)
    click.echo(rendering.manifests(tree, release or service.name, namespace), nl=False)


@main.command()
@click.argument("values", required=False, type=click.Path(allow_dash=True))
@_layers
@click.option("--release", help="Name of the release. Default: the file's name.")
@click.option("--namespace", "-n", default="default", show_default=True, help="Namespace of the release.")
@click.option(
    "--as", "style", type=click.Choice(["text", "curl", "python", "notebook", "env"]), default="text", show_default=True
)
def access(values: str | None, layers: tuple[str, ...], release: str | None, namespace: str, style: str) -> None:
    """Say how to reach a service: addresses, model name, key, and examples to paste."""
    from modelservice import access as reaching

    service = _service(values, layers, None, "0.1.0")
    found = reaching.access(service.values, release or service.name, namespace)
    click.echo(reaching.STYLES[style](found), nl=False)


@main.command()
@click.argument("url")
@click.option("--model", default="", help="Name of the model. Default: the first that the server lists.")
@click.option(
    "--wait", "wait_seconds", type=click.FloatRange(min=0), default=0, help="Wait so many seconds until ready."
)
@click.option(
    "--timeout", type=click.FloatRange(min=0.1), default=30, show_default=True, help="Seconds for one answer."
)
@click.option("--insecure", is_flag=True, help="Trust any TLS certificate.")
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True)
def smoke(url: str, model: str, wait_seconds: float, timeout: float, insecure: bool, style: str) -> None:
    """Ask every route of a running server, and judge the answers.

    The key is read from OPENAI_API_KEY or VLLM_API_KEY. Exit code 1: an answer is wrong; 3: nothing answers.
    """
    from modelservice import smoke as smoking

    key = os.environ.get("OPENAI_API_KEY") or os.environ.get("VLLM_API_KEY") or ""
    if wait_seconds:
        smoking.wait(url, wait_seconds, insecure=insecure, told=_told)
    result = smoking.smoke(url, model=model, key=key, timeout=timeout, insecure=insecure)
    click.echo(smoking.as_json(result) if style == "json" else smoking.as_text(result), nl=False)
    raise SystemExit(0 if result.right else 1)


def _told(seconds: float) -> None:
    if sys.stderr.isatty():
        click.echo(f"\rnot ready after {seconds:.0f} s", nl=False, err=True)


@main.command()
@click.option("--check", is_flag=True, help="Change nothing: print what is stale, missing or extra, and exit 1.")
def generate(check: bool) -> None:
    """Generate the chart, the schemas and the tables in the documents from their source."""
    from modelservice import generate as generation

    root = generation.checkout()
    found = generation.drift(root) if check else generation.write(root)
    for item in found:
        click.echo(f"{item.kind if check else 'mended'}: {item.path}\n{item.diff if check else ''}", nl=False)
    if check and found:
        raise InputError(f"{len(found)} generated files differ from their source: run `modelservice generate`")


def _service(values: str | None, layers: Sequence[str], name: str | None, version: str) -> Service:
    """Return the checked service of one values file over its layers; findings are printed, errors stop."""
    from modelservice import check, document, report
    from modelservice.service import make_service, name_from

    files = [*layers, values] if values else list(layers)
    if not files:
        raise click.UsageError("name a values file, or - for standard input")
    merged = document.merge([document.load(file) for file in files])
    findings = check.check(merged)
    if findings:
        click.echo(report.report(findings, "text", sources=merged.sources, files=1, color=False), nl=False, err=True)
    if check.errors(findings):
        raise InputError("nothing was made: mend the values first")
    return make_service(name or name_from(files[-1]), version, merged.data, check.defaults())
