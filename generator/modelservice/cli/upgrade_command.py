"""`modelservice upgrade`: move services to another vLLM release."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from modelservice.cli.options import ignore_option, ignored_rules, layers_option, require_files, services_of

if TYPE_CHECKING:
    from modelservice.editing.upgrade import Upgraded


def _release(_: click.Context, option: click.Parameter, text: str | None) -> str:
    from modelservice.vllm.releases import newest_release, releases

    release = (text or newest_release()).removeprefix("v")
    if release not in releases():
        raise click.BadParameter(
            f"vLLM {release} is not a known release; the newest is {newest_release()}, the oldest {releases()[0]}",
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
    from modelservice.editing import changes
    from modelservice.editing.fixing import load_files
    from modelservice.editing.upgrade import upgraded

    before = load_files(services_of(values, layers))
    after, services = upgraded(before, release, ignored_rules())
    changed = after.changed_since(before)
    if not (diff or check):
        changes.write(changed)
    if not check:
        click.echo(changes.diff(changed), nl=False)
    sources = {name: document.text for name, document in after.documents.items()}
    for service in services:
        _report(service, release, sources, alone=len(services) == 1)
    done = sum(service.is_done for service in services)
    click.echo(f"{done} of {len(services)} on vLLM {release} with nothing left to decide", err=True)
    raise SystemExit(0 if done == len(services) and not (check and changed) else 1)


def _report(service: Upgraded, release: str, sources: dict[str, str], *, alone: bool) -> None:
    from modelservice.report import report

    left = len(service.left) + len(service.meanings) + bool(service.blocked)
    was = f"vLLM {service.old}" if service.old else "an unknown vLLM"
    click.echo(f"{service.name}: {was} → {release}: " + (f"{left} to decide" if left else "nothing left to decide"))
    if service.blocked:
        click.echo(f"  {service.blocked}")
    for meaning in service.meanings:
        click.echo(f"  {meaning}")
    click.echo(report(service.left, "text", sources=sources, files=1), nl=False)
    if alone and service.defaults:
        click.echo("Defaults that changed; set the flag to keep the old value:")
        for default in service.defaults:
            click.echo(f"  {default}")
