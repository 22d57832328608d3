"""`modelservice init`: begin a values file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from modelservice.cli.new_values import report_values, require_absent, write_values
from modelservice.cli.options import gpu_for
from modelservice.errors import ModelServiceError

if TYPE_CHECKING:
    from modelservice.models.gpus import Gpu
    from modelservice.schema.fields import Field
    from modelservice.starting.suggestions import Suggestion

_BACK, _ABORT = "<", "!"


@click.command("init")
@click.argument("model", default="")
@click.option(
    "--gpu", "card", metavar="NAME", help="The GPU, such as L40S or H100. The suggested sizes follow from it."
)
@click.option("--gpu-memory", metavar="SIZE", help="Memory of one GPU, as its driver reports it, such as 44Gi.")
@click.option(
    "--source",
    type=click.Choice(["huggingface", "modelscope", "local"]),
    help="Where the model comes from. Default: huggingface.",
)
@click.option("--set", "given", multiple=True, metavar="KEY=VALUE", help="Set a key of the values file. Repeatable.")
@click.option(
    "--output", "-o", metavar="FILE", type=click.Path(path_type=Path), help="The values file. Default: standard output."
)
@click.option(
    "--yes", "-y", is_flag=True, help="Ask nothing: use the given values, then the suggested ones, then the defaults."
)
@click.option("--force", is_flag=True, help="Replace an existing file.")
def init_command(
    model: str,
    card: str | None,
    gpu_memory: str | None,
    source: str | None,
    given: tuple[str, ...],
    output: Path | None,
    yes: bool,
    force: bool,
) -> None:
    """Start a values file for MODEL.

    On a terminal it asks for the fields of the console's form, tab by tab. Given a model and a GPU, it reads the
    model's facts (from the catalogue, this machine or the hub) and suggests the number of GPUs, the context length
    and the size of the volume.

    \b
    Examples:
      modelservice init Qwen/Qwen3-8B --gpu L40S -o values.yaml
      modelservice init -o values.yaml
      modelservice init Qwen/Qwen3-8B --yes --set gpu.count=2 -o values.yaml
    """
    require_absent(output, force=force)
    # The questions go to standard error; a closed stream is None.
    asks = not yes and all(stream and stream.isatty() for stream in (sys.stdin, sys.stderr))
    if not (asks or model):
        raise click.UsageError("name a model: init asks no questions with --yes or without a terminal")
    from modelservice.secret_forms import looks_like_secret

    if kind := looks_like_secret(model or ""):
        raise click.UsageError(f"MODEL: {kind} in plain text (not shown); name the model without it")
    settings = _given(given, {"model.source": source} if source else {}, model)
    gpu = gpu_for(card, gpu_memory)
    found = _suggestions(settings, gpu, output) if model else []
    settings = {one.key: one.value for one in found} | settings
    if asks:
        settings, found = _interview(settings, gpu, found, output)
    from modelservice.starting.suggestions import completed, fixed

    for more in (completed, fixed):
        found = [*found, *(one for one in more(settings) if one.key not in settings)]
        settings = {one.key: one.value for one in found} | settings
    _write(settings, [one for one in found if settings.get(one.key) == one.value], output)


def _given(pairs: tuple[str, ...], settings: dict[str, Any], model: str) -> dict[str, Any]:
    """Return settings with those of --set and MODEL added. Raises UsageError for a wrong one."""
    from modelservice.schema.fields import load_fields
    from modelservice.starting.interview import complaints, parsed

    fields = {field.key: field for field in load_fields().fields}
    found = dict(settings)
    texts = [(f"--set {pair.partition('=')[0]}", *pair.partition("=")) for pair in pairs]
    for place, key, equals, text in [*texts, ("MODEL", "model.name", "=", model)][: None if model else -1]:
        if not equals or key not in fields:
            raise click.UsageError(f"{place}: write KEY=VALUE; `modelservice explain` lists the keys")
        try:
            found[key] = parsed(fields[key], text)
        except ValueError as error:
            raise click.UsageError(f"{place}: {error}") from error
        if wrong := complaints(found, key).own:
            raise click.UsageError(f"{place}: {wrong[0]}")
    return found


def _suggestions(settings: dict[str, Any], gpu: Gpu | None, output: Path | None) -> list[Suggestion]:
    """Return what the model's facts suggest; without facts, print why and use only the model's name."""
    from modelservice.importing.part import values_of
    from modelservice.models.facts_source import model_facts, wanted_model
    from modelservice.redact import hidden
    from modelservice.rules.image import release_in
    from modelservice.schema.defaults import coalesce, default_values
    from modelservice.starting.suggestions import named_task, suggested_parsers, suggestions

    values = coalesce(default_values(), values_of(settings))
    release, name = release_in(values["image"], values["vllmVersion"]), values["model"]["name"]
    parsers = suggested_parsers(name, release.name) if release.asked else []
    try:
        facts = model_facts(wanted_model(values), [str(output)] if output else [])
        found = suggestions(facts, gpu, tuple(int(part) for part in release.asked.split(".") if part))
    except ModelServiceError as error:
        click.echo(f"no sizes: {hidden(str(error))}", err=True)
        return [*named_task(name), *parsers]
    more = "" if gpu else "; --gpu NAME adds the number of GPUs"
    click.echo(f"sizes follow from {facts.origin}{more}", err=True)
    return [*found, *parsers]


def _interview(
    settings: dict[str, Any], gpu: Gpu | None, found: list[Suggestion], output: Path | None
) -> tuple[dict[str, Any], list[Suggestion]]:
    """Ask the questions; an answer of < goes back, and ! stops."""
    from modelservice.starting.interview import is_wanted, questions

    click.echo(f"Press Enter for the value in brackets, {_BACK} to go back, {_ABORT} to stop.", err=True)
    asked, model = questions(), settings.get("model.name")
    number, tab, before = 0, "", list[int]()
    while number < len(asked):
        field = asked[number]
        if not is_wanted(field, settings):
            number += 1
            continue
        if field.tab != tab:
            tab = field.tab
            click.echo(f"\n{tab}", err=True)
        answer = _ask(field, settings)
        if answer == _BACK:
            number = before.pop() if before else number
            continue
        if answer is not None:
            settings = settings | {field.key: answer}
        if field.key == "model.name" and settings.get("model.name") != model:
            model = settings["model.name"]
            found = _suggestions(settings, gpu, output)
            settings = {one.key: one.value for one in found} | settings
        before.append(number)
        number += 1
    return settings, found


def _ask(field: Field, settings: dict[str, Any]) -> Any:
    """Ask one question until the answer is right. Return the value, None for the default, or the sign to go back."""
    from modelservice.starting.interview import complaints, parsed, shown

    default = settings.get(field.key, field.default)
    options = f" ({', '.join(map(str, field.schema['enum']))})" if "enum" in field.schema else ""
    while True:
        text = click.prompt(f"  {field.label}{options}", shown(default), show_default=default != "", err=True)
        if text == _ABORT:
            raise click.Abort
        if text == _BACK:
            return _BACK
        if text == shown(default):
            return default if field.key in settings else None
        try:
            value = parsed(field, text)
        except ValueError as error:
            click.echo(f"  {error}", err=True)
            continue
        wrong = complaints(settings | {field.key: value}, field.key)
        for told in (*wrong.own, *wrong.with_others)[:1]:
            click.echo(f"  {told}", err=True)
        if not wrong.own:
            return value


def _write(settings: dict[str, Any], reasons: list[Suggestion], output: Path | None) -> None:
    from modelservice.starting.first_file import first_file

    text = first_file(settings, reasons)
    is_right = report_values(text, output)
    folder = output.with_suffix("") if output else ""
    write_values(text, output, f"next: modelservice validate {output}\n      modelservice render {output} -o {folder}")
    if not is_right:
        raise SystemExit(1)
