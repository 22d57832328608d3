"""`modelservice diff`: what a change of values does."""

from __future__ import annotations

import click

from modelservice.cli.options import ignore_option, ignored_rules, layers_option, namespace_option
from modelservice.errors import CompareError, InputError


@click.command("diff")
@click.argument("old")
@click.argument("new")
@layers_option
@ignore_option
@click.option("--release", help="Name of the release. Default: the name of NEW.")
@namespace_option
def diff_command(old: str, new: str, layers: tuple[str, ...], release: str | None, namespace: str) -> None:
    """Show what a change of values does to the objects in a cluster, and to its pods.

    OLD and NEW are values files, charts (folders or archives), or either at a Git revision, written REV:path. The
    layers of -f are then that revision's too. What a revision does not have is left out: a new service is all added.

    Exit code 0: the same; 1: they differ; 2: they cannot be compared; 3: a tool failed.
    """
    from modelservice.diff.comparison import as_text, compare
    from modelservice.diff.states import manifests_of, release_of
    from modelservice.service import require_release

    name = release or release_of(new)
    try:
        require_release(name)
        before, after = manifests_of((old, new), name, namespace, layers, ignored_rules())
    except InputError as error:
        raise CompareError(str(error)) from error
    except OSError as error:
        raise CompareError(f"{error.filename}: {error.strerror or error}") from error
    for side, text in ((old, before), (new, after)):
        if not text:
            click.echo(f"{side}: not there, so that everything is {'new' if side == old else 'gone'}", err=True)
    changes = compare(before, after)
    click.echo(as_text(changes), nl=False)
    raise SystemExit(1 if changes else 0)
