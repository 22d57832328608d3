"""Read a service of a compose file, see https://docs.docker.com/reference/compose-file/services/ ."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from modelservice.errors import InputError
from modelservice.findings import dotted
from modelservice.importing.compose_extends import base_of, extended
from modelservice.importing.container import (
    Container,
    Mount,
    Note,
    Port,
    cdi_gpus,
    env_file,
    gpus_with,
    mount_of,
    notes_on_labels,
    port_of,
    quantity,
    reason_for,
)
from modelservice.importing.container_to_values import part_of_container
from modelservice.importing.part import Origin, Part
from modelservice.importing.shell import LONGEST, expanded
from modelservice.reading.documents import load_texts
from modelservice.reading.syntax_errors import placed

# Keys that a cluster covers anyway, or that have no meaning in it.
_NOTHING = {
    *("extends", "container_name", "restart", "tty", "stdin_open", "init", "hostname", "profiles", "ipc"),
    "attach",
}
_READ = {
    *("image", "command", "entrypoint", "environment", "env_file", "volumes", "ports", "deploy", "gpus", "runtime"),
    *("shm_size", "mem_limit", "cpus", "user", "group_add", "cap_add", "working_dir", "extra_hosts", "pull_policy"),
    *("devices", "labels"),
}
# The types that compose allows for the keys that are read; load_texts returns every scalar as text.
_TEXT: dict[str, Any] = {"type": ["string", "null"]}
_TEXTS: dict[str, Any] = {"type": ["array", "null"], "items": {"type": "string"}}
_PAIRS = {"type": ["array", "object", "null"], "items": {"type": "string"}, "additionalProperties": _TEXT}
_WORDS: dict[str, Any] = {"type": ["string", "array", "null"], "items": {"type": "string"}}
_MAPS: dict[str, Any] = {
    "type": ["array", "null"],
    "items": {
        "type": ["string", "object"],
        "properties": dict.fromkeys(("type", "source", "target", "read_only", "host_ip", "published"), _TEXT),
    },
}
_FILE = {"type": ["string", "object"], "properties": {"path": {"type": "string"}}}
_DEVICES = {
    "type": ["string", "array", "null"],
    "items": {"type": "object", "properties": {"count": _TEXT, "device_ids": _TEXTS}},
}
_SHAPE = {
    "properties": {
        **dict.fromkeys(("image", "shm_size", "mem_limit", "cpus", "user", "working_dir", "pull_policy"), _TEXT),
        **dict.fromkeys(("command", "entrypoint"), _WORDS),
        **dict.fromkeys(("environment", "extra_hosts", "labels"), _PAIRS),
        **dict.fromkeys(("group_add", "cap_add"), _TEXTS),
        **dict.fromkeys(("volumes", "ports"), _MAPS),
        "env_file": {**_WORDS, "items": _FILE},
        "gpus": _DEVICES,
        "deploy": {
            "properties": {
                "replicas": _TEXT,
                "resources": {
                    "properties": {
                        "limits": {"additionalProperties": _TEXT},
                        "reservations": {"properties": {"devices": _DEVICES}},
                    }
                },
            }
        },
    }
}


def is_compose(text: str) -> bool:
    """Return whether a text looks like a compose file rather than a shell line."""
    return re.search(r"^services:\s*(#.*)?$", text, re.MULTILINE) is not None


def compose_origins(
    text: str, service: str = "", folder: Path | None = None, name: str = "the compose file"
) -> list[Origin]:
    """Return the services of a compose file that run vLLM, or the one with this name.

    `env_file` is relative to `folder`; `name` is the file's name. Raises InputError for a file that cannot be read, and
    if there is no such service.
    """
    if len(text) > LONGEST:
        raise InputError(f"the compose file is longer than {LONGEST // 1024} KiB")
    try:
        documents = load_texts(text)
        found = _services(documents)
    except yaml.YAMLError as error:
        raise InputError(placed(error, name, text)) from error
    folder = folder or Path()
    known = _set_in(env_file(folder / ".env") or ())  # compose fills in variables from .env
    filled, missing = extended(found, lambda file: _services_in(folder / file))
    chosen = [one for one in filled if one == service] if service else _servers(found, filled)
    if not chosen:
        names = ", ".join(map(str, found)) or "none"
        unread = next((f"{name} extends a service that cannot be read here; " for name in missing), "")
        wrong = (
            f"there is no service {service}"
            if service
            else f"{unread}it is not clear which service runs vLLM: choose it with --service"
        )
        raise InputError(f"{wrong}; services in the file: {names}")

    included = (Note("include", "its files are not read: import their services separately"),) * (
        "include" in documents[0]
    )

    def part_of(name: str) -> Part:
        service = _right_shape(_filled(filled[name], known))
        if not service.get("image"):
            raise InputError(
                f"service {name} names no image: set image to the name of the image that its build creates"
            )
        container = _container(service, folder)
        notes = ((missing[name],) if name in missing else ()) + included
        return part_of_container(container._replace(notes=(*notes, *container.notes)))

    return [Origin("compose service", str(one), "", partial(part_of, one)) for one in chosen]


def _servers(written: Mapping[str, Any], filled: Mapping[str, Any]) -> list[str]:
    """Return the services that run vLLM; one that others extend counts only if no other one runs vLLM."""
    bases = {base_of(one).service for one in written.values() if not base_of(one).file}
    likely = [name for name, one in filled.items() if _looks_like_vllm(one)]
    return [name for name in likely if name not in bases] or likely


def _right_shape(service: Any) -> Any:
    from jsonschema import Draft7Validator

    for error in Draft7Validator(_SHAPE).iter_errors(service):
        raise InputError(f"{dotted(error.absolute_path)} of the service has a type that compose does not allow")
    return service


def _looks_like_vllm(service: Mapping[str, Any]) -> bool:
    return "vllm" in f"{service.get('image')} {service.get('entrypoint')} {service.get('command')}".lower()


def _services(documents: list[Any]) -> Mapping[str, Any]:
    services = documents[0].get("services") if documents and isinstance(documents[0], Mapping) else None
    if not isinstance(services, Mapping):
        raise InputError("the file has no services")
    return {name: _merged(one) for name, one in services.items() if isinstance(one, Mapping)}


def _services_in(file: Path) -> Mapping[str, Any]:
    """Return the services of another file, or none if it cannot be read."""
    if not file.is_file() or file.stat().st_size > LONGEST:
        return {}
    try:
        return _services(load_texts(file.read_text()))
    except (OSError, ValueError, yaml.YAMLError, InputError):
        return {}


def _merged(service: Mapping[str, Any]) -> dict[str, Any]:
    """Return a map with its merge keys (<<) resolved; compose files use them for settings that services share."""
    shared = service.get("<<") or []
    found: dict[str, Any] = {}
    for one in reversed(shared if isinstance(shared, list) else [shared]):
        found |= _merged(one) if isinstance(one, Mapping) else {}
    own = {key: _merged(value) if isinstance(value, Mapping) else value for key, value in service.items()}
    return found | {key: value for key, value in own.items() if key != "<<"}


def _filled(tree: Any, known: Mapping[str, str]) -> Any:
    """Return a tree with its variables filled in, from `known` or their defaults; $$ is a literal dollar."""
    if isinstance(tree, str):
        return "$".join(expanded(part, known) for part in tree.split("$$"))
    if isinstance(tree, list):
        return [_filled(item, known) for item in tree]
    return {key: _filled(value, known) for key, value in tree.items()} if isinstance(tree, Mapping) else tree


def _set_in(lines: Iterable[str]) -> dict[str, str]:
    """Return the variables that the lines of an env file set; compose unquotes values, docker does not."""
    pairs = (line.partition("=") for line in lines if "=" in line)
    return {name.strip(): re.sub(r"""^(["'])(.*)\1$""", r"\2", value.strip()) for name, _, value in pairs}


