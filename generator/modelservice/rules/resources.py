"""Rules on CPU, memory and shared memory."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from modelservice.findings import Path, Refuser, Severity, dotted
from modelservice.quantity import amount
from modelservice.rules.containers import containers
from modelservice.rules.gpu import resource_fields
from modelservice.rules.image import known_release
from modelservice.rules.rule import Said, Values, removal, rule, setting, writing
from modelservice.rules.storage import model_volume, new_claim

_KUBERNETES = "https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/"
_LABEL = 63
# The oldest release whose need of shared memory was measured.
_MEASURED = (0, 32)
_MEBIBYTE = 1024 * 1024
_SURELY_MEBIBYTES = 1024
_SERVER = (("resources", "requests"), ("resources", "limits"))
_IN_BYTES = ("memory", "ephemeral-storage")


def _resources(values: Values) -> Iterator[tuple[Path, dict[str, Any], dict[str, Any]]]:
    """Yield the requests and limits of every container, the server's first.

    Those that a field sets are left out, and those of which the schema refused the request or the limit.
    """
    refused = {path[-1] for path in values.refused if path[:-1] in _SERVER}
    ours = {*resource_fields(values), *refused}
    requests, limits = values.at("resources.requests"), values.at("resources.limits")
    yield (
        ("resources",),
        {name: given for name, given in requests.items() if name not in ours},
        {name: given for name, given in limits.items() if name not in ours},
    )
    for path, item in containers(values):
        given = item.get("resources") or {}
        yield (*path, "resources"), given.get("requests") or {}, given.get("limits") or {}


@rule(
    "request-above-limit",
    "A request is greater than its limit.",
    why="The API server refuses such pods, and no server starts.",
    source=_KUBERNETES,
    refused_by=Refuser.CHART,
)
def request_above_limit(values: Values) -> Iterator[Said]:
    """Find a request above its limit, which the API server refuses."""
    for place, requests, limits in _resources(values):
        for name, request in requests.items():
            limit = limits.get(name)
            wanted, allowed = amount(request), amount(limit) if limit is not None else None
            if wanted is None or allowed is None:
                continue
            if name in _IN_BYTES and (_has_no_unit(wanted) or _has_no_unit(allowed)):
                continue
            if _is_extended(name):
                continue
            ours, theirs = (*place, "requests", name), (*place, "limits", name)
            if wanted > allowed and (len(place) > 1 or values.has(ours)):
                hint = f"write {limit} or less, or raise {dotted(theirs)}"
                yield Said(ours, f"{request} is more than the limit {limit}", hint)
            elif wanted > allowed:
                message = f"{limit} is less than the request, which is {request} by default"
                yield setting(theirs, message, {ours: limit}, " too, or less")


def _is_extended(name: str) -> bool:
    """Return whether Kubernetes assigns a resource as a whole: devices and huge pages."""
    return "/" in name or name.startswith("hugepages-")


def _is_too_long(name: str) -> bool:
    """Return whether a resource's name after its domain is longer than a label may be."""
    return "/" in name and len(name.rpartition("/")[2]) > _LABEL


_TOO_LONG = "has more than 63 characters after the slash"


@rule(
    "extended-resource",
    "A device or huge-page resource has an invalid name or amount.",
    why=(
        "Kubernetes assigns such resources as a whole, and the request must equal the limit. The API server "
        "refuses the workload, and the installation or upgrade fails."
    ),
    source=_KUBERNETES,
    refused_by=Refuser.API_SERVER,
)
def extended_resource(values: Values) -> Iterator[Said]:
    """Find a name that is too long, a fraction of a device, and a request that differs from its limit."""
    if _is_too_long(values.at("gpu.resourceName")):
        yield Said(("gpu", "resourceName"), _TOO_LONG, "write one such as nvidia.com/gpu")
    for place, requests, limits in _resources(values):
        for part, amounts in (("requests", requests), ("limits", limits)):
            for name, given in amounts.items():
                number = amount(given) if given is not None else None
                if number is None or not _is_extended(name):
                    continue
                path = (*place, part, name)
                if _is_too_long(name):
                    yield removal(path, _TOO_LONG, ", as no device plugin can offer such a name")
                limit = limits.get(name)
                if number != number.to_integral_value():
                    yield writing(path, f"{given} is not a whole number", int(number) + 1)
                elif limit is not None and amount(limit) != number:
                    yield writing(path, f"{given} differs from the limit {limit}", limit)
                elif limit is None:
                    message = "has no limit, which Kubernetes requires for it"
                    yield setting(path, message, {(*place, "limits", name): given}, on_key=True)


