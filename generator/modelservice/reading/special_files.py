"""Detect pipes, sockets and devices: opening one may block forever, and a pipe can be read only once."""

import os
import stat
from pathlib import Path


def is_special(path: str | Path) -> bool:
    """Return whether the path is a pipe, a socket or a device; False if it cannot be examined (opening it says why)."""
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116
    except (OSError, ValueError):
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def waits(path: str) -> bool:
    """Return whether the path is a named pipe or a socket, to which possibly nothing is ever written.

    `/dev/stdin` and the `/dev/fd/63` of a shell's `<(command)` do not count: their writers are already running.
    """
    places = (os.path.abspath(path), os.path.realpath(path))  # noqa: PTH100
    return is_special(path) and not any(place.startswith(("/dev/", "/proc/")) for place in places)
