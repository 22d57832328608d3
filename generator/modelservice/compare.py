"""Two states of a service in; what would change in its manifests, and what that does to the running pods, out."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from modelservice import check, document
from modelservice.chart import plan_chart
from modelservice.errors import InputError, ToolError
from modelservice.fields import load_fields
from modelservice.helm import run_helm
from modelservice.quantity import amount
from modelservice.report import line
from modelservice.tree import write_tree

Object = Mapping[str, Any]


class Field(NamedTuple):
    """A field that differs: its path, and both values as YAML ("": not there)."""

    path: str
    old: str
    new: str


class Change(NamedTuple):
    """An object that comes (`+`), goes (`-`) or changes (`~`): its fields, and what that means, a sentence each."""

    sign: str
    label: str
    fields: tuple[Field, ...]
    effects: tuple[str, ...]


def manifests(side: str, release: str, namespace: str, layers: tuple[str, ...] = ()) -> str:
    """Return the manifests of a values file, a chart (folder or archive), or either at a Git revision (REV:path).

    Raises InputError where it is none of these, or its values are wrong.
    """
    with tempfile.TemporaryDirectory(prefix="modelservice-") as name:
        stage = Path(name)
        place = Path(side) if Path(side).exists() else _from_git(side, stage)
        if place.is_dir() or place.suffix == ".tgz":
            return run_helm(["template", release, str(place), "--namespace", namespace, *_given(layers)])
        merged = document.merge([document.load(str(file)) for file in (*layers, place)])
        wrong = check.errors(check.check(merged))
        if wrong:
            raise InputError(
                f"{side} is wrong, and would not be installed:\n"
                + "\n".join(line(one).replace(str(place), side) for one in wrong)
            )
        write_tree(plan_chart(load_fields()), stage / "chart")
        values = _given((*layers, str(place)))
        return run_helm(["template", release, str(stage / "chart"), "--namespace", namespace, *values])


def _given(files: tuple[str, ...]) -> list[str]:
    return [word for file in files for word in ("--values", file)]


def _from_git(side: str, stage: Path) -> Path:
    revision, colon, path = side.partition(":")
    if not colon or not revision or revision.startswith("-"):
        raise InputError(f"{side}: there is no such file; a Git revision is written REV:path")
    command = ["git", "archive", "--format=tar", revision, "--", path.rstrip("/")]
    answer = subprocess.run(command, capture_output=True, check=False)
    if answer.returncode:
        raise InputError(f"{side} cannot be had from Git: {answer.stderr.decode(errors='replace').strip()}")
    with tarfile.open(fileobj=io.BytesIO(answer.stdout)) as archive:
        archive.extractall(stage / "git", filter="data")
    return stage / "git" / path.rstrip("/")


def compare(old: str, new: str) -> list[Change]:
    """Return what differs between two renders; the chart's own label and the pod of `helm test` are left out."""
    before, after = _objects(old), _objects(new)
    changes = []
    for key in sorted(before.keys() | after.keys()):
        one, other = before.get(key), after.get(key)
        if one is None:
            changes.append(Change("+", _label(key), (), ()))
        elif other is None:
            changes.append(Change("-", _label(key), (), tuple(_gone(one))))
        elif one != other:
            changes.append(Change("~", _label(key), tuple(_fields(one, other, "")), tuple(_effects(one, other))))
    return changes


def _objects(text: str) -> dict[tuple[str, str], Object]:
    try:
        found = [item for item in yaml.safe_load_all(text) if item]
    except yaml.YAMLError as error:
        raise ToolError(f"helm printed what is no YAML: {error}") from error
    for item in found:
        item["metadata"].get("labels", {}).pop("helm.sh/chart", None)
    tests = ("test", "test-success")
    kept = [i for i in found if i["metadata"].get("annotations", {}).get("helm.sh/hook") not in tests]
    return {(item["kind"], item["metadata"]["name"]): item for item in kept}


def _label(key: tuple[str, str]) -> str:
    return f"{key[0]} {key[1]}"


# What tells the items of a list apart, in this order.
_NAMES = ("name", "mountPath", "containerPort", "host", "key")


