"""Print the facts of the command line of a vLLM release as JSON, from its unpacked wheel.

    python tools/read_vllm_parser.py RELEASE FOLDER > facts.json

Run by tools/extract_vllm.py, in an environment with PyTorch for CPUs and vLLM's light dependencies; no GPU is needed.
FOLDER contains the wheel's .py files, and `compiled.txt` with the names of its compiled modules, which are stubbed. The
parser is vLLM's own, `ServeSubcommand.subparser_init`, as on CUDA: a device of compute capability 9.0 is simulated.
"""

from __future__ import annotations

import argparse
import enum
import importlib
import importlib.abc
import importlib.machinery
import importlib.metadata
import json
import os
import re
import sys
import types
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

# Our names for the functions that vLLM uses to convert values.
_TYPES = {
    "bool": "boolean",
    "human_readable_int": "human-int",
    "human_readable_int_or_auto": "human-int-or-auto",
    "loads": "json",
    "parse_dataclass": "json-object",
    "union_dict_and_str": "str-or-json",
}
_DEPRECATED = re.compile(r"^[(\[]?deprecated|(^|\. )Deprecated:", re.IGNORECASE)
_PLAIN = ("int", "float", "str")
# Where a release registers names that its parser does not check; the first existing place counts.
_REGISTRIES: dict[str, list[tuple[str, Callable[[Any], Iterable[Any]]]]] = {
    "--attention-backend": [
        ("vllm.v1.attention.backends.registry:AttentionBackendEnum", lambda found: [item.name for item in found]),
        ("vllm.attention.backends.registry:AttentionBackendEnum", lambda found: [item.name for item in found]),
    ],
    "--load-format": [("vllm.model_executor.model_loader:_LOAD_FORMAT_TO_MODEL_LOADER", list)],
    "--quantization": [("vllm.model_executor.layers.quantization:QUANTIZATION_METHODS", list)],
    "--reasoning-parser": [("vllm.reasoning:ReasoningParserManager", lambda found: found.list_registered())],
    "--tool-call-parser": [
        ("vllm.tool_parsers:ToolParserManager", lambda found: found.list_registered()),
        ("vllm.entrypoints.openai.tool_parsers:ToolParserManager", lambda found: found.list_registered()),
    ],
}


class _Stub(types.ModuleType):
    """A stub for a compiled module, in which every name is a function that does nothing."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *_, **__: None


class _StubFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Provide a stub for each compiled module."""

    def __init__(self, names: set[str]) -> None:
        self.names = names

    def find_spec(self, name: str, path: object, target: object = None) -> importlib.machinery.ModuleSpec | None:
        return importlib.machinery.ModuleSpec(name, self, is_package=True) if name in self.names else None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        module = _Stub(spec.name)
        module.__path__ = []
        return module

    def exec_module(self, module: types.ModuleType) -> None:
        pass


def prepare(release: str, folder: Path) -> None:
    """Make `import vllm` work from the folder, as on a CUDA machine."""
    os.environ |= {"VLLM_LOGGING_LEVEL": "ERROR", "VLLM_NO_USAGE_STATS": "1", "HF_HUB_OFFLINE": "1"}
    # Some releases describe a flag's choices only if help is requested.
    sys.argv = ["vllm", "serve", "--help=all"]
    sys.path.insert(0, str(folder))
    compiled = (folder / "compiled.txt").read_text(encoding="utf-8").split()
    sys.meta_path.append(_StubFinder(set(compiled)))
    installed = importlib.metadata.version
    importlib.metadata.version = lambda name: release if name == "vllm" else installed(name)
    _fake_cuda()


def _fake_cuda() -> None:
    import torch
    import vllm.platforms
    from vllm.platforms import cuda, interface

    operations = Path(cuda.__file__).parents[1].joinpath("_custom_ops.py").read_text(encoding="utf-8")
    for name in re.findall(r"cutlass_\w+supp\w+", operations):
        setattr(torch.ops._C, name, lambda *_: True)
    platform = cuda.NonNvmlCudaPlatform
    faked = {
        "get_device_capability": lambda cls, device_id=0: interface.DeviceCapability(9, 0),
        "get_device_name": lambda cls, device_id=0: "NVIDIA H100 80GB HBM3",
        "get_device_total_memory": lambda cls, device_id=0: 80 << 30,
        "device_count": lambda cls: 1,
    }
    for name, method in faked.items():
        setattr(platform, name, classmethod(method))
    vllm.platforms._current_platform = platform()


