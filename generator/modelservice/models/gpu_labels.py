"""Find the value that a node label with a misspelled name of a GPU should have."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import Any

from modelservice.models.gpus import cards

# Who writes a label with the name of a node's GPU, for the labels whose values are known.
WRITERS = {
    "nvidia.com/gpu.product": "NVIDIA's GPU feature discovery",
    "cloud.google.com/gke-accelerator": "GKE",
    "karpenter.k8s.aws/instance-gpu-name": "Karpenter",
}
# The ends of the names of GPUs that are divided.
_DIVIDED = re.compile(r"(-MIG-[\w.]+)?(-SHARED)?$")
_WORDS = ("nvidia", "tesla", "geforce", "generation", "blackwell", "server", "workstation", "edition")
_SIMILAR = str.maketrans("oil", "011")


def meant(label: str, value: str) -> tuple[str, ...]:
    """Return the known values that a wrong value of a label certainly means, or () if the value may be right.

    A value is corrected if it is a card's name in another form (`L40S`), or differs from a known name only in case,
    separators, similar characters (`L4OS`) or a misspelled word. Anything else may be the name of another card.
    """
    known, name = _values(label), _DIVIDED.sub("", value)
    if not known or any(name in values for values in known.values()):
        return ()
    end, plain = value[len(name) :], _plain(name)
    cards_meant = [card for card, forms in _forms().items() if plain in forms and known.get(card)]
    found = dict.fromkeys(one for card in cards_meant for one in known[card])
    same = [one for one in found if _plain(one).endswith(plain)]
    current = [one for one in found if f"NVIDIA-{one}" not in found]  # old drivers left out the vendor
    return tuple(one + end for one in (same[:1] or current))


@functools.cache
def _values(label: str) -> dict[str, list[str]]:
    """Return the known values of a label by card."""
    return {card["name"]: card["labels"][label] for card in cards() if label in card.get("labels", {})}


@functools.cache
def _forms() -> dict[str, set[str]]:
    """Return the names of each card, in plain form."""
    return {card["name"]: {_plain(name) for name in _names(card)} for card in cards()}


def _names(card: dict[str, Any]) -> Iterator[str]:
    yield from (card["name"], *card["also"])
    yield from (value for values in card.get("labels", {}).values() for value in values)
    if re.search(r"\d", first := card["name"].split()[0]):  # A100 may be either A100
        yield first


def _plain(name: str) -> str:
    """Return a name in lower case, without separators, and with similar characters and misspelled words unified."""
    import difflib  # only a mistake needs it

    def spelled(found: re.Match[str]) -> str:
        return (*difflib.get_close_matches(found.group(), _WORDS, 1, 0.8), found.group())[0]

    corrected = re.sub(r"[a-z]{5,}", spelled, name.lower())
    return "".join(re.findall(r"[a-z0-9]+", corrected.translate(_SIMILAR)))
