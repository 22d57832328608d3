"""`modelservice upgrade`: move services to another vLLM release."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from modelservice.cli.options import (
    files_to_change,
    ignore_option,
    ignored_rules,
    layers_option,
    require_existing,
    require_files,
)
from modelservice.cli.progress import progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelservice.editing.upgrade import Upgraded


def _release(_: click.Context, option: click.Parameter, text: str | None) -> str:
    from modelservice.vllm.releases import Exactness, newest_release, release_after, release_for, releases

    release = (text or newest_release()).removeprefix("v")
    if release not in releases():
        known = release_for(release, "")
        near = dict.fromkeys((known.name, release_after(known.name)) if known.exactness is Exactness.BETWEEN else ())
        others = f"the nearest are {' and '.join(near)}, " if near else ""
        raise click.BadParameter(
            f"vLLM {release} is not a known release; {others}the newest is {newest_release()}, "
            f"the oldest {releases()[0]}",
            param=option,
        )
    return release


@click.command("upgrade")
@click.argument("values", nargs=-1, type=click.Path(readable=False))
@layers_option
@ignore_option
@click.option(
    "--to",
    "release",
    callback=_release,
    metavar="RELEASE",
    help="vLLM release to upgrade to. Default: the newest that this tool knows.",
)
@click.option("--diff", is_flag=True, help="Print the changes, and write nothing.")
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if something has to be changed or decided.")
def upgrade_command(values: tuple[str, ...], layers: tuple[str, ...], release: str, diff: bool, check: bool) -> None:
    """Upgrade services to another vLLM release.

    VALUES are files or folders. It changes image.tag, and rewrites the flags, keys and variables that the release
    renamed or removed, if the new spelling is certain. If you have to decide something, it lists this and exits with 1.

    \b
    Examples:
      modelservice upgrade values.yaml --diff
      modelservice upgrade services/ --to 0.33.0
    """
    if not (values or layers):
        raise click.UsageError("name a values file or a folder")
    if not (diff or check):
        require_files((*values, *layers))
    require_existing((*values, *layers))
    from modelservice.editing import changes
    from modelservice.editing.upgrade import upgraded

    before = files_to_change(values, layers)
    with progress() as show:
        after, services = upgraded(before, release, ignored_rules(), show)
    changed = after.changed_since(before)
    if not (diff or check):
        changes.write(changed)
    if not check:
        click.echo(changes.diff(changed), nl=False)
    sources = {name: document.text for name, document in after.documents.items()}
    for service in services:
        _report(service, release, sources)
    _report_defaults(services)
    waiting = sum(service.is_changed for service in services) if diff or check else 0
    done = sum(service.is_done and not (waiting and service.is_changed) for service in services)
    would = f", {waiting} would change" if waiting else ""
    click.echo(f"{done} of {len(services)} on vLLM {release} with nothing left to decide{would}", err=True)
    decided = all(service.is_done for service in services)
    raise SystemExit(0 if decided and not (check and changed) else 1)


def _report(service: Upgraded, release: str, sources: dict[str, str]) -> None:
    from modelservice.report import report

    click.echo(f"{service.name}: {_result(service, release)}")
    if service.blocked and service.is_readable:
        click.echo(f"  {service.blocked}")
    for meaning in service.meanings:
        click.echo(f"  {meaning}")
    click.echo(report(service.left, "text", sources=sources, files=1), nl=False)


def _result(service: Upgraded, release: str) -> str:
    if not service.is_readable:
        return service.blocked
    was = f"vLLM {service.old}" if service.old else "an unknown vLLM"
    left = len(service.left) + len(service.meanings) + bool(service.blocked)
    if service.old == release and not (left or service.is_changed):
        return f"{was}: nothing to change"
    return f"{was} → {release}: " + (f"{left} to decide" if left else "nothing left to decide")


def _report_defaults(services: Sequence[Upgraded]) -> None:
    """Print the changed defaults, once for all services with the same ones."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for service in services:
        groups.setdefault(tuple(service.defaults), []).append(service.name)
    for defaults, names in groups.items():
        if not defaults:
            continue
        more = f" and {len(names) - 1} more" if names[1:] else ""
        of = f" for {names[0]}{more}" if services[1:] else ""
        click.echo(f"Defaults that changed{of}; set the flag to keep the old value:")
        for default in defaults:
            click.echo(f"  {default}")
