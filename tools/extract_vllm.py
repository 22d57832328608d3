"""Add a vLLM release to `schemas/vllm/`, from the real parser of its official wheel.

    python tools/extract_vllm.py 0.33.0            # read it, write it into flags.json and environment.json
    python tools/extract_vllm.py 0.33.0 --check    # read it and compare: nothing is written, 1 when they differ

It downloads the wheel with pip (about 400 MB, of which the .py files are kept), makes a virtual environment with
PyTorch for CPUs and those of vLLM's requirements that a parser needs (about 2 GB, kept for the next run), and runs
tools/read_vllm_parser.py in it: about a minute, no GPU, Python 3.11, Linux on x86-64. Where PyPI's PyTorch would bring
CUDA, set PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu and TORCH=torch==2.13.0+cpu.

Afterwards read the diff of flags.json, and say in history.json, by hand, what people should write instead of each flag
that went: the release's help and warnings tell. Then `make test`: tests/vllm/test_releases.py has facts chosen by hand.
A release that does not import lacks a requirement, as the error says: take it out of _HEAVY, or add it to _ALONE.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import re
import subprocess
import sys
import venv
import zipfile
from pathlib import Path
from typing import Any

import vllm_data

ROOT = Path(__file__).parents[1]
SCHEMAS = ROOT / "schemas" / "vllm"
_PLATFORMS = ("manylinux1", "manylinux2014", "manylinux_2_28", "manylinux_2_31", "manylinux_2_34", "manylinux_2_35")
# Requirements that need a GPU or weigh much, and that no parser imports.
_HEAVY = re.compile(
    r"(torch|torchaudio|torchvision|torchcodec|triton|xformers|ray|numba|opencv|flashinfer|tilelang|nvidia|nvtx|cupy|"
    r"pynvvideocodec|fastsafetensors|instanttensor|quack|tokenspeed|humming|ninja|xgrammar)\b",
    re.IGNORECASE,
)
# Requirements that would bring such ones.
_ALONE = ("xgrammar",)


def main() -> int:
    """Read a release, then write or compare it."""
    options = argparse.ArgumentParser(description="Add a vLLM release to schemas/vllm/.")
    options.add_argument("release", help="a release on PyPI, such as 0.33.0")
    options.add_argument("--check", action="store_true", help="compare with what is committed, write nothing")
    options.add_argument("--work", type=Path, default=ROOT / ".cache" / "vllm", help="folder for what is downloaded")
    chosen = options.parse_args()
    folder = unpacked(chosen.release, chosen.work)
    flags = read(chosen.release, folder, environment(folder, chosen.work / "environment"))
    document = json.loads((SCHEMAS / "flags.json").read_text(encoding="utf-8"))
    if chosen.check:
        return report(differences(vllm_data.expand(document).get(chosen.release, {}), flags))
    (SCHEMAS / "flags.json").write_text(vllm_data.write(added(document, chosen.release, flags)), encoding="utf-8")
    variables = json.loads((SCHEMAS / "environment.json").read_text(encoding="utf-8"))
    if vllm_data.numbers(chosen.release) > vllm_data.numbers(variables["read"][-1]):
        with_names = add_variables(variables, chosen.release, variable_names(folder))
        (SCHEMAS / "environment.json").write_text(vllm_data.write(with_names, "variables"), encoding="utf-8")
    print(f"{chosen.release}: {len(flags)} flags; read the diff, then mend history.json by hand")
    return 0


def unpacked(release: str, work: Path) -> Path:
    """Return a folder with the .py files of a release's wheel, its metadata, and the names of its compiled modules."""
    folder = work / release
    if (folder / "compiled.txt").is_file():
        return folder
    wheels = work / "wheels"
    platforms = [part for name in _PLATFORMS for part in ("--platform", f"{name}_x86_64")]
    pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--python-version=3.11"]
    subprocess.run([*pip, *platforms, "--dest", str(wheels), f"vllm=={release}"], check=True)
    wheel = next(wheels.glob(f"vllm-{release}-*.whl"))
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        archive.extractall(folder, [name for name in names if name.endswith((".py", "/METADATA"))])
    compiled = {name.removesuffix(".so").partition(".")[0].replace("/", ".") for name in names if name.endswith(".so")}
    (folder / "compiled.txt").write_text("\n".join(sorted(compiled)) + "\n", encoding="utf-8")
    wheel.unlink()
    return folder


