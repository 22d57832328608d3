"""Write the values of imported services, and print what they do not cover."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from modelservice.cli.new_values import report_values, require_absent, write_values
from modelservice.errors import InputError

if TYPE_CHECKING:
    from modelservice.importing.part import Origin, Part

_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,252}")


class _Values(NamedTuple):
    """The values of a service: their text, whether they have no errors, and why --strict refuses them, or ""."""

    text: str
    is_right: bool
    refused: str


def is_folder(output: str | None) -> bool:
    """Return whether an output is a folder: it ends with a slash, or exists as a folder."""
    return output is not None and (output.endswith("/") or Path(output).is_dir())


def write_origins(
    origins: Sequence[Origin], output: str | None, option: str = "--object", *, strict: bool, force: bool
) -> None:
    """Import the only service into a file or to standard output, or each service into a file of the folder `output`.

    `option` chooses one of several services. Raises InputError if there are several and no folder, if a file exists
    without `force`, or, with `strict`, if something is not in the values.
    """
    from modelservice.importing.part import only

    if output is not None and is_folder(output):
        _write_all(_files(origins, Path(output)), Path(output), strict=strict, force=force)
        return
    file = Path(output) if output else None
    require_absent(file, force=force)
    values = _values(only(origins, option), file)
    if strict and values.refused:
        raise InputError(f"--strict: {values.refused}; nothing was written")
    write_values(values.text, file, is_right=values.is_right)
    if not values.is_right:
        raise SystemExit(1)


def _files(origins: Sequence[Origin], folder: Path) -> dict[Path, Origin]:
    """Return each service by its file: NAME.yaml, in a folder for its namespace if there are several namespaces."""
    several = len({one.namespace for one in origins}) > 1
    files: dict[Path, Origin] = {}
    for one in origins:
        names = [one.namespace, one.name] if several and one.namespace else [one.name]
        if not all(_FILE_NAME.fullmatch(name) for name in names):
            raise InputError(f"{folder} is a folder: name a file in it, because {one.title} has no name for one")
        file = folder.joinpath(*names[:-1], f"{names[-1]}.yaml")
        if file in files:
            raise InputError(f"{files[file].label} and {one.title} would both be {file}: import one of them")
        files[file] = one
    return files


def _write_all(files: dict[Path, Origin], folder: Path, *, strict: bool, force: bool) -> None:
    """Import each service into its file; one that cannot be imported does not stop the others."""
    from modelservice.redact import hidden

    for file in files:
        require_absent(file, force=force)
    made: dict[Path, _Values] = {}
    for file, origin in files.items():
        click.echo(f"{file}:", err=True)
        try:
            made[file] = _values(origin, file)
        except InputError as error:
            click.echo(f"error: {hidden(str(error))}", err=True)
    if strict and (refused := [f"{file}: {one.refused}" for file, one in made.items() if one.refused]):
        raise InputError(f"--strict: {'; '.join(refused)}; nothing was written")
    for file, values in made.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        write_values(values.text, file, is_right=values.is_right)
    wrong = sum(file not in made or not made[file].is_right for file in files)
    if wrong:
        raise InputError(f"{wrong} of {len(files)} services have errors or were not written")


def _values(origin: Origin, output: Path | None) -> _Values:
    """Return the values of a service, and print their notes and findings."""
    from modelservice.importing.values_text import secret_commands, told, values_text, without_secrets_left

    part = _filled(without_secrets_left(origin.part()), output)
    text = values_text(part, origin)
    for note in part.notes:
        click.echo(f"note: {told(note)}", err=True)
    for remark in part.remarks:
        click.echo(f"differs: {told(remark)}", err=True)
    for line in secret_commands(part.secrets, origin.namespace):
        click.echo(f"needs: {line}", err=True)
    parts = "1 part of the original is" if len(part.notes) == 1 else f"{len(part.notes)} parts of the original are"
    refused = [f"{parts} not in the values"] if part.notes else []
    if part.unchecked:
        unchecked = f"the values were not compared with the original: {part.unchecked}"
        click.echo(f"note: {unchecked}", err=True)
        refused.append(unchecked)
    return _Values(text, report_values(text, output), ", and ".join(refused))


def _filled(part: Part, output: Path | None) -> Part:
    """Return the part with settings that the model's name or its known facts determine; nothing is fetched."""
    from modelservice.starting.filling import filling

    found = filling(part.settings, [str(output)] if output else [])
    for one in found:
        click.echo(f"filled in: {one.key}: {one.value} ({one.reason})", err=True)
    return part._replace(settings={**part.settings, **{one.key: one.value for one in found}})
