"""Rules on the volume that keeps the models."""

from __future__ import annotations

from collections.abc import Iterator

from modelservice.findings import Action, Edit, Path, Refuser, Severity
from modelservice.rules.model import model_mount, under
from modelservice.rules.replicas import most_replicas, most_said
from modelservice.rules.rule import Said, Values, adding, removal, rule, setting, writing
from modelservice.rules.scheduling import one_node
from modelservice.rules.storage import (
    model_volume,
    new_claim,
    of_each_pod,
    read_only,
    read_only_many,
    shared_claim,
)

_MODES = "https://kubernetes.io/docs/concepts/storage/persistent-volumes/#access-modes"
_CHART = "the chart's templates/_volumes.tpl"
_KEY = ("modelVolume", "accessModes")
# Kind of model volume → why a setting of a new claim has no effect.
_WITHOUT = {
    "": "without a model volume, which this model does not use",
    "volume": "on a volume that is not a claim",
    "existing": "on an existing claim",
    "claims": "on the claims of a StatefulSet, which cannot be changed",
}


@rule(
    "model-volume-twice",
    "The model volume is both a claim and another volume.",
    why="The chart can mount only one of them. The models may be in the other one.",
    source=_CHART,
    refused_by=Refuser.CHART,
)
def model_volume_twice(values: Values) -> Iterator[Said]:
    """Find a volume that replaces a claim, together with an existing claim."""
    if values.at("modelVolume.volume") and values.at("modelVolume.existingClaim"):
        message = "replaces a claim, but modelVolume.existingClaim names one"
        yield Said(("modelVolume", "volume"), message, "remove one of them", True)


@rule(
    "empty-read-only-claim",
    "A new claim is mounted read-only, so nothing can fill it.",
    why="The volume stays empty. vLLM looks there for the model, finds none and exits.",
    source=_MODES,
    refused_by=Refuser.CHART,
)
def empty_read_only_claim(values: Values) -> Iterator[Said]:
    """Find a new read-only claim that is not filled from a data source."""
    if of_each_pod(values) and values.at("modelVolume.readOnly"):
        message = "a new volume that is mounted read-only stays empty"
        yield removal(("modelVolume", "readOnly"), message, on_key=False)
    if not new_claim(values) or values.at("modelVolume.dataSource"):
        return
    hint = "set modelVolume.existingClaim, or modelVolume.dataSource to fill it from a snapshot"
    if read_only_many(values):
        yield Said(_KEY, "a new ReadOnlyMany claim is an empty volume that cannot be filled", hint)
    elif values.at("modelVolume.readOnly") and values.at("modelVolume.preDownload") != "Job":
        yield Said(("modelVolume", "readOnly"), "a new claim that is mounted read-only stays empty", hint)


@rule(
    "read-only-many-written",
    "A ReadOnlyMany volume is mounted for writing.",
    why=(
        "The storage refuses writes to such a volume. The mount or the download fails, and the server does not start."
    ),
    source=_MODES,
    refused_by=Refuser.CHART,
)
def read_only_many_written(values: Values) -> Iterator[Said]:
    """Find a writable mount of a read-only volume."""
    if read_only_many(values) and values.at("modelVolume.readOnly") is False:
        path = ("modelVolume", "readOnly")
        remove = (Edit(Action.REMOVE, path),)
        yield Said(path, "false with ReadOnlyMany, which does not allow writes", "remove the line", fix=remove)


@rule(
    "read-write-once-shared",
    "Replicas share one ReadWriteOnce volume.",
    why=(
        "Such a volume is attached to one node at a time. Replicas on other nodes stay in ContainerCreating with a "
        "`Multi-Attach error`."
    ),
    source=_MODES,
    refused_by=Refuser.CHART,
)
def read_write_once_shared(values: Values) -> Iterator[Said]:
    """Find replicas on several nodes that share a claim for one node."""
    modes = values.at("modelVolume.accessModes")
    several = {"ReadWriteMany", "ReadOnlyMany"} & set(modes)
    shared = shared_claim(values) and most_replicas(values) > 1
    if not shared or several:
        return
    if "ReadWriteOncePod" in modes or not one_node(values):
        mode = modes[0]
        node = "" if mode == "ReadWriteOncePod" else ", or one node in nodeName"
        hint = (
            f"set modelVolume.accessModes: [ReadWriteMany], or workload.kind: StatefulSet, or modelVolume.volume{node}"
        )
        if not new_claim(values) and not values.has(_KEY):
            hint = "set modelVolume.accessModes to the claim's modes, such as [ReadWriteMany]"
        many: Path = ("autoscaling", "kind") if values.at("autoscaling.kind") else ("replicas",)
        path = _KEY if values.has(_KEY) else many
        yield Said(path, f"{most_said(values)} share one {mode} claim", hint)


@rule(
    "access-mode-alone",
    "ReadWriteOncePod is listed together with other access modes.",
    why="The API server refuses the claim, and the installation fails.",
    source=_MODES,
    refused_by=Refuser.API_SERVER,
)
def access_mode_alone(values: Values) -> Iterator[Said]:
    """Find ReadWriteOncePod together with other access modes."""
    modes = values.at("modelVolume.accessModes")
    if "ReadWriteOncePod" in modes and len(modes) > 1:
        yield writing(_KEY, "ReadWriteOncePod cannot be combined with other modes", ["ReadWriteOncePod"])


