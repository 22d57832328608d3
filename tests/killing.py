"""Kill commands and functions before a file operation or after a time."""

import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result
from modelservice.cli import main


def run(*arguments: str | Path) -> Result:
    """Run the command in this process until it ends."""
    return CliRunner().invoke(main, [str(argument) for argument in arguments], catch_exceptions=False)


def command(*arguments: str | Path) -> Callable[[], object]:
    """Return the command as a function to be killed."""
    return lambda: main([str(argument) for argument in arguments])


def killed_at(step: int, job: Callable[[], object]) -> bool:
    """Run the job in a forked process that is killed before a step; return False if it ended earlier."""

    def count() -> None:
        left = [step]
        for owner, name in ((Path, "replace"), (Path, "rename"), (Path, "unlink"), (shutil, "rmtree")):
            setattr(owner, name, _counted(getattr(owner, name), left))

    return os.WIFSIGNALED(os.waitpid(_forked(job, count), 0)[1])


def killed_after(seconds: float, job: Callable[[], object]) -> bool:
    """Run the job in a forked process, and kill it and its helm after a time."""
    child = _forked(job, lambda: None)
    time.sleep(seconds)
    os.killpg(child, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def _counted(real: Callable[..., Any], left: list[int]) -> Callable[..., Any]:
    def step(*args: Any, **options: Any) -> Any:
        left[0] -= 1
        if left[0] < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*args, **options)

    return step


def _forked(job: Callable[[], object], prepare: Callable[[], None]) -> int:
    ready, told = os.pipe()
    child = os.fork()
    if child == 0:
        os.setsid()
        os.write(told, b"x")
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(1, 2)
        sys.stdout = sys.stderr = open(1, "w", closefd=False)  # noqa: SIM115
        prepare()
        try:
            job()
        finally:
            os._exit(0)
    os.read(ready, 1)  # the process group exists and can be killed
    os.close(ready)
    os.close(told)
    return child
