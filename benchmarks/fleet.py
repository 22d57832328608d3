#!/usr/bin/env python3
"""Measure the commands for fleets of 125 to 500 services, each as a whole process.

    python benchmarks/fleet.py          # writes docs/benchmarks-fleet.md

`diff` is measured without changes, with one changed service, and with a changed layer of all services, which renders
every service twice. For comparison, `helm template` renders services one after another in the same run, so that a
busy machine slows down both.
"""

import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
CHART = ROOT / "charts/modelservice"
HELM_RUNS = 20
ALL = "diff, a layer of all"
HELM = "`helm template` twice for each service, one after another"
SIZES = (125, 250, 500)
FLEET = """\
layers: [defaults.yaml, {file: layers/prod.yaml, for: prod/*}, {file: layers/embed.yaml, for: "*/embed-*"}]
chart: {repository: oci://registry.example.com/charts, version: 0.1.0}
git: {repository: https://git.example.com/models.git}
environments: {dev: {}, prod: {namespace: models}}
"""
LAYERS = {
    "defaults": "image: {tag: v0.33.0}\n",
    "layers/prod": "gpu: {count: 2}\n",
    "layers/embed": "args: [--seed=1]\n",
}


class Cost(NamedTuple):
    """Wall time in seconds, and peak resident size in MB."""

    seconds: float
    megabytes: float


def cost(words: str, folder: Path, helm: str) -> Cost:
    """Return the cost of a command; `diff` exits with 1 if something differs."""
    program = (
        "import resource, subprocess, sys, time; start = time.perf_counter(); "
        "code = subprocess.run(sys.argv[1:], capture_output=True).returncode; assert code < 2, code; "
        "print(time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    command = [sys.executable, "-c", program, str(Path(sys.executable).parent / "modelservice"), *words.split()]
    path = f"{Path(helm).parent}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path}
    answer = subprocess.run(command, check=True, capture_output=True, text=True, cwd=folder, env=environment)
    seconds, kilobytes = answer.stdout.split()
    return Cost(float(seconds), int(kilobytes) / 1024)


def fleet(folder: Path, services: int) -> None:
    """Create a Git repository with a fleet of two environments."""
    files = {"fleet": FLEET, **LAYERS}
    for number in range(services):
        name = f"{'prod' if number % 2 else 'dev'}/{'embed' if number % 3 else 'chat'}-{number}"
        files[name] = f"model: {{name: Qwen/Qwen3-8B}}\ndescription: service number {number}\n"
    for name, text in files.items():
        file = folder / f"services/{name}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    person = ["-c", "user.name=b", "-c", "user.email=b@example.com"]
    for command in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-qm", "one"]):
        subprocess.run(["git", *person, *command], check=True, cwd=folder)  # noqa: S607


def measured(services: int, helm: str) -> dict[str, Cost]:
    """Return each command's cost for a fleet of this many services."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fleet(folder, services)
        found = {
            command: cost(f"{command} services {options}".strip(), folder, helm)
            for command, options in (
                ("validate", ""),
                ("argocd", "-o argocd"),
                ("flux", "-o flux"),
                ("template", "--output-dir out"),
            )
        }
        found["diff, nothing differs"] = cost("diff main services", folder, helm)
        with (folder / "services/dev/chat-0.yaml").open("a") as file:
            file.write("args: [--seed=2]\n")
        found["diff, one service"] = cost("diff main services", folder, helm)
        (folder / "services/defaults.yaml").write_text("image: {tag: v0.32.0}\n")
        before = helm_seconds(folder, helm)
        found[ALL] = cost("diff main services", folder, helm)
        alone = (before + helm_seconds(folder, helm)) / 2
        found[HELM] = Cost(alone * 2 * services, 0)
    return found


def helm_seconds(folder: Path, helm: str) -> float:
    """Return the mean seconds of helm to render one service."""
    start = time.perf_counter()
    for number in range(HELM_RUNS):
        file = folder / f"services/dev/{'embed' if 2 * number % 3 else 'chat'}-{2 * number}.yaml"
        words = ["template", "x", str(CHART), "-f", str(folder / "services/defaults.yaml"), "-f", str(file)]
        subprocess.run([helm, *words], check=True, capture_output=True)
    return (time.perf_counter() - start) / HELM_RUNS


def report(found: dict[int, dict[str, Cost]]) -> str:
    """Return the page."""
    faster = [one[HELM].seconds / one[ALL].seconds for one in found.values()]
    lines = [
        "# Benchmarks of fleets",
        "",
        f"Made by `python benchmarks/fleet.py` ({os.cpu_count()} cores, Python {platform.python_version()}):",
        "the seconds, and the memory of the largest process, for fleets of 125, 250 and 500 services. Compare only",
        "ratios within one run, because the seconds depend on the machine and its other load.",
        "",
        "`template` and `diff` render many services with one helm, and `diff` renders each changed service twice. If a",
        "shared layer changes all services, it is",
        f"{min(faster):.0f} to {max(faster):.0f} times faster than `helm template` for each service.",
        "",
        f"| command | {' | '.join(map(str, found))} | {SIZES[-1]} against {SIZES[0]} |",
        f"| --- |{' --- |' * (len(found) + 1)}",
    ]
    for command in found[SIZES[0]]:
        costs = [one[command] for one in found.values()]
        cells = [f"{one.seconds:.1f} s" + (f", {one.megabytes:.0f} MB" if one.megabytes else "") for one in costs]
        lines.append(f"| {command} | {' | '.join(cells)} | {costs[-1].seconds / costs[0].seconds:.1f} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure and write the page."""
    script = [sys.executable, str(ROOT / "tools/fetch_helm.py")]
    helm = subprocess.run(script, check=True, capture_output=True, text=True).stdout.strip()
    page = report({size: measured(size, helm) for size in SIZES})
    (ROOT / "docs/benchmarks-fleet.md").write_text(page)
    print(page)


if __name__ == "__main__":
    main()
