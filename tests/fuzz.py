"""For maintainers: new random values, files and commands, with a report. python -m tests.fuzz --seed N --count 2000."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import click

from tests.conftest import HELM_RELEASES
from tests.drawing import drawn
from tests.equivalence import disagreement, fault, helm_of, repaired
from tests.odd_files import SECRET
from tests.test_every_command import faults_of
from tests.writing.test_edits import faults, results

# Some values are drawn twice, and some are equal once their errors are removed.
TWICE = 1.5


def tried(what: str, wrong_with: Callable[[str], str], values: list[str]) -> int:
    """Report the values with a fault as they are found; return their number."""
    found, start = 0, time.monotonic()
    with ProcessPoolExecutor() as pool:
        for text, wrong in zip(values, pool.map(wrong_with, values, chunksize=4), strict=True):
            if wrong:
                found += 1
                click.echo(f"{text}\n{wrong}\n")
    click.echo(f"{what}: {len(values)} values, {found} faults, {time.monotonic() - start:.0f} s")
    return found


@contextlib.contextmanager
def apart() -> Iterator[Path]:
    """Work in an empty folder, with a secret in the environment, and without helm."""
    path, here = os.environ["PATH"], Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"PATH": folder, "OPENAI_API_KEY": SECRET}
        os.chdir(folder)
        try:
            yield Path(folder)
        finally:
            os.chdir(here)
            os.environ["PATH"] = path


@click.command()
@click.option("--seed", default=lambda: int.from_bytes(os.urandom(3)), type=int, help="Default: a new one.")
@click.option("--count", default=2000, show_default=True, help="Values, and as many commands and files.")
def fuzz(seed: int, count: int) -> None:
    """Try random values with every helm, random edits, and random files and options with every command."""
    click.echo(f"seed {seed}")
    values = drawn(int(count * TWICE), seed)
    accepted = list(dict.fromkeys(repaired(json.loads(text)) for text in values))[:count]
    helms = [helm_of(release) for release in HELM_RELEASES]
    found = tried("rendered and generic", functools.partial(fault, helms=helms), accepted)
    for release, helm in zip(HELM_RELEASES, helms, strict=True):
        found += tried(f"we and helm {release}", functools.partial(disagreement, helm=helm), values)
    start = time.monotonic()
    edits = [(text, document, edit, after) for text, document, edit, after in results(seed, count) if after]
    spoilt = [wrong for one in edits if (wrong := faults(*one))]
    click.echo("\n".join([*spoilt, f"{len(edits)} edits: {len(spoilt)} faults, {time.monotonic() - start:.0f} s"]))
    found, start = found + len(spoilt), time.monotonic()
    with apart() as folder:
        wrong = faults_of(seed, count, folder)
    click.echo("\n\n".join([*wrong, f"{2 * count} commands: {len(wrong)} faults, {time.monotonic() - start:.0f} s"]))
    found += len(wrong)
    raise SystemExit(1 if found else 0)


if __name__ == "__main__":
    fuzz()
