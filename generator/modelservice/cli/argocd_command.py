"""`modelservice argocd`: Argo CD's Applications for services."""

from __future__ import annotations

import sys
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import click

from modelservice import __version__
from modelservice.cli.options import PlainPath, ignore_option, ignored_rules, layers_option, load_release
from modelservice.errors import InputError, ModelServiceError

if TYPE_CHECKING:
    from modelservice.gitops.argocd import ChartSource, Target, ValuesSource
    from modelservice.gitops.object_files import Made


@click.command("argocd")
@click.argument("values", nargs=-1, required=True)
@layers_option
@ignore_option
@click.option("--chart-repo", metavar="URL", help="The chart's repository: https://… or oci://….")
@click.option("--chart", default="modelservice", show_default=True, help="The chart's name in that repository.")
@click.option("--chart-version", default=__version__, show_default=True, help="The chart's version in that repository.")
@click.option("--git", metavar="URL", help="The chart is in this Git repository, at --path.")
@click.option("--path", "path", default="charts/modelservice", show_default=True, help="The chart's folder in --git.")
@click.option("--revision", default="HEAD", show_default=True, help="Branch, tag or commit of --git and --values-git.")
@click.option("--rendered", is_flag=True, help="--path holds a rendered chart for each service.")
@click.option(
    "--values-git", metavar="URL", help="Read the values files from this Git repository, by their paths here."
)
@click.option("--release", help="Name of the release and the Application, for one service. Default: the file's name.")
@click.option("--namespace", "-n", help="The services' namespace. Default: default; of a set, the environment.")
@click.option("--project", default="default", show_default=True, help="Argo CD's project.")
@click.option("--server", default="https://kubernetes.default.svc", show_default=True, help="The cluster's address.")
@click.option("--argocd-namespace", default="argocd", show_default=True, help="Where Argo CD looks for Applications.")
@click.option("--manual", is_flag=True, help="Do not sync without being asked.")
@click.option("--application-set", is_flag=True, help="One ApplicationSet for VALUES, a folder in --values-git.")
@click.option(
    "--output", "-o", type=PlainPath(path_type=Path), help="A folder for a file each. Default: standard output."
)
@click.pass_context
def argocd_command(
    ctx: click.Context,
    values: tuple[str, ...],
    layers: tuple[str, ...],
    chart_repo: str | None,
    chart: str,
    chart_version: str,
    git: str | None,
    path: str,
    revision: str,
    rendered: bool,
    values_git: str | None,
    release: str | None,
    namespace: str | None,
    project: str,
    server: str,
    argocd_namespace: str,
    manual: bool,
    application_set: bool,
    output: Path | None,
) -> None:
    """Write Argo CD Applications for services, or one ApplicationSet for a folder.

    The chart comes from a repository (--chart-repo), or from Git (--git). The values go into the Application, or stay
    in Git (--values-git).
    """
    from modelservice.gitops.argocd import ChartSource, Target, ValuesSource
    from modelservice.gitops.argocd_options import require_sound

    if bool(chart_repo) == bool(git):
        raise click.UsageError("say where the chart is: --chart-repo, or --git")
    if rendered and not git:
        raise click.UsageError("--rendered needs --git, where the rendered charts are")
    if idle := [name for name in _idle(git, values_git) if _given(ctx, name)]:
        options = ", ".join("--" + name.replace("_", "-") for name in idle)
        raise click.UsageError(f"{options}: no effect with {'--git' if git else '--chart-repo'}: leave it out")
    if release and (len(values) != 1 or Path(values[0]).is_dir()):
        raise click.UsageError("--release names one service: give one values file")
    if chart_repo:
        place = ChartSource(chart_repo, chart, chart_version)
    else:
        place = ChartSource(git or "", "", revision, path, rendered)
    where = ValuesSource(values_git or "", revision, tuple(_in_git(layer) for layer in layers) if values_git else ())
    default = "" if application_set else "default"
    target = Target(namespace or default, project, server, argocd_namespace, not manual)
    require_sound(place, where, target)
    if application_set:
        made, failed = _set(values, layers, place, where, target)
    else:
        made, failed = _applications(values, layers, release, place, where, target)
    failed += _write(made, output, _words(ctx, values))
    if failed:
        raise InputError(f"not made, or wrong: {', '.join(sorted(set(failed)))}")