def _container(service: Mapping[str, Any], folder: Path) -> Container:
    deploy = _map(service.get("deploy"))
    resources = _map(deploy.get("resources"))
    limits = _map(resources.get("limits"))
    variables, notes = _variables(service, folder)
    notes += [
        Note(key, reason_for(key.replace("_", "-"))) for key in service if key not in _READ and key not in _NOTHING
    ]
    notes += notes_on_labels(_pairs(service.get("labels"), "="))
    if deploy.get("replicas") not in (None, "1"):
        notes.append(Note(f"deploy.replicas: {deploy['replicas']}", "set replicas; each replica needs its own GPUs"))
    gpus, gpu_resource = _gpus(service, resources)
    if gpus.startswith("device="):
        notes.append(Note(f"device_ids: {gpus.removeprefix('device=')}", reason_for("gpus")))
    return Container(
        image=service["image"],
        entrypoint=_words(service.get("entrypoint")),
        words=_words(service.get("command")) or (),
        variables=variables,
        mounts=tuple(map(_mount, service.get("volumes") or ())),
        ports=tuple(map(_port, service.get("ports") or ())),
        gpus=gpus,
        gpu_resource=gpu_resource,
        shared_memory=quantity(service.get("shm_size") or ""),
        memory=quantity(service.get("mem_limit") or limits.get("memory") or ""),
        cpus=service.get("cpus") or limits.get("cpus") or "",
        user=service.get("user") or "",
        groups=tuple(service.get("group_add") or ()),
        capabilities=tuple(service.get("cap_add") or ()),
        working_directory=service.get("working_dir") or "",
        hosts=tuple(host.replace("=", ":", 1) for host in _pairs(service.get("extra_hosts"), ":")),
        pull_policy=service.get("pull_policy") or "",
        notes=tuple(notes),
    )


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _words(value: Any) -> tuple[str, ...] | None:
    if value is None or isinstance(value, list):
        return None if value is None else tuple(map(str, value))
    try:
        return tuple(shlex.split(value))
    except ValueError as error:
        raise InputError(f"the command cannot be read: {str(error).lower()}") from error


