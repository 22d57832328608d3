"""Compute how many GPUs of its own node one process of vLLM uses."""

from __future__ import annotations

import math
from collections.abc import Mapping

# Each process that is started with one of these, or the short form behind it, is one data parallel rank.
ONE_RANK = {"--data-parallel-rank": "-dpn", "--data-parallel-external-lb": "-dpe"}


def gpus_of_node(sizes: Mapping[str, int], nodes: int = 1, *, one_rank: bool = False) -> int | None:
    """Return the GPUs of a node for parallel sizes by their flags, or None if they do not divide by the nodes.

    `nodes` is the value of `--nnodes`, `one_rank` says that a flag of `ONE_RANK` is given. A head of data parallelism
    without a rank of its own uses 0. As in vLLM 0.32.0: `EngineArgs.create_engine_config`, and `local_world_size` and
    `nnodes_within_dp` of `ParallelConfig`.
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
