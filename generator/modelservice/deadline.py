"""Bound the time of a call that no setting of its own bounds as a whole."""

from __future__ import annotations

import functools
import queue
import threading
from collections.abc import Callable
from typing import NoReturn, TypeVar

_T = TypeVar("_T")


def within(seconds: float, call: Callable[[], _T]) -> _T:
    """Return what the call returns. Raises what it raises, and TimeoutError after the seconds, when nobody hears it.

    httpx bounds the wait for each piece of an answer, and none of its settings the whole.
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
