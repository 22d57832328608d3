"""Describe the effects of an object's change on the running pods and the volumes, in a sentence each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from modelservice.quantity import amount

Object = Mapping[str, Any]

_WORKLOADS = ("Deployment", "StatefulSet")
# Fields that the API server does not allow to change, and what to do instead.
_IMMUTABLE = {
    "Deployment": {"selector": "delete the Deployment first; this deletes its pods too"},
    "StatefulSet": dict.fromkeys(
        ("selector", "serviceName", "podManagementPolicy", "volumeClaimTemplates"),
        "delete the StatefulSet with --cascade=orphan first, which leaves its pods running",
    ),
    "Job": {"template": "delete the Job first"},
    "Service": {"loadBalancerClass": "delete the Service first; the load balancer gets a new address"},
    "PersistentVolumeClaim": dict.fromkeys(
        ("accessModes", "storageClassName", "dataSource"),
        "create a new claim, with another release name or modelVolume.existingClaim",
    ),
}


def changed(old: Object, new: Object) -> Iterator[str]:
    """Yield the effects of a change on the pods and the volume, and the fields that cannot be changed in place."""
    kind, before, after = old["kind"], old.get("spec", {}), new.get("spec", {})
    fixed = kind != "Service" or before.get("type") == after.get("type") == "LoadBalancer"
    for key, way in _IMMUTABLE.get(kind, {}).items() if fixed else ():
        if before.get(key) != after.get(key):
            yield f"spec.{key} cannot be changed in place: {way}"
    if _kept(old) and not _kept(new):
        yield "no longer kept: helm uninstall and Argo CD's pruning then delete its data"
    if kind == "PersistentVolumeClaim":
        yield from _resized(before, after)
    if kind == "Service":
        yield from _moved(before, after)
    if kind in _WORKLOADS:
        yield from _pods(kind, before, after)


def _moved(before: Object, after: Object) -> Iterator[str]:
    ports = [(spec.get("ports") or [{}])[0].get("port") for spec in (before, after)]
    if ports[0] != ports[1]:
        yield f"the service's port changes from {ports[0]} to {ports[1]}: tell its clients"


def restarts(effects: Iterable[str]) -> bool:
    """Return whether the effects include a restart of running pods."""
    return any(effect.startswith(("every pod restarts", "the pods from number")) for effect in effects)


def gone(old: Object) -> Iterator[str]:
    """Yield the effects of removing an object."""
    if old["kind"] in _WORKLOADS:
        yield "the old pods stop"
    if old["kind"] == "PersistentVolumeClaim" or old.get("spec", {}).get("volumeClaimTemplates"):
        yield f"the old claim and its data are {'kept' if _kept(old) else 'deleted'}"


def come(new: Object, lost: Iterable[Object], *, apart: bool = False) -> Iterator[str]:
    """Yield the effects of a new object that replaces a removed one.

    `apart`: the old one is in another namespace or cluster, so that they cannot share a claim.
    """
    workloads = [old for old in lost if old["kind"] in _WORKLOADS] if new["kind"] in _WORKLOADS else []
    if workloads:
        waiting = ", and wait if no GPU is free" if _needs_gpu(new) else ""
        yield f"the new pods start while the old ones still run{waiting}"
    claims = set(filter(None, map(model_claim, workloads)))
    if claims and model_claim(new) not in ("", *claims) and not apart:
        yield _EMPTY
    for old in lost:
        if old["kind"] == new["kind"] == "Service":
            before, after = _address(old), _address(new)
            if before != after:
                # Inside of one namespace, a Service's name is enough.
                names = [".".join(one if before[1] != after[1] else one[:1]) for one in (before, after)]
                yield f"the service's address changes from {names[0]} to {names[1]}: tell its clients"


def _address(service: Object) -> tuple[str, str]:
    return service["metadata"]["name"], service["metadata"].get("namespace") or ""


_EMPTY = (
    "the new volume is empty, and the model is downloaded again, unless modelVolume.existingClaim names the old claim"
)


def _kept(item: Object) -> bool:
    """Return whether a claim, or the claims of a StatefulSet, are kept after the release is uninstalled."""
    retention = item.get("spec", {}).get("persistentVolumeClaimRetentionPolicy") or {}
    policy = (item["metadata"].get("annotations") or {}).get("helm.sh/resource-policy")
    return policy == "keep" or retention.get("whenDeleted") == "Retain"


def model_claim(item: Object) -> str:
    """Return the claim of a workload's model volume, or the prefix of a StatefulSet's claims; "" for anything else."""
    if item["kind"] not in _WORKLOADS:
        return ""
    spec = item["spec"]
    for claim in spec.get("volumeClaimTemplates") or []:
        if claim["metadata"]["name"] == "model-dir":
            return f"model-dir-{item['metadata']['name']}-"
    volumes = spec["template"]["spec"].get("volumes") or []
    claims = [volume.get("persistentVolumeClaim") for volume in volumes if volume["name"] == "model-dir"]
    return str(claims[0]["claimName"]) if claims and claims[0] else ""


def _needs_gpu(workload: Object) -> bool:
    """Return whether the pods request a device: only device resources have a / in their name."""
    containers = workload["spec"]["template"]["spec"].get("containers") or []
    return any("/" in name for one in containers for name in (one.get("resources") or {}).get("limits") or {})


def _resized(before: Object, after: Object) -> Iterator[str]:
    small, large = (_storage(spec) for spec in (before, after))
    if small is None or large is None:
        return
    if large > small:
        yield "the volume grows if its storage class allows it; the pods need not restart"
    elif large < small:
        yield "Kubernetes refuses to shrink a volume: keep the size, or create a new claim"


def _storage(spec: Any) -> Decimal | None:
    asked = (spec.get("resources") or {}).get("requests") or {}
    return amount(asked.get("storage", ""))


def _pods(kind: str, before: Object, after: Object) -> Iterator[str]:
    replicas = before.get("replicas"), after.get("replicas")
    if before["template"] != after["template"]:
        yield _replaced(kind, before, after)
    elif replicas[0] == replicas[1]:
        yield "no pod restarts"
    if replicas[0] != replicas[1]:
        yield _scaled(*replicas)


def _scaled(before: int | None, after: int | None) -> str:
    if after is None and before == 1:
        return "from 1 pod to an autoscaler's number"
    if after is None:
        # The default of Kubernetes for a removed field.
        return f"from {before} to 1 pod until the autoscaler's first check: {_MANUAL} on"
    if before is None:
        return f"from an autoscaler's number to {after} pods: {_MANUAL} off"
    meaning = ": the service is stopped" if after == 0 else ": the service starts" if before == 0 else ""
    return f"from {before} to {after} pods{meaning}"


_MANUAL = "see docs/troubleshooting.md, Turning an autoscaler"


def _replaced(kind: str, before: Object, after: Object) -> str:
    """Describe how pods are replaced after a change of their template."""
    strategy = after.get("strategy") or after.get("updateStrategy") or {}
    rolling = strategy.get("rollingUpdate") or {}
    if before.get("replicas") == 0:
        return "no pod ran, so none restarts"
    if after.get("replicas") == 0:
        return "no pod runs, so none restarts"
    if strategy.get("type") == "Recreate":
        return "every pod restarts: the old ones stop first, and the service is unavailable until a new one is ready"
    if strategy.get("type") == "OnDelete":
        return "a pod restarts only when someone deletes it"
    if kind == "StatefulSet":
        return _ordered(rolling, after.get("replicas"))
    return _rolled(rolling, after.get("replicas"), gpu=_needs_gpu({"spec": after}))


def _ordered(rolling: Object, replicas: int | None) -> str:
    """Describe how a StatefulSet replaces its pods: it skips those with a number below the partition."""
    first, away = int(rolling.get("partition") or 0), _share(rolling.get("maxUnavailable", 1), replicas or 1, up=True)
    if replicas is not None and first >= replicas:
        return "no pod restarts: the partition excludes all of them"
    if first:
        return f"the pods from number {first} on restart, {_at_a_time(away)}"
    return _away(away, replicas)


def _rolled(rolling: Object, replicas: int | None, *, gpu: bool) -> str:
    """Describe how a Deployment replaces its pods. Like Kubernetes, round maxSurge up and maxUnavailable down."""
    more = _share(rolling.get("maxSurge", "25%"), replicas or 1, up=True)
    away = _share(rolling.get("maxUnavailable", "25%"), replicas or 1, up=False)
    if not more or away:
        return _away(away or 1, replicas)
    if more == 1:
        return f"every pod restarts: a new one starts first{', which needs a free GPU' if gpu else ''}"
    return f"every pod restarts: up to {more} new ones start first{', which need free GPUs' if gpu else ''}"


def _away(away: int, replicas: int | None) -> str:
    if replicas is None:
        return f"every pod restarts, {_at_a_time(away)}: with one pod the service is unavailable until it is ready"
    if away < replicas:
        return f"every pod restarts, {_at_a_time(away)}"
    return f"every pod restarts{', all at once' if replicas > 1 else ''}: the service is unavailable until one is ready"


def _at_a_time(away: int) -> str:
    return "one at a time" if away == 1 else f"up to {away} at a time"


def _share(value: Any, replicas: int, *, up: bool) -> int:
    """Return the number of pods for a number or a percentage of `replicas`."""
    found = re.fullmatch(r"(\d+)(%?)", str(value))
    if not found:
        return 1
    number = int(found[1])
    if not found[2]:
        return number
    return -(-number * replicas // 100) if up else number * replicas // 100
