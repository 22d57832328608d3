"""`modelservice diff`: what a change of values does."""

from __future__ import annotations

import os
from pathlib import Path

import click

from modelservice.cli.options import ignore_option, ignored_rules, layers_option, namespace_option
from modelservice.cli.progress import progress
from modelservice.errors import CompareError, InputError


@click.command("diff")
@click.argument("old")
@click.argument("new")
@click.argument("path", required=False)
@layers_option
@ignore_option
@click.option("--release", metavar="NAME", help="Name of the Helm release. Default: the name of NEW.")
@namespace_option
@click.option(
    "--format",
    "style",
    type=click.Choice(["text", "markdown", "json"]),
    default="text",
    show_default=True,
    help="How to show the services of a folder.",
)
@click.option("--objects", is_flag=True, help="Show every object of the services of a folder.")
def diff_command(
    old: str,
    new: str,
    path: str | None,
    layers: tuple[str, ...],
    release: str | None,
    namespace: str | None,
    style: str,
    objects: bool,
) -> None:
    """Show what a change does to the objects and pods in a cluster.

    OLD and NEW are values files, charts (folders or archives), folders of services, or one of these at a Git
    revision, written REV:PATH. `diff REV FOLDER` compares a folder with the same folder at that revision, and `diff
    REV REV FOLDER` compares two revisions. As in Git, `REV...` is the commit at which the branch left REV: what REV
    got later is not compared. A service that exists on only one side is shown as new or gone, and one with errors
    only in OLD as repaired. The layers of -f or of a fleet (fleet.yaml) are read from the same revision as the
    services.

    Exit codes: 0 no difference; 1 they differ; 2 they cannot be compared; 3 a tool failed.

    \b
    Examples:
      modelservice diff old.yaml new.yaml
      modelservice diff HEAD:values.yaml values.yaml
      modelservice diff main services/
      modelservice diff origin/main... services/
    """
    sides = _sides(old, new, path)
    try:
        if all(map(_is_folder, sides)):
            if release:
                raise click.UsageError("--release names one service: give one values file")
            code = _diff_folders(sides, layers, namespace, style, objects=objects)
        elif style != "text" or objects:
            raise click.UsageError("--format and --objects are for folders of services")
        else:
            code = _diff(sides, layers, release, namespace)
    except InputError as error:
        raise CompareError(str(error)) from error
    except OSError as error:
        if error.filename is None:  # standard output is full
            raise
        raise CompareError(f"{error.filename}: {error.strerror or error}") from error
    raise SystemExit(code)


def _sides(old: str, new: str, path: str | None) -> tuple[str, str]:
    """Return both sides as paths or REV:path."""
    if path is not None:
        # The common ancestor is that of both revisions.
        return f"{old}{new if old.endswith('...') else ''}:{path}", f"{new}:{path}"
    if not any(":" in side or side.endswith(_FILES) or _exists(side) for side in (old, new)):
        raise click.UsageError(f"there is no file {old}; to compare two revisions of a folder: diff {old} {new} FOLDER")
    names_revision = ":" not in old and not _exists(old) and _exists(new) and not old.endswith(_FILES)
    base, dots, end = old.partition("...")
    if names_revision and end:
        return _sides(base + dots, end, new)
    return (f"{old}:{new}" if names_revision else old), new


_FILES = (".yaml", ".yml", ".tgz")


def _exists(path: str) -> bool:
    return os.path.exists(path)  # noqa: PTH110  Path's raises for a name that is too long


def _is_folder(side: str) -> bool:
    """Return whether a side is a folder of services; a missing path counts as one unless it ends like a file's name."""
    path = side if _exists(side) else side.partition(":")[2]
    if _exists(path):
        return Path(path).is_dir() and not (Path(path) / "Chart.yaml").exists()
    return bool(path) and not path.endswith(_FILES)


def _diff(sides: tuple[str, str], layers: tuple[str, ...], release: str | None, namespace: str | None) -> int:
    from modelservice.cli.options import namespace_for
    from modelservice.diff.comparison import as_text, compare
    from modelservice.diff.states import manifests_of, release_of
    from modelservice.service import require_release

    name = release or release_of(sides[1])
    require_release(name)
    where = namespace_for(namespace, sides[1].partition(":")[2] or sides[1])
    before, after = manifests_of(sides, name, where, layers, ignored_rules())
    if isinstance(after, InputError):
        raise after
    repaired = isinstance(before, InputError)
    if repaired:
        click.echo(f"{before}\nThere is nothing to compare with, so everything is listed as new", err=True)
    for side, text in zip(sides, (before, after), strict=True):
        if text == "":
            click.echo(f"{side} does not exist: everything is {'new' if side == sides[0] else 'gone'}", err=True)
    changes = compare("" if isinstance(before, InputError) else before, after)
    click.echo(as_text(changes), nl=False)
    return 1 if changes or repaired else 0


def _diff_folders(
    sides: tuple[str, str], layers: tuple[str, ...], namespace: str | None, style: str, *, objects: bool
) -> int:
    from modelservice.diff.fleet_comparison import compare_fleets
    from modelservice.diff.fleet_report import fleet_json, fleet_markdown, fleet_text

    with progress() as show:
        found = compare_fleets(sides, namespace, layers, ignored_rules(), show)
    text = fleet_text(found, objects=objects) if style == "text" else None
    click.echo(text or (fleet_json(found) if style == "json" else fleet_markdown(found)), nl=False)
    if any(one.sign == "?" for one in found.services):
        return CompareError.exit_code
    return 1 if found.services or found.environments else 0
