"""`modelservice fit`: check whether models fit the GPUs of services, and what would make them fit."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from modelservice.cli.options import (
    changed_since_option,
    gpu_for,
    ignore_option,
    ignored_rules,
    layers_option,
    load_service,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from modelservice.gitops.members import Member
    from modelservice.models.gpus import Gpu
    from modelservice.service import Service


@click.command("fit")
@click.argument("values", nargs=-1, required=True, type=click.Path(allow_dash=True))
@layers_option
@ignore_option
@changed_since_option
@click.option("--gpu", "card", metavar="NAME", help="The GPU, such as H100 or nvidia-l4. Default: from the values.")
@click.option("--gpu-memory", metavar="SIZE", help="Memory of one GPU, as its driver reports it: 80Gi, 80GiB or bytes.")
@click.option(
    "--model-config",
    type=click.Path(exists=True, path_type=Path),
    metavar="FILE|DIR",
    help="A config.json, or a folder that contains one, with or without the weights.",
)
@click.option(
    "--facts",
    "facts_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A facts file to use.",
)
@click.option("--save", is_flag=True, help="Write the facts of the model next to VALUES, for CI and offline use.")
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True)
def fit_command(
    values: tuple[str, ...],
    layers: tuple[str, ...],
    changed_since: str | None,
    card: str | None,
    gpu_memory: str | None,
    model_config: Path | None,
    facts_file: Path | None,
    save: bool,
    style: str,
) -> None:
    """Check whether the model fits its GPUs, before any download.

    It needs the model's facts: config.json, and the sizes of the tensors and files. They come from the catalogue,
    this machine or the hub. VALUES are files or folders; each of several services gets one line.

    Exit codes: 0 it fits, or it is tight; 1 it does not fit; 3 the facts are not available.

    \b
    Examples:
      modelservice fit values.yaml
      modelservice fit values.yaml --gpu H100
      modelservice fit services
    """
    from modelservice.gitops.members import members

    def gpu(service: Service) -> Gpu | None:
        from modelservice.models.node_gpu import gpu_of, is_shared

        of_values = gpu_of(service.values) if service.values["gpu"]["count"] and not card else None
        found = gpu_for(card, gpu_memory, of_values)
        return found and found._replace(shared=is_shared(service.values))

    given = {name: path for name, path in (("facts_file", facts_file), ("config", model_config)) if path}
    services = members(values, layers)
    one_file = len(values) == 1 and [one.values for one in services] == [values[0]] and not Path(values[0]).is_dir()
    if one_file and not changed_since:
        _one(services[0], gpu, given, save=save, style=style)
    if given:
        raise click.UsageError("--facts and --model-config are for one service: name one values file")
    if changed_since:
        from modelservice.gitops.changed_services import only_changed

        services = only_changed(changed_since, services)
    _many(services, gpu, save=save, style=style)


def _one(
    member: Member, gpu: Callable[[Service], Gpu | None], given: dict[str, Path], *, save: bool, style: str
) -> None:
    from modelservice import fitting
    from modelservice.models.fit_report import as_data, as_text
    from modelservice.models.node_gpu import why_unknown
    from modelservice.rules import ABOUT_SIZE

    service = load_service(member.values, member.layers, None, "0.1.0", ABOUT_SIZE)
    if not (chosen := gpu(service)):
        if not service.values["gpu"]["count"]:
            raise click.UsageError("the service requests no GPU: give --gpu or --gpu-memory to check one")
        raise click.UsageError(why_unknown(service.values))
    answer = fitting.answer_of(service, member.files, chosen, _progress, refresh=save, **given)
    for path in fitting.save(answer.facts, member.values) if save else ():
        click.echo(f"wrote {path}", err=True)
    if style == "json":
        click.echo(json.dumps(as_data(answer), indent=2, ensure_ascii=False))
    else:
        click.echo(as_text(answer), nl=False)
    raise SystemExit(0 if answer.fits else 1)


def _many(services: Sequence[Member], gpu: Callable[[Service], Gpu | None], *, save: bool, style: str) -> None:
    from modelservice.fitting import fit_all
    from modelservice.models.fit_report import as_data, as_line

    codes, data = [], []
    for one in fit_all(services, gpu, ignored_rules(), refresh=save):
        codes.append(one.exit_code)
        said = as_data(one.answer) if one.answer else {"verdict": None, "error": one.trouble}
        data.append({"values": one.values, **said})
        if style == "text":
            click.echo(f"{one.values}: {as_line(one.answer) if one.answer else f'not known: {one.trouble}'}")
    if style == "json":
        click.echo(json.dumps(data, indent=2, ensure_ascii=False))
    raise SystemExit(1 if 1 in codes else max(codes, default=0))


def _progress(done: int, of: int) -> None:
    if sys.stderr.isatty():
        click.echo(f"\rheaders of the weights: {done} of {of}", err=True, nl=done == of)