def _sizes(values: Values) -> Iterator[tuple[Path, str | int | float | None]]:
    """Yield the amounts that are counted in bytes, with their paths."""
    for place, requests, limits in _resources(values):
        for part, amounts in (("requests", requests), ("limits", limits)):
            for name in _IN_BYTES:
                yield (*place, part, name), amounts.get(name)
    if new_claim(values):
        yield ("modelVolume", "size"), values.at("modelVolume.size")
    if values.at("compileCache.volume") == "own" and not values.at("compileCache.existingClaim"):
        yield ("compileCache", "size"), values.at("compileCache.size")
    if values.at("sharedMemory.enabled"):
        yield ("sharedMemory", "sizeLimit"), values.at("sharedMemory.sizeLimit")


@rule(
    "memory-unit",
    "An amount of memory or storage is less than 1 MiB.",
    why=(
        "A plain number means bytes, and `m` means thousandths of a byte. A container with such a limit does not "
        "start, and such a request reserves nothing."
    ),
    source=_KUBERNETES,
    refused_by=Refuser.CHART,
)
def memory_unit(values: Values) -> Iterator[Said]:
    """Find amounts below 1 MiB: a number without its unit, or m for mega."""
    for path, given in _sizes(values):
        number = amount(given) if given is not None else None
        if number is not None and (_has_no_unit(number) or (number == 0 and path[-1] == "size")):
            what = "thousandths of a byte" if str(given).endswith("m") else "bytes"
            message = f"{given} means {what} here, which is less than 1Mi"
            meant = _with_unit(str(given), small=len(path) > 3)
            yield writing(path, message, meant) if meant else Said(path, message, "write an amount such as 20Gi")


def _has_no_unit(number: Decimal) -> bool:
    """Return whether a number of bytes is so small that its unit is missing; that is the mistake to fix first."""
    return 0 < number < _MEBIBYTE


def _with_unit(given: str, *, small: bool) -> str:
    """Return the amount that is probably meant, or "" if that is unclear."""
    number = given.rstrip("mkKiEe")
    if not number.isdecimal() or Decimal(number) == 0:
        return ""
    return f"{number}Gi" if number == given and Decimal(number) < _SURELY_MEBIBYTES and not small else f"{number}Mi"


@rule(
    "cpu-unit",
    "An amount of CPU has a unit of memory.",
    why="`8Gi` means 8589934592 cores. No node has as many, so a pod that requests them stays Pending.",
    source=_KUBERNETES,
    refused_by=Refuser.CHART,
)
def cpu_unit(values: Values) -> Iterator[Said]:
    """Find more cores than any machine has: the unit of memory after the number is a mistake."""
    for place, requests, limits in _resources(values):
        for part, cpu in (("requests", requests.get("cpu")), ("limits", limits.get("cpu"))):
            cores = amount(cpu) if cpu is not None else None
            if cores is not None and cores >= 10_000:
                hint = "write the number of cores, such as 8"
                yield Said((*place, part, "cpu"), f"{cpu} means {cores:.0f} cores", hint)


@rule(
    "shared-memory-above-limit",
    "Shared memory may become larger than the container's memory limit.",
    why=(
        "Files in /dev/shm count towards the memory limit. The container is killed (OOMKilled) before /dev/shm is full."
    ),
    source="https://kubernetes.io/docs/concepts/storage/volumes/#emptydir",
    refused_by=Refuser.CHART,
)
def shared_memory_above_limit(values: Values) -> Iterator[Said]:
    """Find a size of /dev/shm above the memory limit, which is reached first."""
    limit, size = values.at("resources.limits.memory"), values.at("sharedMemory.sizeLimit")
    if not values.at("sharedMemory.enabled") or not size or limit is None:
        return
    most, wanted = amount(limit), amount(size)
    if most is None or wanted is None or wanted <= most or _has_no_unit(most):
        return
    if values.written("sharedMemory.sizeLimit") or not values.written("resources.limits.memory"):
        message = f"{size} is more than resources.limits.memory, {limit}, which it counts towards"
        yield Said(("sharedMemory", "sizeLimit"), message, f"write at most {limit}, or raise that limit")
    else:
        message = f"{limit} is less than sharedMemory.sizeLimit, {size}, which counts towards it"
        yield setting(("resources", "limits", "memory"), message, {"sharedMemory.sizeLimit": limit}, " too, or less")


