"""Rules on the workload: update strategy, start-up budget, command."""

from __future__ import annotations

import re
from collections.abc import Iterator

from modelservice.findings import Severity
from modelservice.rules.rule import Said, Values, put, removal, rule
from modelservice.rules.scheduling import one_node

_DEPLOYMENT = "https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#strategy"
_FOR = {"Recreate": "Deployment", "OnDelete": "StatefulSet", "maxSurge": "Deployment", "partition": "StatefulSet"}
_SHORT = 120


@rule("strategy-kind", "A strategy is one that the kind of workload knows.", source=_DEPLOYMENT)
def strategy_kind(values: Values) -> Iterator[Said]:
    """Settings of a Deployment on a StatefulSet, and the other way round."""
    kind, strategy = values.at("workload.kind"), values.at("strategy") or {}
    chosen = strategy.get("type", "RollingUpdate")
    if _FOR.get(chosen, kind) != kind:
        hint = f"use RollingUpdate, or set workload.kind: {_FOR[chosen]}"
        yield Said(("strategy", "type"), f"{chosen} is for a {_FOR[chosen]}, and this is a {kind}", hint)
    rolling = strategy.get("rollingUpdate", {})
    if rolling and chosen != "RollingUpdate":
        yield removal(("strategy", "rollingUpdate"), f"has no effect with the type {chosen}")
    for key in ("maxSurge", "partition"):
        if key in rolling and kind != _FOR[key]:
            yield removal(("strategy", "rollingUpdate", key), f"is for a {_FOR[key]}, and this is a {kind}")


@rule("strategy-stuck", "A rolling update moves some pod.", source=_DEPLOYMENT)
def strategy_stuck(values: Values) -> Iterator[Said]:
    """Neither one more pod nor one less, which the API server refuses."""
    rolling = (values.at("strategy") or {}).get("rollingUpdate", {})
    zero = (0, "0%")
    if rolling.get("maxSurge") in zero and rolling.get("maxUnavailable") in zero:
        message = "maxSurge and maxUnavailable are both 0, so that no pod is ever replaced"
        path = ("strategy", "rollingUpdate", "maxUnavailable")
        yield Said(path, message, "write maxUnavailable: 1", fix=put({path: 1}))


@rule(
    "strategy-two-writers",
    "A new pod beside the old one needs the claim on a second node.",
    source="https://kubernetes.io/docs/concepts/storage/persistent-volumes/#access-modes",
    severity=Severity.WARNING,
)
def strategy_two_writers(values: Values) -> Iterator[Said]:
    """A surge, while the claim can be attached to one node only."""
    strategy = values.at("strategy") or {}
    rolling = strategy.get("type", "RollingUpdate") == "RollingUpdate" and values.at("workload.kind") == "Deployment"
    several = {"ReadWriteMany", "ReadOnlyMany"} & set(values.at("modelVolume.accessModes"))
    surge = strategy.get("rollingUpdate", {}).get("maxSurge", "25%")
    if strategy and rolling and not several and not one_node(values) and surge not in (0, "0%"):
        message = "the new pod may wait for the claim, which the old one has on another node"
        yield removal(("strategy",), message, ": the chart stops the old pod first")


@rule(
    "startup-short",
    "The start-up budget holds the model's download, loading and compiling.",
    source="a tiny model on vLLM 0.32, 47 seconds with nothing to download",
    severity=Severity.WARNING,
)
def startup_short(values: Values) -> Iterator[Said]:
    """A budget that is over before any model is ready, or that the probe's own fields replace."""
    path, seconds = ("startupSeconds",), values.at("startupSeconds")
    if values.written("startupSeconds") and "failureThreshold" in (values.at("probes.startup") or {}):
        yield Said(path, "has no effect beside probes.startup.failureThreshold", "remove one of them", True)
    elif seconds < _SHORT:
        message = f"after {seconds} seconds the pod is killed, and even a tiny model takes about 50 to load and compile"
        yield Said(path, message, "write at least 300")


@rule(
    "command-model",
    "A command of one's own names the model.",
    source="the chart's templates/_pod.tpl",
    severity=Severity.WARNING,
)
def command_model(values: Values) -> Iterator[Said]:
    """A command that takes the place of `vllm serve <model>`, without the model."""
    command, name = values.at("command") or [], values.at("model.name")
    if command and not any(name in str(word) for word in [*command, *(values.at("args") or ())]):
        message = f"takes the place of `vllm serve {name}`, and does not name that model"
        yield Said(("command",), message, f"add {name} where the command wants it", True)


@rule("command-shell", "A shell's script stands behind its -c.", source="the chart's templates/_pod.tpl")
def command_shell(values: Values) -> Iterator[Said]:
    """A script in `args`, where the shell takes the chart's own first argument for it."""
    command = values.at("command") or []
    if command and re.fullmatch("-[a-z]*c", str(command[-1])):
        message = f"{command[-1]} takes --port=8000, which the chart writes first, for its script"
        hint = "add the script to command, as in [sh, -c, 'vllm serve NAME \"$@\"', sh]"
        yield Said(("command", len(command) - 1), message, hint)


RULES = (
    strategy_kind,
    strategy_stuck,
    strategy_two_writers,
    startup_short,
    command_model,
    command_shell,
)
