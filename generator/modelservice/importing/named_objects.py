"""Choose one of several Kubernetes objects by its name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from modelservice.errors import InputError


class SeveralFoundError(InputError):
    """Several services can be imported; `names` are what an option such as `--object` takes."""

    def __init__(self, what: str, option: str, labels: Mapping[str, str]) -> None:
        """Write the message; `what` says what there are several of, and `labels` are shown for the names."""
        self.names = list(labels)
        choice = f"choose one with {option}, or import all into a folder with -o"
        super().__init__(f"{what}; {choice}: {', '.join(labels.values())}")


def several_objects(what: str, objects: Iterable[Mapping[str, Any]]) -> SeveralFoundError:
    """Return the error for several objects; those of one name are told apart by their namespaces."""
    found = list(objects)
    names = [str(one["metadata"].get("name", "")) for one in found]
    full = [
        f"{one['metadata'].get('namespace', 'default')}/{name}" if names.count(name) > 1 else name
        for one, name in zip(found, names, strict=True)
    ]
    labels = {name: f"{one['kind']} {name}" for one, name in zip(found, full, strict=True)}
    return SeveralFoundError(what, "--object", labels)


def is_named(item: Mapping[str, Any], name: str) -> bool:
    """Say whether an object has this name, which may follow its namespace and a slash."""
    metadata = item["metadata"]
    return name in (metadata.get("name"), f"{metadata.get('namespace', 'default')}/{metadata.get('name')}")
