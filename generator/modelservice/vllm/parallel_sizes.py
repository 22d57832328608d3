"""Compute how many GPUs a vLLM process uses on its own node."""

from __future__ import annotations

import math
from collections.abc import Mapping

# A process that is started with one of these flags, or its short form, is one data parallel rank.
ONE_RANK = {"--data-parallel-rank": "-dpn", "--data-parallel-external-lb": "-dpe"}


def gpus_of_node(sizes: Mapping[str, int], nodes: int = 1, *, one_rank: bool = False) -> int | None:
    """Return how many GPUs of a node the parallel sizes (flag → size) use, or None if the nodes do not divide them.

    `nodes` is the value of `--nnodes`; `one_rank` says that a flag of `ONE_RANK` is given. A data parallel head without
    its own rank uses 0. Source: `EngineArgs.create_engine_config`, and `local_world_size` and `nnodes_within_dp` of
    `ParallelConfig`, in vLLM 0.32.0.
    """
    sizes = dict(sizes)
    ranks = sizes.pop("--data-parallel-size", 1)
    local = sizes.pop("--data-parallel-size-local", None)
    one = math.prod(sizes.values())
    if local is None and not one_rank:
        return ranks * one // nodes if ranks * one % nodes == 0 else None
    local = 1 if one_rank or local is None else local
    groups = max(1, ranks // local) if local else 1
    share = max(1, nodes // groups)
    return local * one // share if one % share == 0 else None
