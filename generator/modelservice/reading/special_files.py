"""Files that are neither regular nor folders: opening one may wait forever, and a pipe gives its bytes once."""

import os
import stat
from pathlib import Path


def is_special(path: str | Path) -> bool:
    """Say whether a pipe, a socket or a device is there. What cannot be looked at is none: opening it says why."""
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116
    except (OSError, ValueError):
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def waits(path: str) -> bool:
    """Say whether a pipe or a socket with a name of its own is there, which nobody may ever write to.

    `/dev/stdin` and the `/dev/fd/63` of a shell's `<(command)` are none: what writes to them runs already.
    """
    places = (os.path.abspath(path), os.path.realpath(path))  # noqa: PTH100
    return is_special(path) and not any(place.startswith(("/dev/", "/proc/")) for place in places)
