"""Turn a container's volumes into the model volume and further volumes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from modelservice.importing.container import Mount, Note
from modelservice.importing.part import Part, joined
from modelservice.importing.variables_to_fields import is_yes

_CACHE = re.compile(r".*/\.cache(/(huggingface|modelscope)(/hub)?)?")
CACHE_VARIABLES = ("HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "TRANSFORMERS_CACHE", "MODELSCOPE_CACHE")
OFFLINE = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
_NOT_WANTED = {
    "/dev/shm": "the chart mounts shared memory there",  # noqa: S108
    "/var/run/docker.sock": "the pod gets no access to the node's container runtime",
    "/root/.cache/vllm": "the chart keeps what vLLM compiles in the model volume (compileCache)",
    "/etc/localtime": "set TZ in env to change the time zone",
    "/etc/timezone": "set TZ in env to change the time zone",
}


def volumes_of(mounts: Sequence[Mount], model: str, variables: Mapping[str, str | None]) -> Part:
    """Return the volumes; the model volume is the one with the model, or else the one with the hub's cache."""
    models = next((mount for mount in mounts if holds(mount.target, model)), None)
    caches = [str(variables[name]) for name in CACHE_VARIABLES if variables.get(name)]
    cache = next((mount for mount in mounts if is_cache(mount.target, caches)), None)
    chosen = models or cache
    # Nothing is downloaded to a new claim when the library is offline.
    downloads = chosen is cache and not any(is_yes(variables.get(name)) for name in OFFLINE)
    parts = [_model_volume(chosen, downloads=downloads)] if chosen else []
    others = [mount for mount in mounts if mount is not chosen]
    return joined([*parts, *(_volume(mount, f"volume-{number}") for number, mount in enumerate(others, 1))])


def holds(mount_path: str, path: str) -> bool:
    """Return whether a path is at or below a mount path."""
    folder = mount_path.rstrip("/")
    return bool(folder) and f"{path}/".startswith(f"{folder}/")


def is_cache(mount_path: str, caches: Sequence[str]) -> bool:
    """Return whether a mount path contains a hub's cache: a default folder of its library, or one of `caches`."""
    return bool(_CACHE.fullmatch(mount_path.rstrip("/"))) or any(holds(mount_path, cache) for cache in caches)


def _model_volume(mount: Mount, *, downloads: bool) -> Part:
    settings: dict[str, Any] = {"modelVolume.mountPath": mount.target.rstrip("/")}
    if downloads:
        reason = "a new claim replaces it, and the model is downloaded once; or set modelVolume.existingClaim"
        return Part(settings, (Note(_written(mount), reason),))
    if mount.source.startswith("/"):
        settings["modelVolume.volume"] = {"hostPath": {"path": mount.source, "type": "Directory"}}
        reason = "the folder must exist on the node; set nodeSelector to keep the pods there"
        return Part(settings, (Note(_written(mount), reason),))
    reason = "copy the model's files into the claim before the start, or set modelVolume.existingClaim"
    return Part(settings, (Note(_written(mount), reason),))


def _volume(mount: Mount, name: str) -> Part:
    if reason := _NOT_WANTED.get(mount.target) or _NOT_WANTED.get(mount.source):
        return Part(notes=(Note(_written(mount), reason),))
    source: dict[str, Any]
    if not mount.source:
        source, reason = {"emptyDir": {}}, ""
    elif mount.source.startswith("/"):
        source, reason = {"hostPath": {"path": mount.source}}, "each pod uses this folder of the node that it runs on"
    elif mount.of_host:
        reason = "put the files into a claim or a ConfigMap, and mount it with volumes"
        return Part(notes=(Note(_written(mount), reason),))
    else:
        claim = re.sub(r"[^a-z0-9-]+", "-", mount.source.lower()).strip("-") or "data"
        source, reason = {"persistentVolumeClaim": {"claimName": claim}}, f"a claim named {claim} must exist"
    place = {"name": name, "mountPath": mount.target} | ({"readOnly": True} if mount.read_only else {})
    notes = (Note(_written(mount), reason),) if reason else ()
    return Part({"volumes": [{"name": name, **source}], "volumeMounts": [place]}, notes)


def _written(mount: Mount) -> str:
    return f"{mount.source}:{mount.target}" if mount.source else mount.target
