"""Charts, manifests and archives from values."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from modelservice.cli.service import layers_option, load_release, load_service, name_option, version_option
from modelservice.errors import InputError

if TYPE_CHECKING:
    from modelservice.fleet import Outcome
    from modelservice.package import Package, Signing
    from modelservice.service import Service


@click.command()
@click.argument("values", required=False, type=click.Path(allow_dash=True, readable=False))
@layers_option
@click.option("--output", "-o", required=True, type=click.Path(path_type=Path), help="The chart's folder.")
@name_option
@version_option
@click.option("--force", is_flag=True, help="Write into a folder that modelservice did not make; its other files stay.")
def render(
    values: str | None, layers: tuple[str, ...], output: Path, name: str | None, version: str, force: bool
) -> None:
    """Make a self-contained chart of one service."""
    from modelservice import chart, fields
    from modelservice import render as rendering

    service = load_service(values, layers, name, version)
    tree = chart.plan_chart(fields.load_fields(), service)
    rendering.write_chart(tree, output, force=force)
    click.echo(f"{output}: chart {service.name} {service.version}, {len(tree)} files", err=True)


@click.command()
@click.argument("values", nargs=-1, type=click.Path(allow_dash=True, readable=False))
@layers_option
@click.option("--release", help="Name of the release. Default: the file's name.")
@click.option("--namespace", "-n", default="default", show_default=True, help="Namespace of the release.")
@click.option("--output-dir", type=click.Path(path_type=Path), help="A file for each service, for many of them.")
def template(
    values: tuple[str, ...], layers: tuple[str, ...], release: str | None, namespace: str, output_dir: Path | None
) -> None:
    """Print the manifests of a service, as helm renders them.

    With --output-dir VALUES are files and folders of many services, and one bad file does not stop the others.
    """
    if output_dir:
        _template_all(values, layers, release, namespace, output_dir)
        return
    if len(values) > 1:
        raise click.UsageError("several services need --output-dir; layers of one service go below it with -f")
    from modelservice import chart, fields
    from modelservice import render as rendering

    service = load_release(values[0] if values else None, layers, release)
    tree = chart.plan_chart(fields.load_fields(), service)
    click.echo(rendering.manifests(tree, release or service.name, namespace), nl=False)


def _template_all(
    values: tuple[str, ...], layers: tuple[str, ...], release: str | None, namespace: str, folder: Path
) -> None:
    if release or not values or "-" in values:
        raise click.UsageError("with --output-dir name files and folders; each release is named like its file")
    from modelservice import fleet

    found = fleet.members(values, layers)
    failed = 0
    outcomes = fleet.template_all(found, layers, folder, namespace)
    with click.progressbar(outcomes, length=len(found), file=sys.stderr, hidden=not sys.stderr.isatty()) as shown:
        for outcome in shown:
            failed += bool(outcome.failure)
            click.echo(_said(outcome), nl=False, err=True)
    if failed:
        raise InputError(f"{failed} of {len(found)} services not written")
    click.echo(f"{folder}: {len(found)} services", err=True)


def _said(outcome: Outcome) -> str:
    from modelservice import report

    text = report.report(outcome.findings, "text", sources=outcome.sources, files=1, color=False)
    text += f"{outcome.member.values}: not written: {outcome.failure}\n" if outcome.failure else ""
    # A finding begins its line, or a terminal finds no link in it: the progress bar is wiped first.
    return f"\r\x1b[K{text}" if text and sys.stderr.isatty() else text


@click.command()
@click.argument("source", required=False, metavar="VALUES|CHART", type=click.Path(allow_dash=True))
@layers_option
@click.option("--destination", "-d", default="dist", show_default=True, type=click.Path(path_type=Path))
@name_option
@click.option("--version", help="Version of the chart. Default: 0.1.0, or the chart's own.")
@click.option("--app-version", default="", help="What the chart says it runs. Default: the vLLM release.")
@click.option("--sign", metavar="KEY", help="Sign with this key; needs --keyring.")
@click.option(
    "--keyring", type=click.Path(exists=True, dir_okay=False), help="A file of secret keys, as gpg exports it."
)
@click.option(
    "--passphrase-file", type=click.Path(exists=True, dir_okay=False), help="A file with the key's passphrase."
)
def package(
    source: str | None,
    layers: tuple[str, ...],
    destination: Path,
    name: str | None,
    version: str | None,
    app_version: str,
    sign: str | None,
    keyring: str | None,
    passphrase_file: str | None,
) -> None:
    """Check, lint, render and package a service, or a chart, into an archive.

    The same input gives the same bytes, whatever the clock says; signed ones do with Helm 4.
    """
    from modelservice import package as packaging
    from modelservice.service import require_version

    signing = _signing(sign, keyring, passphrase_file)
    if version:
        require_version(version)
    if source and Path(source).is_dir():
        if name or layers:
            raise click.UsageError(f"{source} is a chart: --name and -f are for values; change the chart instead")
        made = packaging.package(
            Path(source), destination, version=version or "", app_version=app_version, sign=signing
        )
    else:
        service = load_service(source, layers, name, version or "0.1.0")
        made = _package_service(service, destination, app_version, signing)
    click.echo(f"{made.path} {made.digest}")


def _signing(key: str | None, keyring: str | None, passphrase_file: str | None) -> Signing | None:
    from modelservice.package import Signing

    if key is None:
        if keyring or passphrase_file:
            raise click.UsageError("--keyring and --passphrase-file are for signing: say with which key, --sign KEY")
        return None
    if not key.strip():
        raise click.UsageError("--sign names no key, and nothing would be signed: name one, or leave --sign out")
    if not keyring:
        raise click.UsageError("--sign needs --keyring: gpg --export-secret-keys KEY > keyring.gpg")
    return Signing(key, keyring, passphrase_file or "")


def _package_service(service: Service, destination: Path, app_version: str, sign: Signing | None) -> Package:
    import tempfile

    from modelservice import chart, fields, tree
    from modelservice import package as packaging

    with tempfile.TemporaryDirectory(prefix="modelservice-") as folder:
        # Archives hold the chart's folder, which helm names like the chart.
        place = Path(folder) / service.name
        tree.write_tree(chart.plan_chart(fields.load_fields(), service), place)
        return packaging.package(place, destination, app_version=app_version, sign=sign)


@click.command()
@click.argument("archives", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--to", required=True, metavar="PLACE", help="oci://host/path, or a folder that a web server serves.")
@click.option("--url", default="", help="Where the web server shows the folder.")
@click.option("--force", is_flag=True, help="Replace a version that is there with other content.")
@click.option("--plain-http", is_flag=True, help="The registry speaks HTTP.")
@click.option(
    "--ca-file",
    type=click.Path(exists=True, dir_okay=False),
    help="The authority that signed the registry's certificate.",
)
@click.option("--insecure-skip-tls-verify", is_flag=True, help="Trust any certificate of the registry.")
def publish(
    archives: tuple[Path, ...],
    to: str,
    url: str,
    force: bool,
    plain_http: bool,
    ca_file: str | None,
    insecure_skip_tls_verify: bool,
) -> None:
    """Put archives into an OCI registry, or into a folder with an index.

    A version that is there with the same content is left alone; with other content it is refused. A signature made
    later is added to a folder; a registry has it only when it was pushed with its archive. Credentials are those of
    `helm registry login`.
    """
    from modelservice import publish as publishing

    connection = ["--plain-http"] if plain_http else []
    connection += ["--ca-file", ca_file] if ca_file else []
    connection += ["--insecure-skip-tls-verify"] if insecure_skip_tls_verify else []
    outcomes = publishing.publish(archives, to, url=url, force=force, connection=connection, told=_told)
    for one in outcomes:
        if one.outcome == "replaced":
            click.echo(f"warning: {one.archive.label} had other content, which is gone now", err=True)
        click.echo(f"{one.archive.label}: {one.outcome} {one.digest}", err=True)
        click.echo("\n".join(one.install))


def _told(words: str) -> None:
    click.echo(words, err=True)
