"""Work on the parts of a long list, on all cores."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def each_part(work: Callable[[Sequence[_Item]], _Result], items: Sequence[_Item], size: int) -> Iterator[_Result]:
    """Yield the results for parts of at most `size` items, in order; several parts are worked on in processes."""
    parts = [items[start : start + size] for start in range(0, len(items), size)]
    if len(parts) < 2:
        yield from map(work, parts)
        return
    with ProcessPoolExecutor() as pool:
        yield from pool.map(work, parts)
