"""Choose among the files of a model: those that a download fetches, and those that hold the weights that vLLM loads."""

from __future__ import annotations

import fnmatch
from collections.abc import Collection, Iterable, Mapping

CONFIG = "config.json"
# What vLLM reads where config.json says nothing about quantisation (transformers_utils/config.py).
QUANTIZATION = "hf_quant_config.json"
INDEX = "model.safetensors.index.json"
# What the chart's download leaves out: templates/_download.tpl.
_IGNORED = ("original/*", "onnx/*", "openvino/*", "*.onnx*", "*.h5", "*.msgpack", "*.ot")
_PICKLES = ("pytorch_model*.bin", "*.pt", "*.pth")
_OTHER_WEIGHTS = ("*.bin", "*.pt", "*.pth", "*.gguf")


def downloaded(files: Mapping[str, int]) -> dict[str, int]:
    """Return what of a model's files the chart's download fetches: names and sizes."""
    ignored = _IGNORED + (_PICKLES if any(name.endswith(".safetensors") for name in files) else ())
    return {name: size for name, size in files.items() if not _matches(name, ignored)}


def safetensors_files(names: Iterable[str], indexed: Collection[str] = ()) -> list[str]:
    """Return the safetensors files that hold the weights, in order.

    `indexed` are those that the index names; it decides, as in vLLM's filter_duplicate_safetensors_files. A copy of the
    same weights in Mistral's own format counts only where there is no other.
    """
    top = sorted(name for name in names if name.endswith(".safetensors") and "/" not in name)
    if listed := [name for name in top if name in indexed]:
        return listed
    return [name for name in top if not name.startswith("consolidated")] or top


def other_weights(names: Iterable[str]) -> list[str]:
    """Return the files with weights in a format that is never read here: pickles, and GGUF."""
    return sorted(name for name in names if _matches(name, _OTHER_WEIGHTS))


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
