"""Turn a container that runs vLLM into the values of a service."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from modelservice.importing.container import Container, Note, Port
from modelservice.importing.flags_to_fields import fields_of, without_unknown
from modelservice.importing.launch import MODEL, launch_of
from modelservice.importing.mounts_to_volumes import volumes_of
from modelservice.importing.part import Part, joined
from modelservice.importing.variables_to_fields import fields_of_variables
from modelservice.quantity import amount
from modelservice.rules.image import OWN_IMAGES
from modelservice.schema.defaults import default_values
from modelservice.secret_forms import looks_like_secret, names_secret

_PULL = {"always": "Always", "missing": "IfNotPresent", "never": "Never"}
# CUDA_VISIBLE_DEVICES with the numbers or ids of GPUs.
_VISIBLE = re.compile(r"(?:(?:\d+|(?:GPU|MIG)-[\w-]+)(?:,(?!$)|$))+")
_DIGEST = re.compile(r"sha256:[a-f0-9]{64}")


def _in_script(name: str, value: str | None) -> str:
    """Return a variable's value for a script, or a reference to the variable if its value is secret or unknown."""
    is_secret = value is None or names_secret(name) or looks_like_secret(value) is not None
    return f"${name}" if is_secret else str(value)


def part_of_container(container: Container) -> Part:
    """Return the settings of a service equivalent to a container, with notes on what they do not cover."""
    known = {name: _in_script(name, value) for name, value in container.variables.items() if value != ""}
    launch = launch_of((*(container.entrypoint or ()), *container.words), known)
    variables = {**container.variables, **launch.variables}
    image = image_fields(container.image, _PULL.get(container.pull_policy, ""))
    named = named_image(image)
    count, counted = _gpu_count(container, named["repository"])
    flags = fields_of(launch.arguments, named, count)
    model = flags.settings.get("model.name", "")
    command = [word.replace(MODEL, model) for word in launch.command]
    parts = [
        Part(notes=(*container.notes, *launch.notes, *_unread(container)), remarks=container.remarks),
        Part(image),
        Part({"command": command} if command else {}),
        without_unknown(flags),
        fields_of_variables(variables),
        counted,
        volumes_of(container.mounts, model, variables),
        _ports(container.ports, flags.settings.get("containerPort", 8000)),
        Part(_limits(container)),
        _rights(container),
    ]
    if not model and not command:
        parts.append(
            Part(notes=(Note("the model", "the input names none: set model.name, or the chart serves its default"),))
        )
    return joined(parts)


def image_fields(image: str, pull_policy: str = "") -> dict[str, str]:
    """Return the settings for an image name, or {} if it is empty; the tag defaults to `latest`."""
    if not image:
        return {}
    name, _, digest = image.partition("@")
    repository, colon, tag = name.rpartition(":")
    if not colon or "/" in tag:
        repository, tag = name, "" if digest else "latest"
    found = {"image.repository": repository, "image.tag": tag}
    if _DIGEST.fullmatch(digest):
        found["image.digest"] = digest
    return found | ({"image.pullPolicy": pull_policy} if pull_policy else {})


def _unread(container: Container) -> Iterator[Note]:
    """Yield notes on a digest that is none, and on a number of GPUs that only a shell knows."""
    digest = container.image.partition("@")[2]
    if digest and not _DIGEST.fullmatch(digest):
        yield Note(f"@{digest}", "an image's digest is sha256: and 64 hexadecimal digits; set image.digest")
    if container.gpus.startswith("$"):
        yield Note(f"--gpus {container.gpus}", "its value comes from the shell; set gpu.count to it")


def named_image(fields: Mapping[str, str]) -> dict[str, str]:
    """Return `image` as in the values, with the chart's defaults for what the fields do not set."""
    return {**default_values()["image"], **{key.partition(".")[2]: value for key, value in fields.items()}}


