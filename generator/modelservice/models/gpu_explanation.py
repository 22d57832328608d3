"""Explain a GPU: its memory, its compute capability, and the commands that take its name."""

from __future__ import annotations

import textwrap

from modelservice.models.gpus import GIB, gpu_named


def explain_gpu(name: str, width: int) -> str | None:
    """Return what is known about a card, in lines of at most `width`, or None for an unknown one."""
    card = gpu_named(name)
    if not card:
        return None
    capability = "" if card.is_slice or not card.capability else f"{card.capability // 10}.{card.capability % 10}"
    parts = [
        ("GPU", card.name),
        ("MEMORY", f"{card.memory / GIB:.1f} GiB, as its driver reports it"),
        ("COMPUTE", capability and f"capability {capability}"),
    ]
    said = (
        f"`modelservice fit values.yaml --gpu '{name}'` says whether a model fits, and "
        f"`modelservice init MODEL --gpu '{name}'` writes values for it. In values.yaml, gpu.memory states the memory "
        "of each GPU, and nodeSelector chooses nodes by their labels."
    )
    lines = [f"{f'{title}:':<10}{text}" for title, text in parts if text]
    return "\n".join([*lines, "", *textwrap.wrap(said, width, break_on_hyphens=False)]) + "\n"
