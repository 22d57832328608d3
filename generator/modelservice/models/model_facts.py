"""The facts of a model: its configuration, its tensors and its files, without its weights."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

# The format of a facts file; another number is refused.
FORMAT = 1
# Bits of one element, by the names that safetensors uses for types:
# https://github.com/huggingface/safetensors/blob/main/safetensors/src/tensor.rs
BITS = {
    "BOOL": 8,
    "U8": 8,
    "I8": 8,
    "F8_E5M2": 8,
    "F8_E4M3": 8,
    "F8_E8M0": 8,
    "F8_E4M3FNUZ": 8,
    "F8_E5M2FNUZ": 8,
    "I16": 16,
    "U16": 16,
    "F16": 16,
    "BF16": 16,
    "I32": 32,
    "U32": 32,
    "F32": 32,
    "I64": 64,
    "U64": 64,
    "F64": 64,
    "C64": 64,
    "F4": 4,
    "F6_E2M3": 6,
    "F6_E3M2": 6,
}
# Types of weights that are not quantised.
FLOATS = {"BF16", "F16", "F32", "F64"}
_NUMBER = re.compile(r"(?<=\.)\d+(?=\.|$)")


class Tensors(NamedTuple):
    """Tensors whose names differ only in numbers.

    `pattern` is their name with `*` for each number (`model.layers.*.mlp.down_proj.weight`), `dtype` the name of the
    type in safetensors, `shape` the shape of one of them, `copies` their number.
    """

    pattern: str
    dtype: str
    shape: tuple[int, ...]
    copies: int = 1

    @property
    def elements(self) -> int:
        """The number of elements of all these tensors."""
        product = self.copies
        for size in self.shape:
            product *= size
        return product

    @property
    def nbytes(self) -> int:
        """The size of all these tensors in the files, in bytes."""
        return self.elements * BITS[self.dtype] // 8


class ModelFacts(NamedTuple):
    """The facts of a model.

    `model` is its id or path, `revision` the commit, `source` the origin of the facts as text. `config` is its
    config.json. `tensors` is empty if only the configuration is known. `files` are the names and sizes in bytes of the
    downloaded files, empty if unknown. `draft` are the facts of its draft model. `built_in`: they are from the
    catalogue.
    """

    model: str
    revision: str
    source: str
    config: Mapping[str, Any]
    tensors: tuple[Tensors, ...] = ()
    files: Mapping[str, int] = {}
    draft: ModelFacts | None = None
    built_in: bool = False

    @property
    def origin(self) -> str:
        """Where the facts come from, for people."""
        source = "the built-in catalogue" if self.built_in else self.source
        return f"{source} at {self.revision}" if self.revision else source

    @property
    def download_bytes(self) -> int | None:
        """The size of the download, or None if it is unknown."""
        return sum(self.files.values()) if self.files else None


def collapsed(tensors: Iterable[tuple[str, str, tuple[int, ...]]]) -> tuple[Tensors, ...]:
    """Group tensors (name, dtype, shape) whose names differ only in numbers."""
    counted = Counter((_NUMBER.sub("*", name), dtype, shape) for name, dtype, shape in tensors)
    return tuple(Tensors(*one, copies) for one, copies in sorted(counted.items()))


def as_json(facts: ModelFacts) -> dict[str, Any]:
    """Return facts as the JSON object of a facts file."""
    return {
        "format": FORMAT,
        "model": facts.model,
        "revision": facts.revision,
        "source": facts.source,
        "config": dict(facts.config),
        "tensors": [[one.pattern, one.dtype, list(one.shape), one.copies] for one in facts.tensors],
        "files": dict(facts.files),
    }