def _idle(git: str | None, values_git: str | None) -> list[str]:
    """Return the options that have no effect with this source of the chart."""
    if git:
        return ["chart", "chart_version"]
    return ["path"] if values_git else ["path", "revision"]


def _given(ctx: click.Context, name: str) -> bool:
    source = ctx.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _in_git(file: str) -> str:
    if file == "-":
        raise click.UsageError("standard input has no path in Git: name the file, or leave --values-git out")
    if any("\ud800" <= char <= "\udfff" for char in file):
        raise click.UsageError(f"{file}: the name is not UTF-8, which an Application cannot hold: rename the file")
    path = PurePosixPath(Path(file).as_posix())
    if path.is_absolute() or ".." in path.parts:
        raise click.UsageError(
            f"{file}: values in Git are named by their paths from the repository's root; run it there"
        )
    return str(path)


def _set(
    values: tuple[str, ...], layers: tuple[str, ...], place: ChartSource, where: ValuesSource, target: Target
) -> tuple[list[Made], list[str]]:
    """Return the ApplicationSet, and the files that it would install although they are wrong, or not install."""
    from modelservice.check import check_files, errors
    from modelservice.gitops.argocd import application_set
    from modelservice.gitops.folder_layout import complaints, hidden
    from modelservice.gitops.object_files import Made
    from modelservice.reading.values_files import values_files
    from modelservice.report import lines

    if len(values) != 1 or not Path(values[0]).is_dir():
        raise click.UsageError("--application-set takes one folder, with files <environment>/<service>.yaml")
    if not where.repository:
        raise click.UsageError("--application-set needs --values-git, where the folder is")
    folder = _in_git(values[0])
    name = PurePosixPath(folder).name
    made = Made(name, folder, application_set(name, folder, place, where, target))
    files = [file for file in values_files(values, layers) if file != values[0]]
    found = errors(check_files(values, layers, ignore=ignored_rules()).findings)
    unfit = complaints(folder, [*files, *hidden(folder)], target.namespace)
    for text in [*lines(found), *map(": ".join, unfit)]:
        click.echo(text, err=True)
    return [made], [*(finding.position.file for finding in found), *(file for file, why in unfit)]


def _applications(
    values: tuple[str, ...],
    layers: tuple[str, ...],
    release: str | None,
    place: ChartSource,
    where: ValuesSource,
    target: Target,
) -> tuple[list[Made], list[str]]:
    """Return the Applications, and the files of which none was made."""
    from modelservice.gitops.argocd import application
    from modelservice.gitops.object_files import Made
    from modelservice.reading.values_files import load, values_files

    below = [load(layer) for layer in layers]
    made: list[Made] = []
    failed: list[str] = []
    for file in values_files(values, layers):
        from_git = where._replace(files=(*where.files, _in_git(file))) if where.repository else where
        try:
            service = load_release(file, below, release)
            named = service._replace(name=release or service.name)
            made.append(Made(named.name, file, application(named, place, from_git, target)))
        except ModelServiceError as error:
            failed.append(file)
            click.echo(f"{file}: {error}", err=True)
    return made, failed


def _words(ctx: click.Context, values: tuple[str, ...]) -> list[str]:
    """Return the options that were given, as they would be written again."""
    words = list(values)
    for option in ctx.command.params:
        given = ignored_rules() if option.name == "ignore" else ctx.params.get(option.name or "")
        if not isinstance(option, click.Option) or not _given(ctx, option.name or ""):
            continue
        for one in given if isinstance(given, tuple) else (given,):
            words += [option.opts[-1]] if option.is_flag else [option.opts[-1], str(one)]
    return words


def _write(made: list[Made], output: Path | None, words: list[str]) -> list[str]:
    """Write the Applications, and return the values of those that would take another one's place."""
    from modelservice.gitops.object_files import BEGINS, made_by, overwriting, rivals
    from modelservice.writing.files import replace_file

    refused = (overwriting(made, output) if output else {}) | rivals(made)
    for source, why in refused.items():
        click.echo(f"{source}: {why}", err=True)
    texts = {one.name: made_by(words, one.source) + one.text for one in made if one.source not in refused}
    if output is None:
        sys.stdout.write("---\n".join(texts.values()))
    elif texts:
        for name, text in texts.items():
            replace_file(output / f"{name}.yaml", text, ours=BEGINS)
        click.echo(f"{output}: {len(texts)} file{'s' if len(texts) > 1 else ''}", err=True)
    return list(refused)
