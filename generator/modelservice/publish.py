"""Archives in; a chart repository that lists them out, in an OCI registry or in a folder that a web server serves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from modelservice import folder, registry
from modelservice.archive import read_archives
from modelservice.places import Published, Registry, place_of


def publish(
    archives: Sequence[Path],
    to: str,
    *,
    url: str = "",
    force: bool = False,
    connection: Sequence[str] = (),
    told: Callable[[str], None] = lambda _: None,
) -> Iterator[Published]:
    """Publish the archives, all checked before the first one is sent; yields what became of each.

    `to` is oci://host/path, a folder or file:///folder; `url` is where a web server shows the folder; `connection`
    holds helm's options for the registry; `told` hears of a wait. Raises InputError where a version is there with other
    content, unless `force`.
    """
    place = place_of(to, url, connection)
    read = read_archives(archives)
    if isinstance(place, Registry):
        yield from registry.push(read, place, force=force)
    else:
        yield from folder.add(read, place, force=force, told=told)
