"""Compute the memory that PyTorch's allocator reserves on a GPU in addition to the bytes of the weights.

The allocator rounds a tensor of 10 MiB or more up to whole pieces of 2 MiB, and releases the unused end of the last
piece only if it is larger than 1 MiB (`round_size`, `get_allocation_size` and `should_split` in
c10/cuda/CUDACachingAllocator.cpp). The tensors are those that vLLM creates from the checkpoint's: it fuses queries,
keys and values into one, the MLP's gate and up into one, and all experts of a layer into one.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from fractions import Fraction

from modelservice.models.model_facts import Tensors

MIB = 2**20
_PIECE, _LARGE, _KEPT = 2 * MIB, 10 * MIB, MIB
_FUSED = (
    (re.compile(r"experts\.\*\."), "experts."),
    (re.compile(r"\b[qkv]_proj\."), "qkv_proj."),
    (re.compile(r"\b(gate|up)_proj\."), "gate_up_proj."),
    (re.compile(r"\b(q_a_proj|kv_a_proj_with_mqa)\."), "fused_qkv_a_proj."),
)


def kept_beside(parts: Iterable[tuple[Tensors, Fraction]], experts: int) -> int:
    """Return the bytes that the allocator reserves in addition to the tensors.

    `parts` are tensors with their bytes on one GPU; `experts` is the number of experts of a sparse layer.
    """
    sizes: defaultdict[str, Fraction] = defaultdict(Fraction)
    counts: defaultdict[str, int] = defaultdict(int)
    for tensor, size in parts:
        name = tensor.pattern
        each = experts if "experts.*." in name else 1
        for pattern, fused in _FUSED:
            name = pattern.sub(fused, name)
        sizes[name] += size
        counts[name] = max(counts[name], tensor.copies // max(each, 1))
    return sum(count * _rest(round(sizes[name] / count)) for name, count in counts.items() if count)


def _rest(size: int) -> int:
    rest = -size % _PIECE
    return rest if size >= _LARGE and rest <= _KEPT else 0
