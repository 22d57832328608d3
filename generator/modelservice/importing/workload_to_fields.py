"""Turn a Deployment's or StatefulSet's own fields into the service's: kind, replicas, strategy and claims."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from modelservice.importing.cluster_objects import Object, Workload, of_kind
from modelservice.importing.container import Note
from modelservice.importing.part import Part, joined


def part_of_workload(workload: Workload, pods: Part, objects: Sequence[Object]) -> Part:
    """Return kind, replicas, strategy and the access modes of the model's claim, which `pods` names."""
    spec = workload.spec
    settings: dict[str, Any] = {"replicas": workload.replicas}
    if workload.kind == "StatefulSet":
        settings["workload.kind"] = "StatefulSet"
    if "revisionHistoryLimit" in spec:
        settings["revisionHistoryLimit"] = spec["revisionHistoryLimit"]
    if strategy := spec.get("strategy") or spec.get("updateStrategy"):
        settings["strategy"] = strategy
    return joined([Part(settings, remarks=_found_by_name(workload, pods)), _access_modes(workload, pods, objects)])


def _found_by_name(workload: Workload, pods: Part) -> tuple[Note, ...]:
    if "fullnameOverride" not in pods.settings:
        return ()
    names = f"model-dir-{workload.name}-0 to -{workload.replicas - 1}"
    return (Note(f"claims {names}", "the new StatefulSet finds them, because it has the old one's name"),)


_OF_CLAIM = ("accessModes", "resources", "storageClassName", "dataSource")


def with_claims(workload: Workload) -> Workload:
    """Return a workload with the claims of its templates as volumes of its pod.

    The claim of a single pod has a known name, https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/ ;
    a template of the chart creates the claims of several pods.
    """
    templates = workload.spec.get("volumeClaimTemplates", ())
    if not templates:
        return workload
    volumes = [_as_volume(template, workload) for template in templates]
    return workload._replace(pod={**workload.pod, "volumes": [*workload.pod.get("volumes", ()), *volumes]})


def _as_volume(template: Object, workload: Workload) -> dict[str, Any]:
    name = template["metadata"]["name"]
    if workload.replicas > 1 and name == "model-dir":
        further = {key: value for key, value in template["spec"].items() if key not in _OF_CLAIM}
        new = {"fullnameOverride": workload.name, **_new_claim(template["spec"])}
        return {"name": name, "new": new, "claimTemplate": further}
    return {"name": name, "persistentVolumeClaim": {"claimName": f"{name}-{workload.name}-0"}}


def _new_claim(spec: Object) -> dict[str, Any]:
    """Return the settings of a claim that the chart creates."""
    settings = {
        "modelVolume.size": str(((spec.get("resources") or {}).get("requests") or {}).get("storage", "")),
        "modelVolume.storageClassName": spec.get("storageClassName", ""),
        "modelVolume.accessModes": spec.get("accessModes", ["ReadWriteOnce"]),
    }
    return settings | ({"modelVolume.dataSource": spec["dataSource"]} if "dataSource" in spec else {})


def _access_modes(workload: Workload, pods: Part, objects: Sequence[Object]) -> Part:
    """Return the access modes of the claim with the models, which decide how pods are replaced."""
    claim = pods.settings.get("modelVolume.existingClaim")
    templates = {f"{one['metadata']['name']}-{workload.name}-0": one for one in _templates(workload)}
    claims = {one["metadata"].get("name"): one for one in of_kind(objects, "PersistentVolumeClaim")}
    found = claims.get(claim) or templates.get(str(claim)) if claim else None
    notes = list(_several(workload, templates)) if workload.replicas > 1 else []
    if found and found.get("spec", {}).get("accessModes"):
        return Part({"modelVolume.accessModes": found["spec"]["accessModes"]}, tuple(notes))
    if claim and workload.replicas > 1:
        reason = "its access modes are not in the input; several pods need ReadWriteMany or ReadOnlyMany"
        return Part({"modelVolume.accessModes": ["ReadWriteMany"]}, (*notes, Note(f"claim {claim}", reason)))
    return Part(notes=tuple(notes))


def _templates(workload: Workload) -> Sequence[Object]:
    templates: Sequence[Object] = workload.spec.get("volumeClaimTemplates", ())
    return templates


def _several(workload: Workload, templates: Mapping[str, Object]) -> list[Note]:
    """Return notes on the claims of several pods that no claim template of the chart replaces."""
    count = workload.replicas
    reason = f"a StatefulSet finds only claims of model-dir by their names; all {count} pods would share this claim"
    return [Note(f"claim {name}", reason) for name, one in templates.items() if one["metadata"]["name"] != "model-dir"]
