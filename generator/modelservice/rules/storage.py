"""Find where models and compiled code are kept, as the chart's _volumes.tpl, _env.tpl and _cache.tpl decide."""

from __future__ import annotations

from typing import Any

from modelservice.rules.model import model_mount, under
from modelservice.rules.model_loading import in_object_store
from modelservice.rules.replicas import most_replicas
from modelservice.rules.rule import Values, once

# The variables of the hubs' libraries for the folder of the models, in order of precedence.
_HUGGING_FACE = ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME")
_MODELSCOPE = ("MODELSCOPE_CACHE",)
# The variables for the folders of compiled code.
COMPILE_VARIABLES = ("VLLM_CACHE_ROOT", "TRITON_CACHE_DIR", "TORCHINDUCTOR_CACHE_DIR", "FLASHINFER_WORKSPACE_BASE")


@once
def model_volume(values: Values) -> str:
    """Return what the model volume is, or "" if there is none.

    "volume" is modelVolume.volume, "existing" an existing claim, "claim" the chart's own, and "claims" one for each
    replica of a StatefulSet. The chart creates no claim that would stay unused.
    """
    enabled = values.at("modelVolume.enabled")
    if enabled is False:
        return ""
    if values.at("modelVolume.volume"):
        return "volume"
    if values.at("modelVolume.existingClaim"):
        return "existing"
    if enabled is None and _model_elsewhere(values):
        return ""
    return "claims" if values.at("workload.kind") == "StatefulSet" else "claim"


def new_claim(values: Values) -> bool:
    """Return whether the chart creates the claim, or a StatefulSet one for each replica."""
    return model_volume(values).startswith("claim")


def shared_claim(values: Values) -> bool:
    """Return whether all pods mount the same claim."""
    return model_volume(values) in ("claim", "existing") or "persistentVolumeClaim" in _source(values)


def of_each_pod(values: Values) -> bool:
    """Return whether each pod has a model volume of its own, which is deleted with the pod."""
    return not _source(values).keys().isdisjoint(("emptyDir", "ephemeral"))


def _source(values: Values) -> dict[str, Any]:
    return values.at("modelVolume.volume") or {}


def _model_elsewhere(values: Values) -> bool:
    mount = model_mount(values)
    if any(_in_place(mount, item["mountPath"]) for _, item in values.items("volumeMounts")):
        return True
    name, cache = str(values.at("model.name")), user_cache(values)
    words = [name, *map(str, values.at("command") or ())]
    elsewhere = any(map(in_object_store, words)) or bool(cache and cache != "unknown" and not under(cache, mount))
    if values.at("model.source") == "local":
        elsewhere = not under(name, mount)
    return elsewhere and not _volume_used(values, mount)


def _in_place(mount: str, other: str) -> bool:
    """Return whether another volume is mounted where the models would be: at their path or a cache folder above it."""
    return mount.rstrip("/") == other.rstrip("/") or (under(mount, other) and under(other, "/root/.cache"))


def _volume_used(values: Values, mount: str) -> bool:
    downloads = values.at("modelVolume.preDownload") and values.at("model.source") != "local"
    if values.at("modelVolume.dataSource") or downloads or values.at("compileCache.volume") == "model":
        return True
    words = [*(values.at("args") or ()), *(values.at("command") or ())]
    if f"{mount.rstrip('/')}/" in "".join(f"{word}/ " for word in words):
        return True
    users = (values.at(key) for key in ("volumeMounts", "initContainers", "extraContainers"))
    return any(_names_volume(user) for user in users)


def _names_volume(node: Any) -> bool:
    if isinstance(node, list):
        return any(map(_names_volume, node))
    return isinstance(node, dict) and (node.get("name") == "model-dir" or any(map(_names_volume, node.values())))


def read_only_many(values: Values) -> bool:
    """Return whether the claim is ReadOnlyMany and nothing else."""
    claimed = model_volume(values) not in ("", "volume")
    return claimed and bool(values.at("modelVolume.accessModes") == ["ReadOnlyMany"])


@once
def read_only(values: Values) -> bool:
    """Return whether the model volume is mounted read-only."""
    said, source = values.at("modelVolume.readOnly"), _source(values)
    if not model_volume(values):
        return False
    if said is None and source:
        return "image" in source or any(isinstance(kind, dict) and kind.get("readOnly") for kind in source.values())
    return read_only_many(values) if said is None else bool(said)


@once
def user_cache(values: Values) -> str:
    """Return the hub's cache folder that a variable of the user sets, or "" if there is none.

    Returns "unknown" if the value is not in the file.
    """
    given = {item["name"]: item.get("value") for _, item in values.items("env")}
    for name in _MODELSCOPE if values.at("model.source") == "modelscope" else _HUGGING_FACE:
        if name in given:
            folder = str(given[name] or "").rstrip("/")
            if not folder or "$" in folder:
                return "unknown"
            return f"{folder}/hub" if name == "HF_HOME" else folder
    return ""


@once
def compile_cache_of(values: Values) -> str:
    """Return where compiled code is kept: "model", "own", or "" for nowhere."""
    volume = str(values.at("compileCache.volume"))
    if volume != "auto":
        return volume
    named = any(item["name"] in COMPILE_VARIABLES for _, item in values.items("env"))
    kind, shared = model_volume(values), "ReadWriteMany" in values.at("modelVolume.accessModes")
    alone = kind in ("claim", "existing") and not shared and most_replicas(values) <= 1
    fits = alone or kind == "claims" or of_each_pod(values)
    return "model" if fits and not named and not read_only(values) else ""
