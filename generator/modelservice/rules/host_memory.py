"""Rules on the node's memory that arguments and variables request."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, NamedTuple

from modelservice.findings import Path
from modelservice.quantity import amount
from modelservice.rules.given_arguments import given, last_value, whole_numbers
from modelservice.rules.image import known_release
from modelservice.rules.rule import Said, Values, rule, setting
from modelservice.vllm.argument_rules import PARALLEL

_GIBIBYTE = Decimal(1024**3)
_KV, _WEIGHTS = "--kv-offloading-size", "--cpu-offload-gb"
_TRANSFER = "--kv-transfer-config"
# From this listed release on, the native buffer is a file in /dev/shm (vllm/v1/kv_offload/cpu/spec.py).
_SHARED_SINCE = (0, 27, 1)
_SPARE_GIBIBYTES = 8
_LESS = ", or request less"
_MOST = Decimal(10) ** 18


class _Asked(NamedTuple):
    """A request for memory: its path, the name of the setting, and the size in bytes."""

    path: Path
    name: str
    size: Decimal


def _number(text: str) -> Decimal:
    found = amount(text)
    return found if found is not None and text[-1:].isdigit() and found < _MOST else Decimal(0)


def _asked(values: Values) -> Iterator[_Asked]:
    """Yield the memory that each setting requests for one pod."""
    yield from _kv_buffer(values)
    for item in given(values, _WEIGHTS)[-1:]:
        size = _number(item.values[0].text) * _GIBIBYTE * _workers(values)
        yield _Asked(("args", item.at), _WEIGHTS, size)
    env = {variable["name"]: (index, str(variable.get("value", ""))) for index, variable in values.items("env")}
    lmcache = "LMCache" in last_value(values, _TRANSFER) and "LMCacheMP" not in last_value(values, _TRANSFER)
    counted = {
        "VLLM_CPU_KVCACHE_SPACE": values.at("gpu.count") == 0,
        "LMCACHE_MAX_LOCAL_CPU_SIZE": lmcache
        and env.get("LMCACHE_LOCAL_CPU", (0, ""))[1].lower() not in ("false", "0"),
    }
    for name, counts in counted.items():
        if counts and name in env:
            index, text = env[name]
            yield _Asked(("env", index, "value"), name, _number(text) * _GIBIBYTE * _workers(values))


def _kv_buffer(values: Values) -> Iterator[_Asked]:
    """Yield the buffer of vLLM's own KV offloading, which all workers of the pod share."""
    native = last_value(values, "--kv-offloading-backend") in ("", "native")
    for item in given(values, _KV)[-1:] if native else ():
        yield _Asked(("args", item.at), _KV, _number(item.values[0].text) * _GIBIBYTE)
    for item in given(values, _TRANSFER)[-1:] if not given(values, _KV) else ():
        if size := _of_connector(item.values[0].text):
            yield _Asked(("args", item.at), f"{_TRANSFER} cpu_bytes_to_use", size)


def _of_connector(text: str) -> Decimal:
    try:
        config: Any = json.loads(text)
        size = config["kv_connector_extra_config"]["cpu_bytes_to_use"]
    except (ValueError, RecursionError, KeyError, TypeError):
        return Decimal(0)
    native = str(config.get("kv_connector")) in ("OffloadingConnector", "SimpleCPUOffloadConnector")
    return _number(str(size)) if native else Decimal(0)


def _workers(values: Values) -> int:
    """Return how many processes of one pod have a part or a copy of the model."""
    sizes = [size for _, size in whole_numbers(values, tuple(PARALLEL)).values()]
    count = int(values.at("gpu.count"))
    return max(1, min(math.prod(sizes), count or math.prod(sizes)) if sizes else count)


def _shown(size: Decimal) -> str:
    return f"{(size / _GIBIBYTE).quantize(Decimal('0.1')):f}".removesuffix(".0") + "Gi"


@rule(
    "host-memory",
    "Arguments request more of the node's memory than the container may use.",
    why=(
        "vLLM allocates these buffers within the memory limit, or in /dev/shm, when it starts or loads the model. "
        "The container is killed (OOMKilled), or vLLM exits, again and again."
    ),
    source="vLLM's CacheConfig and UVAOffloadConfig (vllm/config), kserve/kserve#5949, vllm-project/vllm#53042",
)
def host_memory(values: Values) -> Iterator[Said]:
    """Find buffers that do not fit into the memory limit or into /dev/shm."""
    asked = [one for one in _asked(values) if one.size > 0]
    limit, size = values.at("resources.limits.memory"), values.at("sharedMemory.sizeLimit")
    most = amount(limit) if limit else None
    wanted = sum((one.size for one in asked), Decimal(0))
    shared = _beyond_shared_memory(values)
    settings = {"sharedMemory.sizeLimit": _roomy(shared.size)} if shared else {}
    if asked and most is not None and wanted >= most:
        names = " and ".join(one.name for one in asked)
        parts = f" ({' + '.join(_shown(one.size) for one in asked)})" if len(asked) > 1 else ""
        verb = "request" if len(asked) > 1 else "requests"
        message = f"{names} {verb} {_shown(wanted)} of memory{parts}, but resources.limits.memory is {limit}"
        yield setting(asked[0].path, message, {"resources.limits.memory": _roomy(wanted), **settings}, _LESS)
    elif shared:
        message = f"{shared.name} keeps {_shown(shared.size)} in /dev/shm, but sharedMemory.sizeLimit is {size}"
        if most is not None and most < (amount(_roomy(shared.size)) or 0):
            settings["resources.limits.memory"] = _roomy(shared.size)
        yield setting(shared.path, message, settings, _LESS)


def _beyond_shared_memory(values: Values) -> _Asked | None:
    """Return the buffer that does not fit into /dev/shm, or None if it fits or is elsewhere."""
    size = values.at("sharedMemory.sizeLimit") if values.at("sharedMemory.enabled") else None
    room = amount(size) if size else None
    simple = any(variable["name"] == "VLLM_USE_SIMPLE_KV_OFFLOAD" for _, variable in values.items("env"))
    if room is None or simple or not values.at("gpu.count") or known_release(values) < _SHARED_SINCE:
        return None
    return next((one for one in _kv_buffer(values) if one.size >= room), None)


def _roomy(size: Decimal) -> str:
    """Return the size with a reserve for the server's other memory, as a quantity."""
    return f"{math.ceil(size / _GIBIBYTE) + _SPARE_GIBIBYTES}Gi"


RULES = (host_memory,)
