"""Publish archives to a chart repository: an OCI registry, or a folder that a web server serves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from modelservice.publishing.archive import read_archives
from modelservice.publishing.destination import Published, Registry, destination_of
from modelservice.publishing.oci_registry import push
from modelservice.publishing.web_folder import add


def publish(
    archives: Sequence[Path],
    to: str,
    *,
    url: str = "",
    force: bool = False,
    connection: Sequence[str] = (),
    told: Callable[[str], None] = lambda _: None,
) -> Iterator[Published]:
    """Check all archives, publish them, and yield the result of each.

    `to` is oci://host/path, a folder or file:///folder; `url` is the address at which a web server serves the folder;
    `connection` are helm's options for the registry; `told` is called with a message when waiting. Raises InputError if
    a version exists with different content, unless `force` is set.
    """
    place = destination_of(to, url, connection)
    read = read_archives(archives)
    if isinstance(place, Registry):
        yield from push(read, place, force=force)
    else:
        yield from add(read, place, force=force, told=told)
