"""Write the objects of `argocd` and `flux` to standard output, or into a folder of generated files."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from modelservice.cli.options import ignored_rules

if TYPE_CHECKING:
    from modelservice.gitops.object_files import Made


class Objects(NamedTuple):
    """The kind of a command's objects, and what to do if two have the same name."""

    kind: str
    way: str


def is_given(ctx: click.Context, name: str) -> bool:
    """Return whether an option was written on the command line."""
    source = ctx.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def write_objects(
    ctx: click.Context,
    values: Sequence[str],
    made: list[Made],
    failed: Sequence[str],
    output: Path | None,
    objects: Objects,
) -> list[str]:
    """Write the objects, and return the values files of those that would replace another one.

    `failed` are the values files without objects.
    """
    from modelservice.gitops.git_paths import path_below, repository_of
    from modelservice.gitops.object_files import begins, left_behind, made_by, overwriting, rivals
    from modelservice.redact import hidden
    from modelservice.writing.files import replace_file

    command, root = str(ctx.command.name), repository_of(str(output or "."))
    refused = (overwriting(made, output, *objects) if output else {}) | rivals(made, *objects)
    for source, why in refused.items():
        click.echo(f"{source}: {why}", err=True)
    words = [hidden(word) for word in _words(ctx, values, root)]
    kept = [one for one in made if one.source not in refused]
    texts = {one.name: made_by(command, words, path_below(root, one.source)) + one.text for one in kept}
    if output is None:
        sys.stdout.write("---\n".join(texts.values()))
    elif texts:
        for name, text in texts.items():
            replace_file(output / f"{name}.yaml", text, ours=begins(command))
        begin = made_by(command, words, "").splitlines()[0]
        for file, why in left_behind(made, failed, output, begin).items():
            file.unlink()
            click.echo(f"{file}: removed, because {why}", err=True)
        click.echo(f"{output}: {len(texts)} file{'s' if len(texts) > 1 else ''}", err=True)
    return list(refused)


def _words(ctx: click.Context, values: Sequence[str], root: Path | None) -> list[str]:
    """Return the values files and the given options, as on a command line at the root of the repository."""
    from modelservice.gitops.git_paths import path_below

    words = [path_below(root, value) for value in values]
    for option in ctx.command.params:
        given = ignored_rules() if option.name == "ignore" else ctx.params.get(option.name or "")
        if not isinstance(option, click.Option) or given is None or not is_given(ctx, option.name or ""):
            continue
        is_path = option.name == "layers" or isinstance(option.type, click.Path)
        for one in given if isinstance(given, tuple) else (given,):
            word = path_below(root, str(one)) if is_path else str(one)
            words += [option.opts[-1]] if option.is_flag else [option.opts[-1], word]
    return words
