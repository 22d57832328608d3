"""Check what no schema can express, with one function per rule."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from modelservice.findings import Problem, Severity
from modelservice.rules import (
    api_key,
    args,
    argument_paths,
    autoscaling,
    caches,
    command,
    containers,
    environment,
    extra_objects,
    gpu,
    gpu_names,
    host_memory,
    image,
    ingress,
    known_model,
    loading_memory,
    model,
    model_download,
    model_limits,
    model_loading,
    model_memory,
    model_split,
    model_task,
    model_volume,
    monitoring,
    mounts,
    network_policy,
    probes,
    replicas,
    resources,
    restricted,
    scheduling,
    secret_literals,
    security,
    service_type,
    switches,
    texts,
    workload,
)
from modelservice.rules.rule import Checked, RefusedValueError, Said, Values

ALL: tuple[Checked, ...] = (
    *model.RULES,
    *model_task.RULES,
    *model_loading.RULES,
    *known_model.RULES,
    *model_limits.RULES,
    *model_memory.RULES,
    *model_split.RULES,
    *loading_memory.RULES,
    *model_download.RULES,
    *environment.RULES,
    *secret_literals.RULES,
    *image.RULES,
    *workload.RULES,
    *command.RULES,
    *probes.RULES,
    *security.RULES,
    *resources.RULES,
    *host_memory.RULES,
    *gpu.RULES,
    *gpu_names.RULES,
    *model_volume.RULES,
    *mounts.RULES,
    *scheduling.RULES,
    *api_key.RULES,
    *ingress.RULES,
    *service_type.RULES,
    *switches.RULES,
    *network_policy.RULES,
    *replicas.RULES,
    *autoscaling.RULES,
    *monitoring.RULES,
    *caches.RULES,
    *restricted.RULES,
    *containers.RULES,
    *extra_objects.RULES,
    *texts.RULES,
    *args.RULES,
    *argument_paths.RULES,
)

# Rules on the model's size, which `fit` covers completely.
ABOUT_SIZE = tuple(
    checked.rule.id
    for module in (known_model, loading_memory, model_limits, model_memory, model_split, model_download)
    for checked in module.RULES
)


_ERRORS_FIRST = sorted(ALL, key=lambda checked: checked.rule.severity is not Severity.ERROR)


def check_rules(values: Values) -> Iterator[Problem]:
    """Yield the problems of the values, errors first, so that a cap never drops an error in favour of a warning."""
    given = args.check_args(values)
    yield from (problem for problem in given if problem.severity is Severity.ERROR)
    for checked in _ERRORS_FIRST:
        # A rule cannot check anything without a value that the schema refused.
        with contextlib.suppress(RefusedValueError):
            for said in checked.function(values):
                yield _problem(checked, said)
    yield from (problem for problem in given if problem.severity is not Severity.ERROR)


def _problem(checked: Checked, said: Said) -> Problem:
    return Problem(checked.rule.severity, said.path, said.message, said.hint, checked.rule.id, said.on_key, said.fix)
