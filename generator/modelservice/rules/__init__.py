"""Values in, problems out: what no schema can say, one small function a rule."""

from __future__ import annotations

from collections.abc import Iterator

from modelservice.findings import Problem, Severity
from modelservice.rules import (
    access,
    arguments,
    autoscaling,
    caches,
    containers,
    environment,
    gpu,
    image,
    model,
    model_volume,
    monitoring,
    mounts,
    network,
    objects,
    probes,
    resources,
    restricted,
    scale,
    scheduling,
    security,
    workload,
)
from modelservice.rules.values import Checked, Values

ALL: tuple[Checked, ...] = (
    *model.RULES,
    *environment.RULES,
    *image.RULES,
    *workload.RULES,
    *probes.RULES,
    *security.RULES,
    *resources.RULES,
    *gpu.RULES,
    *model_volume.RULES,
    *mounts.RULES,
    *scheduling.RULES,
    *access.RULES,
    *network.RULES,
    *scale.RULES,
    *autoscaling.RULES,
    *monitoring.RULES,
    *caches.RULES,
    *restricted.RULES,
    *containers.RULES,
    *objects.RULES,
    *arguments.RULES,
)


def check_rules(values: Values) -> Iterator[Problem]:
    """Yield what the rules find, errors first: who takes no more than some must not miss one for warnings."""
    given = arguments.check_arguments(values)
    yield from (problem for problem in given if problem.severity is Severity.ERROR)
    for checked in sorted(ALL, key=lambda checked: checked.rule.severity is not Severity.ERROR):
        for said in checked.function(values):
            yield Problem(checked.rule.severity, said.path, said.message, said.hint, checked.rule.id, said.on_key)
    yield from (problem for problem in given if problem.severity is not Severity.ERROR)
