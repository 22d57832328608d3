"""Turn a container's resources into `gpu` and `resources`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from modelservice.importing.container import Note
from modelservice.importing.part import Part
from modelservice.rules.gpu import GPU_IMAGES

# Resources of device plugins that are accelerators, not network cards or device files.
_ACCELERATOR = re.compile(
    r"(?i)\b(v?gpu|vgpu-number|tpu|neuron(core|device)?|gaudi|npu|ascend\w*|dri|dcunum|mlunum|mig-.*)\b"
)
_PART_OF_ONE = re.compile(r"(?i)(mem|cores?|percent)")
_SLICES = {"volcano.sh/vgpu-memory": "gpu.vgpu.memoryMiB", "volcano.sh/vgpu-cores": "gpu.vgpu.cores"}


class Gpus(NamedTuple):
    """The accelerators of a container: their resource ("" if none is requested) and their number."""

    resource: str
    number: int


def gpus_of(resources: Mapping[str, Any]) -> Gpus:
    """Return a container's accelerators: the first resource that is one."""
    for name, quantity in {**(resources.get("requests") or {}), **(resources.get("limits") or {})}.items():
        kind = name.rpartition("/")[2]
        if "/" in name and _ACCELERATOR.search(kind.replace("_", "-")) and not _PART_OF_ONE.search(kind):
            return Gpus(name, int(quantity) if str(quantity).isdecimal() else 1)
    return Gpus("", 0)


def fields_of_resources(resources: Mapping[str, Any], repository: str, runtime_class: str, split: int) -> Part:
    """Return requests, limits and accelerators; `split` is the number of GPUs that the arguments use, 0 for unknown."""
    gpus = gpus_of(resources)
    slices = gpus.resource == "volcano.sh/vgpu-number"
    settings: dict[str, Any] = {"gpu.count": gpus.number}
    if slices:
        settings["gpu.vgpu.enabled"] = True
        limits = resources.get("limits") or {}
        settings |= {field: int(limits[name]) for name, field in _SLICES.items() if str(limits.get(name)).isdecimal()}
    elif gpus.resource:
        settings["gpu.resourceName"] = gpus.resource
    elif not resources.get("claims"):
        # Without a GPU resource, the runtime class may provide the GPUs; an image for CPUs needs none.
        has_gpu = bool(runtime_class) or repository.rpartition("/")[2] in GPU_IMAGES
        settings |= {"gpu.count": max(split, 1), "gpu.resourceName": ""} if has_gpu else {}
    own = {gpus.resource, *(_SLICES if slices else ())}
    for part in ("requests", "limits"):
        amounts = {name: str(quantity) for name, quantity in (resources.get(part) or {}).items() if name not in own}
        settings[f"resources.{part}"] = {"cpu": "", "memory": "", **amounts}
    if claims := resources.get("claims"):
        settings["resources.claims"] = claims
    quantity = (resources.get("limits") or resources.get("requests") or {}).get(gpus.resource, 0)
    note = Note(f"{gpus.resource}: {quantity}", "the quantity is not a whole number: set gpu.count")
    return Part(settings, () if str(quantity).isdecimal() else (note,))
