"""Reaching a running service."""

from __future__ import annotations

import os
import sys

import click

from modelservice.cli.service import layers_option, load_release


@click.command()
@click.argument("values", required=False, type=click.Path(allow_dash=True, readable=False))
@layers_option
@click.option("--release", help="Name of the release. Default: the file's name.")
@click.option("--namespace", "-n", default="default", show_default=True, help="Namespace of the release.")
@click.option(
    "--as", "style", type=click.Choice(["text", "curl", "python", "notebook", "env"]), default="text", show_default=True
)
def access(values: str | None, layers: tuple[str, ...], release: str | None, namespace: str, style: str) -> None:
    """Say how to reach a service: addresses, model name, key, and examples to paste."""
    from modelservice import access as reaching

    service = load_release(values, layers, release)
    found = reaching.access(service.values, release or service.name, namespace)
    click.echo(reaching.STYLES[style](found), nl=False)


@click.command()
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
    from modelservice.addresses import shown

    if not url.startswith(("http://", "https://")):
        raise click.UsageError(f"write http:// or https:// before the address: http://{shown(url)}")
    key = os.environ.get("OPENAI_API_KEY") or os.environ.get("VLLM_API_KEY") or ""
    if wait_seconds:
        smoking.wait(url, wait_seconds, insecure=insecure, told=_told)
    result = smoking.smoke(url, model=model, key=key, timeout=timeout, insecure=insecure)
    click.echo(smoking.as_json(result) if style == "json" else smoking.as_text(result), nl=False)
    raise SystemExit(0 if result.right else 1)


def _told(seconds: float) -> None:
    if sys.stderr.isatty():
        click.echo(f"\rnot ready after {seconds:.0f} s", nl=False, err=True)
