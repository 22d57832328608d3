"""`modelservice template`: the manifests of services, as helm renders them."""

from __future__ import annotations

import os
from pathlib import Path

import click

from modelservice.cli.options import (
    PlainPath,
    changed_since_option,
    ignore_option,
    ignored_rules,
    layers_option,
    load_release,
    namespace_for,
    namespace_option,
    release_option,
)
from modelservice.cli.progress import say, say_findings, watched
from modelservice.errors import InputError, ToolError


@click.command("template")
@click.argument("values", nargs=-1, type=click.Path(allow_dash=True, readable=False))
@layers_option
@ignore_option
@release_option
@namespace_option
@changed_since_option
@click.option(
    "--output-dir",
    type=PlainPath(path_type=Path),
    metavar="DIR",
    help="Write a file for each service into this folder.",
)
def template_command(
    values: tuple[str, ...],
    layers: tuple[str, ...],
    release: str | None,
    namespace: str | None,
    changed_since: str | None,
    output_dir: Path | None,
) -> None:
    """Print the manifests of a service, as helm renders them.

    With --output-dir, VALUES are files and folders of many services, and a service with errors does not stop the
    others. Services of a fleet (fleet.yaml) go into a folder for each environment, with its layers and its namespace.

    \b
    Examples:
      modelservice template values.yaml --release chat --namespace models
      modelservice template values.yaml | kubectl apply --dry-run=server -f -
      modelservice template services/ --output-dir manifests
    """
    if output_dir:
        _template_all(values, layers, release, namespace, changed_since, output_dir)
        return
    if changed_since:
        raise click.UsageError("--changed-since needs a folder of services and --output-dir")
    if len(values) > 1 or any(map(os.path.isdir, values)):
        raise click.UsageError("several services need --output-dir; give the layers of one service with -f")
    from modelservice.chart.folder import chart_for
    from modelservice.chart.manifests import manifests

    service = load_release(values[0] if values else None, layers, release)
    with chart_for(service) as chart:
        where = namespace_for(namespace, values[0] if values else None)
        click.echo(manifests(chart, release or service.name, where), nl=False)


def _template_all(
    values: tuple[str, ...],
    layers: tuple[str, ...],
    release: str | None,
    namespace: str | None,
    changed_since: str | None,
    folder: Path,
) -> None:
    if release or not values or "-" in values:
        raise click.UsageError(
            "--output-dir needs files or folders, and no --release: each release is named after its file"
        )
    from modelservice.gitops.fleet import renderings, template_all

    found = renderings(values, layers)
    if changed_since:
        from modelservice.gitops.changed_services import only_changed

        changed = set(only_changed(changed_since, [one.member for one in found]))
        found = [one for one in found if one.member in changed]
    failed = []
    outcomes = template_all(found, folder, namespace, ignored_rules())
    for outcome in watched(outcomes, len(found)):
        failed += [outcome.exit_code] if outcome.failure else []
        say_findings(outcome.findings, outcome.sources)
        if outcome.failure:
            say(f"{outcome.rendering.member.values}: not written: {outcome.failure}\n")
    if failed:
        kind = ToolError if ToolError.exit_code in failed else InputError
        raise kind(f"{len(failed)} of {len(found)} services were not written")
    click.echo(f"{folder}: {len(found)} service{'' if len(found) == 1 else 's'}", err=True)
