"""What PyTorch's allocator keeps on a GPU beside the bytes of the weights.

A tensor of 10 MiB or more gets whole pieces of 2 MiB, and what is left of the last one is given back only where it is
larger than 1 MiB (`round_size`, `get_allocation_size` and `should_split` in c10/cuda/CUDACachingAllocator.cpp). The
tensors are those that vLLM makes of a checkpoint's: queries, keys and values in one, the MLP's gate and up in one, all
experts of a layer in one.
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
    """Return the bytes that the allocator keeps beside tensors, each with its bytes on one GPU.

    `experts` is how many a sparse layer has.
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
