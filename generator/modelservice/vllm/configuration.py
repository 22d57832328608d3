"""vLLM's configuration classes for JSON options, by release."""

from __future__ import annotations

from typing import Any

from modelservice.vllm.facts import facts
from modelservice.vllm.releases import alive


def entries() -> dict[str, Any]:
    """Return the options, the classes and their keys, each with the lives of its facts."""
    found: dict[str, Any] = facts("json_options")["keys"]
    return found


class Configuration:
    """A configuration class of a release; a `closed` one refuses unknown keys."""

    def __init__(self, name: str, release: str) -> None:
        self.name, self.release = name, release
        entry = entries().get(name, {})
        self.closed = "closed" in entry and alive(entry["closed"], release)

    def entry(self, key: str) -> dict[str, Any] | None:
        """Return what is known about a key, or None if the release has no such key."""
        for one in (key, "*"):
            entry: dict[str, Any] | None = entries().get(f"{self.name}.{one}")
            if entry and alive(entry["in"], self.release):
                return entry
        return None

    def keys(self) -> list[str]:
        """Return the keys of the release."""
        start = f"{self.name}."
        names = (name.removeprefix(start) for name in entries() if name.startswith(start))
        return [name for name in names if name != "*" and self.entry(name)]

    def required(self) -> list[str]:
        """Return the keys that have no default."""
        marked = {key: (self.entry(key) or {}).get("required", "") for key in self.keys()}
        return [key for key, life in marked.items() if life and alive(life, self.release)]
