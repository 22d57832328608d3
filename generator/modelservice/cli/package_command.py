"""`modelservice package`: a service or a chart as an archive."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from modelservice.cli.options import PlainPath, fleet_namespace, ignore_option, layers_option, load_service, name_option
from modelservice.cli.progress import say, watched
from modelservice.errors import InputError, ModelServiceError, ToolError

if TYPE_CHECKING:
    from modelservice.publishing.packaging import Package, Signing


@click.command("package")
@click.argument("source", required=False, metavar="VALUES|FOLDER|CHART", type=click.Path(allow_dash=True))
@layers_option
@ignore_option
@click.option(
    "--destination",
    "-d",
    metavar="DIR",
    default="dist",
    show_default=True,
    type=PlainPath(path_type=Path),
    help="Folder for the archives.",
)
@name_option
@click.option(
    "--version",
    metavar="VERSION",
    help="Version of the chart. Default: 0.1.0, or the chart's own; for a folder, derived from the content.",
)
@click.option(
    "--app-version",
    metavar="VERSION",
    default="",
    help="The chart's appVersion. Default: the vLLM release that it runs.",
)
@click.option("--sign", metavar="KEY", help="Sign with this key of --keyring.")
@click.option(
    "--keyring",
    type=PlainPath(exists=True, dir_okay=False),
    help="File with secret keys, from gpg --export-secret-keys.",
)
@click.option(
    "--passphrase-file", type=PlainPath(exists=True, dir_okay=False), help="File with the passphrase of the key."
)
@click.option("--generic", is_flag=True, help="Package the generic chart, which gets its values at installation.")
@click.option("--force", is_flag=True, help="Replace an archive of the same name that has different content.")
def package_command(
    source: str | None,
    layers: tuple[str, ...],
    destination: Path,
    name: str | None,
    version: str | None,
    app_version: str,
    sign: str | None,
    keyring: str | None,
    passphrase_file: str | None,
    generic: bool,
    force: bool,
) -> None:
    """Package services, or a chart, as Helm archives.

    The input is a service, a folder of services, or a chart. Each is checked, rendered and linted first. The services
    of a folder go into a folder for each environment, with a version that changes with their content. An archive of
    the same name with different content is replaced only with --force. The same input always gives the same bytes; for
    signed archives this needs Helm 4.

    \b
    Examples:
      modelservice package values.yaml --name chat --version 1.0.0
      modelservice package services/ -d dist
      modelservice package --generic
    """
    from modelservice.chart.folder import chart_for
    from modelservice.publishing.packaging import package
    from modelservice.service import require_version

    if version:
        require_version(version)
    make = functools.partial(
        package, app_version=app_version, sign=_signing(sign, keyring, passphrase_file), force=force
    )
    if generic:
        if source or name or layers:
            raise click.UsageError("--generic packages the chart without values: leave out the service, --name and -f")
        with chart_for() as chart:
            made = make(chart, destination, version=version or "")
        click.echo(f"{made.path} {made.digest}")
        return
    if source and _is_of_several(source, layers):
        if name or sign:
            raise click.UsageError(f"{source} has several services: --name and --sign are for one service")
        _package_folder(source, layers, destination, version or "", make)
        return
    if source and Path(source).is_dir():
        if name or layers:
            raise click.UsageError(f"{source} is a chart: --name and -f need values files; change the chart instead")
        made = make(Path(source), destination, version=version or "")
    else:
        service = load_service(source, layers, name, version or "0.1.0")
        service = service._replace(namespace=fleet_namespace(source))
        with chart_for(service) as chart:
            made = make(chart, destination)
    click.echo(f"{made.path} {made.digest}")


def _is_of_several(source: str, layers: tuple[str, ...]) -> bool:
    """Return whether the source is a folder of services, or a layer or the fleet.yaml of a fleet."""
    from modelservice.gitops.members import members

    if Path(source).is_dir():
        return not (Path(source) / "Chart.yaml").exists()
    is_file = not layers and Path(source).is_file()
    return is_file and any(member.values != source for member in members([source]))


def _package_folder(
    source: str, layers: tuple[str, ...], destination: Path, version: str, make: Callable[[Path, Path], Package]
) -> None:
    """Package every service and print the archives. Raises an error at the end that lists the failed services."""
    from modelservice.cli.options import load_release
    from modelservice.gitops.members import members
    from modelservice.gitops.object_files import Made, rivals
    from modelservice.publishing.fleet_packages import ToPackage, package_services
    from modelservice.reading.values_files import load

    read = functools.cache(load)
    services: list[ToPackage] = []
    failed: dict[str, int] = {}
    found = members([source], layers)
    for member in watched(found, len(found)):
        try:
            service = load_release(member.values, list(map(read, member.layers)), None)
            folder = member.environment.name if member.environment else str(_below(member.values, source))
            services.append(ToPackage(member.values, folder, service._replace(namespace=member.namespace)))
        except ModelServiceError as error:
            failed[member.values] = error.exit_code
            say(f"{member.values}: {error}\n")
    twice = rivals(
        [Made(f"{one.folder}/{one.service.name}", one.source, "") for one in services], "chart", "rename one"
    )
    for file, why in twice.items():
        failed[file] = InputError.exit_code
        click.echo(f"{file}: {why}", err=True)
    services = [one for one in services if one.source not in twice]
    made = package_services(services, destination, version, make)
    for one in sorted(watched(made, len(services))):
        if one.package:
            click.echo(f"{one.package.path} {one.package.digest}")
        else:
            failed[one.source] = one.exit_code
            click.echo(f"{one.source}: {one.failure}", err=True)
    if failed:
        kind = ToolError if ToolError.exit_code in failed.values() else InputError
        raise kind(f"not packaged: {', '.join(sorted(failed))}")


def _below(file: str, folder: str) -> Path:
    return Path(file).parent.relative_to(folder)


def _signing(key: str | None, keyring: str | None, passphrase_file: str | None) -> Signing | None:
    from modelservice.publishing.packaging import Signing

    if key is None:
        if keyring or passphrase_file:
            raise click.UsageError("--keyring and --passphrase-file need --sign KEY")
        return None
    if not key.strip():
        raise click.UsageError("--sign is empty: name a key, or leave --sign out")
    if not keyring:
        raise click.UsageError("--sign needs --keyring: create one with gpg --export-secret-keys KEY > keyring.gpg")
    return Signing(key, keyring, passphrase_file or "")
