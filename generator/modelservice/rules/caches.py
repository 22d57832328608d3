"""Rules on the pre-download and the compile cache."""

from __future__ import annotations

from collections.abc import Iterator

from modelservice.findings import Refuser, Severity
from modelservice.rules.replicas import most_replicas, most_said
from modelservice.rules.rule import Said, Values, removal, rule, writing
from modelservice.rules.scheduling import one_node
from modelservice.rules.storage import model_volume, of_each_pod, read_only, read_only_many, shared_claim

_CHART = "the chart's templates/_download.tpl"
_MODES = "https://kubernetes.io/docs/concepts/storage/persistent-volumes/#access-modes"


@rule(
    "pre-download",
    "The pre-download cannot write the model where the pods read it.",
    why=(
        "The download fails, or it fills a volume that some pods cannot mount. These pods wait in Init, and no "
        "server starts in them."
    ),
    source=_CHART,
    refused_by=Refuser.CHART,
)
def pre_download(values: Values) -> Iterator[Said]:
    """Find a download into a volume that is read-only or that the pods do not share."""
    way, path = values.at("modelVolume.preDownload"), ("modelVolume", "preDownload")
    modes = values.at("modelVolume.accessModes")
    if not way or values.at("model.source") == "local":
        return
    if not model_volume(values):
        yield removal(path, f"{way} has no model volume to download to", ", or set modelVolume.enabled: true")
    elif (read_only_many(values) or way == "InitContainer" or model_volume(values) == "volume") and read_only(values):
        yield removal(path, f"{way} cannot write to a read-only volume", ": vLLM serves the files in the volume")
    elif way == "Job" and (model_volume(values) == "claims" or of_each_pod(values)):
        message = "a Job fills one volume, but each pod has its own"
        yield writing(path, message, "InitContainer")
    elif way == "Job" and shared_claim(values) and "ReadWriteMany" not in modes:
        message = "a Job writes while the pods read, but only one node at a time can use the volume"
        yield Said(path, message, "set modelVolume.accessModes: [ReadWriteMany], or write InitContainer")


@rule(
    "pre-download-unused",
    "A pre-download is ignored because the model is local.",
    why=(
        "With `model.source: local` the chart downloads nothing. The model must be in the volume before the "
        "service starts."
    ),
    source=_CHART,
    severity=Severity.WARNING,
)
def pre_download_unused(values: Values) -> Iterator[Said]:
    """Find a pre-download of a local model."""
    if values.at("modelVolume.preDownload") and values.at("model.source") == "local":
        yield removal(("modelVolume", "preDownload"), "has no effect with model.source local")


@rule(
    "compile-cache",
    "The pods cannot write to, or cannot share, the compile cache's volume.",
    why=(
        "vLLM fails if it cannot write what it compiles. A pod on a different node than the first one cannot attach a "
        "ReadWriteOnce volume, and an upgrade cannot change a StatefulSet's claims."
    ),
    source=_MODES,
    refused_by=Refuser.CHART,
)
def compile_cache(values: Values) -> Iterator[Said]:
    """Find a read-only cache volume, a claim for one node, and a StatefulSet with a cache of its own."""
    volume = values.at("compileCache.volume")
    if volume == "model" and not model_volume(values):
        yield writing(("compileCache", "volume"), "model needs a model volume, but there is none", "own")
    elif volume == "model" and read_only(values):
        yield writing(("compileCache", "volume"), "model is mounted read-only", "own")
    if volume != "own" or values.at("compileCache.existingClaim"):
        return
    modes = values.at("compileCache.accessModes")
    if values.at("workload.kind") == "StatefulSet":
        message = "own would be a claim for each replica, which an upgrade cannot change"
        yield Said(("compileCache", "volume"), message, "write model, or name a claim in compileCache.existingClaim")
    elif (
        most_replicas(values) > 1
        and "ReadWriteMany" not in modes
        and ("ReadWriteOncePod" in modes or not one_node(values))
    ):
        message = f"{most_said(values)} share one {modes[0]} claim"
        hint = "set compileCache.accessModes: [ReadWriteMany], or compileCache.volume: model"
        yield Said(("compileCache", "volume"), message, hint)


RULES = (pre_download, pre_download_unused, compile_cache)
