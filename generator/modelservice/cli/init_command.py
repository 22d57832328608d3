"""`modelservice init`: begin a values file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from modelservice.cli.new_values import report_values, require_absent, write_values
from modelservice.cli.options import Output, gpu_for
from modelservice.errors import InputError

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
    "--output", "-o", metavar="FILE", type=Output(path_type=Path), help="The values file. Default: standard output."
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
    from modelservice.starting.suggestions import completed, fixed, is_in, merged

    if kind := looks_like_secret(model or ""):
        raise click.UsageError(f"MODEL: {kind} in plain text (not shown); name the model without it")
    settings = _given(model, {"model.source": source} if source else {}, given)
    if model.startswith("/"):  # no hub has it
        settings = merged(settings, completed(settings))
    gpu = gpu_for(card, gpu_memory)
    found: list[Suggestion] = []
    if asks:
        settings, found, gpu = _interview(settings, gpu, output)
    else:
        found = _suggestions(settings, gpu, output)
        settings = merged(settings, found)
    for more in (completed, fixed):
        added = [one for one in more(settings) if one.key not in settings]
        found, settings = [*found, *added], merged(settings, added)
    _write(settings, [one for one in found if is_in(settings, one)], output, gpu)


def _given(model: str, settings: dict[str, Any], given: tuple[str, ...]) -> dict[str, Any]:
    """Return settings with MODEL and those of --set. Raises UsageError for a wrong one."""
    from modelservice.schema.fields import load_fields
    from modelservice.starting.given import with_given
    from modelservice.starting.interview import complaints, parsed

    if model:
        field = next(field for field in load_fields().fields if field.key == "model.name")
        try:
            settings = {**settings, field.key: parsed(field, model)}
        except ValueError as error:
            raise click.UsageError(f"MODEL: {error}") from error
        if wrong := complaints(settings, field.key).own:
            raise click.UsageError(f"MODEL: {wrong[0]}")
    try:
        return with_given(settings, given)
    except InputError as error:
        raise click.UsageError(f"--set {error}") from error


def _suggestions(settings: dict[str, Any], gpu: Gpu | None, output: Path | None) -> list[Suggestion]:
    """Return the suggestions for the settings, and print where they come from."""
    from modelservice.starting.suggested import suggested

    found = suggested(settings, gpu, [str(output)] if output else [])
    for line in found.told:
        click.echo(line, err=True)
    return found.found


def _interview(
    settings: dict[str, Any], gpu: Gpu | None, output: Path | None
) -> tuple[dict[str, Any], list[Suggestion], Gpu | None]:
    """Ask the questions; an answer of < goes back, and ! stops. Return the settings, the suggestions and the GPU."""
    from modelservice.starting.interview import is_wanted, questions
    from modelservice.starting.suggestions import merged, without

    click.echo(f"Press Enter for the value in brackets, {_BACK} to go back, {_ABORT} to stop.", err=True)
    gpu = gpu or _ask_gpu()
    found = _suggestions(settings, gpu, output) if "model.name" in settings else []
    settings = merged(settings, found)
    asked, sized = questions(), _sized(settings)
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
        if "model.name" in settings and _sized(settings) != sized:
            settings = without(settings, found)
            found = _suggestions(settings, gpu, output)
            settings = merged(settings, found)
            sized = _sized(settings)
        before.append(number)
        number += 1
    return settings, found, gpu


def _sized(settings: dict[str, Any]) -> tuple[Any, ...]:
    """Return the settings that the suggested sizes follow from."""
    return settings.get("model.name"), settings.get("gpu.count")


def _ask_gpu() -> Gpu | None:
    """Ask for the GPU until the answer is a known one or empty."""
    from modelservice.models.gpus import gpu_named, known_gpus, meant_gpu

    while True:
        text = click.prompt("  GPU, such as L40S, if you know it", "", show_default=False, err=True)
        if text == _ABORT:
            raise click.Abort
        if text in ("", _BACK):
            return None
        if gpu := gpu_named(text):
            return gpu
        hint = meant_gpu(text) or f"write nothing, or one of {', '.join(known_gpus())}"
        click.echo(f"  {text!a} is not a known GPU: {hint}", err=True)


def _ask(field: Field, settings: dict[str, Any]) -> Any:
    """Ask one question until the answer is right. Return the value, None for the default, or the sign to go back."""
    from modelservice.starting.interview import answered, complaints, prompt, shown

    default = shown(field, settings.get(field.key, field.default))
    while True:
        text = click.prompt(f"  {prompt(field)}", default, show_default=default != "", err=True)
        if text == _ABORT:
            raise click.Abort
        if text == _BACK:
            return _BACK
        if text == default:
            return settings.get(field.key)
        try:
            value = answered(field, text, settings)
        except ValueError as error:
            click.echo(f"  {error}", err=True)
            continue
        wrong = complaints(settings | {field.key: value}, field.key)
        for told in (*wrong.own, *wrong.with_others)[:1]:
            click.echo(f"  {told}", err=True)
        if not wrong.own:
            return value


def _write(settings: dict[str, Any], reasons: list[Suggestion], output: Path | None, gpu: Gpu | None) -> None:
    from modelservice.importing.part import Secret
    from modelservice.importing.values_text import secret_commands
    from modelservice.starting.first_file import first_file
    from modelservice.starting.suggested import GATED_KEY

    text = first_file(settings, reasons)
    for one in reasons:
        if one.key == GATED_KEY:
            secret = Secret(one.value, "token", f"a token of an account with access to {settings['model.name']}")
            click.echo(f"needs: {next(secret_commands((secret,)))}", err=True)
    is_right = report_values(text, output)
    write_values(text, output, gpu, is_right=is_right)
    if not is_right:
        raise SystemExit(1)
