"""`modelservice validate`: check values files."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from modelservice.cli.options import changed_since_option, ignore_option, ignored_rules, layers_option, require_files
from modelservice.cli.progress import progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelservice.check import Result
    from modelservice.findings import Finding


@click.command("validate")
@click.argument("values", nargs=-1, type=click.Path(allow_dash=True, readable=False))
@layers_option
@ignore_option
@changed_since_option
@click.option(
    "--format",
    "style",
    type=click.Choice(["text", "json", "github", "sarif"]),
    default="text",
    show_default=True,
    help="How to print the findings.",
)
@click.option("--fix", is_flag=True, help="Write the fixes that are certain into the files, and print them.")
@click.option("--diff", is_flag=True, help="Print what --fix would write, and write nothing.")
@click.option("--strict", is_flag=True, help="Treat warnings as errors.")
@click.option("--quiet", "-q", is_flag=True, help="Print no summary line.")
@click.option("--list-rules", is_flag=True, help="List every rule and exit.")
def validate_command(
    values: tuple[str, ...],
    layers: tuple[str, ...],
    changed_since: str | None,
    style: str,
    fix: bool,
    diff: bool,
    strict: bool,
    quiet: bool,
    list_rules: bool,
) -> None:
    """Check values files, and say where each mistake is.

    It checks YAML as Helm reads it, keys and types, vLLM's arguments for the release of the image, and settings that
    conflict. VALUES are files, folders, or - for standard input; each file is one service. Services of a fleet
    (fleet.yaml) get the layers that it names. Values inside Argo CD Applications and Flux HelmReleases are checked
    too.

    Exit codes: 0 no errors; 1 errors, or with --diff something to fix.

    \b
    Examples:
      modelservice validate values.yaml
      modelservice validate services/ --strict --format github
      modelservice validate values.yaml --fix
    """
    if list_rules:
        from modelservice.rules.catalogue import listed

        click.echo(listed(), nl=False)
        return
    if not (values or layers):
        raise click.UsageError("name a values file, a folder, or - for standard input")
    from modelservice.check import check_files, errors
    from modelservice.errors import InputError
    from modelservice.gitops.fleet_check import check_fleets, written_fleet
    from modelservice.gitops.members import fleets, members, neighbours
    from modelservice.report import report, summary

    roots = fleets(values) if not layers else []
    found, texts = check_fleets(roots)
    try:
        strays = {os.path.realpath(one.position.file) for one in found if one.rule == "fleet-stray"}
        checked = members(values, layers, written_fleet)
        checked = [one for one in checked if not strays or os.path.realpath(one.values) not in strays]
        found += _conflicts([str(root) for root in roots])
    except InputError:  # a fleet.yaml is too wrong, as its findings say
        if not errors(found):
            raise
        checked = []
    if changed_since:
        from modelservice.gitops.changed_services import only_changed

        checked = only_changed(changed_since, checked)
    services = [one.files for one in checked]
    if layers and not services:  # only the layers
        services = [layers]
    changed = False
    others = [one.files for one in neighbours(checked, written_fleet)]
    if fix or diff:
        result, changed = _fixed(services, others, write=not diff, strict=strict, text=style == "text")
    else:
        with progress() as show:
            result = check_files(services, strict=strict, ignore=ignored_rules(), progress=show, others=others)
    result = result._replace(findings=[*found, *result.findings], sources={**texts, **result.sources})
    color = style == "text" and sys.stdout.isatty()
    text = report(
        result.findings, style, sources=result.sources, files=result.files, color=color, ignored=result.ignored
    )
    click.echo(text, nl=False)
    for rule in result.idle:
        click.echo(f"warning: --ignore {rule}: nothing here breaks this rule; remove it", err=True)
    if style == "text" and not quiet:
        click.echo(summary(result.findings, result.files, result.ignored), err=True)
    raise SystemExit(1 if errors(result.findings) or (changed and diff) else 0)


def _fixed(
    services: Sequence[Sequence[str]], others: Sequence[Sequence[str]], *, write: bool, strict: bool, text: bool
) -> tuple[Result, bool]:
    """Apply the certain fixes and show them; return what is left to report, and whether anything changed."""
    if write:
        require_files(path for service in services for path in service)
    from modelservice.check import check_services
    from modelservice.editing import changes
    from modelservice.editing.certain import certain
    from modelservice.editing.fixing import fixed, load_files

    before = load_files(services, others)
    with progress() as show:
        after = fixed(before, certain, ignored_rules(), show)
    changed = after.changed_since(before)
    if write:
        changes.write(changed)
    # In other formats, standard output contains only the report, for machines to read.
    click.echo(changes.diff(changed), nl=False, err=not text)
    fixed_services = (after.layers(service) for service in after.services)
    return check_services(fixed_services, strict=strict, ignore=ignored_rules(), others=others), bool(changed)


def _conflicts(roots: list[str]) -> list[Finding]:
    if not roots:
        return []
    from modelservice.gitops.cluster_conflicts import conflicts
    from modelservice.gitops.fleet_check import written_fleet
    from modelservice.gitops.members import members

    return list(conflicts(members(roots, fleet_at=written_fleet)))