@rule(
    "memory-volume",
    "Volumes in memory may become larger than the container's memory limit.",
    why=(
        "Files in an emptyDir with `medium: Memory` count towards the memory limit of the container that writes them. "
        "It is killed (OOMKilled) before the volume is full."
    ),
    source="https://kubernetes.io/docs/concepts/storage/volumes/#emptydir",
    severity=Severity.WARNING,
)
def memory_volume(values: Values) -> Iterator[Said]:
    """Find volumes in memory that the server writes to and whose sizes leave nothing of the limit."""
    limit = values.at("resources.limits.memory")
    most = amount(limit) if limit is not None else None
    sizes = {path: (given, amount(given)) for path, given in _in_memory(values)}
    whole = sum((size or Decimal(0) for _, size in sizes.values()), Decimal(0))
    if not sizes or most is None or _has_no_unit(most) or whole < most:
        return
    path, (given, _) = max(sizes.items(), key=lambda item: item[1][1] or Decimal(0))
    beside = " and the other volumes in memory" if len(sizes) > 1 else ""
    message = f"{given} of memory{beside} leave nothing of resources.limits.memory, {limit}, which they count towards"
    yield Said(path, message, "make it smaller, or raise that limit")


def _in_memory(values: Values) -> Iterator[tuple[Path, Any]]:
    """Yield the sizes of the server's volumes in memory, except shared memory, with their paths."""
    mounted = {mount["name"] for _, mount in values.items("volumeMounts") if not mount.get("readOnly")}
    sources: list[tuple[Path, Any]] = (
        [(("modelVolume", "volume"), values.at("modelVolume.volume") or {})] if model_volume(values) else []
    )
    sources += [(("volumes", index), item) for index, item in values.items("volumes") if item["name"] in mounted]
    for path, source in sources:
        volume = source.get("emptyDir") or {}
        if volume.get("medium") == "Memory" and volume.get("sizeLimit") is not None:
            yield (*path, "emptyDir", "sizeLimit"), volume["sizeLimit"]


@rule(
    "shared-memory-off",
    "Shared memory is off, so /dev/shm has 64 MiB.",
    why=(
        "vLLM's processes exchange data through /dev/shm. vLLM 0.32 needs 160 MiB even for a tiny model, and "
        "exits with `Insufficient space in /dev/shm`."
    ),
    source="vLLM's server: Insufficient space in /dev/shm",
    severity=Severity.WARNING,
)
def shared_memory_off(values: Values) -> Iterator[Said]:
    """Find shared memory that is off."""
    mounted = any(mount["mountPath"].rstrip("/") == "/dev/shm" for _, mount in values.items("volumeMounts"))  # noqa: S108
    if not (values.at("sharedMemory.enabled") or mounted or values.at("podSpec.hostIPC")):
        needs = "needs" if known_release(values) >= _MEASURED else "may need"
        message = f"false leaves 64 MiB in /dev/shm, but vLLM {needs} more to start"
        yield Said(("sharedMemory", "enabled"), message, "remove the line, or mount a volume there")


@rule(
    "empty-map",
    "An empty map does not remove the chart's requests or limits.",
    why=(
        "Helm merges maps, so the chart's own requests and limits stay: 8 CPUs and 16Gi of memory at most. An "
        "empty string leaves one out."
    ),
    source="https://helm.sh/docs/chart_template_guide/values_files/",
    severity=Severity.WARNING,
)
def empty_map(values: Values) -> Iterator[Said]:
    """Find an empty map over the chart's requests or limits."""
    given = values.given.get("resources")
    if given == {}:
        yield _stays(("resources",), ("requests", "limits"))
    for part in ("requests", "limits"):
        if isinstance(given, dict) and given.get(part) == {}:
            yield _stays(("resources", part), (part,))


def _stays(path: Path, parts: tuple[str, ...]) -> Said:
    names = [f"resources.{part}.{name}" for part in parts for name in ("cpu", "memory")]
    message = f"is empty, but the chart's own {' and '.join(parts)} stay"
    return setting(path, message, dict.fromkeys(names, ""), " to leave them out", on_key=True)


RULES = (
    empty_map,
    request_above_limit,
    extended_resource,
    memory_unit,
    cpu_unit,
    shared_memory_above_limit,
    memory_volume,
    shared_memory_off,
)
