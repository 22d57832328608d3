"""GPUs of a node, as vLLM's own configuration counts them."""

import pytest
from modelservice.vllm.parallel_sizes import gpus_of_node


# `local_world_size` times `data_parallel_size_local` of vLLM 0.32.0's ParallelConfig.
@pytest.mark.parametrize(
    ("tensor", "data", "local", "nodes", "gpus"),
    [
        (1, 2, None, 1, 2),
        (1, 2, None, 2, 1),
        (4, 2, None, 2, 4),
        (8, 1, None, 2, 4),
        (4, 2, None, 4, 2),
        (1, 4, 2, 2, 2),
        (2, 16, 8, 1, 16),
        (4, 2, 1, 4, 2),
        (1, 16, 0, 1, 0),
        (1, 1, None, 2, None),
        (1, 2, 2, 2, None),
    ],
)
def test_the_gpus_of_one_node(tensor: int, data: int, local: int | None, nodes: int, gpus: int | None) -> None:
    sizes = {"--tensor-parallel-size": tensor, "--data-parallel-size": data}
    sizes |= {} if local is None else {"--data-parallel-size-local": local}
    assert gpus_of_node(sizes, nodes) == gpus


def test_one_rank_for_each_process() -> None:
    sizes = {"--tensor-parallel-size": 2, "--data-parallel-size": 4}
    assert gpus_of_node(sizes, one_rank=True) == 2
    assert gpus_of_node(sizes, 8, one_rank=True) == 1
