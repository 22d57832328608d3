"""Create folders for unfinished work; the next run restores or removes what a killed run left."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

_PREFIX = ".modelservice-new-"


@contextlib.contextmanager
def staging(folder: Path) -> Iterator[Path]:
    """Yield a new subfolder, from which files are renamed to their places; it is removed afterwards.

    Its name is random and only this user can write into it, so nobody can prepare a link in it. Raises OSError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    clear_stages(folder)
    stage, lock = _new_stage(folder)
    try:
        yield stage
    finally:
        shutil.rmtree(stage, ignore_errors=True)
        os.close(lock)


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """Yield a new folder for temporary files, which is removed afterwards. Raises OSError."""
    with staging(Path(tempfile.gettempdir())) as stage:
        yield stage


def clear_stages(folder: Path) -> None:
    """Restore or remove what killed runs left in the folder; what a running one uses stays."""
    for stage in folder.glob(f"{_PREFIX}????????"):
        with contextlib.suppress(OSError):  # in use, or another user's
            _clear(stage)


def _new_stage(folder: Path) -> tuple[Path, int]:
    """Return a stage and the descriptor of its lock, which the end of the process releases."""
    while True:
        stage = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=folder))
        with contextlib.suppress(FileNotFoundError):
            lock = os.open(stage, os.O_RDONLY)
            # NFS gives no exclusive lock for a file that is open only for reading.
            fcntl.flock(lock, fcntl.LOCK_SH)
            if stage.exists():
                return stage, lock
            # Another run removed it before it was locked, because it looked abandoned.
            os.close(lock)


def _clear(stage: Path) -> None:
    lock = os.open(stage, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        if os.fstat(lock).st_uid != os.getuid():
            return
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Killed after the old folder was moved away, but before the new one was in place.
        if (stage / "new").exists():
            for old in (stage / "old").glob("*"):
                old.rename(stage.parent / old.name)
        shutil.rmtree(stage)
    finally:
        os.close(lock)
