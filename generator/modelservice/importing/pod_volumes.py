"""Turn a pod's volumes and the server's mounts into the model volume, shared memory and further volumes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from modelservice.importing.mounts_to_volumes import CACHE_VARIABLES, holds, is_cache
from modelservice.importing.part import Part

Object = Mapping[str, Any]
_SHARED_MEMORY = "/dev/shm"  # noqa: S108


class Volumes(NamedTuple):
    """The settings for the volumes, and the new names of volumes that had to be renamed for the chart."""

    part: Part
    names: Mapping[str, str]


def volumes_of_pod(pod: Object, server: Object, model: str, known: Mapping[str, str]) -> Volumes:
    """Return the volumes; the model volume is the one with the model, or else the one with the hub's cache.

    `pod` has the claims of a StatefulSet as volumes. `known` are the values of the server's variables.
    """
    volumes = {volume["name"]: _source(volume) for volume in pod.get("volumes", ())}
    mounts = list(server.get("volumeMounts", ()))
    memory = next((one for one in mounts if _is_memory(one, volumes)), None)
    others = [one for one in mounts if one is not memory and one["name"] in volumes and not one.get("subPathExpr")]
    chosen = _chosen(others, model, known)
    names = {}
    settings: dict[str, Any] = {"modelVolume.enabled": False}
    if chosen:
        names[chosen["name"]] = "model-dir"
        settings = _model_volume(chosen, volumes[chosen["name"]])
    settings |= _shared_memory(memory, volumes, mounts)
    if memory:
        names[memory["name"]] = "dshm"
    taken = set(names.values()) - set(names)
    names |= {name: f"{name}-1" for name in volumes if name in taken}
    further = [{"name": names.get(name, name), **source} for name, source in volumes.items() if _stays(name, names)]
    left = [renamed(one, names) for one in mounts if one is not chosen and one is not memory]
    settings |= {"volumes": further} if further else {}
    settings |= {"volumeMounts": left} if left else {}
    return Volumes(Part(settings), names)


def _stays(name: str, names: Mapping[str, str]) -> bool:
    return names.get(name) not in ("model-dir", "dshm")


def _source(volume: Object) -> dict[str, Any]:
    return {key: value for key, value in volume.items() if key != "name"}


def _is_memory(mount: Object, volumes: Mapping[str, Object]) -> bool:
    source = volumes.get(mount["name"], {}).get("emptyDir") or {}
    return mount["mountPath"].rstrip("/") == _SHARED_MEMORY and source.get("medium") == "Memory"


def _chosen(mounts: Sequence[Object], model: str, known: Mapping[str, str]) -> Object | None:
    """Return the mount with the model, or else with the hub's cache; the longest path wins."""
    ordered = sorted(mounts, key=lambda mount: -len(mount["mountPath"]))
    caches = [known[name] for name in CACHE_VARIABLES if known.get(name)]
    holding = [mount for mount in ordered if holds(mount["mountPath"], model)]
    caching = [mount for mount in ordered if is_cache(mount["mountPath"], caches)]
    return next(iter([*holding, *caching]), None)


def _model_volume(mount: Object, source: Object) -> dict[str, Any]:
    settings: dict[str, Any] = {"modelVolume.mountPath": mount["mountPath"].rstrip("/")}
    claim = source.get("persistentVolumeClaim")
    if claim:
        settings["modelVolume.existingClaim"] = claim["claimName"]
    elif source.get("new"):
        settings |= source["new"]
    else:
        settings["modelVolume.volume"] = dict(source)
    if mount.get("subPath"):
        settings["modelVolume.subPath"] = mount["subPath"]
    if mount.get("readOnly") or (claim and claim.get("readOnly")):
        settings["modelVolume.readOnly"] = True
    return settings


def _shared_memory(memory: Object | None, volumes: Mapping[str, Object], mounts: Sequence[Object]) -> dict[str, Any]:
    """Return the shared memory: the original's, none if another volume is mounted there, else one without a limit."""
    if memory:
        limit = volumes[memory["name"]]["emptyDir"].get("sizeLimit", "")
        return {"sharedMemory.enabled": True, "sharedMemory.sizeLimit": str(limit)}
    if any(mount["mountPath"].rstrip("/") == _SHARED_MEMORY for mount in mounts):
        return {"sharedMemory.enabled": False}
    return {"sharedMemory.enabled": True, "sharedMemory.sizeLimit": ""}


def renamed(mount: Object, names: Mapping[str, str]) -> dict[str, Any]:
    """Return a mount with the new name of its volume."""
    return {**mount, "name": names.get(mount["name"], mount["name"])}


def with_renamed(container: Object, names: Mapping[str, str]) -> dict[str, Any]:
    """Return a container whose mounts name the volumes as the chart does."""
    if "volumeMounts" not in container:
        return dict(container)
    return {**container, "volumeMounts": [renamed(one, names) for one in container["volumeMounts"]]}