def _gpu_count(container: Container, repository: str) -> tuple[int | None, Part]:
    """Return the number of GPUs (None if it is not given), and the settings that follow from the GPU options."""
    what = Part({"gpu.resourceName": container.gpu_resource, "runtimeClassName": ""} if container.gpu_resource else {})
    ids = container.gpus.split(",") if container.gpus.startswith("device=") else []
    if ids or container.gpus.isdecimal():
        number = len(ids) or int(container.gpus)
        visible = container.variables.get("CUDA_VISIBLE_DEVICES") or ""
        return min(number, len(visible.split(","))) if _VISIBLE.fullmatch(visible) else number, what
    is_for_gpus = repository.rpartition("/")[2] in ("vllm-openai", "vllm-openai-nonroot")
    if not container.gpus and repository.rpartition("/")[2] in OWN_IMAGES and not is_for_gpus and "cpu" in repository:
        return None, Part({"gpu.count": 0})
    return None, what


def _ports(ports: Sequence[Port], own: int) -> Part:
    """Return the Service's port: the published one, which clients use now."""
    published = next((port for port in ports if port.container == str(own)), None)
    notes = [
        Note(f"-p {port.host}:{port.container}", "the Service has only the server's port")
        for port in ports
        if port is not published
    ]
    if published and published.address not in ("", "0.0.0.0", "::"):  # noqa: S104  every address
        notes.append(
            Note(
                f"-p {published.address}:{published.host}",
                "a Service binds to no host address; the whole cluster can reach it",
            )
        )
    host = published.host if published and published.host.isdecimal() else str(own)
    return Part({"service.port": int(host)} if 0 < int(host) < 65536 else {}, tuple(notes))


def _limits(container: Container) -> dict[str, Any]:
    """Return the container's limits, or empty ones; the chart's requests are lowered to fit them."""
    cpus, memory, defaults = container.cpus, container.memory, default_values()
    found: dict[str, Any] = {"resources.limits.cpu": cpus, "resources.limits.memory": memory}
    requests = defaults["resources"]["requests"]
    if _is_less(cpus, requests["cpu"]):
        found["resources.requests.cpu"] = cpus
    if _is_less(memory, requests["memory"]):
        found["resources.requests.memory"] = memory
    if container.shared_memory:
        found["sharedMemory.sizeLimit"] = container.shared_memory
    elif _is_less(memory, defaults["sharedMemory"]["sizeLimit"]):
        found["sharedMemory.sizeLimit"] = memory
    return found


def _is_less(limit: str, default: str) -> bool:
    """Return whether a limit is below the chart's default; False if it is empty or not a quantity."""
    most, least = amount(limit) if limit else None, amount(default)
    return most is not None and least is not None and most < least


def _rights(container: Container) -> Part:
    settings: dict[str, Any] = {}
    notes = []
    user, _, group = container.user.partition(":")
    if container.user and (not user.isdecimal() or not (group or "0").isdecimal()):
        if container.user != "root":
            notes.append(
                Note(f"--user {container.user}", "Kubernetes needs a numeric id: set podSecurityContext.runAsUser")
            )
    elif user not in ("", "0"):
        settings["podSecurityContext"] = {"runAsUser": int(user), "fsGroup": int(group or user)} | (
            {"runAsGroup": int(group)} if group else {}
        )
    if numbers := [int(group) for group in container.groups if group.isdecimal()]:
        settings.setdefault("podSecurityContext", {})["supplementalGroups"] = numbers
    notes += [
        Note(f"--group-add {group}", "Kubernetes needs a numeric id: set podSecurityContext.supplementalGroups")
        for group in container.groups
        if not group.isdecimal()
    ]
    if container.capabilities:
        names = [name.upper().removeprefix("CAP_") for name in container.capabilities]
        settings["securityContext"] = {"capabilities": {"add": names}}
    if container.working_directory:
        settings["serverContainer"] = {"workingDir": container.working_directory}
    if container.hosts:
        settings |= _aliases(container.hosts, notes)
    return Part(settings, tuple(notes))


def _aliases(hosts: Sequence[str], notes: list[Note]) -> dict[str, Any]:
    """Return the pod's hostAliases; a host whose address only docker knows becomes a note."""
    named = {host: re.split("[:=]", f"{host}:", maxsplit=1) for host in hosts}
    notes += [
        Note(f"--add-host {host}", "only docker knows host-gateway: add the host's address to podSpec.hostAliases")
        for host, (_, ip) in named.items()
        if ip == "host-gateway:"
    ]
    aliases = [
        {"ip": ip[:-1].strip("[]"), "hostnames": [name]}
        for name, ip in named.values()
        if ip not in ("", "host-gateway:")
    ]
    return {"podSpec": {"hostAliases": aliases}} if aliases else {}
