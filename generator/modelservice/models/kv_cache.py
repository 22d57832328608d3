"""Compute the layout of one GPU's KV cache: blocks, tokens and requests.

The arithmetic is that of vllm/v1/core/kv_cache_utils.py (`get_kv_cache_groups`, `_max_memory_usage_bytes_from_groups`,
`get_max_concurrency_for_kv_cache_config`) and of the specifications in vllm/v1/kv_cache_interface.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from modelservice.models.architecture import Cache, Kind

BLOCK_SIZE = 16


class Group(NamedTuple):
    """Layers that share a table of blocks.

    `cache` is what each layer keeps, `layers` their number, `block_size` the tokens of a block, `page` its bytes in one
    layer.
    """

    cache: Cache
    layers: int
    block_size: int
    page: int

    def blocks(self, length: int, in_flight: int) -> int:
        """Return the number of blocks of one request; `in_flight` tokens may be scheduled but not yet computed."""
        kind, window = self.cache.kind, self.cache.window
        if kind is Kind.STATE:
            return self.cache.states
        if kind is Kind.SLIDING:
            return _ceil(min(window - 1 + in_flight, length), self.block_size) + 1
        if kind is Kind.CHUNKED:
            return _ceil(min(window + in_flight, length), self.block_size)
        return _ceil(length, self.block_size)


class KVCache(NamedTuple):
    """The layout of a model's cache: its groups, and the bytes of one block in all layers of a group."""

    groups: tuple[Group, ...]
    block_bytes: int

    def blocks(self, length: int, in_flight: int) -> int:
        """Return the number of blocks of one request of this length."""
        return sum(group.blocks(length, in_flight) for group in self.groups)

    def needed(self, length: int, in_flight: int) -> int:
        """Return the bytes that one request of this length needs, including the block that vLLM reserves."""
        return (self.blocks(length, in_flight) + 1) * self.block_bytes

    def longest(self, available: int, at_most: int, in_flight: int) -> int:
        """Return the longest request that fits into the available bytes, or 0 if none fits."""
        low, high = 0, at_most
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if self.needed(middle, in_flight) <= available else (low, middle - 1)
        return low

    def requests(self, available: int, length: int, in_flight: int) -> float:
        """Return how many requests of this length fit at the same time."""
        return available // self.block_bytes / self.blocks(length, in_flight)


def kv_cache_of(
    caches: Sequence[Cache], block_size: int = BLOCK_SIZE, kernel_block: int = BLOCK_SIZE
) -> KVCache | None:
    """Return the layout of what the layers keep, or None if they keep nothing.

    `block_size` is the value of `--block-size`. `kernel_block` is the size in tokens of the attention kernel's smallest
    block, which vLLM uses for sliding windows: 16 on GPUs, 32 on CPUs.
    """
    counted = Counter(caches)
    if not counted:
        return None
    blocks = {cache: kernel_block if cache.kind is Kind.SLIDING else block_size for cache in counted}
    if len(counted) == 1 or all(cache.kind is Kind.FULL for cache in counted):
        return _one_group(counted, blocks)
    return _several(counted, _aligned(blocks, max(block_size, kernel_block)))


def _one_group(counted: Counter[Cache], blocks: Mapping[Cache, int]) -> KVCache:
    """Return the layout with one table of blocks for all layers."""
    cache, total = next(iter(counted)), sum(_page(cache, blocks) * count for cache, count in counted.items())
    return KVCache((Group(cache, counted.total(), blocks[cache], _page(cache, blocks)),), total)


def _page(cache: Cache, blocks: Mapping[Cache, int]) -> int:
    return cache.nbytes if cache.kind is Kind.STATE else cache.nbytes * blocks[cache]


def _aligned(blocks: Mapping[Cache, int], unit: int) -> Mapping[Cache, int]:
    """Return the block sizes. With states, a page of attention must be large enough for a state: they share a pool."""
    state = max((cache.nbytes for cache in blocks if cache.kind is Kind.STATE), default=0)
    token = min((cache.nbytes for cache in blocks if cache.kind is not Kind.STATE), default=0)
    if not (state and token):
        return blocks
    return dict.fromkeys(blocks, unit * _ceil(state, unit * token))


def _several(counted: Counter[Cache], blocks: Mapping[Cache, int]) -> KVCache:
    """Return the layout with several tables of blocks, one per group; all pages have the same size."""
    page = max(_page(cache, blocks) for cache in counted)
    fewest, most = min(counted.values()), max(counted.values())
    size = most if most < fewest * 1.5 else fewest
    groups = []
    for cache, count in counted.items():
        whole = page % _page(cache, blocks) == 0 and cache.kind is not Kind.STATE
        block = blocks[cache] * page // _page(cache, blocks) if whole else blocks[cache]
        groups += [Group(cache, size, block, page)] * _ceil(count, size)
    return KVCache(tuple(groups), size * page)


def _ceil(value: int, unit: int) -> int:
    return -(-value // unit)
