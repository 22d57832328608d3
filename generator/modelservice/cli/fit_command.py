"""`modelservice fit`: whether a model fits the GPUs of a service, and what would make it fit."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from modelservice.cli.options import gpu_for, ignore_option, layers_option, load_service

if TYPE_CHECKING:
    from modelservice.models.engine import Engine
    from modelservice.models.gpus import Gpu
    from modelservice.models.model_facts import ModelFacts
    from modelservice.service import Service


@click.command("fit")
@click.argument("values", type=click.Path(allow_dash=True))
@layers_option
@ignore_option
@click.option("--gpu", "card", metavar="NAME", help="The GPU, such as H100 or nvidia-l4. Default: that of the values.")
@click.option("--gpu-memory", metavar="SIZE", help="Memory of one GPU, as its driver reports it: 80Gi, 80GiB or bytes.")
@click.option(
    "--model-config",
    type=click.Path(exists=True),
    metavar="FILE|DIR",
    help="A config.json, or a folder with one and maybe the weights.",
)
@click.option("--facts", "facts_file", type=click.Path(exists=True, dir_okay=False), help="A facts file to use.")
@click.option("--save", is_flag=True, help="Write the facts of the model beside VALUES, for CI and work offline.")
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True)
def fit_command(
    values: str,
    layers: tuple[str, ...],
    card: str | None,
    gpu_memory: str | None,
    model_config: str | None,
    facts_file: str | None,
    save: bool,
    style: str,
) -> None:
    """Check whether the model fits its GPUs, before any download.

    It needs the model's facts: config.json, and the sizes of the tensors and files. They come from the catalogue,
    this machine or the hub.

    Exit codes: 0 it fits, or it is tight; 1 it does not fit; 3 the facts are not available.

    \b
    Examples:
      modelservice fit values.yaml
      modelservice fit values.yaml --gpu H100
    """
    from modelservice.rules import ABOUT_SIZE

    service = load_service(values, layers, None, "0.1.0", ABOUT_SIZE)
    gpu = _gpu(service, card, gpu_memory)
    facts = _facts(service, [*layers, values], model_config, facts_file, refresh=save)
    from modelservice.models.fit_report import answer_for, as_data, as_text

    answer = answer_for(facts, _engine(service), gpu, _quantised(service, [*layers, values]))
    if save:
        _save(facts, values)
    if style == "json":
        import json

        click.echo(json.dumps(as_data(answer), indent=2, ensure_ascii=False))
    else:
        click.echo(as_text(answer), nl=False)
    raise SystemExit(0 if answer.fits else 1)


def _gpu(service: Service, card: str | None, memory: str | None) -> Gpu:
    from modelservice.models.node_gpu import gpu_of

    found = gpu_for(card, memory, None if card else gpu_of(service.values))
    if not found:
        raise click.UsageError("the values do not say which GPU: set gpu.memory, or give --gpu or --gpu-memory")
    return found


def _facts(
    service: Service, files: list[str], config: str | None, facts_file: str | None, *, refresh: bool
) -> ModelFacts:
    from modelservice.models.facts_source import model_facts, wanted_model

    given = {"facts_file": facts_file, "config": config}
    paths = {name: Path(path) for name, path in given.items() if path}
    return model_facts(wanted_model(service.values), files, _progress, refresh=refresh, **paths)


def _quantised(service: Service, files: list[str]) -> list[ModelFacts]:
    """Return the checkpoints that may take the model's place: none for a pinned revision, which they do not have."""
    from modelservice.models.facts_file import quantised_checkpoints

    model = service.values["model"]
    return [] if model["revision"] else quantised_checkpoints(model["name"], files)


def _engine(service: Service) -> Engine:
    from modelservice.models.engine import engine_of
    from modelservice.rules.image import is_vllms, release_in
    from modelservice.vllm.flags import Line, command_line

    image = service.values["image"]
    release = release_in(image, service.values["vllmVersion"])
    engine = engine_of(
        service.values["args"],
        Line(release.name, release.label, command_line(release.name)),
        service.values["gpu"]["count"],
        service.values["model"]["task"],
    )
    return engine if release.asked and is_vllms(image) else engine._replace(release=())


def _progress(done: int, of: int) -> None:
    if sys.stderr.isatty():
        click.echo(f"\rheaders of the weights: {done} of {of}", err=True, nl=done == of)


def _save(facts: Any, values: str) -> None:
    from modelservice.models.facts_file import facts_path, write_facts

    path = facts_path(facts.model, values)
    write_facts(facts, path)
    click.echo(f"wrote {path}", err=True)
