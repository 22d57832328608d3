"""Limit the total time of a call."""

from __future__ import annotations

import functools
import queue
import threading
from collections.abc import Callable
from typing import NoReturn, TypeVar

_T = TypeVar("_T")


def within(seconds: float, call: Callable[[], _T]) -> _T:
    """Return the call's result. Raises its error, or TimeoutError if it takes longer than `seconds`.

    After a timeout, the call goes on in its thread, and its result is dropped. httpx can limit the wait for each piece
    of an answer, but not the total time.
    """
    heard: queue.SimpleQueue[Callable[[], _T]] = queue.SimpleQueue()

    def run() -> None:
        try:
            result = call()
        except Exception as error:
            heard.put(functools.partial(_raise, error))
        else:
            heard.put(lambda: result)

    threading.Thread(target=run, daemon=True).start()
    try:
        return heard.get(timeout=seconds + 0.1)()
    except queue.Empty:
        raise TimeoutError from None


def _raise(error: Exception) -> NoReturn:
    raise error
