"""Download the Python files of a vLLM wheel on PyPI without its compiled modules, which are most of its size."""

from __future__ import annotations

import io
import json
import re
import urllib.request
import zipfile
from pathlib import Path
from typing import Any

_INDEX = "https://pypi.org/simple/vllm/"
_BUFFER = 1 << 20  # bytes per request


class _Remote(io.RawIOBase):
    """A file at a URL; only the ranges that are read are downloaded."""

    def __init__(self, url: str, size: int) -> None:
        self.url, self.size, self.at = url, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self.at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self.at, io.SEEK_END: self.size}[whence]
        return self.at

    def readinto(self, buffer: Any) -> int:
        last = min(self.at + len(buffer), self.size) - 1
        if last < self.at:
            return 0
        wanted = urllib.request.Request(self.url, headers={"Range": f"bytes={self.at}-{last}"})  # noqa: S310  https
        with urllib.request.urlopen(wanted, timeout=120) as answer:  # noqa: S310
            data = answer.read()
        buffer[: len(data)] = data
        self.at += len(data)
        return len(data)


def unpacked(release: str, work: Path) -> Path:
    """Return a folder with the .py files of a release's wheel, its metadata, and the names of its compiled modules."""
    folder = work / release
    if (folder / "compiled.txt").is_file():
        return folder
    wheel = _wheel(release)
    with zipfile.ZipFile(io.BufferedReader(_Remote(wheel["url"], wheel["size"]), _BUFFER)) as archive:
        names = archive.namelist()
        for member in sorted(archive.infolist(), key=lambda member: member.header_offset):
            if member.filename.endswith((".py", "/METADATA")):
                archive.extract(member, folder)
    compiled = {name.removesuffix(".so").partition(".")[0].replace("/", ".") for name in names if name.endswith(".so")}
    (folder / "compiled.txt").write_text("\n".join(sorted(compiled)) + "\n", encoding="utf-8")
    return folder


def _wheel(release: str) -> dict[str, Any]:
    """Return the entry of PyPI's index for the newest x86-64 wheel of a release."""
    wanted = urllib.request.Request(_INDEX, headers={"Accept": "application/vnd.pypi.simple.v1+json"})
    with urllib.request.urlopen(wanted, timeout=120) as answer:  # noqa: S310
        files = json.load(answer)["files"]
    named = re.compile(rf"vllm-{re.escape(release)}-.*x86_64\.whl")
    found = [one for one in files if named.fullmatch(one["filename"])]
    if not found:
        raise SystemExit(f"PyPI has no wheel of vLLM {release} for x86-64")
    newest: dict[str, Any] = max(found, key=lambda one: one["upload-time"])
    return newest
