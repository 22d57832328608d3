"""Read the index.yaml of a chart repository."""

from __future__ import annotations

from pathlib import Path

import yaml

from modelservice.errors import InputError
from modelservice.reading.special_files import is_special

# A chart's name and version.
Key = tuple[str, str]


def listed(index: Path) -> dict[Key, str]:
    """Return the digest of each version, or "" if the index has none. Raises InputError if it is not an index."""
    if not index.exists():
        return {}
    try:
        if is_special(index):
            raise TypeError(index)
        return {
            (name, _text(one, "version")): _digest(one)
            for name, versions in _mapping(_mapping(_root(index))["entries"]).items()
            for one in _items(versions)
        }
    except (OSError, yaml.YAMLError, TypeError, KeyError, ValueError, RecursionError) as error:
        raise InputError(f"{index} is not an index of a chart repository: fix it, or choose another folder") from error


def _root(index: Path) -> yaml.Node:
    root = yaml.compose(index.read_bytes(), Loader=yaml.SafeLoader)
    if root is None:
        raise TypeError(index)
    return root


def _mapping(node: yaml.Node) -> dict[str, yaml.Node]:
    if _is_null(node):
        return {}
    if not isinstance(node, yaml.MappingNode):
        raise TypeError(node)
    return {key.value: value for key, value in node.value}


def _items(node: yaml.Node) -> list[yaml.Node]:
    if _is_null(node):
        return []
    if not isinstance(node, yaml.SequenceNode):
        raise TypeError(node)
    return list(node.value)


def _is_null(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"


def _text(node: yaml.Node, key: str) -> str:
    value = _mapping(node)[key]
    if not isinstance(value, yaml.ScalarNode):
        raise TypeError(value)
    return str(value.value)


def _digest(entry: yaml.Node) -> str:
    digest = _text(entry, "digest") if "digest" in _mapping(entry) else ""
    return f"sha256:{digest.removeprefix('sha256:')}" if digest else ""