def serve_parser() -> argparse.ArgumentParser:
    """Return the parser of `vllm serve`."""
    from vllm.entrypoints.cli.serve import ServeSubcommand

    try:
        from vllm.utils.argparse_utils import FlexibleArgumentParser
    except ImportError:
        from vllm.utils import FlexibleArgumentParser

    def parser() -> argparse.ArgumentParser:
        commands = FlexibleArgumentParser(prog="vllm").add_subparsers(required=False, dest="subparser")
        made: argparse.ArgumentParser = ServeSubcommand().subparser_init(commands)
        return made

    try:
        return parser()
    except SystemExit:  # 0.10.1 takes `all` for a word to look for, prints what it found, and ends
        sys.argv[-1] = "--help"
        return parser()


def read(parser: argparse.ArgumentParser) -> dict[str, dict[str, Any]]:
    """Return the facts of each flag, with the keys of schemas/vllm/flags.json."""
    accepted: dict[int, list[str]] = {}
    for spelling, action in parser._option_string_actions.items():
        accepted.setdefault(id(action), []).append(spelling)
    marked = {id(action) for action in getattr(parser, "_deprecated", ())}
    facts = {}
    for action in parser._actions:
        spellings = accepted.get(id(action), [])
        negatives = _negatives(action, spellings)
        positive = [spelling for spelling in spellings if spelling not in negatives]
        name = next((spelling for spelling in positive if spelling.startswith("--")), action.dest)
        flag = {
            "type": _type(action, negatives),
            "nargs": "" if action.nargs in (None, 0) else str(action.nargs),
            **_values(name, action),
            "aliases": [spelling for spelling in positive if spelling != name],
            "negative": negatives,
            "default": _default(action.default),
            "repeatable": type(action).__name__ == "_AppendAction",
            "deprecated": id(action) in marked or _says_deprecated(action.help or "", name),
            "optional": getattr(action.type, "__name__", "") == "_optional_type",
        }
        facts[name] = {key: value for key, value in flag.items() if value or (key == "default" and _says(value))}
    return facts


def _says(default: Any) -> bool:
    return default is not None and default != ""


def _negatives(action: argparse.Action, spellings: Sequence[str]) -> list[str]:
    known = getattr(action, "negative_option_strings", None)
    if known is not None:  # 0.33.0 on: --disable-x is the opposite of --enable-x
        return sorted((spelling for spelling in spellings if spelling in known), key=lambda s: s.startswith("--no-"))
    if isinstance(action, argparse.BooleanOptionalAction):
        return [spelling for spelling in spellings if spelling.startswith("--no-")]
    return []


def _type(action: argparse.Action, negatives: Sequence[str]) -> str:
    if not action.option_strings:
        return "positional"
    if negatives or action.nargs == 0:
        return "switch"
    return _converter(action.type)


def _converter(convert: Any) -> str:
    """Return our name for the function that converts a value, looking through vLLM's wrappers."""
    name = getattr(convert, "__name__", "str")
    if name in ("_optional_type", "_parse_type"):
        return _converter(convert.__closure__[convert.__code__.co_freevars.index("return_type")].cell_contents)
    return _TYPES.get(name, name if name in _PLAIN else "str")


def _values(name: str, action: argparse.Action) -> dict[str, Any]:
    if action.choices:
        values = [getattr(choice, "value", choice) for choice in action.choices if choice is not None]
        return {"values": [str(value) for value in values], "enforced": True}
    if isinstance(action.metavar, tuple | list):
        return {"values": [str(value) for value in action.metavar if value is not None]}
    listed = re.match(r"\{([^}]*)\}", action.metavar or "")
    return {"values": listed.group(1).split(",") if listed else _registered(name)}


def _registered(name: str) -> list[str]:
    for place, names in _REGISTRIES.get(name, []):
        module, _, attribute = place.partition(":")
        try:
            return sorted(map(str, names(getattr(importlib.import_module(module), attribute))))
        except (ImportError, AttributeError):
            continue
    return []


def _default(value: Any) -> Any:
    """Return a default as JSON, or None for a vLLM object."""
    if isinstance(value, enum.Enum):
        value = value.value
    if isinstance(value, list | tuple | set | frozenset):
        return [_default(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _default(item) for key, item in value.items()}
    return value if isinstance(value, str | int | float) and value != argparse.SUPPRESS else None


def _says_deprecated(text: str, name: str) -> bool:
    text = " ".join(text.split())
    return text.startswith(f"{name} is deprecated") or bool(_DEPRECATED.search(text))


if __name__ == "__main__":
    prepare(sys.argv[1], Path(sys.argv[2]))
    # vLLM, its dependencies and its pager print text; standard output is only for the facts.
    answer = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    json.dump(read(serve_parser()), answer, indent=1)
    answer.close()
