"""Headers of safetensors files, valid and hostile ones."""

import io
import json
import struct
from typing import Any

import pytest
from modelservice.models.safetensors import HeaderError, Tensor, read_tensors

ONE = {"a.weight": {"dtype": "BF16", "shape": [2, 3], "data_offsets": [0, 12]}}


def file_of(header: Any, data: int) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(data)


def read(content: bytes) -> list[Tensor]:
    return read_tensors(io.BytesIO(content), len(content))


def test_tensors_of_a_file() -> None:
    header = {
        "__metadata__": {"format": "pt"},
        **ONE,
        "packed": {"dtype": "F4", "shape": [4, 2], "data_offsets": [16, 20]},
        "scalar": {"dtype": "F32", "shape": [], "data_offsets": [12, 16]},
        "empty": {"dtype": "I64", "shape": [0, 7], "data_offsets": [20, 20]},
    }
    assert read(file_of(header, 20)) == [
        Tensor("a.weight", "BF16", (2, 3)),
        Tensor("packed", "F4", (4, 2)),
        Tensor("scalar", "F32", ()),
        Tensor("empty", "I64", (0, 7)),
    ]


def changed(**entry: Any) -> dict[str, Any]:
    return {"a.weight": {**ONE["a.weight"], **entry}}


HOSTILE: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "ends before its header"),
    "short": (b"\1\0\0", "ends before its header"),
    "a pickle": (b"\x80\x02}q\x00X\x04\x00\x00\x00", "its header has"),
    "a header beyond the file": (struct.pack("<Q", 4000) + b"{}", "ends inside its header"),
    "a header of gigabytes": (struct.pack("<Q", 2**63) + b"{}", "has 9223372036854775808 bytes"),
    "no JSON": (file_of(b"{'a': 1}", 0), "not JSON"),
    "no object": (file_of([], 0), "not a JSON object"),
    "deep": (file_of(b'{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}", 0), "not JSON"),
    "a huge number": (file_of(b'{"a":' + b"9" * 10_000 + b"}", 0), "not JSON"),
    "not UTF-8": (file_of(b'{"\xff": 1}', 0), "not JSON"),
    "a name twice": (file_of(b'{"a": {"dtype": "U8"}, "a": {}}', 0), "a duplicate name"),
    "no tensor": (file_of({"a": 1}, 0), "'a' is not a tensor"),
    "a type of nobody": (file_of(changed(dtype="Q9"), 12), "unknown type: 'Q9'"),
    "a shape of text": (file_of(changed(shape="23"), 12), "no shape"),
    "a negative shape": (file_of(changed(shape=[-2, -3]), 12), "no shape"),
    "a shape of truths": (file_of(changed(shape=[True, 6]), 12), "no shape"),
    "a thousand dimensions": (file_of(changed(shape=[1] * 1000), 12), "no shape"),
    "a size that lies": (file_of(changed(shape=[2, 4]), 12), "has 12 bytes, which does not match its shape and type"),
    "an offset too few": (file_of(changed(data_offsets=[0]), 12), "no offsets"),
    "offsets that turn round": (file_of(changed(data_offsets=[12, 0]), 12), "does not match"),
    "offsets beyond the file": (file_of(changed(data_offsets=[100, 112]), 12), "does not start at the end"),
    "overlapping": (file_of(ONE | {"b": ONE["a.weight"]}, 12), "'b' does not start at the end"),
    "a hole": (file_of(ONE | {"b": ONE["a.weight"] | {"data_offsets": [13, 25]}}, 25), "'b' does not start at the end"),
    "fewer bytes than the tensors have": (file_of(ONE, 11), "tensors have 12 bytes, but 11 follow"),
    "more bytes than the tensors have": (file_of(ONE, 13), "tensors have 12 bytes, but 13 follow"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_header_is_refused(name: str) -> None:
    content, message = HOSTILE[name]
    with pytest.raises(HeaderError, match=message):
        read(content)


def test_a_long_name_is_cut_in_the_message() -> None:
    with pytest.raises(HeaderError) as caught:
        read(file_of({"x" * 100_000: 1}, 0))
    assert len(str(caught.value)) < 100
