"""Read the header of a safetensors file: the names, types and shapes of its tensors, but no weights.

The format, and the files that its own library refuses: https://github.com/huggingface/safetensors#format
"""

from __future__ import annotations

import json
import math
from typing import Any, BinaryIO, NamedTuple, NoReturn

from modelservice.models.model_facts import BITS

# Bytes of the number before the header.
PREFIX = 8
# The library accepts 100 MB. The headers of the largest models, with 2,000 tensors per file, have 0.4 MB.
MAX_HEADER = 16 * 1024**2
_MOST_DIMENSIONS = 32
_MOST_BYTES = 2**50
_LONGEST_NAME = 1024


class HeaderError(ValueError):
    """The file is not a safetensors file, or its header is inconsistent; the message gives the reason."""


class Tensor(NamedTuple):
    """One tensor of a file: its name, the safetensors name of its type, and its shape."""

    name: str
    dtype: str
    shape: tuple[int, ...]


def header_length(prefix: bytes) -> int:
    """Return the length of the header that follows the first eight bytes. Raises HeaderError if over MAX_HEADER."""
    length = int.from_bytes(prefix, "little")
    if len(prefix) < PREFIX:
        raise HeaderError("it ends before its header")
    if length > MAX_HEADER:
        raise HeaderError(f"its header has {length} bytes: at most {MAX_HEADER} are accepted")
    return length


def tensors_in(header: bytes, data_bytes: int | None = None) -> list[Tensor]:
    """Return the tensors of a header; `data_bytes` is the number of bytes after it in the file, or None if unknown.

    Raises HeaderError for every header that the library refuses, such as overlapping tensors, and for duplicate names.
    """
    entries = _entries(header)
    entries.pop("__metadata__", None)
    found = [_tensor(name, entry) for name, entry in entries.items()]
    end = 0
    for start, stop, tensor in sorted((start, stop, tensor) for tensor, start, stop in found):
        if start != end:
            raise HeaderError(f"the tensor {_shown(tensor.name)} does not start at the end of the previous one")
        end = stop
    if data_bytes is not None and end != data_bytes:
        raise HeaderError(f"its tensors have {end} bytes, but {data_bytes} follow the header")
    return [tensor for tensor, _, _ in found]


def read_tensors(file: BinaryIO, size: int) -> list[Tensor]:
    """Return the tensors of an open file of `size` bytes. Raises HeaderError, and OSError if it cannot be read."""
    length = header_length(file.read(PREFIX))
    header = file.read(length) if length <= size - PREFIX else b""
    if len(header) < length:
        raise HeaderError("it ends inside its header")
    return tensors_in(header, size - PREFIX - length)


def _entries(header: bytes) -> dict[str, Any]:
    try:
        entries = json.loads(header, object_pairs_hook=_once, parse_constant=_no_number)
    except HeaderError:
        raise
    except (ValueError, RecursionError) as error:
        raise HeaderError("its header is not JSON") from error
    if not isinstance(entries, dict):
        raise HeaderError("its header is not a JSON object")
    return entries


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise HeaderError("its header has a duplicate name")
    return found


def _no_number(name: str) -> NoReturn:
    raise HeaderError(f"its header contains {name}")


def _tensor(name: str, entry: Any) -> tuple[Tensor, int, int]:
    """Return a tensor with the offsets of its first byte and of the byte after its last one."""
    shown = _shown(name)
    if not isinstance(entry, dict) or len(name) > _LONGEST_NAME or not name.isprintable():
        raise HeaderError(f"{shown} is not a tensor")
    dtype, shape, offsets = entry.get("dtype"), _sizes(entry.get("shape")), _sizes(entry.get("data_offsets"))
    if not isinstance(dtype, str) or dtype not in BITS:
        raise HeaderError(f"the tensor {shown} has an unknown type: {_shown(str(dtype))}")
    if shape is None:
        raise HeaderError(f"the tensor {shown} has no shape")
    if offsets is None or len(offsets) != 2:
        raise HeaderError(f"the tensor {shown} has no offsets")
    start, stop = offsets
    if (stop - start) * 8 != math.prod(shape) * BITS[dtype]:
        raise HeaderError(f"the tensor {shown} has {stop - start} bytes, which does not match its shape and type")
    return Tensor(name, dtype, shape), start, stop


def _sizes(numbers: Any) -> tuple[int, ...] | None:
    """Return a list of sizes as a tuple, or None for anything else."""
    if not isinstance(numbers, list) or len(numbers) > _MOST_DIMENSIONS:
        return None
    sound = all(type(number) is int and 0 <= number <= _MOST_BYTES for number in numbers)
    return tuple(numbers) if sound else None


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:57]}...")
