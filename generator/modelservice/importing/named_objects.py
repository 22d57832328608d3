"""Choose one of several Kubernetes objects by its name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from modelservice.errors import InputError


class SeveralObjectsError(InputError):
    """Several objects can be imported; `names` are what `--object` takes."""

    def __init__(self, what: str, objects: Iterable[Mapping[str, Any]]) -> None:
        """Write the message; `what` says what there are several of."""
        found = list(objects)
        plain_names = [str(one["metadata"].get("name", "")) for one in found]
        many = {name for name in plain_names if plain_names.count(name) > 1}
        self.names = [
            f"{one['metadata'].get('namespace', 'default')}/{name}" if name in many else name
            for one, name in zip(found, plain_names, strict=True)
        ]
        named = (f"{one['kind']} {name}" for one, name in zip(found, self.names, strict=True))
        super().__init__(f"{what}; choose one with --object, or import all into a folder with -o: {', '.join(named)}")


def is_named(item: Mapping[str, Any], name: str) -> bool:
    """Say whether an object has this name, which may follow its namespace and a slash."""
    metadata = item["metadata"]
    return name in (metadata.get("name"), f"{metadata.get('namespace', 'default')}/{metadata.get('name')}")
