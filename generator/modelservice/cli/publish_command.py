"""`modelservice publish`: archives to a registry or a web folder."""

from __future__ import annotations

from pathlib import Path

import click

from modelservice.cli.options import PlainPath


@click.command("publish")
@click.argument("archives", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--to", required=True, metavar="PLACE", help="oci://HOST/PATH, or a folder that a web server serves.")
@click.option(
    "--url", metavar="URL", default="", help="Address of the folder on the web server. Required for a folder."
)
@click.option("--force", is_flag=True, help="Replace a published version that has different content.")
@click.option("--plain-http", is_flag=True, help="Use HTTP for the registry, not HTTPS.")
@click.option(
    "--ca-file",
    type=PlainPath(exists=True, dir_okay=False),
    help="Certificate of the authority that signed the registry's certificate.",
)
@click.option("--insecure-skip-tls-verify", is_flag=True, help="Accept any certificate of the registry.")
def publish_command(
    archives: tuple[Path, ...],
    to: str,
    url: str,
    force: bool,
    plain_http: bool,
    ca_file: str | None,
    insecure_skip_tls_verify: bool,
) -> None:
    """Publish archives to an OCI registry or a web folder.

    Prints how to install the chart: by version and by digest, or, for several archives, each new one by version.

    A version that is already published with the same content is left alone. One with different content is refused
    unless --force is given. A signature made later is added to a folder; a registry accepts it only together with its
    archive. Credentials are those of `helm registry login`.

    \b
    Examples:
      modelservice publish dist/*.tgz --to oci://registry.example.com/charts
      modelservice publish dist/*.tgz --to public --url https://charts.example.com
    """
    from modelservice.publishing.publish import publish

    connection = ["--plain-http"] if plain_http else []
    connection += ["--ca-file", ca_file] if ca_file else []
    connection += ["--insecure-skip-tls-verify"] if insecure_skip_tls_verify else []
    outcomes = publish(archives, to, url=url, force=force, connection=connection, told=_told)
    for one in outcomes:
        if one.outcome == "replaced":
            click.echo(f"warning: {one.archive.label} had different content, which was replaced", err=True)
        click.echo(f"{one.archive.label}: {one.outcome} {one.digest}", err=True)
        if len(archives) == 1:
            click.echo("\n".join(one.install))
        elif one.outcome != "there already":
            click.echo(one.install[0])


def _told(words: str) -> None:
    click.echo(words, err=True)
