"""Import all services of a compose file, or of a stream of Kubernetes objects."""

from __future__ import annotations

from collections.abc import Callable

from modelservice.importing.named_objects import SeveralFoundError
from modelservice.importing.part import Part
from modelservice.importing.service_to_fields import STAYS


def import_all(import_one: Callable[[str], Part], name: str = "") -> list[Part]:
    """Return the parts of all services that an import finds, or of the one with a name.

    `import_one` returns the part for a name, or for "" if there is only one service. Objects that belong to another
    service are no loss. Raises InputError if there is no service, or if one of them cannot be imported.
    """
    try:
        return [import_one(name)]
    except SeveralFoundError as error:
        parts = [import_one(one)._replace(name=one) for one in error.names]
    everywhere = set.intersection(*(set(part.notes) for part in parts))
    return [
        part._replace(notes=tuple(note for note in part.notes if note.reason != STAYS or note in everywhere))
        for part in parts
    ]
