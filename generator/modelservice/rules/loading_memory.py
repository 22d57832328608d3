"""Rules on the node's memory while a model is loaded: the weights in it, and what each worker needs."""

from __future__ import annotations

from collections.abc import Iterator

from modelservice.findings import Severity
from modelservice.quantity import amount
from modelservice.rules.given_arguments import last_value
from modelservice.rules.gpu import CPU_IMAGE
from modelservice.rules.image import is_own_image
from modelservice.rules.known_model import GIB, engine_for, gibibytes, model_facts_of, stored_tensors, too_small
from modelservice.rules.model_download import needed_bytes
from modelservice.rules.rule import Said, Values, rule

_LIMIT = ("resources", "limits", "memory")
_STRATEGY = "--safetensors-load-strategy"
# Resident memory of a CUDA worker without the page cache: 3.1 GB (vllm-project/vllm#57469), and 4 GB together with
# the server (vllm-project/vllm#3035).
_WORKER = 3 * GIB


@rule(
    "loading-memory",
    "The container's memory limit is smaller than what loading the model needs.",
    why=(
        "Weights for a GPU pass through the page cache, which the kernel can reclaim. Weights for a CPU, volumes in "
        "memory and files that are read eagerly stay in memory. The container is killed (OOMKilled)."
    ),
    source="vLLM's safetensors_weights_iterator, measured with the CPU build; vllm-project/vllm#3035",
)
def loading_memory(values: Values) -> Iterator[Said]:
    """Find weights that must stay in the container's memory but exceed its limit."""
    limit, facts = values.at("resources.limits.memory"), model_facts_of(values)
    most = amount(limit) if limit else None
    if not facts or most is None:
        return
    for size, why in _resident(values):
        if size >= most:
            message = f"{limit} is less than the {gibibytes(size)} {why}"
            yield too_small(values, _LIMIT, message, {"resources.limits.memory": _roomy(size)})
            return


def _resident(values: Values) -> Iterator[tuple[int, str]]:
    """Yield the bytes of a model that stay in the container's memory, and why."""
    facts = model_facts_of(values)
    if not facts:
        return
    source = values.at("modelVolume.volume") or {}
    if (source.get("emptyDir") or {}).get("medium") == "Memory":
        yield needed_bytes(values), f"of {facts.model} in a model volume in memory"
    if values.at("gpu.count") == 0 and CPU_IMAGE.rsplit("/", 1)[-1] in values.at("image.repository"):
        weights = sum(min(one.nbytes, 2 * one.elements) for one in stored_tensors(facts))
        yield weights, f"of weights of {facts.model}"
    if last_value(values, _STRATEGY) == "eager":
        workers = engine_for(values).split.gpus
        largest = max((size for name, size in facts.files.items() if name.endswith(".safetensors")), default=0)
        yield largest * workers, f"that {workers} workers read with {_STRATEGY}=eager, one file each"


@rule(
    "worker-memory",
    "The container's memory limit is smaller than what vLLM's workers need.",
    why=(
        "Each GPU has a process of its own, which needs about 3 GiB of the node's memory for CUDA and the libraries, "
        "however the weights are loaded. The container is killed (OOMKilled) while it starts."
    ),
    source="vllm-project/vllm#57469 and #3035: 3.1 and 4 GB resident besides the page cache",
    severity=Severity.WARNING,
)
def worker_memory(values: Values) -> Iterator[Said]:
    """Find a limit below the memory of the workers, one for each GPU."""
    limit, workers = values.at("resources.limits.memory"), int(values.at("gpu.count"))
    most = amount(limit) if limit else None
    if most is None or workers < 2 or not _serves(values):
        return
    if most < workers * _WORKER:
        message = f"{limit} is less than what {workers} workers need, about {gibibytes(_WORKER)} each"
        yield too_small(values, _LIMIT, message, {"resources.limits.memory": _roomy(workers * _WORKER)})


def _serves(values: Values) -> bool:
    """Return whether the container runs vLLM's own server with a worker for each GPU."""
    return is_own_image(values) and values.at("gpu.resourceName").startswith("nvidia.com/gpu")


def _roomy(size: int) -> str:
    """Return the size with a reserve for the server's other memory, as a quantity."""
    return f"{-(-size // GIB) + 8}Gi"


RULES = (loading_memory, worker_memory)
