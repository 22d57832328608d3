"""A container as docker, podman or a compose file describes it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

_LONGEST_FILE = 1_000_000
# Why a docker option or a compose key has no field.
_REASONS = {
    "privileged": "the server and its GPUs need no extra privileges",
    "ulimit": "the node's container runtime sets the limits",
    "security-opt": "set securityContext instead",
    "network": "the pod uses the cluster's network, and the Service exposes the server's port",
    "device": "pods get devices from a device plugin",
    "gpus": "the device plugin chooses the GPUs; only their number is kept",
    "platform": "the node determines the platform",
    "publish-all": "the Service publishes the server's port",
    "read-only": "set securityContext.readOnlyRootFilesystem: true, and mount a volume wherever the server writes",
    "health-cmd": "the chart's probes call /health",
    "healthcheck": "the chart's probes call /health",
    "dns": "set podSpec.dnsConfig",
    "sysctl": "set podSecurityContext.sysctls",
    "log-driver": "the cluster collects the logs",
    "log-opt": "the cluster collects the logs",
    "logging": "the cluster collects the logs",
    "depends-on": "Kubernetes starts everything at once; wait in initContainers for what the server needs",
    "expose": "the Service publishes the server's port",
    "extends": "the base cannot be read here: copy its settings into the service, and import it again",
    "secrets": "put them into a Secret, and mount it with volumes",
    "configs": "put them into a ConfigMap, and mount it with volumes",
    "tmpfs": "add an emptyDir with medium: Memory to volumes",
    "pid": "the pod has its own process namespace",
    "userns": "the node's container runtime sets the user namespace",
}


class Note(NamedTuple):
    """Something that the values do not contain or express differently: how it was written, and why."""

    written: str
    reason: str


class Mount(NamedTuple):
    """A volume of a container; `source` is a folder of the host, a volume's name, or "" for an anonymous volume."""

    source: str
    target: str
    read_only: bool = False

    @property
    def of_host(self) -> bool:
        """Whether the source is a file or a folder on the machine that docker runs on."""
        return self.source.startswith(("/", "~", "$", ".", "%")) or re.match(r"[A-Za-z]:", self.source) is not None


class Port(NamedTuple):
    """A published port: the address and the port on the host ("" for any), and the port of the container."""

    address: str
    host: str
    container: str


class Container(NamedTuple):
    """What is known of a container.

    `notes` are about options that no field covers, `remarks` about those that a cluster covers anyway. `entrypoint` is
    None for the image's own, and a variable is None if its value comes from the shell. `gpus` is "" for none, "all", a
    number, or device ids after "device=".
    """

    image: str
    entrypoint: tuple[str, ...] | None = None
    words: tuple[str, ...] = ()
    variables: Mapping[str, str | None] = {}
    mounts: tuple[Mount, ...] = ()
    ports: tuple[Port, ...] = ()
    gpus: str = ""
    gpu_resource: str = ""
    shared_memory: str = ""
    memory: str = ""
    cpus: str = ""
    user: str = ""
    groups: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()
    working_directory: str = ""
    hosts: tuple[str, ...] = ()
    pull_policy: str = ""
    notes: tuple[Note, ...] = ()
    remarks: tuple[Note, ...] = ()


def runs_vllm(container: Container) -> bool:
    """Return whether the image or the command names vLLM, or the command has --model."""
    words = (container.image, *(container.entrypoint or ()), *container.words)
    return any("vllm" in word.lower() or word.partition("=")[0] == "--model" for word in words)


def mount_of(text: str) -> Mount:
    """Return the volume of `source:target:options`; the source may begin with a Windows drive or variable."""
    drive = re.match(r"[A-Za-z]:(?=[\\/])|\$\{?env:", text)
    start = drive.end() if drive else 0
    source, *rest = text[start:].split(":")
    if not rest:
        return Mount("", source)
    return Mount(text[:start] + source, rest[0], "ro" in ",".join(rest[1:]).split(","))


def mount_of_options(text: str) -> Mount:
    """Return the volume of `--mount type=bind,source=…,target=…,readonly`."""
    options = dict(_pairs(text))
    source = options.get("source") or options.get("src") or ""
    target = options.get("target") or options.get("destination") or options.get("dst") or ""
    read_only = next((options[key] for key in ("readonly", "ro") if key in options), "false")
    return Mount(source, target, read_only in ("", "true", "1"))


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    for part in text.split(","):
        key, _, value = part.partition("=")
        yield key, value


def gpus_of(option: str) -> str:
    """Return the GPUs that `docker run --gpus` requests, as in `Container.gpus`.

    A comma separates the ids of `device` and the option's keys alike, and quotes around them are ignored. Without a
    count or ids, docker requests one GPU.
    """
    found: dict[str, list[str]] = {}
    key = "count"
    for word in re.sub("[\"']", "", option).split(","):
        name, equals, value = word.rpartition("=")
        key = name if equals else key
        found.setdefault(key, []).append(value)
    ids = found.get("device", [])
    return _devices(ids) if ids else found.get("count", ["1"])[0]


def gpus_with(gpus: str, more: str) -> str:
    """Return the GPUs of two options: device ids add up, anything else replaces what the first one requests."""
    if not (gpus.startswith("device=") and more.startswith("device=")):
        return more
    return _devices((gpus + "," + more.removeprefix("device=")).removeprefix("device=").split(","))


def cdi_gpus(device: str) -> str:
    """Return the GPUs of a CDI device such as nvidia.com/gpu=0, or "" if it is another device."""
    kind, _, device_id = device.partition("=")
    return _devices([device_id]) if kind == "nvidia.com/gpu" and device_id else ""


def _devices(ids: Sequence[str]) -> str:
    return "all" if "all" in ids else f"device={','.join(dict.fromkeys(ids))}"


def port_of(text: str) -> Port:
    """Return the port that `address:host:container/protocol` publishes."""
    parts = text.partition("/")[0].rsplit(":", 2)
    container = parts[-1]
    host = parts[-2] if len(parts) > 1 else ""
    address = parts[0].strip("[]") if len(parts) > 2 else ""
    return Port(address, host, container)


def quantity(size: str) -> str:
    """Return a docker size (`64g`, `512mb`, bytes) as a Kubernetes quantity, or "" if it is not a size."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([bkmgt]?)(?:i?b)?", size.strip(), re.IGNORECASE)
    if not found:
        return ""
    unit = found[2].upper()
    return found[1] + ("" if unit in ("", "B") else f"{unit}i")


def reason_for(option: str) -> str:
    """Return why the values have no field for a docker option or a compose key."""
    name = option.removeprefix("no-")
    name = {"network-mode": "network", "networks": "network", "ulimits": "ulimit", "sysctls": "sysctl"}.get(name, name)
    return _REASONS.get(name, "the values have no field for it")


def notes_on_labels(labels: Iterable[str]) -> list[Note]:
    """Return a note if labels, as `name=value`, tell Traefik how to route requests; other labels have no effect."""
    routes = any(label.lower().startswith("traefik.") for label in labels)
    return [Note("the labels of traefik", "set ingress or httpRoute for the server's host name")] * routes


def env_file(path: Path) -> list[str] | None:
    """Return the lines of an env file that set a variable, or None if it cannot be read."""
    try:
        if not path.is_file() or path.stat().st_size > _LONGEST_FILE:
            return None
        lines = [line.strip().removeprefix("export ") for line in path.read_text().splitlines()]
    except (OSError, ValueError):
        return None
    return [line for line in lines if line and not line.startswith("#")]
