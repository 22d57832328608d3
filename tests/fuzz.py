"""For maintainers: new random values, files and commands, with a report. python -m tests.fuzz --seed N --count 2000."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import click

from tests.conftest import HELM_RELEASES
from tests.drawing import drawn
from tests.equivalence import fault, helm_of, repaired
from tests.odd_files import SECRET
from tests.test_every_command import faults_of

# hypothesis draws some values twice, and what is wrong with two may be all that told them apart.
TWICE = 1.5


def accepted(count: int, seed: int) -> list[str]:
    """Return so many values that `validate` accepts."""
    with ProcessPoolExecutor() as pool:
        values = map(json.loads, drawn(int(count * TWICE), seed))
        return list(dict.fromkeys(pool.map(repaired, values, chunksize=16)))[:count]


def manifest_faults(values: list[str]) -> Iterator[str]:
    with ProcessPoolExecutor() as pool:
        one = functools.partial(fault, helms=[helm_of(release) for release in HELM_RELEASES])
        with click.progressbar(pool.map(one, values, chunksize=4), len(values), label="manifests") as found:
            yield from (f"{text}\n{wrong}" for text, wrong in zip(values, found, strict=True) if wrong)


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
    """Try random values with every helm, and random files and options with every command."""
    click.echo(f"seed {seed}")
    values = accepted(count, seed)
    found = list(manifest_faults(values))
    with apart() as folder:
        found += faults_of(seed, count, folder)
    click.echo("\n\n".join([*found, f"{len(values)} values, {2 * count} commands: {len(found)} faults"]))
    raise SystemExit(1 if found else 0)


if __name__ == "__main__":
    fuzz()