def _fields(old: Any, new: Any, path: str) -> Iterator[Field]:
    """Yield the fields that differ; items of a list are matched by their names, as Kubernetes matches them."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(key for key in new if key not in old)]:
            if old.get(key) != new.get(key):
                inner = f"{path}.{key}" if path else str(key)
                yield from _fields(old.get(key), new.get(key), inner)
    elif (left := _named(old)) is not None and (right := _named(new)) is not None:
        for name in [*left, *(name for name in right if name not in left)]:
            if left.get(name) != right.get(name):
                yield from _fields(left.get(name), right.get(name), f"{path}[{name}]")
    elif _words(old) and _words(new) and sorted(old) != sorted(new):
        gone, come = ([item for item in one if item not in other] for one, other in ((old, new), (new, old)))
        yield Field(path, "\n".join(gone), "\n".join(come))
    else:
        yield Field(path, _yaml(old), _yaml(new))


def _words(items: Any) -> bool:
    return isinstance(items, list) and all(isinstance(item, str) for item in items)


def _named(items: Any) -> dict[str, Any] | None:
    if not isinstance(items, list) or not items or not all(isinstance(item, dict) for item in items):
        return None
    for key in _NAMES:
        names = [str(item[key]) for item in items if key in item]
        if len(names) == len(items) == len(set(names)):
            return dict(zip(names, items, strict=True))
    return None


def _yaml(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


# A field that the API server lets nobody change, and the way to go.
_IMMUTABLE = {
    "Deployment": {"selector": "delete the Deployment first; its pods go with it"},
    "StatefulSet": dict.fromkeys(
        ("selector", "serviceName", "podManagementPolicy", "volumeClaimTemplates"),
        "delete the StatefulSet with --cascade=orphan first, which leaves its pods running",
    ),
    "Job": {"template": "delete the Job first"},
    "PersistentVolumeClaim": dict.fromkeys(
        ("accessModes", "storageClassName", "dataSource"),
        "make a new claim: another release name, or modelVolume.existingClaim",
    ),
}


def _effects(old: Object, new: Object) -> Iterator[str]:
    """Say what a change does to the pods, and what cannot be changed in place."""
    kind, before, after = old["kind"], old.get("spec", {}), new.get("spec", {})
    for key, way in _IMMUTABLE.get(kind, {}).items():
        if before.get(key) != after.get(key):
            yield f"spec.{key} cannot be changed in place: {way}"
    if kind == "PersistentVolumeClaim":
        yield from _resized(before, after)
    if kind in ("Deployment", "StatefulSet"):
        yield from _pods(kind, before, after)


def _resized(before: Object, after: Object) -> Iterator[str]:
    sizes = [spec["resources"]["requests"]["storage"] for spec in (before, after)]
    small, large = (amount(size) or 0 for size in sizes)
    if large > small:
        yield "the volume grows, where its storage class allows it; the pods need not restart"
    elif large < small:
        yield "a volume cannot shrink: Kubernetes refuses it; keep the size, or make a new claim"


def _pods(kind: str, before: Object, after: Object) -> Iterator[str]:
    replicas = before.get("replicas"), after.get("replicas")
    if before["template"] != after["template"]:
        yield _replaced(kind, after)
    elif replicas[0] == replicas[1]:
        yield "no pod restarts"
    if replicas[0] != replicas[1]:
        names = ["an autoscaler's number" if number is None else str(number) for number in replicas]
        yield f"from {names[0]} to {names[1]} pods" + (": the service is stopped" if replicas[1] == 0 else "")


def _replaced(kind: str, after: Object) -> str:
    strategy = after.get("strategy") or after.get("updateStrategy") or {}
    if after.get("replicas") == 0:
        return "no pod runs, so none restarts"
    if strategy.get("type") == "Recreate":
        return "every pod restarts: the old ones stop first, and the service is away until a new one is ready"
    if strategy.get("type") == "OnDelete":
        return "a pod restarts when somebody deletes it, and not before"
    if kind == "Deployment" and strategy.get("rollingUpdate", {}).get("maxSurge") not in (0, "0%", None):
        return "every pod restarts: a new one starts first, which needs a free GPU"
    return "every pod restarts, one at a time: with one pod the service is away until it is ready"


def _gone(old: Object) -> Iterator[str]:
    if old["metadata"].get("annotations", {}).get("helm.sh/resource-policy") == "keep":
        yield "helm keeps it, with what is in it"
    elif old["kind"] == "PersistentVolumeClaim":
        yield "what is in it is deleted"
    elif old["kind"] in ("Deployment", "StatefulSet"):
        yield "its pods stop"


def as_text(changes: list[Change]) -> str:
    """Return the changes as people read them, in a terminal or a pull request."""
    return "\n".join(_text(change) for change in changes)


def _text(change: Change) -> str:
    lines = [f"{change.sign} {change.label}", *(f"  ! {effect}" for effect in change.effects)]
    for field in change.fields:
        lines.append(f"    {field.path}")
        lines += [f"      - {old}" for old in field.old.splitlines()]
        lines += [f"      + {new}" for new in field.new.splitlines()]
    return "\n".join(lines) + "\n"