def environment(folder: Path, place: Path) -> Path:
    """Return the Python of an environment in which the release's parser can be imported."""
    python = place / "bin" / "python"
    if not python.is_file():
        venv.create(place, with_pip=True)
        _install(python, os.environ.get("TORCH", "torch==2.13.0"))
    stated = next(folder.glob("vllm-*.dist-info/METADATA")).read_text(encoding="utf-8")
    required = re.findall(r"^Requires-Dist: (.+)$", stated, re.MULTILINE)
    light = [one for one in required if "extra ==" not in one and not _HEAVY.match(one)]
    # pip takes the newest anyway, and a mirror that lags behind must not stop a parser for a lower bound.
    _install(python, *(re.sub(r",?>=[^,;\s]+(?=[^;]*(;|$))", "", one, count=1) for one in light))
    alone = [one.partition(";")[0] for one in required if one.startswith(_ALONE) and "extra ==" not in one]
    _install(python, "--no-deps", *alone, "apache-tvm-ffi")
    return python


def _install(python: Path, *requirements: str) -> None:
    subprocess.run([str(python), "-m", "pip", "install", "--quiet", *requirements], check=True)


def read(release: str, folder: Path, python: Path) -> dict[str, Any]:
    """Return the facts of each flag of a release."""
    reader = Path(__file__).with_name("read_vllm_parser.py")
    answer = subprocess.run([python, reader, release, folder], check=True, stdout=subprocess.PIPE, text=True)
    flags: dict[str, Any] = json.loads(answer.stdout)
    return flags


def added(document: dict[str, Any], release: str, flags: dict[str, Any]) -> dict[str, Any]:
    """Return the document of flags.json with a release."""
    return {"about": document["about"], **vllm_data.compress({**vllm_data.expand(document), release: flags})}


def differences(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Return what differs between the committed facts of a release and those just read, the order of lists aside."""
    lines = []
    for name in sorted({*before, *now}):
        old, new = before.get(name, {}), now.get(name, {})
        keys = [key for key in sorted({*old, *new}) if _unordered(old.get(key)) != _unordered(new.get(key))]
        lines += [f"{name} {key}: committed {old.get(key)}, read {new.get(key)}" for key in keys]
    return lines


def _unordered(fact: Any) -> Any:
    return sorted(fact, key=str) if isinstance(fact, list) else fact


def report(lines: list[str]) -> int:
    """Print the differences."""
    print("\n".join(lines) or "no difference")
    return 1 if lines else 0


def variable_names(folder: Path) -> set[str]:
    """Return the VLLM_ variables of a release: the keys of `environment_variables` in vllm/envs.py."""
    tree = ast.parse((folder / "vllm" / "envs.py").read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        value = getattr(node, "value", None)
        if isinstance(value, ast.Dict) and [getattr(t, "id", "") for t in targets] == ["environment_variables"]:
            keys = {str(key.value) for key in value.keys if isinstance(key, ast.Constant)}
            return {key for key in keys if key.startswith("VLLM_")}
    raise SystemExit("vllm/envs.py holds no environment_variables: has it moved?")


def add_variables(document: dict[str, Any], release: str, names: set[str]) -> dict[str, Any]:
    """Return environment.json with the names of a release that is newer than those read before."""
    before = [one for one in document["read"] if one != release]
    variables = dict(document["variables"])
    for name in names:
        variables[name] = {key: fact for key, fact in variables.get(name, {}).items() if key != "last"}
    for name in variables.keys() - names:
        variables[name] = {**variables[name], "last": variables[name].get("last", before[-1])}
    return {"about": document["about"], "read": [*before, release], "variables": dict(sorted(variables.items()))}


if __name__ == "__main__":
    sys.exit(main())
