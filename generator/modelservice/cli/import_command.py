"""`modelservice import`: values files from docker, vLLM, Kubernetes or LLMOS."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from modelservice.cli.new_values import report_values, require_absent, write_values
from modelservice.errors import InputError

if TYPE_CHECKING:
    from modelservice.importing.part import Part

_text = click.argument("text", default="", metavar="[LINE|-]")
_file = click.option(
    "--file",
    "-f",
    "file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Read the line from this file; - is standard input.",
)
_objects = click.argument("objects", type=click.Path(path_type=Path), nargs=-1, required=True, metavar="FILE...|-")
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


@import_command.command("docker")
@_text
@_file
@click.option("--service", metavar="NAME", default="", help="Service of the compose file, if several run vLLM.")
@_output
@_strict
@_force
def docker_command(text: str, file: Path | None, service: str, output: Path | None, strict: bool, force: bool) -> None:
    """Import a `docker run` line or a service of a compose file.

    LINE is one argument in quotes. `podman run` and `nerdctl run` lines are accepted too.

    \b
    Examples:
      modelservice import docker "docker run --gpus all vllm/vllm-openai --model Qwen/Qwen3-8B"
      modelservice import docker -f compose.yaml --service vllm -o values.yaml
    """
    from modelservice.importing.compose import is_compose, read_compose
    from modelservice.importing.container_to_values import part_of_container
    from modelservice.importing.docker_line import read_line

    source, folder = _source(text, file), file.parent if file and str(file) != "-" else None
    if is_compose(source):
        name = _name(file or Path("-"))
        part, origin = part_of_container(read_compose(source, service, folder, name)), "a compose file"
    else:
        part, origin = part_of_container(read_line(source, folder)), "a docker line"
    _write(part, origin, output, strict=strict, force=force)


@import_command.command("vllm")
@_text
@_file
@click.option("--image", metavar="IMAGE", default="", help="Image that runs the line. Default: the chart's.")
@_output
@_strict
@_force
def vllm_command(text: str, file: Path | None, image: str, output: Path | None, strict: bool, force: bool) -> None:
    """Import a `vllm serve` line.

    LINE is one argument in quotes. `python -m vllm.entrypoints.openai.api_server` is accepted too.

    \b
    Examples:
      modelservice import vllm "vllm serve Qwen/Qwen3-8B --max-model-len 8192" -o values.yaml
    """
    from modelservice.importing.container_to_values import part_of_container
    from modelservice.importing.launch import read_launch

    part = part_of_container(read_launch(_source(text, file), image))
    _write(part, "a vLLM command line", output, strict=strict, force=force)


@import_command.command("kubernetes")
@_objects
@click.option(
    "--object", "name", metavar="NAME", default="", help="Name of the workload or GitOps object, if FILE has several."
)
@_output
@_strict
@_force
def kubernetes_command(objects: tuple[Path, ...], name: str, output: Path | None, strict: bool, force: bool) -> None:
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

    part = import_kubernetes(_texts(objects), name)
    _write(part, "Kubernetes objects", output, strict=strict, force=force)


@import_command.command("llmos")
@_objects
@click.option("--object", "name", metavar="NAME", default="", help="Name of the ModelService, if FILE has several.")
@_output
@_strict
@_force
def llmos_command(objects: tuple[Path, ...], name: str, output: Path | None, strict: bool, force: bool) -> None:
    """Import a ModelService of LLMOS.

    FILE contains the output of `kubectl get modelservices -o yaml`; - is standard input.

    \b
    Examples:
      kubectl get modelservices -A -o yaml | modelservice import llmos - --object chat -o values.yaml
    """
    from modelservice.importing.cluster_to_values import import_llmos

    _write(import_llmos(_texts(objects), name), "a ModelService of LLMOS", output, strict=strict, force=force)


def _texts(files: tuple[Path, ...]) -> dict[str, str]:
    """Return the texts of all files; - is standard input."""
    from modelservice.importing.cluster_objects import LONGEST

    return {_name(file): _read(file, LONGEST) for file in files}


def _name(file: Path) -> str:
    return "standard input" if str(file) == "-" else str(file)


def _source(text: str, file: Path | None) -> str:
    """Return the text to import: the argument, or the text of the file or of standard input."""
    from modelservice.importing.shell import LONGEST

    if bool(text) == bool(file):
        raise click.UsageError("give the line in quotes, a file with -f, or - for standard input")
    if text and text != "-":
        if any("\ud800" <= char <= "\udfff" for char in text):
            raise InputError("the line is not UTF-8 text")
        return text
    text = _read(file or Path("-"), LONGEST)
    if len(text) > LONGEST:
        raise InputError(f"the text is longer than {LONGEST // 1024} KiB: give only the line or the service")
    return text


def _read(file: Path, longest: int) -> str:
    """Return a file's text, and not much more than `longest` characters of it."""
    if str(file) == "-" and sys.stdin is None:
        raise InputError("standard input is closed")
    with click.open_file(str(file), errors="strict") as stream:
        try:
            return str(stream.read(longest + 1))
        except ValueError as error:
            raise InputError(f"{_name(file)} is not UTF-8 text") from error


def _write(part: Part, origin: str, output: Path | None, *, strict: bool, force: bool) -> None:
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
        raise InputError(
            f"--strict: {len(part.notes)} parts of the original are not in the values; nothing was written"
        )
    require_absent(output, force=force)
    write_values(text, output)
    if not is_right:
        raise SystemExit(1)


def _filled(part: Part, output: Path | None) -> Part:
    """Return the part with sizes from the known facts of the model; nothing is fetched."""
    from modelservice.models.facts_file import known_facts
    from modelservice.rules.image import TASK_FLAGS
    from modelservice.starting.suggestions import fixed, suggestions

    name = str(part.settings.get("model.name", ""))
    facts = known_facts(name, str(part.settings.get("model.revision", "")), [str(output)] if output else [])
    if not facts:
        return part
    found = [one for one in (*suggestions(facts), *fixed(part.settings)) if one.key not in part.settings]
    # A flag may set the task already.
    said = any(str(word).partition("=")[0] in TASK_FLAGS for word in part.settings.get("args", ()))
    found = [one for one in {one.key: one for one in reversed(found)}.values() if one.key != "model.task" or not said]
    for one in found:
        click.echo(f"filled in: {one.key}: {one.value} ({one.reason}; facts: {facts.origin})", err=True)
    return part._replace(settings={**part.settings, **{one.key: one.value for one in found}})
