#!/usr/bin/env python3
"""Compare `modelservice validate` with check-jsonschema and `helm template`, as ratios within one run.

    pip install -e '.[benchmark]' && python benchmarks/run.py          # writes docs/benchmarks.md

Every command runs as a whole process. The commands take turns, so that a slow phase of the machine affects all of them.
Each figure is the median of the rounds, and a ratio is the median of the ratios of the rounds. check-jsonschema checks
only the schema, helm the schema and the rules in the chart. The 1,000 files are copies of the examples, all different.
"""

import compileall
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
SCHEMA = ROOT / "schemas/modelservice.schema.json"
CHART = ROOT / "charts/modelservice"
BIN = Path(sys.executable).parent
ROUNDS_ONE, ROUNDS_MANY, FILES, HELM_FILES = 15, 3, 1000, 50


def seconds(command: list[str]) -> float:
    """Return the wall time of one run in seconds. Raises CalledProcessError if it fails."""
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


def peak_megabytes(command: list[str]) -> float:
    """Return the peak resident size of one run in MB."""
    program = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, capture_output=True); "
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    answer = subprocess.run([sys.executable, "-c", program, *command], check=True, capture_output=True, text=True)
    return int(answer.stdout) / 1024


def in_turns(commands: dict[str, list[list[str]]], rounds: int) -> dict[str, list[float]]:
    """Run each contender's commands once per round; return its seconds for each round."""
    for runs in commands.values():
        seconds(runs[0])
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, runs in commands.items():
            times[name].append(sum(seconds(run) for run in runs))
    return times


def ratio(left: list[float], right: list[float]) -> float:
    """Return the median of the ratios of the rounds."""
    return statistics.median(a / b for a, b in zip(left, right, strict=True))


def many_files(folder: Path) -> list[Path]:
    """Write the 1,000 different values files."""
    examples = sorted((ROOT / "values-examples").glob("*.yaml"))
    files = []
    for number in range(FILES):
        text = examples[number % len(examples)].read_text()
        file = folder / f"service-{number:04}.yaml"
        file.write_text(
            f"{text}description: service number {number}\n" if "description:" not in text else f"{text}# {number}\n"
        )
        files.append(file)
    return files


def helm_path() -> str:
    """Return the path of the helm that the tests use."""
    answer = subprocess.run(
        [sys.executable, str(ROOT / "tools/fetch_helm.py")], check=True, capture_output=True, text=True
    )
    return answer.stdout.strip()


def main() -> None:
    """Measure and write the page."""
    ours, theirs, helm = str(BIN / "modelservice"), str(BIN / "check-jsonschema"), helm_path()
    compileall.compile_dir(ROOT / "generator", quiet=1)  # as an installation does
    one = str(ROOT / "values-examples/node-affinity.yaml")
    cold = in_turns(
        {
            "modelservice validate": [[ours, "validate", "-q", one]],
            "check-jsonschema": [[theirs, "--schemafile", str(SCHEMA), one]],
            "helm template": [[helm, "template", "x", str(CHART), "-f", one]],
            "python -c pass": [[sys.executable, "-c", "pass"]],
        },
        ROUNDS_ONE,
    )
    with tempfile.TemporaryDirectory() as name:
        subprocess.run([helm, "create", f"{name}/fresh"], check=True, capture_output=True)
        smallest = str(ROOT / "values-examples/opt-125m.yaml")
        charts = in_turns(
            {
                "ours": [[helm, "template", "x", str(CHART), "-f", smallest]],
                "fresh": [[helm, "template", "x", f"{name}/fresh"]],
            },
            2 * ROUNDS_ONE,
        )
        folder = Path(name) / "values"
        folder.mkdir()
        files = many_files(folder)
        paths = [str(file) for file in files]
        many = in_turns(
            {
                "modelservice validate": [[ours, "validate", "-q", str(folder)]],
                "check-jsonschema": [[theirs, "--schemafile", str(SCHEMA), *paths]],
                "helm template": [[helm, "template", "x", str(CHART), "-f", path] for path in paths[:HELM_FILES]],
            },
            ROUNDS_MANY,
        )
        few = folder / "few"
        few.mkdir()
        for file in files[:100]:
            shutil.copy(file, few)
        memory = {
            100: peak_megabytes([ours, "validate", "-q", str(few)]),
            FILES: peak_megabytes([ours, "validate", "-q", *paths]),
        }
    per_file = [seconds / HELM_FILES for seconds in many["helm template"]]
    page = report(cold, many, per_file, memory, ratio(charts["ours"], charts["fresh"]))
    (ROOT / "docs/benchmarks.md").write_text(page)
    print(page)


def report(
    cold: dict[str, list[float]],
    many: dict[str, list[float]],
    helm: list[float],
    memory: dict[int, float],
    chart_ratio: float,
) -> str:
    """Return the page."""
    ours, median = many["modelservice validate"], statistics.median
    faster = median(h / (o / FILES) for h, o in zip(helm, ours, strict=True))
    one_ratio = ratio(cold["modelservice validate"], cold["check-jsonschema"])
    many_ratio = ratio(ours, many["check-jsonschema"])
    lines = [
        "# Benchmarks",
        "",
        "Made by `python benchmarks/run.py`, whose docstring describes the method. Compare only ratios within one run:",
        f"the seconds depend on the machine ({os.cpu_count()} cores, Python {platform.python_version()}).",
        "",
        "| measurement | result | goal |",
        "| --- | --- | --- |",
        f"| one file, against check-jsonschema | {one_ratio:.2f} of its time | at most 0.70 |",
        f"| 1,000 files, against check-jsonschema | {many_ratio:.2f} of its time | at most 0.33 |",
        f"| per file of 1,000, against `helm template` | {faster:.0f} times faster | at least 40 |",
        f"| `helm template`, against a fresh `helm create`'s | {chart_ratio:.2f} of its time | at most 1.80 |",
        f"| memory at 1,000 files, against 100 | {memory[FILES] / memory[100]:.2f} | about 1 |",
        "",
        "| median seconds | one file | 1,000 files |",
        "| --- | --- | --- |",
        *(
            f"| {name} | {median(cold[name]):.3f} | {median(many[name]):.2f} |"
            for name in ("modelservice validate", "check-jsonschema")
        ),
        f"| helm template | {median(cold['helm template']):.3f} | {median(helm) * FILES:.0f} |",
        f"| python -c pass | {median(cold['python -c pass']):.3f} | |",
        "",
        f"Memory at 1,000 files: {memory[FILES]:.0f} MB.",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
