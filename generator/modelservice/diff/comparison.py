"""Compare the manifests of two states: the objects and fields that differ, and the effects on the pods."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import yaml

from modelservice.diff.effects import changed, come, gone
from modelservice.diff.masking import Numbers, masked
from modelservice.errors import ToolError
from modelservice.quantity import Quantity
from modelservice.reading.documents import load_objects, members
from modelservice.writing.dump import dump

Object = Mapping[str, Any]
# What identifies an object: kind, name, API group, namespace.
_Key = tuple[str, ...]


class Field(NamedTuple):
    """A field that differs: its path, and both values as YAML ("" if missing)."""

    path: str
    old: str
    new: str


class Change(NamedTuple):
    """An object that is added (`+`), removed (`-`) or changed (`~`): its fields, and the effects, a sentence each."""

    sign: str
    label: str
    fields: tuple[Field, ...]
    effects: tuple[str, ...]

    @property
    def kind(self) -> str:
        """The kind of the object."""
        return self.label.partition(" ")[0]


def compare(old: str, new: str, *, apart: bool = False) -> list[Change]:
    """Return the changes between two renders, ignoring the chart's own label and the pod of `helm test`.

    If they are in two places (`apart`), such as two clusters, objects with the same name are not the same object.
    Secrets are compared, but shown only as numbers.
    """
    numbers: Numbers = {}
    before, after = _objects(old, numbers), _objects(new, numbers)
    if apart:
        after = {(*key, "new"): item for key, item in after.items()}
    lost = [item for key, item in before.items() if key not in after]
    changes = []
    for key in sorted(before.keys() | after.keys()):
        one, other = before.get(key), after.get(key)
        if one is None:
            changes.append(Change("+", _label(key), (), tuple(come(after[key], lost, apart=apart))))
        elif other is None:
            changes.append(Change("-", _label(key), (), tuple(gone(one))))
        elif one != other:
            fields = tuple(differing_fields(one, other))
            changes.append(Change("~", _label(key), fields, tuple(changed(one, other))))
    return changes


def _objects(text: str, numbers: Numbers) -> dict[_Key, Object]:
    try:
        found = [masked(one, numbers) for item in load_objects(text) for one in members(item) if _is_object(one)]
    except yaml.YAMLError as error:
        # The error itself quotes the line.
        raise ToolError(f"helm printed invalid YAML: {getattr(error, 'problem', '') or 'too much'}") from None
    for item in found:
        (item["metadata"].get("labels") or {}).pop("helm.sh/chart", None)
    tests = ("test", "test-success")
    kept = [i for i in found if (i["metadata"].get("annotations") or {}).get("helm.sh/hook") not in tests]
    return {_key(item): _typed(item) for item in kept}


def _is_object(item: Any) -> bool:
    """Return whether this is a Kubernetes object; other output of a chart is not compared."""
    about = item.get("metadata") if isinstance(item, Mapping) else None
    return bool(isinstance(about, Mapping) and item.get("kind") and item.get("apiVersion"))


def _key(item: Object) -> _Key:
    about = item["metadata"]
    name = str(about.get("name") or f"{about.get('generateName', '')}*")
    return str(item["kind"]), name, str(item["apiVersion"]).rpartition("/")[0], str(about.get("namespace") or "")


# The API server normalizes the quantities of built-in kinds; a custom resource keeps the text.
_TYPED = ("v1", "apps/v1", "batch/v1", "autoscaling/v2")
# Of a HorizontalPodAutoscaler's metric.
_TARGET = ("target", "value")


def _typed(item: Any) -> Any:
    return with_quantities(item) if item["apiVersion"] in _TYPED else item


def with_quantities(value: Any, key: str = "", above: str = "") -> Any:
    """Return an object, or a part of one, in which equal quantities such as 1Gi and 1024Mi compare as equal."""
    if isinstance(value, dict):
        return {name: with_quantities(inner, name, key) for name, inner in value.items()}
    if isinstance(value, list):
        return [with_quantities(inner, key, above) for inner in value]
    quantity = above in ("requests", "limits") or key in ("sizeLimit", "averageValue") or (above, key) == _TARGET
    return Quantity(value) if quantity and isinstance(value, str | int | float) else value


def _label(key: _Key) -> str:
    return f"{key[0]} {key[1]}"


# The keys that identify the items of a list, in this order.
_NAMES = ("name", "mountPath", "containerPort", "host", "key")


def differing_fields(old: Any, new: Any, path: str = "") -> Iterator[Field]:
    """Yield the fields that differ; items of a list are matched by their names, as Kubernetes matches them."""
    if isinstance(old, dict) and isinstance(new, dict):
        yield from _inside(old, new, f"{path}." if path else "")
    elif (left := _named(old)) is not None and (right := _named(new)) is not None:
        yield from _inside(left, right, f"{path}[", "]")
        yield from _order(list(left), list(right), path)
    elif _words(old) and _words(new):
        gone, come = Counter(old) - Counter(new), Counter(new) - Counter(old)
        if gone or come:
            yield Field(path, "\n".join(gone.elements()), "\n".join(come.elements()))
        yield from _order(old, new, path)
    elif _maps(old) and _maps(new) and len(old) == len(new):
        yield from _inside(dict(enumerate(old)), dict(enumerate(new)), f"{path}[", "]")
    else:
        yield Field(path, _yaml(old), _yaml(new))


def _inside(old: dict[Any, Any], new: dict[Any, Any], before: str, behind: str = "") -> Iterator[Field]:
    for key in [*old, *(key for key in new if key not in old)]:
        if old.get(key) != new.get(key):
            yield from differing_fields(old.get(key), new.get(key), f"{before}{key}{behind}")


def _order(old: list[str], new: list[str], path: str) -> Iterator[Field]:
    """Yield the whole list if only its order differs: a variable may refer to an earlier one."""
    if old != new and sorted(old) == sorted(new):
        yield Field(f"{path} (order)", "\n".join(old), "\n".join(new))


def _words(items: Any) -> bool:
    return isinstance(items, list) and all(isinstance(item, str) for item in items)


def _maps(items: Any) -> bool:
    return isinstance(items, list) and bool(items) and all(isinstance(item, dict) for item in items)


def _named(items: Any) -> dict[str, Any] | None:
    if not _maps(items):
        return None
    # Claim templates have their name in metadata.
    bare = [item | item["metadata"] if isinstance(item.get("metadata"), dict) else item for item in items]
    for key in _NAMES:
        names = [str(item[key]) for item in bare if key in item]
        if len(names) == len(items) == len(set(names)):
            return dict(zip(names, items, strict=True))
    return None


def _yaml(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return dump(value) if value and isinstance(value, dict | list) else json.dumps(value)


def as_text(changes: list[Change]) -> str:
    """Return the changes as text for a terminal or a pull request."""
    return "\n".join(_text(change) for change in changes)


def _text(change: Change) -> str:
    lines = [f"{change.sign} {change.label}", *(f"  ! {effect}" for effect in change.effects)]
    for field in change.fields:
        lines.append(f"    {field.path}")
        lines += [f"      - {old}" for old in field.old.splitlines()]
        lines += [f"      + {new}" for new in field.new.splitlines()]
    return "\n".join(lines) + "\n"
