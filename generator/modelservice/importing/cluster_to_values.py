"""Import a service from Kubernetes objects, an LLMOS ModelService, or the values in a Flux or Argo CD object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from modelservice.importing.cluster_objects import (
    Object,
    Workload,
    find_workload,
    is_far,
    plain,
    read_objects,
)
from modelservice.importing.container import Note
from modelservice.importing.env_to_fields import configs_in, known_values
from modelservice.importing.gitops_values import part_of_inline_values
from modelservice.importing.llmos import find_model_service, notes_of, operators_objects, remarks_of
from modelservice.importing.part import Part, joined, values_of
from modelservice.importing.pod_to_fields import part_of_pod
from modelservice.importing.rendered_difference import with_differences
from modelservice.importing.server_arguments import start_of
from modelservice.importing.service_to_fields import far_objects, part_of_neighbours
from modelservice.importing.values_text import without_secrets_left
from modelservice.importing.workload_to_fields import part_of_workload, with_claims
from modelservice.rules.environment import set_by_chart
from modelservice.rules.rule import Values
from modelservice.schema.defaults import coalesce, default_values, left_out
from modelservice.schema.source import plain_schema


def import_kubernetes(files: Mapping[str, str], name: str = "") -> Part:
    """Return the settings of the workload in manifests, or the values in a GitOps object.

    `files` maps names to texts. `name` chooses one of several objects. Raises InputError if no object runs vLLM.
    """
    objects = read_objects(files)
    inline = part_of_inline_values(objects, name)
    if inline:
        return without_secrets_left(inline)
    workload = find_workload(objects, name)
    near = [one for one in objects if not is_far(one, workload)]
    part = joined([part_of_workload_in(near, workload), far_objects(objects, workload)])._replace(name=workload.name)
    return with_differences(part, workload, near)


def import_llmos(files: Mapping[str, str], name: str = "") -> Part:
    """Return the settings of a ModelService, taken from the objects that LLMOS' operator creates for it."""
    resources = read_objects(files)
    resource = find_model_service(resources, name)
    objects = [plain(one) for one in operators_objects(resource)]
    about = Part(notes=tuple(notes_of(resource)), remarks=tuple(remarks_of(resource)))
    workload = find_workload(objects)
    # A stopped service (0 replicas) still has the claims of spec.replicas pods.
    running = workload._replace(spec={**workload.spec, "replicas": resource["spec"].get("replicas", 1)})
    others = [one for one in resources if one["kind"] != "ModelService"]
    near = [*(one for one in others if not is_far(one, workload)), *objects]
    replicas = Part({"replicas": workload.replicas})
    part = joined([about, part_of_workload_in(near, running), replicas, far_objects(others, workload)])
    return with_differences(part._replace(name=str(resource["metadata"]["name"])), workload, near)


def part_of_workload_in(objects: Sequence[Object], workload: Workload) -> Part:
    """Return the settings of a service equivalent to a workload and the objects that belong to it."""
    workload = with_claims(workload)
    pods = part_of_pod(workload, configs_in(objects))
    port = start_of(workload.server, known_values(workload.server, configs_in(objects))).port
    parts = [pods, part_of_workload(workload, pods, objects), part_of_neighbours(workload, objects, port)]
    if workload.kind == "Pod":
        note = Note(workload.label, "a Deployment replaces the single Pod, and starts a new pod when one ends")
        parts.append(Part(remarks=(note,)))
    return _without_charts_own(joined(parts))


def _without_charts_own(part: Part) -> Part:
    """Return the settings without variables that the chart sets, and without replicas if an autoscaler sets them."""
    settings = dict(part.settings)
    if settings.get("autoscaling.kind"):
        del settings["replicas"]
    merged = left_out(coalesce(default_values(), values_of(settings)), plain_schema(), plain_schema()["definitions"])
    ours = set_by_chart(Values(merged, values_of(settings), default_values(), {}, frozenset()))
    settings["env"] = [entry for entry in settings.get("env", ()) if entry["name"] not in ours]
    return without_secrets_left(part._replace(settings=settings))
