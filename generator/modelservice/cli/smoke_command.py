"""`modelservice smoke`: call a running server, and check its answers."""

from __future__ import annotations

import math
import os
import re
import sys
from typing import Any

import click


class _Seconds(click.FloatRange):
    """Seconds, at most a day; NaN is refused."""

    def __init__(self, least: float) -> None:
        super().__init__(min=least, max=86_400)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        seconds: float = super().convert(value, param, ctx)
        if math.isnan(seconds):
            self.fail(f"{value!r} is not a number of seconds.", param, ctx)
        return seconds


@click.command("smoke")
@click.argument("url")
@click.option(
    "--model", metavar="NAME", default="", help="Name of the model. Default: the first that the server lists."
)
@click.option(
    "--wait",
    "wait_seconds",
    metavar="SECONDS",
    type=_Seconds(0),
    default=0,
    help="Wait up to this long until the server is ready. Default: do not wait.",
)
@click.option(
    "--timeout",
    metavar="SECONDS",
    type=_Seconds(0.1),
    default=30,
    show_default=True,
    help="How long one answer may take.",
)
@click.option("--insecure", is_flag=True, help="Accept any TLS certificate.")
@click.option(
    "--format",
    "style",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How to print the result.",
)
def smoke_command(url: str, model: str, wait_seconds: float, timeout: float, insecure: bool, style: str) -> None:
    """Call every route of a running server, and check the answers.

    The API key is read from OPENAI_API_KEY or VLLM_API_KEY. At most 24 requests are sent.

    Exit codes: 0 all answers are right; 1 an answer is wrong; 3 nothing answers.

    \b
    Examples:
      modelservice smoke http://localhost:8000/v1
      modelservice smoke https://llm.example.com/v1 --wait 600
    """
    from modelservice.serving.smoke import as_json, as_text, smoke, wait

    _require_address(url)
    key = os.environ.get("OPENAI_API_KEY") or os.environ.get("VLLM_API_KEY") or ""
    if wait_seconds:
        wait(url, wait_seconds, insecure=insecure, told=_told)
    result = smoke(url, model=model, key=key, timeout=timeout, insecure=insecure)
    click.echo(as_json(result) if style == "json" else as_text(result), nl=False)
    raise SystemExit(0 if result.right else 1)


def _require_address(url: str) -> None:
    """Raise UsageError for a scheme other than HTTP's, and for a port that the HTTP client would misread."""
    from modelservice.redact import shown_url

    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]*)://", url)
    if scheme and scheme[1].lower() not in ("http", "https"):
        raise click.UsageError(f"{scheme[0]} is not the address of a server: write http://host:port or https://host")
    if not scheme:
        raise click.UsageError(f"write http:// or https:// before the address: http://{shown_url(url) or 'host:port'}")
    port = re.match(r"https?://[^/?#]*:([0-9]{1,9})(?=[/?#]|$)", url, re.IGNORECASE)
    if port and int(port[1]) > 65535:
        raise click.UsageError(f"{port[1]} is not a port: the highest is 65535")


def _told(seconds: float) -> None:
    if sys.stderr.isatty():
        click.echo(f"\rnot ready after {seconds:.0f} s", nl=False, err=True)
