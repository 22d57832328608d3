"""Rules on the volume that keeps the models."""

from __future__ import annotations

from collections.abc import Iterator

from modelservice.findings import Action, Edit, Path, Severity
from modelservice.rules.model import model_mount, under
from modelservice.rules.replicas import most_replicas, most_said
from modelservice.rules.rule import Said, Values, adding, removal, rule, setting, writing
from modelservice.rules.scheduling import one_node
from modelservice.rules.security import read_only, read_only_many

_MODES = "https://kubernetes.io/docs/concepts/storage/persistent-volumes/#access-modes"
_CHART = "the chart's templates/_volumes.tpl"
_KEY = ("modelVolume", "accessModes")


def _new_claim(values: Values) -> bool:
    return not values.at("modelVolume.existingClaim")


def shares_one_claim(values: Values) -> bool:
    """Say whether several replicas mount the same claim: all but a StatefulSet with claims of its own."""
    own = values.at("workload.kind") == "StatefulSet" and _new_claim(values)
    return most_replicas(values) > 1 and not own


@rule("empty-read-only-claim", "A new claim that nobody can write to stays empty.", source=_MODES)
def empty_read_only_claim(values: Values) -> Iterator[Said]:
    """A claim that is made now, read-only, and filled from nothing."""
    if not _new_claim(values) or values.at("modelVolume.dataSource"):
        return
    hint = "set modelVolume.existingClaim, or modelVolume.dataSource to fill it from a snapshot"
    if read_only_many(values):
        yield Said(_KEY, "a new ReadOnlyMany claim is an empty volume that nobody can fill", hint)
    elif values.at("modelVolume.readOnly") and values.at("modelVolume.preDownload") != "Job":
        yield Said(("modelVolume", "readOnly"), "a new claim that is mounted read-only stays empty", hint)


@rule("read-only-many-written", "Nobody writes to a ReadOnlyMany volume.", source=_MODES)
def read_only_many_written(values: Values) -> Iterator[Said]:
    """A writable mount of a volume that is not."""
    if read_only_many(values) and values.at("modelVolume.readOnly") is False:
        path = ("modelVolume", "readOnly")
        remove = (Edit(Action.REMOVE, path),)
        yield Said(path, "false with ReadOnlyMany, which nobody can write to", "remove the line", fix=remove)


@rule("read-write-once-shared", "A ReadWriteOnce volume is mounted on one node.", source=_MODES)
def read_write_once_shared(values: Values) -> Iterator[Said]:
    """Several replicas, on several nodes, with a claim for one."""
    modes = values.at("modelVolume.accessModes")
    several = {"ReadWriteMany", "ReadOnlyMany"} & set(modes)
    if not shares_one_claim(values) or several or values.refused("modelVolume.accessModes"):
        return
    if "ReadWriteOncePod" in modes or not one_node(values):
        mode = modes[0]
        node = "" if mode == "ReadWriteOncePod" else ", or one node in nodeName"
        hint = f"set modelVolume.accessModes: [ReadWriteMany], or workload.kind: StatefulSet{node}"
        many: Path = ("autoscaling", "kind") if values.at("autoscaling.kind") else ("replicas",)
        path = _KEY if values.has(_KEY) else many
        yield Said(path, f"{most_said(values)} share one {mode} claim", hint)


@rule("access-mode-alone", "ReadWriteOncePod stands alone.", source=_MODES)
def access_mode_alone(values: Values) -> Iterator[Said]:
    """What the API server refuses in a claim."""
    modes = values.at("modelVolume.accessModes")
    if "ReadWriteOncePod" in modes and len(modes) > 1:
        yield writing(_KEY, "ReadWriteOncePod cannot stand beside other modes", ["ReadWriteOncePod"])


@rule("data-source", "A data source has a kind, its group and a name, and fills a new claim.", source=_CHART)
def data_source(values: Values) -> Iterator[Said]:
    """A source without a name, or beside a claim that is there already."""
    source, path = values.at("modelVolume.dataSource"), ("modelVolume", "dataSource")
    if source and not _new_claim(values):
        yield Said(path, "has no effect on an existing claim", "remove it, or modelVolume.existingClaim", True)
    elif source:
        missing = [key for key in ("kind", "name") if not source.get(key)]
        if missing:
            yield Said(path, f"has no {' and no '.join(missing)}", f"add {' and '.join(missing)}", True)
        elif source["kind"] != "PersistentVolumeClaim" and not source.get("apiGroup"):
            message = f"has no apiGroup, which {source['kind']} needs"
            if source["kind"] == "VolumeSnapshot":
                yield adding(path, message, "apiGroup", "snapshot.storage.k8s.io")
            else:
                yield Said(path, message, "add apiGroup: the group of that kind", True)


@rule(
    "empty-local-model",
    "A new claim holds no model, and model.source local downloads none.",
    source=_CHART,
    severity=Severity.WARNING,
)
def empty_local_model(values: Values) -> Iterator[Said]:
    """A path in a volume that is made now, and filled from nothing."""
    if values.at("model.source") != "local" or not _new_claim(values) or values.at("modelVolume.dataSource"):
        return
    name = values.at("model.name")
    elsewhere = (mount["mountPath"] for _, mount in values.items("volumeMounts"))
    if under(name, model_mount(values)) and not any(under(name, mount) for mount in elsewhere):
        message = "is in a claim that is made now, and is empty"
        yield Said(("model", "name"), message, "set modelVolume.existingClaim, or modelVolume.dataSource to fill it")


@rule(
    "modelscope-read-only",
    "ModelScope's client writes a lock beside the models.",
    source="modelscope before 1.38, which vLLM's images hold: snapshot_download takes a lock, even offline",
)
def modelscope_read_only(values: Values) -> Iterator[Said]:
    """A hub's client on a volume that it cannot write to; a path needs no client."""
    if values.at("model.source") == "modelscope" and read_only(values):
        folder = f"{model_mount(values)}/models/{values.at('model.name')}"
        message = "modelscope cannot lock a read-only volume, and does not start"
        settings = {"model.source": "local", "model.name": folder}
        yield setting(("model", "source"), message, settings, ", where ModelScope's client has put it")


@rule("claim-settings-unused", "An existing claim keeps its size and class.", source=_CHART, severity=Severity.WARNING)
def claim_settings_unused(values: Values) -> Iterator[Said]:
    """Size, class and keeping beside a claim that the chart does not make."""
    if _new_claim(values):
        return
    for key in ("size", "storageClassName", "retain"):
        if values.written(f"modelVolume.{key}"):
            yield removal(("modelVolume", key), "has no effect on an existing claim")


RULES = (
    empty_read_only_claim,
    read_only_many_written,
    read_write_once_shared,
    access_mode_alone,
    data_source,
    empty_local_model,
    modelscope_read_only,
    claim_settings_unused,
)
