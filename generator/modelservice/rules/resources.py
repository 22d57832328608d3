"""Rules on CPU, memory and shared memory."""

from __future__ import annotations

from collections.abc import Iterator

from modelservice.findings import Severity
from modelservice.quantity import amount
from modelservice.rules.values import Said, Values, rule

_KUBERNETES = "https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/"
_MEBIBYTE = 1024 * 1024


@rule(
    "request-above-limit", "A request is at most its limit; of an extended resource they are equal.", source=_KUBERNETES
)
def request_above_limit(values: Values) -> Iterator[Said]:
    """What the API server refuses when the pod is made."""
    limits = values.at("resources.limits")
    for name, request in values.at("resources.requests").items():
        limit = limits.get(name)
        wanted, allowed = amount(request), amount(limit) if limit is not None else None
        if wanted is None or allowed is None:
            continue
        if wanted > allowed and values.has(("resources", "requests", name)):
            hint = f"lower it, or raise resources.limits.{name}"
            yield Said(("resources", "requests", name), f"{request} is more than the limit {limit}", hint)
        elif wanted > allowed:
            message = f"{limit} is less than the request, which is {request} by default"
            yield Said(("resources", "limits", name), message, f"set resources.requests.{name} too, to at most {limit}")
        elif "/" in name and wanted != allowed:
            yield Said(("resources", "requests", name), f"{request} differs from the limit {limit}", f"write {limit}")


@rule("memory-unit", "Memory is counted in bytes: a bare number or the unit m is a mistake.", source=_KUBERNETES)
def memory_unit(values: Values) -> Iterator[Said]:
    """Memory of less than a mebibyte: somebody forgot the unit."""
    for part in ("requests", "limits"):
        memory = values.at(f"resources.{part}.memory")
        bytes_ = amount(memory) if memory is not None else None
        if bytes_ is not None and 0 < bytes_ < _MEBIBYTE:
            number = str(memory).rstrip("m")
            yield Said(
                ("resources", part, "memory"), f"{memory} is less than 1Mi: bytes are meant", f"write {number}Gi"
            )


@rule("cpu-unit", "CPUs are counted in cores.", source=_KUBERNETES)
def cpu_unit(values: Values) -> Iterator[Said]:
    """More cores than any machine has: a unit of memory."""
    for part in ("requests", "limits"):
        cpu = values.at(f"resources.{part}.cpu")
        cores = amount(cpu) if cpu is not None else None
        if cores is not None and cores >= 10_000:
            yield Said(
                ("resources", part, "cpu"), f"{cpu} are {cores:.0f} cores", "write the number of cores, such as 8"
            )


@rule(
    "shared-memory-above-limit",
    "What lies in /dev/shm counts towards the memory limit.",
    source="https://kubernetes.io/docs/concepts/storage/volumes/#emptydir",
)
def shared_memory_above_limit(values: Values) -> Iterator[Said]:
    """A size limit of /dev/shm that the memory limit would stop first."""
    limit, size = values.at("resources.limits.memory"), values.at("sharedMemory.sizeLimit")
    if not values.at("sharedMemory.enabled") or not size or limit is None:
        return
    most, wanted = amount(limit), amount(size)
    if most is None or wanted is None or wanted <= most:
        return
    if values.written("sharedMemory.sizeLimit") or not values.written("resources.limits.memory"):
        message = f"{size} is more than resources.limits.memory, {limit}, to which it counts"
        yield Said(("sharedMemory", "sizeLimit"), message, f"write at most {limit}, or raise that limit")
    else:
        message = f"{limit} is less than sharedMemory.sizeLimit, {size}, which counts to it"
        yield Said(("resources", "limits", "memory"), message, f"set sharedMemory.sizeLimit to at most {limit} too")


@rule(
    "shared-memory-off",
    "Without shared memory a container has 64 MiB in /dev/shm.",
    source="vLLM's server: Insufficient space in /dev/shm",
    severity=Severity.WARNING,
)
def shared_memory_off(values: Values) -> Iterator[Said]:
    """Shared memory switched off."""
    if not values.at("sharedMemory.enabled"):
        message = "/dev/shm then has 64 MiB, and vLLM needs more to start"  # noqa: S108  a mount path
        yield Said(("sharedMemory", "enabled"), message, "remove the line, or mount a volume there")


RULES = (request_above_limit, memory_unit, cpu_unit, shared_memory_above_limit, shared_memory_off)
