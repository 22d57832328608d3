"""`modelservice import`: values files from docker, vLLM, Kubernetes or LLMOS."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from modelservice.cli.import_sources import given, shown_name, source, texts
from modelservice.cli.line_command import LineCommand
from modelservice.cli.new_values import report_values, require_absent, write_values
from modelservice.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelservice.importing.part import Part

_text = click.argument("words", nargs=-1, metavar="[LINE|FILE|-]")
_file = click.option(
    "--file",
    "-f",
    "file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Read the line from this file; - is standard input.",
)
_objects = click.argument("objects", type=click.Path(path_type=Path), nargs=-1, metavar="FILE...|-")
_more = click.option(
    "--filename", "-f", "more", metavar="FILE", type=click.Path(path_type=Path), multiple=True, help="The same as FILE."
)
_folder = click.option(
    "--output",
    "-o",
    metavar="FILE|DIR/",
    help="The values file, or a folder with a file for each service. Default: standard output.",
)
_output = click.option(
    "--output",
    "-o",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="The values file. Default: standard output.",
)
_strict = click.option(
    "--strict", is_flag=True, help="Exit with 1, and write nothing, if the values do not cover everything."
)
_force = click.option("--force", is_flag=True, help="Replace an existing file.")


@click.group("import")
def import_command() -> None:
    """Import a values file from docker, vLLM, Kubernetes or LLMOS.

    The values go to standard output, or into the file of --output. What they do not cover is listed on standard error
    and at the top of the file. Secrets in the original become references to Secrets, and the commands that create
    these are printed.

    \b
    Examples:
      modelservice import docker "docker run --gpus all vllm/vllm-openai --model Qwen/Qwen3-8B"
      modelservice import docker -f compose.yaml -o values.yaml
    """


@import_command.command("docker", cls=LineCommand)
@_text
@_file
@click.option("--service", metavar="NAME", default="", help="Service of the compose file, if several run vLLM.")
@_folder
@_strict
@_force
def docker_command(
    words: tuple[str, ...], file: Path | None, service: str, output: str | None, strict: bool, force: bool
) -> None:
    """Import a `docker run` line or a service of a compose file.

    LINE is one argument in quotes, or the words of the line after all options of this command. `podman run`
    and `nerdctl run` lines are accepted too.

    \b
    Examples:
      modelservice import docker "docker run --gpus all vllm/vllm-openai --model Qwen/Qwen3-8B"
      modelservice import docker -f compose.yaml --service vllm -o values.yaml
      modelservice import docker -f compose.yaml -o services/
    """
    from modelservice.importing.compose import is_compose, read_compose
    from modelservice.importing.container_to_values import part_of_container
    from modelservice.importing.docker_line import read_line

    line, file = given(words, file)
    text, folder = source(line, file), file.parent if file and str(file) != "-" else None
    if is_compose(text):
        name = shown_name(file or Path("-"))
        parts = _parts(lambda one: part_of_container(read_compose(text, one, folder, name)), service, output)
        _write_all(parts, "a compose file", output, strict=strict, force=force)
    else:
        part = part_of_container(read_line(text, folder))
        _write(part, "a docker line", Path(output) if output else None, strict=strict, force=force)


@import_command.command("vllm", cls=LineCommand)
@_text
@_file
@click.option("--image", metavar="IMAGE", default="", help="Image that runs the line. Default: the chart's.")
@_output
@_strict
@_force
def vllm_command(
    words: tuple[str, ...], file: Path | None, image: str, output: Path | None, strict: bool, force: bool
) -> None:
    """Import a `vllm serve` line.

    LINE is one argument in quotes, or the words of the line after all options of this command.
    `python -m vllm.entrypoints.openai.api_server` is accepted too.

    \b
    Examples:
      modelservice import vllm "vllm serve Qwen/Qwen3-8B --max-model-len 8192" -o values.yaml
    """
    from modelservice.importing.container_to_values import part_of_container
    from modelservice.importing.launch import read_launch

    part = part_of_container(read_launch(source(*given(words, file)), image))
    _write(part, "a vLLM command line", output, strict=strict, force=force)


@import_command.command("kubernetes")
@_objects
@_more
@click.option(
    "--object", "name", metavar="NAME", default="", help="Name of the workload or GitOps object, if FILE has several."
)
@_folder
@_strict
@_force
def kubernetes_command(
    objects: tuple[Path, ...], more: tuple[Path, ...], name: str, output: str | None, strict: bool, force: bool
) -> None:
    """Import a workload that runs vLLM, and its Service and claim.

    FILE contains manifests, or the output of `kubectl get -o yaml`, `helm template` or `kustomize build`; - is standard
    input. A Deployment, StatefulSet or Pod is found by its command or image. Values of this chart inside a Flux
    HelmRelease or an Argo CD Application are taken as they are.

    \b
    Examples:
      kubectl get deployment,service,pvc -o yaml | modelservice import kubernetes - -o values.yaml
      modelservice import kubernetes manifests.yaml --object chat -o values.yaml
    """
    from modelservice.importing.cluster_to_values import import_kubernetes

    read = texts((*objects, *more))
    parts = _parts(lambda one: import_kubernetes(read, one), name, output)
    _write_all(parts, "Kubernetes objects", output, strict=strict, force=force)


@import_command.command("llmos")
@_objects
@_more
@click.option("--object", "name", metavar="NAME", default="", help="Name of the ModelService, if FILE has several.")
@_folder
@_strict
@_force
def llmos_command(
    objects: tuple[Path, ...], more: tuple[Path, ...], name: str, output: str | None, strict: bool, force: bool
) -> None:
    """Import a ModelService of LLMOS.

    FILE contains the output of `kubectl get modelservices -o yaml`; - is standard input.

    \b
    Examples:
      kubectl get modelservices -A -o yaml | modelservice import llmos - --object chat -o values.yaml
      kubectl get modelservices -A -o yaml | modelservice import llmos - -o services/
    """
    from modelservice.importing.cluster_to_values import import_llmos

    read = texts((*objects, *more))
    parts = _parts(lambda one: import_llmos(read, one), name, output)
    _write_all(parts, "a ModelService of LLMOS", output, strict=strict, force=force)


def _parts(import_one: Callable[[str], Part], name: str, output: str | None) -> list[Part]:
    """Return the part of the service with a name, or of all services if they go into a folder."""
    from modelservice.importing.several import import_all

    return import_all(import_one, name) if output and _is_folder(output) else [import_one(name)]


def _is_folder(output: str) -> bool:
    return output.endswith("/") or Path(output).is_dir()


def _write_all(parts: list[Part], origin: str, output: str | None, *, strict: bool, force: bool) -> None:
    """Write one values file, or one for each part into a folder."""
    if not output or not _is_folder(output):
        _write(parts[0], origin, Path(output) if output else None, strict=strict, force=force)
        return
    files = [Path(output, f"{re.sub('[^A-Za-z0-9.-]', '-', part.name).lstrip('.') or 'values'}.yaml") for part in parts]
    for file in files:
        require_absent(file, force=force)
    Path(output).mkdir(parents=True, exist_ok=True)
    are_right = []
    for part, file in zip(parts, files, strict=True):
        click.echo(f"{file}:", err=True)
        are_right.append(_is_written(part, origin, file, strict=strict))
    if not all(are_right):
        raise SystemExit(1)


def _write(part: Part, origin: str, output: Path | None, *, strict: bool, force: bool) -> None:
    if output and output.is_dir():
        raise InputError(f"{output} is a folder: name a file in it")
    require_absent(output, force=force)
    if not _is_written(part, origin, output, strict=strict):
        raise SystemExit(1)


def _is_written(part: Part, origin: str, output: Path | None, *, strict: bool) -> bool:
    """Print what the values lack, and write them; say whether they have no errors, and nothing is lost if `strict`."""
    from modelservice.importing.values_text import secret_commands, told, values_text, without_secrets_left

    part = _filled(without_secrets_left(part), output)
    text = values_text(part, origin)
    for note in part.notes:
        click.echo(f"note: {told(note)}", err=True)
    for remark in part.remarks:
        click.echo(f"differs: {told(remark)}", err=True)
    for line in secret_commands(part.secrets):
        click.echo(f"needs: {line}", err=True)
    is_right = report_values(text, output)
    if strict and part.notes:
        lost = f"{len(part.notes)} parts of the original are not in the values"
        click.echo(f"error: --strict: {lost}; nothing was written", err=True)
        return False
    write_values(text, output)
    return is_right


def _filled(part: Part, output: Path | None) -> Part:
    """Return the part with sizes from the known facts of the model; nothing is fetched."""
    from modelservice.models.facts_file import known_facts
    from modelservice.rules.image import TASK_FLAGS
    from modelservice.starting.suggestions import applicable, fixed, suggestions

    name = str(part.settings.get("model.name", ""))
    facts = known_facts(name, str(part.settings.get("model.revision", "")), [str(output)] if output else [])
    if not facts:
        return part
    known = applicable(part.settings, suggestions(facts))
    found = [one for one in (*known, *fixed(part.settings)) if one.key not in part.settings]
    # A flag may set the task already.
    said = any(str(word).partition("=")[0] in TASK_FLAGS for word in part.settings.get("args", ()))
    found = [one for one in {one.key: one for one in reversed(found)}.values() if one.key != "model.task" or not said]
    for one in found:
        click.echo(f"filled in: {one.key}: {one.value} ({one.reason}; facts: {facts.origin})", err=True)
    return part._replace(settings={**part.settings, **{one.key: one.value for one in found}})
