"""Options that several commands share, and how one service is loaded for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from modelservice.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from modelservice.reading.document import Document
    from modelservice.service import Service

layers_option = click.option(
    "-f",
    "--values",
    "layers",
    multiple=True,
    metavar="FILE",
    help="A layer below VALUES; repeatable, later over earlier.",
)


class PlainPath(click.Path):
    """A path where no pipe, socket or device is: helm opens files more than once, and folders are made."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path. A special file is wrong usage."""
        from modelservice.reading.special_files import is_special

        if is_special(value):
            self.fail(f"{value} is a pipe, a socket or a device: choose another path.", param, ctx)
        return super().convert(value, param, ctx)


_IGNORED = "modelservice.ignored"
ignore_option = click.option(
    "--ignore",
    multiple=True,
    metavar="RULE",
    expose_value=False,
    callback=lambda context, _, rules: context.meta.update({_IGNORED: rules}),
    help="Pass over a rule that Helm does not enforce; repeatable. So does the comment # modelservice: ignore[RULE].",
)


def _namespace(_: click.Context, option: click.Parameter, name: str | None) -> str | None:
    from modelservice.service import is_label

    if name is not None and not is_label(name):
        raise click.BadParameter(
            f'"{name}" is no namespace: use lower case letters, digits and -, at most 63', param=option
        )
    return name


namespace_option = click.option(
    "--namespace",
    "-n",
    default="default",
    show_default=True,
    callback=_namespace,
    help="Namespace of the release.",
)
name_option = click.option("--name", help="Name of the chart and the service. Default: the file's name.")
version_option = click.option("--version", default="0.1.0", show_default=True, help="Version of the chart.")


def ignored_rules() -> tuple[str, ...]:
    """Return the rules of `--ignore`, of the command that runs. One that cannot be ignored is wrong usage."""
    from modelservice.ignores import require_ignorable

    rules: tuple[str, ...] = click.get_current_context().meta.get(_IGNORED, ())
    try:
        require_ignorable(rules)
    except InputError as error:
        raise click.UsageError(str(error)) from error
    return rules


def require_files(paths: Iterable[str]) -> None:
    """Take standard input for wrong usage, where files are to be changed."""
    if "-" in paths:
        raise click.UsageError("standard input cannot be changed: name a file, or use --diff")


def load_release(values: str | None, layers: Sequence[str | Document], release: str | None) -> Service:
    """Return the checked service of a release, which is called like the file unless a name is given."""
    from modelservice.service import require_release

    name = release or _name([*layers, values] if values else layers)
    require_release(name)
    # A release's name may have dots, a chart's may not.
    return load_service(values, layers, name.replace(".", "-"), "0.1.0")


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
    """Return the checked service of one values file over its layers; findings are printed, errors stop.

    `passed_over` are rules that the command itself answers.
    """
    from modelservice.check import check_service
    from modelservice.report import report
    from modelservice.schema.defaults import default_values
    from modelservice.service import make_service

    files = [*layers, values] if values else list(layers)
    if not files:
        raise click.UsageError("name a values file, or - for standard input")
    checked = check_service(files, (*ignored_rules(), *passed_over))
    if checked.findings:
        sources = checked.document.sources
        click.echo(report(checked.findings, "text", sources=sources, files=1, color=False), nl=False, err=True)
    if checked.errors:
        raise InputError("nothing was made: mend the values first")
    return make_service(name or _name(files), version, checked.document.data, default_values())
