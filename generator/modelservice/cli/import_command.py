"""`modelservice import`: values files from docker, vLLM, Kubernetes or LLMOS."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import click

from modelservice.cli.command_group import CommandGroup
from modelservice.cli.import_sources import given, shown_name, source, texts
from modelservice.cli.imported_values import is_folder, write_origins
from modelservice.cli.line_command import LineCommand
from modelservice.cli.options import Output

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
    type=Output(path_type=str),
    help="The values file, or a folder with a file for each service. Default: standard output.",
)
_output = click.option(
    "--output",
    "-o",
    metavar="FILE",
    type=Output(path_type=str),
    help="The values file. Default: standard output.",
)
_strict = click.option(
    "--strict",
    is_flag=True,
    help="Exit with 1, and write nothing, if the values lack something, or were not compared.",
)
_force = click.option("--force", is_flag=True, help="Replace an existing file.")


class _Sources(CommandGroup):
    """The commands, one for each kind of source."""

    meant: ClassVar = {
        **dict.fromkeys(("compose", "docker-compose", "podman"), "docker"),
        **dict.fromkeys(("k8s", "kubectl"), "kubernetes"),
    }


@click.group("import", cls=_Sources)
def import_command() -> None:
    """Import a values file from docker, vLLM, Kubernetes or LLMOS.

    The values go to standard output, or into the file of --output. If that is a folder (it exists, or ends with /),
    each service of the input gets a file in it. What the values do not cover is listed on standard error and at the
    top of the file. Secrets in the original become references to Secrets, and the commands that create
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
    from modelservice.importing.compose import compose_origins, is_compose
    from modelservice.importing.container_to_values import part_of_container
    from modelservice.importing.docker_line import read_line
    from modelservice.importing.part import Origin

    line, file = given(words, file)
    text, folder = source(line, file), file.parent if file and str(file) != "-" else None
    if is_compose(text):
        origins = compose_origins(text, service, folder, shown_name(file or Path("-")))
    else:
        origins = [Origin("a docker line", "", "", lambda: part_of_container(read_line(text, folder)))]
    write_origins(origins, output, "--service", strict=strict, force=force)


@import_command.command("vllm", cls=LineCommand)
@_text
@_file
@click.option("--image", metavar="IMAGE", default="", help="Image that runs the line. Default: the chart's.")
@_output
@_strict
@_force
def vllm_command(
    words: tuple[str, ...], file: Path | None, image: str, output: str | None, strict: bool, force: bool
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
    from modelservice.importing.part import Origin

    line = source(*given(words, file))
    origin = Origin("a vLLM command line", "", "", lambda: part_of_container(read_launch(line, image)))
    write_origins([origin], output, strict=strict, force=force)


@import_command.command("kubernetes")
@_objects
@_more
@click.option(
    "--object",
    "name",
    metavar="[NAMESPACE/]NAME",
    default="",
    help="Name of the workload or GitOps object, if FILE has several.",
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
    from modelservice.importing.cluster_to_values import kubernetes_origins

    origins = kubernetes_origins(texts((*objects, *more)), name, every=is_folder(output))
    write_origins(origins, output, strict=strict, force=force)


@import_command.command("llmos")
@_objects
@_more
@click.option(
    "--object", "name", metavar="[NAMESPACE/]NAME", default="", help="Name of the ModelService, if FILE has several."
)
@_folder
@_strict
@_force
def llmos_command(
    objects: tuple[Path, ...], more: tuple[Path, ...], name: str, output: str | None, strict: bool, force: bool
) -> None:
    """Import a ModelService of LLMOS.

    FILE contains the output of `kubectl get modelservices -o yaml`; - is standard input. The node port of a
    ModelService is in its Service, which FILE can contain too.

    \b
    Examples:
      modelservice import llmos modelservices.yaml --object models/chat -o chat.yaml
      kubectl get modelservices -A -o yaml | modelservice import llmos - -o services/
    """
    from modelservice.importing.cluster_to_values import llmos_origins

    write_origins(llmos_origins(texts((*objects, *more)), name), output, strict=strict, force=force)
