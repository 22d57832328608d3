"""`modelservice flux`: Flux's HelmReleases for services."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from modelservice.cli.options import Output, ignore_option, layers_option, load_release, namespace_option
from modelservice.cli.progress import say, watched
from modelservice.cli.written_objects import Objects, write_objects
from modelservice.errors import InputError, ModelServiceError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelservice.gitops.flux_files import FluxService


@click.command("flux")
@click.argument("values", nargs=-1, required=True)
@layers_option
@ignore_option
@click.option("--chart-repo", "chart_repository", metavar="URL", help="The chart's repository, https://… or oci://….")
@click.option(
    "--chart", metavar="NAME", help="The chart's name in that repository. Default: the fleet's, or modelservice."
)
@click.option(
    "--chart-version",
    metavar="VERSION",
    help="The chart's version, or its digest in a registry. Default: the fleet's, or the version of this tool.",
)
@click.option(
    "--release",
    metavar="NAME",
    help="Name of the Helm release and of the HelmRelease, for one service. Default: the name of the values file.",
)
@namespace_option
@click.option(
    "--values-from",
    is_flag=True,
    help="Write the values into ConfigMaps that the HelmRelease names, not into the HelmRelease.",
)
@click.option(
    "--output",
    "-o",
    metavar="DIR",
    type=Output(path_type=Path),
    help="Write a file for each object into this folder. Default: standard output.",
)
@click.pass_context
def flux_command(
    ctx: click.Context,
    /,
    values: tuple[str, ...],
    layers: tuple[str, ...],
    release: str | None,
    values_from: bool,
    output: Path | None,
    **given: Any,
) -> None:
    """Write Flux HelmReleases, and the source of their chart.

    A fleet (fleet.yaml) says where the chart comes from, and in which namespace the services run. Options override
    the fleet.

    \b
    Examples:
      modelservice flux chat.yaml --chart-repo oci://registry.example.com/charts -n models -o flux
    """
    from modelservice.gitops.argocd_options import Options
    from modelservice.gitops.flux_files import flux_files

    if release and (len(values) != 1 or Path(values[0]).is_dir()):
        raise click.UsageError("--release names one service: give one values file")
    services, failed = _checked(values, layers, release, given["namespace"])
    made = list(flux_files(services, Options(**given), values_from=values_from))
    _say_clusters(services, output)
    failed += write_objects(ctx, values, made, failed, output, Objects("HelmRelease", "rename one"))
    if failed:
        raise InputError(f"not made: {', '.join(sorted(set(failed)))}")


def _say_clusters(services: Sequence[FluxService], output: Path | None) -> None:
    """Say where to apply the objects of a fleet with several clusters, because Flux's objects name none."""
    from modelservice.gitops.fleet_file import IN_CLUSTER

    places = {one.member.environment.name: one.member.environment.server for one in services if one.member.environment}
    if len(set(places.values())) < 2:
        return
    names = {(one.member.namespace, one.service.name) for one in services}
    if not output and len(names) < len(services):
        raise click.UsageError("the services run in several clusters: pass --output, which writes a folder for each")
    for name, server in ((name, server) for name, server in places.items() if server != IN_CLUSTER):
        where = output / name if output else name
        click.echo(f"{where}: apply it in the cluster {server}, because Flux's objects name none", err=True)


def _checked(
    values: tuple[str, ...], layers: tuple[str, ...], release: str | None, namespace: str | None
) -> tuple[list[FluxService], list[str]]:
    """Return the services, and the files that are wrong."""
    import functools

    from modelservice.gitops.cluster_conflicts import require_no_conflicts
    from modelservice.gitops.flux_files import FluxService
    from modelservice.gitops.members import members
    from modelservice.reading.values_files import load

    read = functools.cache(load)
    found: list[FluxService] = []
    failed: list[str] = []
    services = members(values, layers)
    require_no_conflicts(services, namespace)
    for member in watched(services, len(services)):
        try:
            service = load_release(member.values, list(map(read, member.layers)), release)
            found.append(FluxService(member, service._replace(name=release or service.name)))
        except ModelServiceError as error:
            failed.append(member.values)
            say(f"{member.values}: {error}\n")
    return found, failed
