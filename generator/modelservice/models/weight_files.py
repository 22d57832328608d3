"""Select the files of a model that the chart downloads, and the files with the weights that vLLM loads."""

from __future__ import annotations

import fnmatch
from collections.abc import Collection, Iterable, Mapping

CONFIG = "config.json"
# The file that vLLM reads if config.json sets no quantisation (transformers_utils/config.py).
QUANTIZATION = "hf_quant_config.json"
INDEX = "model.safetensors.index.json"
# The files that the chart's download skips: templates/_download.tpl.
_IGNORED = ("original/*", "onnx/*", "openvino/*", "*.onnx*", "*.h5", "*.msgpack", "*.ot")
_PICKLES = ("pytorch_model*.bin", "*.pt", "*.pth")
_OTHER_WEIGHTS = ("*.bin", "*.pt", "*.pth", "*.gguf")


def downloaded(files: Mapping[str, int]) -> dict[str, int]:
    """Return the names and sizes of the files that the chart downloads."""
    ignored = _IGNORED + (_PICKLES if any(name.endswith(".safetensors") for name in files) else ())
    return {name: size for name, size in files.items() if not _matches(name, ignored)}


def safetensors_files(names: Iterable[str], indexed: Collection[str] = ()) -> list[str]:
    """Return the names of the safetensors files with the weights, sorted.

    `indexed` are the files that the index lists; only they count, as in vLLM's filter_duplicate_safetensors_files. A
    copy of the same weights in Mistral's own format counts only if there is no other.
    """
    top = sorted(name for name in names if name.endswith(".safetensors") and "/" not in name)
    if listed := [name for name in top if name in indexed]:
        return listed
    return [name for name in top if not name.startswith("consolidated")] or top


def other_weights(names: Iterable[str]) -> list[str]:
    """Return the weight files in formats that are never read here: pickles and GGUF."""
    return sorted(name for name in names if _matches(name, _OTHER_WEIGHTS))


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
