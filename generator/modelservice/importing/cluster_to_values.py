"""Import a service from Kubernetes objects, an LLMOS ModelService, or the values in a Flux or Argo CD object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from modelservice.importing.cluster_objects import (
    Object,
    Workload,
    find_workloads,
    is_far,
    of_kind,
    plain,
    read_objects,
)
from modelservice.importing.container import Note
from modelservice.importing.env_to_fields import configs_in, known_values
from modelservice.importing.gitops_values import inline_origins
from modelservice.importing.llmos import (
    find_model_services,
    is_operators,
    notes_of,
    operators_objects,
    remarks_of,
    stopped_replicas,
)
from modelservice.importing.neighbours import neighbours_of
from modelservice.importing.part import Origin, Part, joined, values_of
from modelservice.importing.pod_to_fields import part_of_pod
from modelservice.importing.rendered_difference import with_differences
from modelservice.importing.server_arguments import start_of
from modelservice.importing.service_to_fields import far_objects, part_of_neighbours
from modelservice.importing.values_text import without_secrets_left
from modelservice.importing.workload_to_fields import part_of_workload, with_claims
from modelservice.rules.environment import set_by_chart
from modelservice.rules.rule import Values
from modelservice.rules.storage import read_only
from modelservice.schema.defaults import coalesce, default_values, left_out
from modelservice.schema.source import plain_schema
from modelservice.service import is_label, is_release


def kubernetes_origins(files: Mapping[str, str], name: str = "", *, every: bool = False) -> list[Origin]:
    """Return the workloads in manifests that run vLLM, or the GitOps objects with this chart's values.

    `files` maps names to texts. `name` chooses one, and may begin with `namespace/`. `every` includes workloads that
    less likely run vLLM than others. Raises InputError if there is none.
    """
    objects = read_objects(files)
    if inline := inline_origins(objects, name):
        return inline
    workloads = find_workloads(objects, name, every=every)
    rivals = find_workloads(objects, every=True) if len(workloads) > 1 else workloads
    claimed = {id(one.metadata): _claimed(one, objects) for one in rivals}
    return [
        Origin(one.kind, one.name, one.namespace, partial(_compared, one, _objects_of(one, objects, claimed)))
        for one in workloads
    ]


def llmos_origins(files: Mapping[str, str], name: str = "") -> list[Origin]:
    """Return the ModelServices of LLMOS; `name` chooses one, and may begin with `namespace/`.

    Raises InputError if there is none.
    """
    objects = read_objects(files)
    found = find_model_services(objects, name)
    return [_origin_of(resource, objects, alone=len(found) == 1) for resource in found]


def _origin_of(resource: Object, objects: Sequence[Object], *, alone: bool) -> Origin:
    name, namespace = (str(resource["metadata"].get(key) or "") for key in ("name", "namespace"))
    stopped = stopped_replicas(resource)
    about = [f"Replicas before it was stopped: {stopped}"] if stopped else []
    if is_release(name) and is_label(namespace):  # people paste the line into a shell
        about.append(f"Install it with: helm install {name} CHART -n {namespace} -f FILE")
    return Origin(
        "ModelService", name, namespace, partial(_part_of_resource, resource, objects, alone=alone), tuple(about)
    )


def _part_of_resource(resource: Object, objects: Sequence[Object], *, alone: bool) -> Part:
    """Return the settings of a ModelService, from the objects that LLMOS' operator creates for it."""
    stateful_set, service = (plain(one) for one in operators_objects(resource))
    (workload,) = find_workloads([stateful_set])
    others = [one for one in objects if one["kind"] != "ModelService"]
    near = [one for one in others if not is_far(one, workload)]
    names = [(one["kind"], one["metadata"]["name"]) for one in (stateful_set, service)]
    own = [one for one in near if (one["kind"], one["metadata"].get("name")) in names or is_operators(one, resource)]
    services = list(of_kind(own, "Service"))
    rest = [one for one in near if one not in own and not is_operators(one)]
    everything = [*rest, *(services or [service]), stateful_set]
    about = Part(notes=tuple(notes_of(resource, services)), remarks=tuple(remarks_of(resource)))
    # A stopped service (0 replicas) still has the claims of spec.replicas pods.
    running = workload._replace(spec={**workload.spec, "replicas": resource["spec"].get("replicas", 1)})
    far = far_objects([one for one in others if not is_operators(one)], workload) if alone else Part()
    part = joined([about, part_of_workload_in(everything, running), Part({"replicas": workload.replicas}), far])
    return with_differences(part, workload, everything)


def _compared(workload: Workload, objects: Sequence[Object]) -> Part:
    near = [one for one in objects if not is_far(one, workload)]
    part = joined([part_of_workload_in(near, workload), far_objects(objects, workload)])
    return with_differences(part, workload, near)


def _port(workload: Workload, objects: Sequence[Object]) -> int:
    return start_of(workload.server, known_values(workload.server, configs_in(objects))).port


def _claimed(workload: Workload, objects: Sequence[Object]) -> set[int]:
    """Return the ids of the metadata of a workload and of the objects that belong to it."""
    near = [one for one in objects if not is_far(one, workload)]
    neighbours = neighbours_of(workload, near, _port(workload, near)).values()
    return {id(workload.metadata), *(id(one["metadata"]) for one in neighbours)}


def _objects_of(workload: Workload, objects: Sequence[Object], claimed: Mapping[int, set[int]]) -> list[Object]:
    """Return the objects without those that only belong to other imported workloads, or are far from one of several."""
    own = claimed[id(workload.metadata)]
    theirs = set[int]().union(*claimed.values()) - own
    left = [one for one in objects if id(one["metadata"]) not in theirs]
    return left if len(claimed) == 1 else [one for one in left if not is_far(one, workload)]


def part_of_workload_in(objects: Sequence[Object], workload: Workload) -> Part:
    """Return the settings of a service equivalent to a workload and the objects that belong to it."""
    workload = with_claims(workload)
    pods = part_of_pod(workload, configs_in(objects))
    around = part_of_neighbours(workload, objects, _port(workload, objects))
    parts = [pods, part_of_workload(workload, pods, objects), around]
    if workload.kind == "Pod":
        note = Note(workload.label, "a Deployment replaces the single Pod, and starts a new pod when one ends")
        parts.append(Part(remarks=(note,)))
    return _without_charts_own(joined(parts))


def _without_charts_own(part: Part) -> Part:
    """Return the settings without replicas that an autoscaler sets, a download that cannot write, and set variables."""
    settings, remarks = dict(part.settings), part.remarks
    if settings.get("autoscaling.kind"):
        del settings["replicas"]
    merged = left_out(coalesce(default_values(), values_of(settings)), plain_schema(), plain_schema()["definitions"])
    values = Values(merged, values_of(settings), default_values(), {}, frozenset())
    if settings.get("modelVolume.preDownload") and read_only(values):
        del settings["modelVolume.preDownload"]
        remarks += (Note("download", "it cannot write to the read-only volume; vLLM serves the files in it"),)
    ours = set_by_chart(values)
    settings["env"] = [entry for entry in settings.get("env", ()) if entry["name"] not in ours]
    return without_secrets_left(part._replace(settings=settings, remarks=remarks))
