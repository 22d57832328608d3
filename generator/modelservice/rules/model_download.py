"""Rules on a model's download: the volume that keeps it, and the time that it takes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from modelservice.findings import Path, Severity, dotted
from modelservice.quantity import amount
from modelservice.rules.given_arguments import given, last_value
from modelservice.rules.known_model import GIB, gibibytes, stored_tensors, too_small
from modelservice.rules.model import model_mount, under
from modelservice.rules.model_loading import in_object_store
from modelservice.rules.model_memory import parameters_in
from modelservice.rules.rule import Said, Values, rule
from modelservice.rules.storage import model_volume, new_claim, of_each_pod, read_only, user_cache

# The assumed rate of a download: 1 Gbit/s.
_BYTES_A_SECOND = 125_000_000
# Revisions that pin nothing.
_BRANCHES = ("", "main", "master")
# A smaller size has the wrong unit, which memory-unit finds.
_LEAST = 2**20
# Names of checkpoints with fewer than 4 bits for each parameter.
_BELOW_4_BITS = (
    r"(?i)gguf|exl\d|aqlm|vptq|quip|hqq|bitnet|ternary|sparse|2of4|prune|(?<!\d)[1-3](\.\d+)?[-_ ]?bit|i?q[1-3](_|-|$)|"
    r"(?<![a-z])w[1-3]a|int[1-3](?!\d)"
)


def needed_bytes(values: Values) -> int:
    """Return the least bytes that a download of the model fetches, or 0 if they are not known.

    The chart's own download fetches all useful files, vLLM's the files with the weights. Without a list of files only
    the weights count.
    """
    from modelservice.models.weight_files import safetensors_files

    if not values.facts or not (values.at("modelVolume.preDownload") or _is_vllms_download(values)):
        return 0
    files = values.facts.files
    if values.at("modelVolume.preDownload") and files:
        return sum(files.values())
    return sum(files[name] for name in safetensors_files(files)) or sum(
        one.nbytes for one in stored_tensors(values.facts)
    )


def _is_vllms_download(values: Values) -> bool:
    """Return whether vLLM downloads the files itself, and into the hub's cache."""
    elsewhere = values.at("command") or given(values, "--download-dir")
    return not elsewhere and last_value(values, "--load-format") in ("", "auto", "safetensors")


def _downloads(values: Values) -> bool:
    """Return whether the model comes from a hub into the model volume, or into the container."""
    return values.at("model.source") != "local" and not in_object_store(values.at("model.name"))


def _size_of_volume(values: Values) -> tuple[Path, Any] | None:
    """Return the path and the value of the size of the download's volume, or None if it is not known."""
    cache, source = user_cache(values), values.at("modelVolume.volume") or {}
    if not _downloads(values) or read_only(values) or (cache and not under(cache, model_mount(values))):
        return None
    if new_claim(values) and not values.at("modelVolume.dataSource"):
        return ("modelVolume", "size"), values.at("modelVolume.size")
    if limit := (source.get("emptyDir") or {}).get("sizeLimit"):
        return ("modelVolume", "volume", "emptyDir", "sizeLimit"), limit
    path = ("volumeClaimTemplate", "spec", "resources", "requests", "storage")
    found: Any = source.get("ephemeral")
    for key in path:
        found = found.get(key) if isinstance(found, dict) else None
    return (("modelVolume", "volume", "ephemeral", *path), found) if found else None


@rule(
    "model-volume-size",
    "The model volume is smaller than the download.",
    why=(
        "If the storage enforces the size, the download fails with `No space left on device`, and the next try "
        "starts with a full volume. NFS and local-path do not enforce it. Many storage classes cannot enlarge a claim."
    ),
    source="the sizes of the model's files; llm-d/llm-d#857",
    severity=Severity.WARNING,
)
def model_volume_size(values: Values) -> Iterator[Said]:
    """Find a volume that is too small for the model."""
    found, needed = _size_of_volume(values), needed_bytes(values)
    size = amount(found[1]) if found else None
    if found and size is not None and size < needed:
        message = f"{found[1]} is less than the {gibibytes(needed)} of {values.at('model.name')}"
        yield too_small(values, found[0], message, {found[0]: _roomy(needed)})


