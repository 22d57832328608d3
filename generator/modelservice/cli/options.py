"""Options that several commands share, and how one service is loaded for them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from modelservice.cli.progress import say_findings
from modelservice.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from modelservice.editing.fixing import Files
    from modelservice.gitops.members import Member
    from modelservice.models.gpus import Gpu
    from modelservice.reading.document import Document
    from modelservice.service import Service

layers_option = click.option(
    "-f",
    "--values",
    "layers",
    multiple=True,
    metavar="FILE",
    help="A values file that VALUES override. Repeatable; later files override earlier ones.",
)


class PlainPath(click.Path):
    """A path that is not a pipe, socket or device: helm opens files more than once, and folders are created."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path. Fails with a usage error for a special file."""
        from modelservice.reading.special_files import is_special

        if is_special(value):
            self.fail(f"{value} is a pipe, a socket or a device: choose another path.", param, ctx)
        if str(value) == "-":
            self.fail("standard output cannot be used here: choose a path, or write ./- for this name.", param, ctx)
        return super().convert(value, param, ctx)


class Output(PlainPath):
    """A file or folder to write; `-` is standard output, and becomes None."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path, or None for standard output. Fails with a usage error for a special file."""
        return None if str(value) == "-" else super().convert(value, param, ctx)


changed_since_option = click.option(
    "--changed-since",
    metavar="REV",
    help="Only services whose values, layers or fleet.yaml changed since this Git revision.",
)

_IGNORED = "modelservice.ignored"
ignore_option = click.option(
    "--ignore",
    multiple=True,
    metavar="RULE",
    expose_value=False,
    callback=lambda context, _, rules: context.meta.update({_IGNORED: rules}),
    help="Ignore a rule that Helm does not enforce, like the comment # modelservice: ignore[RULE]. Repeatable.",
)


def _namespace(_: click.Context, option: click.Parameter, name: str | None) -> str | None:
    from modelservice.service import is_label

    if name is not None and not is_label(name):
        raise click.BadParameter(
            f'"{name}" is not a namespace: use lower case letters, digits and -, at most 63 characters', param=option
        )
    return name


namespace_option = click.option(
    "--namespace",
    "-n",
    callback=_namespace,
    metavar="NAME",
    help="Namespace of the release. Default: the fleet's, or default.",
)
name_option = click.option("--name", metavar="NAME", help="Name of the chart. Default: the name of the values file.")
release_option = click.option(
    "--release", metavar="NAME", help="Name of the Helm release. Default: the name of the values file."
)
version_option = click.option(
    "--version", metavar="VERSION", default="0.1.0", show_default=True, help="Version of the chart."
)


def ignored_rules() -> tuple[str, ...]:
    """Return the rules of the running command's `--ignore`. Raises UsageError for one that cannot be ignored."""
    from modelservice.ignores import require_ignorable

    rules: tuple[str, ...] = click.get_current_context().meta.get(_IGNORED, ())
    try:
        require_ignorable(rules)
    except InputError as error:
        raise click.UsageError(str(error)) from error
    return rules


def files_to_change(values: Sequence[str], layers: Sequence[str]) -> Files:
    """Read the files of services, and the other services that use the same layers; only layers are one service."""
    from modelservice.editing.fixing import load_files
    from modelservice.gitops.members import members, neighbours

    services = members(values, layers)
    named = [one.files for one in services] if values else [layers]
    return load_files(named, [one.files for one in neighbours(services)])


def gpu_for(card: str | None, memory: str | None, otherwise: Gpu | None = None) -> Gpu | None:
    """Return the GPU of --gpu and --gpu-memory: the card, or `otherwise`, with the memory if it is given."""
    from modelservice.models.gpus import GIB, Gpu, gpu_named, known_gpus, meant_gpu
    from modelservice.quantity import amount

    found = gpu_named(card) if card else otherwise
    if card and not found:
        hint = meant_gpu(card) or f"give --gpu-memory, or one of {', '.join(known_gpus())}"
        raise click.UsageError(f"--gpu {card} is not known: {hint}")
    if not memory:
        return found
    size = amount(memory.removesuffix("B") if memory[-3:] in ("KiB", "MiB", "GiB", "TiB") else memory)
    if not size:
        raise click.UsageError(f"--gpu-memory {memory} is not a size: write 80GiB, or bytes")
    if size < GIB:
        hint = f"did you mean {memory}GiB?" if memory.isdecimal() and size <= 1024 else "write 80GiB, or bytes"
        raise click.UsageError(f"--gpu-memory {memory} is less than any GPU has: {hint}")
    return Gpu(found.name if found else "GPU", int(size), found.capability if found else 0)


def require_files(paths: Iterable[str]) -> None:
    """Raise UsageError for standard input, which cannot be changed in place."""
    if "-" in paths:
        raise click.UsageError("standard input cannot be changed: name a file, or use --diff")


def require_existing(paths: Iterable[str]) -> None:
    """Raise UsageError for a path that does not exist."""
    for path in paths:
        if path != "-" and not os.path.lexists(path):
            raise click.UsageError(f"there is no file or folder {path}: check the path")


def load_release(values: str | None, layers: Sequence[str | Document], release: str | None) -> Service:
    """Return the checked service of a release, whose name defaults to that of the file."""
    from modelservice.service import require_release

    name = release or _name([*layers, values] if values else layers)
    require_release(name)
    # A release's name may have dots, a chart's may not.
    return load_service(values, layers, name.replace(".", "-"), "0.1.0")


def files_of(values: str | None, layers: Sequence[str | Document]) -> list[str | Document]:
    """Return the files of one service; later ones override earlier ones. Without `layers`, the fleet's are used."""
    if not values or layers:
        return [*layers, values] if values else list(layers)
    member = _member(values)
    return [*member.layers, values] if member else [values]


def namespace_for(given: str | None, values: str | None) -> str:
    """Return the namespace of a service: the given one, the fleet's, or "default"."""
    return given or fleet_namespace(values) or "default"


def fleet_namespace(values: str | None) -> str:
    """Return the namespace that its fleet sets for a values file, or ""."""
    member = _member(values) if values else None
    return member.namespace if member else ""


def _member(values: str) -> Member | None:
    """Return the service of a values file, or None if it is not a single file."""
    from modelservice.gitops.members import members

    return next(iter(members([values])), None) if Path(values).is_file() else None


def _name(files: Sequence[str | Document]) -> str:
    from modelservice.service import name_from

    last = files[-1] if files else "-"
    return name_from(last if isinstance(last, str) else last.name)


def load_service(
    values: str | None,
    layers: Sequence[str | Document],
    name: str | None,
    version: str,
    passed_over: Sequence[str] = (),
) -> Service:
    """Return the checked service of one values file over its layers, and print its findings.

    `passed_over` are rules to ignore, because the command itself answers them. Raises InputError if there are errors.
    """
    from modelservice.check import check_service
    from modelservice.schema.defaults import default_values
    from modelservice.service import make_service

    if not (values or layers):
        raise click.UsageError("name a values file, or - for standard input")
    files = files_of(values, layers)
    checked = check_service(files, (*ignored_rules(), *passed_over))
    if checked.findings:
        say_findings(checked.findings, checked.document.sources)
    if checked.errors:
        raise InputError("correct the errors above first")
    return make_service(name or _name(files), version, checked.document.data, default_values())
