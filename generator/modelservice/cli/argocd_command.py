"""`modelservice argocd`: Argo CD's Applications for services."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from modelservice.cli.options import Output, ignore_option, ignored_rules, layers_option, load_release
from modelservice.cli.progress import progress, say, watched
from modelservice.cli.written_objects import Objects, is_given, write_objects
from modelservice.errors import InputError, ModelServiceError

if TYPE_CHECKING:
    from modelservice.gitops.argocd_options import Options
    from modelservice.gitops.object_files import Made

_OBJECTS = Objects("Application", "rename one, or use --application-set")


@click.command("argocd")
@click.argument("values", nargs=-1, required=True)
@layers_option
@ignore_option
@click.option("--chart-repo", metavar="URL", help="The chart's repository, https://… or oci://….")
@click.option(
    "--chart", metavar="NAME", help="The chart's name in that repository. Default: the fleet's, or modelservice."
)
@click.option(
    "--chart-version",
    metavar="VERSION",
    help="The chart's version, or its digest in a registry. Default: the fleet's, or the version of this tool.",
)
@click.option("--git", metavar="URL", help="Take the chart from this Git repository, at --path.")
@click.option("--path", metavar="DIR", help="The chart's folder in --git. Default: charts/modelservice.")
@click.option(
    "--revision",
    metavar="REV",
    help="Branch, tag or commit of --git and --values-git. Default: the fleet's, or HEAD.",
)
@click.option("--rendered", is_flag=True, help="--path has a folder with a rendered chart for each service.")
@click.option("--values-git", metavar="URL", help="Let Argo CD read the values files from this Git repository.")
@click.option(
    "--release",
    metavar="NAME",
    help="Name of the Helm release and of the Application, for one service. Default: the name of the values file.",
)
@click.option(
    "--namespace",
    "-n",
    metavar="NAME",
    help="Namespace of the release. Default: the fleet's, or default; with --application-set, the name of the folder.",
)
@click.option("--project", metavar="NAME", help="Project in Argo CD. Default: the fleet's, or default.")
@click.option(
    "--server", metavar="URL", help="Address of the cluster. Default: the fleet's, or the cluster of Argo CD."
)
@click.option(
    "--argocd-namespace",
    metavar="NAME",
    default="argocd",
    show_default=True,
    help="Namespace in which Argo CD looks for Applications.",
)
@click.option("--manual", is_flag=True, help="Sync only by hand: leave the automated sync policy out.")
@click.option(
    "--application-set",
    is_flag=True,
    help="Write ApplicationSets for VALUES, a folder with files ENVIRONMENT/SERVICE.yaml in Git.",
)
@click.option(
    "--output",
    "-o",
    metavar="DIR",
    type=Output(path_type=Path),
    help="Write a file for each object into this folder. Default: standard output.",
)
@click.pass_context
def argocd_command(
    ctx: click.Context,
    /,
    values: tuple[str, ...],
    layers: tuple[str, ...],
    release: str | None,
    manual: bool,
    application_set: bool,
    output: Path | None,
    **given: Any,
) -> None:
    """Write Argo CD Applications or ApplicationSets.

    The chart comes from a repository (--chart-repo) or from Git (--git). The values go into the Application, or stay
    in Git (--values-git).

    For a fleet (fleet.yaml) that names its Git repository, it writes one ApplicationSet for each environment. The
    fleet also says where the chart comes from and where the services run. Options override the fleet.

    \b
    Examples:
      modelservice argocd chat.yaml --chart-repo oci://registry.example.com/charts -n models
      modelservice argocd services/ --application-set --chart-repo oci://registry.example.com/charts \\
          --values-git https://git.example.com/models.git -o apps
    """
    from modelservice.gitops.argocd_options import Options

    options = Options(
        chart_repository=given.pop("chart_repo"),
        automated=not manual,
        **given,
    )
    _require_usage(ctx, values, layers, release, options)
    made, failed = _sets(values, layers, options, asked=application_set) if not release else ([], [])
    if not made:
        made, failed = _applications(values, layers, release, options)
    failed += write_objects(ctx, values, made, failed, output, _OBJECTS)
    if failed:
        raise InputError(f"invalid or not written: {', '.join(sorted(set(failed)))}")


def _require_usage(
    ctx: click.Context, values: tuple[str, ...], layers: tuple[str, ...], release: str | None, options: Options
) -> None:
    from modelservice.gitops.git_paths import path_in_git
    from modelservice.gitops.members import fleets

    if options.values_git:
        try:
            list(map(path_in_git, (*values, *layers)))
        except InputError as error:
            raise click.UsageError(str(error)) from error
    in_fleet = not layers and bool(fleets(values))
    if bool(options.chart_repository) == bool(options.git) and (options.git or not in_fleet):
        raise click.UsageError("name one source of the chart: --chart-repo or --git")
    if options.rendered and not options.git:
        raise click.UsageError("--rendered needs --git, the repository of the rendered charts")
    idle = _idle(options.git, options.values_git or ("fleet" if in_fleet else ""))
    if found := [name for name in idle if is_given(ctx, name)]:
        listed = ", ".join("--" + name.replace("_", "-") for name in found)
        raise click.UsageError(f"{listed}: no effect with {'--git' if options.git else '--chart-repo'}; leave it out")
    if release and (len(values) != 1 or Path(values[0]).is_dir()):
        raise click.UsageError("--release names one service: give one values file")


def _idle(git: str | None, values_git: str | None) -> list[str]:
    """Return the options that have no effect with this source of the chart."""
    if git:
        return ["chart", "chart_version"]
    return ["path"] if values_git else ["path", "revision"]


def _sets(
    values: tuple[str, ...], layers: tuple[str, ...], options: Options, *, asked: bool
) -> tuple[list[Made], list[str]]:
    """Return the ApplicationSets, and the files that they would install with errors, or would not install.

    Both are empty unless --application-set is given or VALUES are environments of a fleet in a known Git repository.
    """
    from modelservice.gitops.argocd_sets import asked_environments, fleet_sets, folder_sets
    from modelservice.gitops.fleet_check import sound_fleet
    from modelservice.gitops.fleet_file import fleet_root

    root = fleet_root(values[0]) if len(values) == 1 and not layers else None
    fleet = sound_fleet(root) if root else None
    environments = asked_environments(fleet, values[0]) if fleet else []
    in_git = bool(options.values_git or (fleet and fleet.repository))
    if not asked and not (environments and in_git and not options.rendered):
        return [], []
    if not environments and (fleet or len(values) != 1 or not Path(values[0]).is_dir()):
        raise click.UsageError("--application-set needs one folder with files ENVIRONMENT/SERVICE.yaml")
    if not in_git:
        raise click.UsageError("--application-set needs --values-git, the Git repository of the folder")
    with progress() as show:
        if fleet and environments:
            sets = fleet_sets(fleet, environments, options, ignored_rules(), show)
        else:
            sets = folder_sets(values[0], layers, options, ignored_rules(), show)
    for text in sets.said:
        click.echo(text, err=True)
    return sets.made, sets.files


def _applications(
    values: tuple[str, ...], layers: tuple[str, ...], release: str | None, options: Options
) -> tuple[list[Made], list[str]]:
    """Return the Applications, and the files without one."""
    import functools

    from modelservice.gitops.argocd import application
    from modelservice.gitops.argocd_options import places
    from modelservice.gitops.cluster_conflicts import require_no_conflicts
    from modelservice.gitops.git_paths import path_in_git
    from modelservice.gitops.members import members
    from modelservice.gitops.object_files import Made
    from modelservice.reading.values_files import load

    read = functools.cache(load)
    made: list[Made] = []
    failed: list[str] = []
    services = members(values, layers)
    if not options.rendered:
        require_no_conflicts(services, options.namespace, options.server)
    for member in watched(services, len(services)):
        chart, where, target = places(options, member.environment)
        target = target._replace(namespace=target.namespace or "default")
        if where.repository:
            where = where._replace(files=tuple(map(path_in_git, member.files)))
        try:
            service = load_release(member.values, list(map(read, member.layers)), release)
            service = service._replace(name=release or service.name)
            # Applications of all environments share Argo CD's namespace.
            name = f"{member.environment.name}-{service.name}" if member.environment else service.name
            made.append(Made(name, member.values, application(service, chart, where, target, name)))
        except ModelServiceError as error:
            failed.append(member.values)
            say(f"{member.values}: {error}\n")
    return made, failed