def _pairs(value: Any, between: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        yield from (f"{key}{between}{one}" if one is not None else key for key, one in value.items())
    else:
        yield from value or ()


def _variables(service: Mapping[str, Any], folder: Path) -> tuple[dict[str, str | None], list[Note]]:
    found: dict[str, str | None] = {}
    notes: list[Note] = []
    files = service.get("env_file") or ()
    for file in [files] if isinstance(files, str) else files:
        path = str(file.get("path")) if isinstance(file, Mapping) else file
        lines = env_file(folder / path)
        optional = isinstance(file, Mapping) and file.get("required") == "false"
        if lines is None and not optional:
            notes.append(Note(f"env_file {path}", "it cannot be read here; add its variables to env"))
        found |= _set_in(lines or ())
    for pair in _pairs(service.get("environment"), "="):
        name, equals, value = pair.partition("=")
        found[name] = value if equals else None
    return found, notes


def _mount(value: Any) -> Mount:
    if isinstance(value, str):
        return mount_of(value)
    source = "" if value.get("type") == "tmpfs" else value.get("source") or ""
    return Mount(source, value.get("target") or "", value.get("read_only") == "true")


def _port(value: Any) -> Port:
    if isinstance(value, str):
        return port_of(value)
    return Port(value.get("host_ip") or "", value.get("published") or "", value.get("target") or "")


def _gpus(service: Mapping[str, Any], resources: Mapping[str, Any]) -> tuple[str, str]:
    """Return the GPUs in the form of `docker run --gpus`, and their resource ("" for NVIDIA's)."""
    devices = _map(resources.get("reservations")).get("devices") or service.get("gpus") or ()
    own = [device for device in service.get("devices") or () if isinstance(device, str)]
    if any(device.startswith("/dev/kfd") for device in own):
        return "all", "amd.com/gpu"
    gpus = "all" if service.get("runtime") == "nvidia" else ""
    for device in [{"count": devices}] if isinstance(devices, str) else devices:
        ids = device.get("device_ids")
        gpus = gpus_with(gpus, f"device={','.join(ids)}" if ids else device.get("count") or "all")
    for device in filter(None, map(cdi_gpus, own)):
        gpus = gpus_with(gpus, device)
    return gpus, ""
