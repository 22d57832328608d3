"""Add vLLM releases to `schemas/vllm/`, using the parser and the sources of their official wheels.

    python tools/extract_vllm.py 0.33.0            # read it and update the generated files of schemas/vllm/
    python tools/extract_vllm.py 0.33.0 --check    # read it and compare: write nothing, exit with 1 if they differ
    python tools/extract_vllm.py 0.33.0 --sources  # read what needs no parser: JSON options, variables, registries

It downloads the .py files of the wheel on PyPI (about 20 MB), creates a virtual environment with PyTorch for CPUs and
the requirements of vLLM that the parser needs (about 2 GB, kept for the next run), and runs tools/read_vllm_parser.py
in it. This takes about a minute, and needs Python 3.11 and Linux on x86-64, but no GPU. `--sources` takes seconds and
needs only Python. To avoid PyPI's PyTorch with CUDA, set PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu and
TORCH=torch==2.13.0+cpu. For the newest release, tools/read_vllm_help.py writes help.json in the same environment.

Afterwards review the diff, and add the replacement of each removed flag and key to history.json by hand: see the
release's help and warnings. Then run `make test`: tests/vllm/test_releases.py has facts chosen by hand. If a release
cannot be imported, the error names a missing requirement: remove it from _HEAVY, or add it to _ALONE.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import venv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import vllm_data
from read_vllm_configs import Reader
from read_vllm_variables import variables
from wheels import unpacked

ROOT = Path(__file__).parents[1]
SCHEMAS = ROOT / "schemas" / "vllm"
# Each generated file, and the key of its entries.
FILES = {"flags": "flags", "json_options": "keys", "environment": "variables"}
# Requirements that need a GPU or are large, and that the parser does not import.
_HEAVY = re.compile(
    r"(torch|torchaudio|torchvision|torchcodec|triton|xformers|ray|numba|opencv|flashinfer|tilelang|nvidia|nvtx|cupy|"
    r"pynvvideocodec|fastsafetensors|instanttensor|quack|tokenspeed|humming|ninja|xgrammar)\b",
    re.IGNORECASE,
)
# Requirements that depend on such packages, and are installed without their dependencies.
_ALONE = ("xgrammar",)

# The facts of one release: file of schemas/vllm → entry → its facts.
Facts = dict[str, dict[str, dict[str, Any]]]


def main() -> int:
    """Read releases, then write or compare them."""
    options = argparse.ArgumentParser(description="Add vLLM releases to schemas/vllm/.")
    options.add_argument("releases", nargs="+", metavar="RELEASE", help="a release on PyPI, such as 0.33.0")
    options.add_argument("--check", action="store_true", help="compare with the committed files, write nothing")
    options.add_argument("--sources", action="store_true", help="read only the data that needs no parser")
    options.add_argument("--work", type=Path, default=ROOT / ".cache" / "vllm", help="folder for downloads")
    chosen = options.parse_args()
    documents = {name: json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8")) for name in FILES}
    known = {name: vllm_data.expand(documents[name], many) for name, many in FILES.items()}
    found = {}
    for release in chosen.releases:
        if chosen.sources and release not in known["flags"]:
            options.error(f"the flags of {release} have not been read yet: run without --sources")
        parsed = known["flags"][release] if chosen.sources else None
        found[release] = facts(release, unpacked(release, chosen.work), chosen.work / "environment", parsed)
    if chosen.check:
        return report(differences(known, found))
    for name, many in FILES.items():
        with_them = {**known[name], **{release: one[name] for release, one in found.items()}}
        document = {"about": documents[name]["about"], **vllm_data.compress(with_them, many)}
        (SCHEMAS / f"{name}.json").write_text(vllm_data.write(document, many), encoding="utf-8")
    newest = max(with_them, key=vllm_data.numbers)
    if newest in found and not chosen.sources:
        python = chosen.work / "environment" / "bin" / "python"
        said = printed_by("read_vllm_help.py", newest, chosen.work / newest, python)
        (SCHEMAS / "help.json").write_text(said, encoding="utf-8")
    print("review the diff, then update history.json by hand")
    return 0


def facts(release: str, folder: Path, place: Path, parsed: Mapping[str, Any] | None) -> Facts:
    """Return the facts from a release's sources and parser; `parsed` are the parser's facts if already known."""
    reader = Reader(folder)
    options = reader.read()
    flags = parsed if parsed is not None else read(release, folder, environment(folder, place))
    return {
        "flags": configured(flags, reader.choices()),
        "json_options": options,
        "environment": variables(folder),
    }


def configured(flags: Mapping[str, Any], choices: Mapping[str, Any]) -> dict[str, Any]:
    """Add the values from the release's configuration and registries to the facts of the flags."""
    found = dict(flags)
    for name, fact in choices.items():
        if name in found and not found[name].get("enforced"):
            values = list(dict.fromkeys([*found[name].get("values", []), *fact["values"]]))
            found[name] = {**found[name], **fact, "values": values}
    return found


def environment(folder: Path, place: Path) -> Path:
    """Return the Python of an environment in which the release's parser can be imported."""
    python = place / "bin" / "python"
    if not python.is_file():
        venv.create(place, with_pip=True)
        _install(python, os.environ.get("TORCH", "torch==2.13.0"))
    stated = next(folder.glob("vllm-*.dist-info/METADATA")).read_text(encoding="utf-8")
    required = re.findall(r"^Requires-Dist: (.+)$", stated, re.MULTILINE)
    light = [one for one in required if "extra ==" not in one and not _HEAVY.match(one)]
    # pip installs the newest anyway, and an outdated mirror must not fail because of a lower bound.
    _install(python, *(re.sub(r",?>=[^,;\s]+(?=[^;]*(;|$))", "", one, count=1) for one in light))
    alone = [one.partition(";")[0] for one in required if one.startswith(_ALONE) and "extra ==" not in one]
    _install(python, "--no-deps", *alone, "apache-tvm-ffi")
    return python


def _install(python: Path, *requirements: str) -> None:
    subprocess.run([str(python), "-m", "pip", "install", "--quiet", *requirements], check=True)


def read(release: str, folder: Path, python: Path) -> dict[str, Any]:
    """Return the facts of each flag of a release."""
    flags: dict[str, Any] = json.loads(printed_by("read_vllm_parser.py", release, folder, python))
    return flags


def printed_by(script: str, release: str, folder: Path, python: Path) -> str:
    """Return the output of a script in this folder about the parser of a release."""
    command = [python, Path(__file__).with_name(script), release, folder]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout


def differences(known: Mapping[str, Any], found: Mapping[str, Facts]) -> list[str]:
    """Return the differences between committed and new facts of releases, ignoring the order of lists."""
    lines = []
    for release, facts_of in found.items():
        for name, now in facts_of.items():
            before = known[name].get(release, {})
            for entry in sorted({*before, *now}):
                old, new = before.get(entry), now.get(entry)
                if old is None or new is None:
                    lines.append(f"{release} {entry}: {'is not committed' if old is None else 'was not read'}")
                    continue
                keys = [key for key in sorted({*old, *new}) if _unordered(old.get(key)) != _unordered(new.get(key))]
                lines += [f"{release} {entry} {key}: committed {old.get(key)}, read {new.get(key)}" for key in keys]
    return lines


def _unordered(fact: Any) -> Any:
    return sorted(fact, key=str) if isinstance(fact, list) else fact


def report(lines: list[str]) -> int:
    """Print the differences."""
    print("\n".join(lines) or "no difference")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