@rule(
    "model-name-volume",
    "Judging by the size in its name, the model does not fit into the model volume.",
    why=(
        "The volume is smaller than the weights would be with 4 bits for each parameter. If the storage enforces the "
        "size, the download fails with `No space left on device`."
    ),
    source="docs/fit.md",
    severity=Severity.WARNING,
)
def model_name_volume(values: Values) -> Iterator[Said]:
    """Find a volume that is too small for the size in the model's name, if no facts are known."""
    name, found = str(values.at("model.name")), None if values.facts else _size_of_volume(values)
    downloads = values.at("modelVolume.preDownload") or _is_vllms_download(values)
    if not found or not downloads or re.search(_BELOW_4_BITS, name):
        return
    parameters, size = parameters_in(name), amount(found[1])
    if size is not None and _LEAST <= size < parameters / 2:
        least, usual = gibibytes(parameters / 2), gibibytes(parameters * 2)
        message = (
            f"{found[1]} is less than {name} needs, judging by its name: {least} with 4 bits, {usual} with 16 bits"
        )
        hint = f"set {dotted(found[0])} to more than the size of its files on the hub"
        has = values.has(found[0])
        yield Said(found[0] if has else ("model", "name"), message if has else f"{dotted(found[0])} {message}", hint)


@rule(
    "model-volume-revision",
    "The model volume has no room for a second revision of the model.",
    why=(
        "When the revision is changed, the hub's cache keeps the files of the old one, and the download of the new one "
        "fails if the volume is full."
    ),
    source="https://huggingface.co/docs/huggingface_hub/guides/manage-cache",
    severity=Severity.WARNING,
)
def model_volume_revision(values: Values) -> Iterator[Said]:
    """Find a claim with room for only one revision, if it is pinned; a pod's own volume is deleted with the pod."""
    found, needed = _size_of_volume(values), needed_bytes(values)
    size = amount(found[1]) if found else None
    if not found or size is None or of_each_pod(values) or values.at("model.revision") in _BRANCHES:
        return
    if needed <= size < 2 * needed:
        message = (
            f"{found[1]} has room for one revision of {values.at('model.name')} ({gibibytes(needed)}), not for two"
        )
        yield too_small(values, found[0], message, {found[0]: _roomy(2 * needed)})


@rule(
    "startup-download",
    "The start-up budget is shorter than the download of the model.",
    why=(
        "vLLM downloads the model before it answers. Kubernetes restarts the container when `startupSeconds` are over, "
        "in the middle of the download."
    ),
    source="the sizes of the model's files, at 1 Gbit/s",
    severity=Severity.WARNING,
)
def startup_download(values: Values) -> Iterator[Said]:
    """Find a budget shorter than a download at 1 Gbit/s; an existing volume may already contain the model."""
    fresh = new_claim(values) or of_each_pod(values) or not model_volume(values)
    before = values.at("modelVolume.preDownload") or values.at("modelVolume.dataSource")
    off = (values.at("probes.startup") or {}).get("enabled") is False
    if not _downloads(values) or not fresh or before or off or values.at("command"):
        return
    seconds, budget = needed_bytes(values) // _BYTES_A_SECOND, int(values.at("startupSeconds"))
    if seconds > budget:
        size = gibibytes(needed_bytes(values))
        message = f"{budget} is less than the {seconds} seconds that a download of {size} takes at 1 Gbit/s"
        more = min(86400, -(-(seconds * 3 // 2) // 600) * 600)
        otherwise = ", or modelVolume.preDownload: InitContainer"
        yield too_small(values, ("startupSeconds",), message, {"startupSeconds": more}, otherwise)


def _roomy(size: int) -> str:
    """Return the size with a reserve for the file system and compiled code, in whole GiB."""
    return f"{-(-size * 11 // (10 * GIB))}Gi"


RULES = (model_volume_size, model_name_volume, model_volume_revision, startup_download)
