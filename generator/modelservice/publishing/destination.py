"""Where to publish to: `--to` and `--url` as a registry or a folder, and what became of an archive there."""

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
_READERS = "who installs gives them to `helm repo add`"


class Registry(NamedTuple):
    """An OCI registry: oci://host/path, its host, and helm's options to reach it."""

    url: str
    host: str
    connection: tuple[str, ...]


class Folder(NamedTuple):
    """A folder, and the address that a web server shows it at."""

    path: Path
    url: str


class Published(NamedTuple):
    """What became of an archive, its digest, and lines to install it by.

    `outcome` is pushed, replaced, fixed (its file was not what the index says), signed (its signature was added) or
    there already.
    """

    archive: Archive
    outcome: str
    digest: str
    install: tuple[str, ...]


def destination_of(to: str, url: str, connection: Sequence[str]) -> Registry | Folder:
    """Return the destination. Raises InputError if it is none; no message repeats what may hold a password."""
    for option, given, step in (("--to", to, "log in with `helm registry login`"), ("--url", url, _READERS)):
        if holds_credentials(given):
            raise InputError(f"{option} holds a user, a password, a token or an @: leave it out; {step}")
    if to.startswith("oci:"):
        return _registry(to, connection)
    path = _path(to)
    if not url:
        raise InputError("a folder needs --url, the address that a web server shows it at")
    if not is_address(url, "https?"):
        raise InputError("--url is not an address of a folder: http(s)://host/path, without spaces, ? and #")
    return Folder(path, url.rstrip("/"))


def refuse_others(there: Mapping[Archive, str], force: bool) -> None:
    """Refuse a version that is there with other content: who has it would not get what was published."""
    others = [archive.label for archive, digest in there.items() if digest != archive.digest]
    if others and not force:
        why = "there already, with other content, such as another helm makes: raise the version, or --force"
        raise InputError(f"{', '.join(others)}: {why}")


def _registry(to: str, connection: Sequence[str]) -> Registry:
    found = _OCI.fullmatch(to.rstrip("/"))
    if not found:
        raise InputError("--to is not a place in a registry: oci://host/path, the path in lower case")
    return Registry(found[0], found["host"], tuple(connection))


def _path(to: str) -> Path:
    if not _SCHEME.match(to):
        path = to
    elif to.startswith("file://") and urlsplit(to).netloc in ("", "localhost"):
        path = unquote(to.removeprefix("file://").removeprefix("localhost"))
    else:
        path = ""
    if not path.strip() or "\0" in path:
        raise InputError("--to is not a place to publish to: oci://host/path, a folder, or file:///folder")
    if is_special(path):
        raise InputError(f"{path} is a pipe, a socket or a device: choose a folder")
    return Path(path)
