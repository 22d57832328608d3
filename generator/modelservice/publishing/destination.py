"""Parse `--to` and `--url` into a registry or a folder, and describe the result of publishing an archive there."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from modelservice.errors import InputError
from modelservice.publishing.archive import Archive
from modelservice.reading.special_files import is_special
from modelservice.redact import holds_credentials
from modelservice.urls import HOST, is_address

_OCI = re.compile(rf"oci://(?P<host>{HOST})(/[a-z0-9]+([._-]+[a-z0-9]+)*)+")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_READERS = "users pass them to `helm repo add`"


class Registry(NamedTuple):
    """An OCI registry: oci://host/path, its host, and helm's options to reach it."""

    url: str
    host: str
    connection: tuple[str, ...]


class Folder(NamedTuple):
    """A folder, and the address at which a web server serves it."""

    path: Path
    url: str


class Published(NamedTuple):
    """The result of publishing an archive, with its digest and the commands that install it.

    `outcome` is pushed, replaced, fixed (its file did not match the index), signed (its signature was added) or
    there already.
    """

    archive: Archive
    outcome: str
    digest: str
    install: tuple[str, ...]


def destination_of(to: str, url: str, connection: Sequence[str]) -> Registry | Folder:
    """Return the destination. Raises InputError if it is invalid; no message repeats text with a possible password."""
    for option, given, step in (("--to", to, "log in with `helm registry login`"), ("--url", url, _READERS)):
        if holds_credentials(given):
            raise InputError(f"{option} contains a user, a password, a token or an @: remove it; {step}")
    if to.startswith("oci:"):
        return _registry(to, connection)
    path = _path(to)
    if not url:
        raise InputError("publishing to a folder needs --url: pass the address at which a web server serves the folder")
    if not is_address(url, "https?"):
        raise InputError("--url is not the address of a folder: write http(s)://host/path, without spaces, ? or #")
    return Folder(path, url.rstrip("/"))


def refuse_others(there: Mapping[Archive, str], force: bool) -> None:
    """Raise InputError for a version that exists with different content: its users would get different charts."""
    others = [archive.label for archive, digest in there.items() if digest != archive.digest]
    if others and not force:
        why = "already published with different content, maybe by another helm release"
        raise InputError(f"{', '.join(others)}: {why}: raise the version, or pass --force")


def _registry(to: str, connection: Sequence[str]) -> Registry:
    found = _OCI.fullmatch(to.rstrip("/"))
    if not found:
        raise InputError("--to is not a place in a registry: write oci://host/path, with the path in lower case")
    return Registry(found[0], found["host"], tuple(connection))


def _path(to: str) -> Path:
    if not _SCHEME.match(to):
        path = to
    elif to.startswith("file://") and urlsplit(to).netloc in ("", "localhost"):
        path = unquote(to.removeprefix("file://").removeprefix("localhost"))
    else:
        path = ""
    if not path.strip() or "\0" in path:
        raise InputError("--to is not a place to publish to: use oci://host/path, a folder, or file:///folder")
    if is_special(path):
        raise InputError(f"{path} is a pipe, a socket or a device: choose a folder")
    return Path(path)