@rule(
    "data-source",
    "The data source of a new claim is incomplete.",
    why=(
        "Kubernetes can drop such a data source without a message. The volume is then empty instead of filled from "
        "the snapshot, and a data source cannot be added later."
    ),
    source=_CHART,
    refused_by=Refuser.CHART,
)
def data_source(values: Values) -> Iterator[Said]:
    """Find a data source that the API server drops, which leaves the claim empty."""
    source, path = values.at("modelVolume.dataSource"), ("modelVolume", "dataSource")
    if source and new_claim(values):
        missing = [key for key in ("kind", "name") if not source.get(key)]
        if missing:
            yield Said(path, f"has no {' and no '.join(missing)}", f"add {' and '.join(missing)}", True)
        elif source["kind"] != "PersistentVolumeClaim" and not source.get("apiGroup"):
            message = f"has no apiGroup, which {source['kind']} needs"
            if source["kind"] == "VolumeSnapshot":
                yield adding(path, message, "apiGroup", "snapshot.storage.k8s.io")
            else:
                yield Said(path, message, "add the API group of that kind as apiGroup", True)


@rule(
    "empty-local-model",
    "The local model's path is in a new claim, which is empty.",
    why=(
        "With `model.source: local` nothing is downloaded. vLLM finds no model and restarts until the volume is filled."
    ),
    source=_CHART,
    severity=Severity.WARNING,
)
def empty_local_model(values: Values) -> Iterator[Said]:
    """Find a local model in a new claim that is not filled from a data source."""
    empty = (new_claim(values) and not values.at("modelVolume.dataSource")) or of_each_pod(values)
    if values.at("model.source") != "local" or not empty or values.at("initContainers"):
        return
    name = values.at("model.name")
    elsewhere = (mount["mountPath"] for _, mount in values.items("volumeMounts"))
    if under(name, model_mount(values)) and not any(under(name, mount) for mount in elsewhere):
        message = f"is in a new {'volume' if of_each_pod(values) else 'claim'}, which is empty"
        yield Said(("model", "name"), message, "set modelVolume.existingClaim, or modelVolume.dataSource to fill it")


@rule(
    "modelscope-read-only",
    "The model volume is read-only, and ModelScope's client must write to it.",
    why=(
        "The client creates a lock file next to the models, even when it is offline. It fails, and vLLM does not start."
    ),
    source="modelscope before 1.38, which vLLM's images contain: snapshot_download takes a lock, even offline",
    refused_by=Refuser.VLLM,
)
def modelscope_read_only(values: Values) -> Iterator[Said]:
    """Find a model from ModelScope on a read-only volume; a path needs no client."""
    if values.at("model.source") == "modelscope" and read_only(values):
        folder = f"{model_mount(values)}/models/{values.at('model.name')}"
        message = "ModelScope's client cannot create its lock file on a read-only volume"
        settings = {"model.source": "local", "model.name": folder}
        yield setting(("model", "source"), message, settings, ", where ModelScope's client stored the model")


@rule(
    "data-source-unused",
    "The data source is ignored because the claim exists already.",
    why=(
        "Kubernetes fills a volume from a data source only when the claim is created. The existing claim keeps its "
        "files."
    ),
    source=_CHART,
    severity=Severity.WARNING,
)
def data_source_unused(values: Values) -> Iterator[Said]:
    """Find a data source together with an existing claim."""
    if values.at("modelVolume.dataSource") and not new_claim(values):
        path = ("modelVolume", "dataSource")
        existing = model_volume(values) == "existing"
        hint = "remove it, or modelVolume.existingClaim" if existing else "remove it"
        yield Said(path, f"has no effect {_WITHOUT[model_volume(values)]}", hint, True)


@rule(
    "claim-settings-unused",
    "A setting of the claim is ignored because the chart does not create the claim.",
    why=(
        "The chart creates no claim if there is an existing one or another volume, or if nothing would use it. It does "
        "not change an existing claim."
    ),
    source=_CHART,
    severity=Severity.WARNING,
)
def claim_settings_unused(values: Values) -> Iterator[Said]:
    """Find settings of a claim that exists already or is not created, and labels of a StatefulSet's claims."""
    kind = model_volume(values)
    keys = ["labels", "annotations"] if kind == "claims" else []
    keys += [] if new_claim(values) else ["size", "storageClassName", "retain", "labels", "annotations"]
    keys += [] if kind else ["mountPath", "subPath", "readOnly"]
    for key in keys:
        if values.changed(f"modelVolume.{key}"):
            path, message = ("modelVolume", key), f"has no effect {_WITHOUT[kind]}"
            if kind == "volume":  # only a person knows whether the claim is meant, or the other volume
                yield Said(path, message, "remove it, or modelVolume.volume", True)
            else:
                yield removal(path, message)


RULES = (
    model_volume_twice,
    empty_read_only_claim,
    read_only_many_written,
    read_write_once_shared,
    access_mode_alone,
    data_source,
    empty_local_model,
    modelscope_read_only,
    data_source_unused,
    claim_settings_unused,
)
