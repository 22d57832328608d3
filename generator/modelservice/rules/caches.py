"""Rules on the download before the start, and on what is compiled."""

from __future__ import annotations

from collections.abc import Iterator

from modelservice.rules.replicas import most_replicas, most_said
from modelservice.rules.rule import Said, Values, removal, rule, writing
from modelservice.rules.scheduling import one_node
from modelservice.rules.security import read_only, read_only_many

_CHART = "the chart's templates/_download.tpl"
_MODES = "https://kubernetes.io/docs/concepts/storage/persistent-volumes/#access-modes"


@rule("pre-download", "What downloads a model can write it where the pods read it.", source=_CHART)
def pre_download(values: Values) -> Iterator[Said]:
    """A download of a path, into a volume that is read-only, or into one that the pods do not share."""
    way, path = values.at("modelVolume.preDownload"), ("modelVolume", "preDownload")
    modes = values.at("modelVolume.accessModes")
    if not way:
        return
    if values.at("model.source") == "local":
        yield removal(path, "has nothing to download with model.source local")
    elif read_only_many(values) or (way == "InitContainer" and read_only(values)):
        yield removal(path, f"{way} cannot write to a read-only volume", ": what is there is served")
    elif way == "Job" and values.at("workload.kind") == "StatefulSet" and not values.at("modelVolume.existingClaim"):
        message = "a Job fills one volume, and each replica of this StatefulSet has its own"
        yield writing(path, message, "InitContainer")
    elif way == "Job" and "ReadWriteMany" not in modes:
        message = "a Job writes beside the pods that read, and the volume is for one node"
        yield Said(path, message, "set modelVolume.accessModes: [ReadWriteMany], or write InitContainer")


@rule("compile-cache", "What is compiled is written to a volume that the pods share.", source=_MODES)
def compile_cache(values: Values) -> Iterator[Said]:
    """A read-only model volume, a claim that a StatefulSet could not change, or one for a single node."""
    volume = values.at("compileCache.volume")
    if volume == "model" and read_only(values):
        yield writing(("compileCache", "volume"), "model is mounted read-only", "own")
    if volume != "own" or values.at("compileCache.existingClaim"):
        return
    modes = values.at("compileCache.accessModes")
    if values.at("workload.kind") == "StatefulSet":
        message = "own would be a claim for each replica, which no upgrade can change"
        yield Said(("compileCache", "volume"), message, "write model, or name a claim in compileCache.existingClaim")
    elif (
        most_replicas(values) > 1
        and "ReadWriteMany" not in modes
        and ("ReadWriteOncePod" in modes or not one_node(values))
    ):
        message = f"{most_said(values)} share one {modes[0]} claim"
        hint = "set compileCache.accessModes: [ReadWriteMany], or compileCache.volume: model"
        yield Said(("compileCache", "volume"), message, hint)


RULES = (pre_download, compile_cache)
