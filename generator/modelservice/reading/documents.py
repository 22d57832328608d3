"""Load YAML that is not a values file (extra objects, helm's output), with limits on size and depth."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from typing import Any

import yaml

# The limit for a text with all aliases expanded; far more than any real file has.
MAX_NODES = 200_000
MAX_DEPTH = 200
_CORE = "tag:yaml.org,2002:"
_JSON = ("null", "bool", "int", "float", "str", "seq", "map")
_PARSER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_BASE: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


def load_texts(text: str) -> list[Any]:
    """Return a stream's documents with each scalar as the text that is written; null is None.

    Raises YAMLError if the text is not valid YAML or exceeds the limits.
    """
    return _load(text, _texts)


def load_objects(text: str) -> list[Any]:
    """Return a stream's documents as Kubernetes reads them: dates and the like stay text.

    Raises YAMLError if the text is not valid YAML or exceeds the limits.
    """
    return _load(text, _objects)


def members(item: Any) -> list[Any]:
    """Return the objects of a Kubernetes List, including nested Lists, or a list with the item itself."""
    if isinstance(item, Mapping) and str(item.get("kind")).endswith("List") and isinstance(item.get("items"), list):
        return [one for member in item["items"] for one in members(member)]
    return [item]


def _load(text: str, loader: Callable[[], Any]) -> list[Any]:
    _require_bounded(text)
    try:
        return [one for one in yaml.load_all(text, loader()) if one not in (None, {})]
    except (KeyError, ValueError) as error:
        raise yaml.YAMLError(f"a tag does not match its value: {error}") from error


def _require_bounded(text: str) -> None:
    """Raise YAMLError if the text, with all aliases expanded, has too many nodes or is too deep."""
    sizes: dict[str, int] = {}
    stack: list[tuple[str | None, int]] = [(None, 0)]
    for event in yaml.parse(text, Loader=_PARSER):
        if isinstance(event, yaml.DocumentStartEvent):
            sizes = {}
        if isinstance(event, yaml.CollectionStartEvent):
            stack.append((event.anchor, 1))
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, size = stack.pop()
            _add(stack, sizes, anchor, size)
        elif isinstance(event, yaml.AliasEvent):
            _add(stack, sizes, None, sizes.get(event.anchor or "", 1))
        elif isinstance(event, yaml.ScalarEvent):
            _add(stack, sizes, event.anchor, 1)
        if len(stack) > MAX_DEPTH or stack[-1][1] > MAX_NODES:
            raise yaml.YAMLError("it is nested too deeply, or contains too many values")


def _add(stack: list[tuple[str | None, int]], sizes: dict[str, int], anchor: str | None, size: int) -> None:
    if anchor:
        sizes[anchor] = size
    above, count = stack[-1]
    stack[-1] = (above, count + size)


@functools.cache
def _texts() -> Any:
    """Return a loader that reads every scalar except null as text: Python's types are not Helm's."""

    class Texts(_BASE):  # type: ignore[misc]
        """BaseLoader, with null."""

    Texts.add_implicit_resolver(f"{_CORE}null", re.compile(r"(~|null|Null|NULL|)\Z"), ["~", "n", "N", ""])
    Texts.add_constructor(f"{_CORE}null", lambda loader, node: None)
    return Texts


@functools.cache
def _objects() -> Any:
    """Return a safe loader without the types that JSON, and therefore Kubernetes, does not have."""

    class Objects(_PARSER):  # type: ignore[misc]
        """The safe loader, with dates, = and << as text; as a key << merges, as it does for Helm."""

    unwanted = (f"{_CORE}timestamp", f"{_CORE}value")
    Objects.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag not in unwanted]
        for first, resolvers in _PARSER.yaml_implicit_resolvers.items()
    }
    Objects.yaml_constructors = {f"{_CORE}{name}": _PARSER.yaml_constructors[f"{_CORE}{name}"] for name in _JSON}
    Objects.add_constructor(None, _as_written)
    return Objects


def _as_written(loader: Any, node: yaml.Node) -> Any:
    """Return a value with a tag that JSON does not have as Helm reads it: without the tag."""
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    return (
        loader.construct_scalar(node)
        if isinstance(node, yaml.ScalarNode)
        else loader.construct_sequence(node, deep=True)
    )
