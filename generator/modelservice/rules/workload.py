"""Rules on the workload: update strategy, start-up budget."""

from __future__ import annotations

import re
from collections.abc import Iterator

from modelservice.findings import Refuser, Severity
from modelservice.rules.rule import Said, Values, put, removal, rule, setting
from modelservice.rules.scheduling import one_node
from modelservice.rules.storage import shared_claim

_DEPLOYMENT = "https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#strategy"
_FOR = {"Recreate": "Deployment", "OnDelete": "StatefulSet", "maxSurge": "Deployment", "partition": "StatefulSet"}
_SHORT = 120
_SLEEP = re.compile("(^|[ /])sleep ([0-9]{1,9})($|[ ;&])")


@rule(
    "strategy-kind",
    "The update strategy does not match the kind of workload.",
    why=(
        "`Recreate` and `maxSurge` belong to a Deployment, `OnDelete` and `partition` to a StatefulSet. The API "
        "server refuses the workload, and the installation or upgrade fails."
    ),
    source=_DEPLOYMENT,
    refused_by=Refuser.API_SERVER,
)
def strategy_kind(values: Values) -> Iterator[Said]:
    """Find settings of a Deployment on a StatefulSet, and the other way round."""
    kind, strategy = values.at("workload.kind"), values.at("strategy") or {}
    chosen = strategy.get("type", "RollingUpdate")
    if _FOR.get(chosen, kind) != kind:
        hint = f"use RollingUpdate, or set workload.kind: {_FOR[chosen]}"
        yield Said(("strategy", "type"), f"{chosen} is for a {_FOR[chosen]}, but this is a {kind}", hint)
    rolling = strategy.get("rollingUpdate", {})
    if rolling and chosen != "RollingUpdate":
        yield removal(("strategy", "rollingUpdate"), f"has no effect with the type {chosen}")
    for key in ("maxSurge", "partition"):
        if key in rolling and kind != _FOR[key]:
            yield removal(("strategy", "rollingUpdate", key), f"is for a {_FOR[key]}, but this is a {kind}")


@rule(
    "strategy-stuck",
    "maxSurge and maxUnavailable cannot both be 0.",
    why=(
        "Kubernetes could neither add a pod nor remove one, so an update could not begin. The API server "
        "refuses the workload, and the installation or upgrade fails."
    ),
    source=_DEPLOYMENT,
    refused_by=Refuser.API_SERVER,
)
def strategy_stuck(values: Values) -> Iterator[Said]:
    """Find a rolling update that may neither add nor remove a pod."""
    rolling = (values.at("strategy") or {}).get("rollingUpdate", {})
    zero = (0, "0%")
    if rolling.get("maxSurge") in zero and rolling.get("maxUnavailable") in zero:
        message = "maxSurge and maxUnavailable are both 0, so no pod is ever replaced"
        path = ("strategy", "rollingUpdate", "maxUnavailable")
        yield Said(path, message, "write maxUnavailable: 1", fix=put({path: 1}))


@rule(
    "strategy-two-writers",
    "An update starts the new pod while the old one uses the claim.",
    why=(
        "The claim is attached to one node at a time. A new pod on another node can wait in ContainerCreating for "
        "the old pod, which waits for the new one."
    ),
    source="https://kubernetes.io/docs/concepts/storage/persistent-volumes/#access-modes",
    severity=Severity.WARNING,
)
def strategy_two_writers(values: Values) -> Iterator[Said]:
    """Find a surge with a claim that can be attached to one node only."""
    strategy = values.at("strategy") or {}
    rolling = strategy.get("type", "RollingUpdate") == "RollingUpdate" and values.at("workload.kind") == "Deployment"
    several = {"ReadWriteMany", "ReadOnlyMany"} & set(values.at("modelVolume.accessModes")) or not shared_claim(values)
    surge = strategy.get("rollingUpdate", {}).get("maxSurge", "25%")
    if strategy and rolling and not several and not one_node(values) and surge not in (0, "0%"):
        message = "the new pod may wait for the claim, which the old one uses on another node"
        yield removal(("strategy",), message, ": the chart stops the old pod first")


@rule(
    "startup-short",
    "The start-up budget is too short, or the startup probe overrides it.",
    why=(
        "The kubelet kills the container at the end of the budget and starts it again. If downloading, loading and "
        "compiling take longer, the service never becomes ready."
    ),
    source="a tiny model on vLLM 0.32, 47 seconds with nothing to download",
    severity=Severity.WARNING,
)
def startup_short(values: Values) -> Iterator[Said]:
    """Find a budget that ends before any model is ready, or that the probe's own fields override."""
    path, seconds = ("startupSeconds",), values.at("startupSeconds")
    if values.written("startupSeconds") and "failureThreshold" in (values.at("probes.startup") or {}):
        yield Said(path, "has no effect with probes.startup.failureThreshold", "remove one of them", True)
    elif seconds < _SHORT:
        message = f"the container is killed after {seconds} seconds, and even a tiny model needs about 50 to start"
        yield Said(path, message, "write at least 300")


@rule(
    "pre-stop-sleep",
    "The pause before SIGTERM is longer than the pod's grace period.",
    why="The API server refuses the workload, and the installation or upgrade fails.",
    source="https://kubernetes.io/docs/concepts/containers/container-lifecycle-hooks/",
    refused_by=Refuser.API_SERVER,
)
def pre_stop_sleep(values: Values) -> Iterator[Said]:
    """Find a pause of the server's preStop hook for which the grace period is too short."""
    grace, drain = values.at("terminationGracePeriodSeconds"), drain_seconds(values)
    if drain > grace and values.at("lifecycle.preStop.sleep"):
        path = ("lifecycle", "preStop", "sleep", "seconds")
        message = f"{drain} is more than the grace period of {grace} seconds"
        yield setting(path, message, {"terminationGracePeriodSeconds": drain + 60}, ", or write less")


@rule(
    "grace-used-up",
    "The pause before SIGTERM leaves vLLM no time to finish its requests.",
    why=(
        "The grace period starts with the preStop hook. The kubelet kills vLLM two seconds after its end, and clients "
        "lose the answers that are not complete."
    ),
    source="https://kubernetes.io/docs/concepts/containers/container-lifecycle-hooks/#hook-handler-execution",
    severity=Severity.WARNING,
)
def grace_used_up(values: Values) -> Iterator[Said]:
    """Find a preStop hook that sleeps as long as the grace period, and that the API server does not refuse."""
    grace, drain = values.at("terminationGracePeriodSeconds"), drain_seconds(values)
    handler = next((name for name in ("sleep", "exec") if values.at(f"lifecycle.preStop.{name}")), "")
    if handler and (drain == grace or (drain > grace and handler == "exec")):
        message = f"sleeps for {drain} seconds, which leaves nothing of the grace period of {grace} seconds"
        settings = {"terminationGracePeriodSeconds": drain + 60}
        yield setting(("lifecycle", "preStop", handler), message, settings, ", or sleep less", on_key=True)


def drain_seconds(values: Values) -> int:
    """Return the seconds before SIGTERM in which the pod leaves the endpoints, as templates/_vllm.tpl does."""
    said = values.at("lifecycle.preStop.sleep.seconds")
    slept = _SLEEP.search(" ".join(map(str, values.at("lifecycle.preStop.exec.command") or ())))
    usual = min(15, values.at("terminationGracePeriodSeconds") // 2)
    return int(said if said is not None else slept[2] if slept else usual)


RULES = (
    pre_stop_sleep,
    grace_used_up,
    strategy_kind,
    strategy_stuck,
    strategy_two_writers,
    startup_short,
)
