"""Look up the memory and the compute capability of a GPU by any name that clusters use for it."""

from __future__ import annotations

import functools
import json
import re
from typing import Any, NamedTuple

from modelservice.schema.source import SCHEMAS

GIB, MIB = 2**30, 2**20
# The label with a node's GPU, by NVIDIA's GPU feature discovery.
PRODUCT = "nvidia.com/gpu.product"


class Gpu(NamedTuple):
    """A card: its name, the bytes that its driver reports, and its compute capability (90 is 9.0; 0 if not NVIDIA's).

    `shared`: other pods use it too.
    """

    name: str
    memory: int
    capability: int = 0
    shared: bool = False

    @property
    def is_alone(self) -> bool:
        """Whether a model cannot be split over several of these GPUs."""
        return self.is_slice or self.shared

    @property
    def is_slice(self) -> bool:
        """Whether it is a MIG slice; a process can use only one."""
        return _MIG.search(self.name.replace(" ", "-")) is not None

    @property
    def is_amd(self) -> bool:
        """Whether it is an AMD card."""
        return re.match(r"MI\d", self.name) is not None


# Ignored words of a name: vendors, series and form factors that do not change the memory.
_NOISE = re.compile(r"nvidia|tesla|geforce|amd|instinct|gpu|graphics|accelerator|sxm\d?|oam|pcie|hbm\d?e?|shared")
_MIG = re.compile(r"mig[-.](\d)g[.-](\d+)gb", re.IGNORECASE)


@functools.cache
def cards() -> list[dict[str, Any]]:
    """Return the table of cards: `name`, `also`, `bytes` or `gib`, `capability`, `labels`, `source`."""
    found: list[dict[str, Any]] = json.loads((SCHEMAS / "gpus" / "cards.json").read_bytes())["cards"]
    return found


@functools.cache
def _cards() -> dict[str, Gpu]:
    return {
        _key(name): Gpu(card["name"], card.get("bytes") or int(card["gib"] * GIB), card["capability"])
        for card in cards()
        for name in (card["name"], *card["also"])
    }


def _key(name: str) -> str:
    return "".join(re.findall(r"[a-z0-9]+", _NOISE.sub(" ", name.lower())))


def gpu_named(name: str) -> Gpu | None:
    """Return the card with a name such as H100, NVIDIA-H100-80GB-HBM3, nvidia-l4 or MI300X, or None if unknown."""
    if found := _MIG.search(name):
        return _slice(name, int(found.group(1)), int(found.group(2)))
    return _cards().get(_key(name))


def meant_gpu(name: str) -> str:
    """Return the question that names the GPU that is surely meant by an unknown name such as 2xL40S, or ""."""
    alone = re.sub(r"^\s*\d\s*[x*]\s*|\s*[x*]\s*\d\s*$", "", name, flags=re.IGNORECASE)
    if alone != name and gpu_named(alone):
        return f"did you mean {alone}? The number of GPUs belongs in gpu.count"
    key = _key(name.lower().replace("o", "0"))
    meant = {gpu.name for known, gpu in _cards().items() if known in (key, f"rtx{key}")}
    return f"did you mean {meant.pop()}?" if len(meant) == 1 else ""


def _slice(name: str, compute: int, gigabytes: int) -> Gpu:
    """Return a MIG slice; its memory is less than the number in its name, which is rounded up."""
    # An A100's 1g.5gb slice has 4864 MiB: NVIDIA's MIG guide, "Device Nodes and Profiles".
    return Gpu(f"MIG {compute}g.{gigabytes}gb", gigabytes * 970 * MIB, 80)


def product_of(gpu: Gpu) -> str:
    """Return a card's label nvidia.com/gpu.product, or "" if it is unknown or has several values."""
    found = [label for card in cards() if card["name"] == gpu.name for label in card.get("labels", {}).get(PRODUCT, ())]
    return found[0] if len(found) == 1 else ""


def known_gpus() -> list[str]:
    """Return the sorted names of all known cards."""
    return sorted({gpu.name for gpu in _cards().values()})
