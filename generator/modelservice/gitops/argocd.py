"""Create an Argo CD Application for a service, and the parts that an ApplicationSet shares with it."""

from __future__ import annotations

from typing import Any, NamedTuple

from modelservice.errors import InputError
from modelservice.service import Service
from modelservice.writing.dump import dump

API = "argoproj.io/v1alpha1"
# Deleting an Application deletes its objects, as `helm uninstall` does; the model volume is annotated to be kept.
FINALIZER = "resources-finalizer.argocd.argoproj.io"
# With server-side apply only, the comparison uses a schema without defaults, and custom resources stay OutOfSync
# (argo-cd#22151).
COMPARED = {"argocd.argoproj.io/compare-options": "ServerSideDiff=true"}

DIGEST = "sha256:"


class ChartSource(NamedTuple):
    """Where the chart comes from.

    A chart repository (`chart` is its name there, `repository` starts with https:// or oci://), or a path in Git
    (`chart` is ""). `rendered`: the path contains charts of single services, which include their values.
    """

    repository: str
    chart: str
    revision: str
    path: str = ""
    rendered: bool = False


class ValuesSource(NamedTuple):
    """Where the values come from: inline (`repository` is ""), or files in Git; later files override earlier ones."""

    repository: str = ""
    revision: str = "HEAD"
    files: tuple[str, ...] = ()


class Target(NamedTuple):
    """Where the service runs, and how it is synced; `automated`: Argo CD syncs without a manual action."""

    namespace: str
    project: str = "default"
    server: str = "https://kubernetes.default.svc"
    argocd_namespace: str = "argocd"
    automated: bool = True


def application(service: Service, place: ChartSource, values: ValuesSource, target: Target, name: str = "") -> str:
    """Return an Application for one service; its name is the service's unless `name` is set.

    Raises InputError if values from Git are combined with a rendered chart.
    """
    helm: dict[str, Any] = {"releaseName": service.name}
    if values.repository and place.rendered:
        raise InputError("a rendered chart includes its values: remove --values-git")
    if values.repository:
        helm["valueFiles"] = [f"$values/{file}" for file in values.files]
    elif not place.rendered:
        helm["valuesObject"] = dict(service.given)
    spec = application_spec(place, values, target, helm, service.name)
    if service.values["autoscaling"]["kind"]:
        spec["ignoreDifferences"] = _ignored(service.values["workload"]["kind"])
    metadata = {
        "name": name or service.name,
        "namespace": target.argocd_namespace,
        "annotations": COMPARED,
        "finalizers": [FINALIZER],
    }
    return dump({"apiVersion": API, "kind": "Application", "metadata": metadata, "spec": spec})


def application_spec(
    place: ChartSource, values: ValuesSource, target: Target, helm: dict[str, Any], name: str
) -> dict[str, Any]:
    """Return the spec of an Application; `helm` are its Helm parameters, `name` is the folder of a rendered chart."""
    chart = _chart(place, name) | {"helm": helm}
    from_git = {"repoURL": values.repository, "targetRevision": values.revision, "ref": "values"}
    source = {"sources": [chart, from_git]} if values.repository else {"source": chart}
    destination = {"server": target.server, "namespace": target.namespace}
    return {"project": target.project, **source, "destination": destination, "syncPolicy": _sync(target)}


def _chart(place: ChartSource, name: str) -> dict[str, Any]:
    if place.chart:
        repository = place.repository.removeprefix("oci://").rstrip("/")
        if place.revision.startswith(DIGEST):
            # As an artifact, since Argo CD 3.1: Helm does not accept a digest as a chart's version (argo-cd#24970).
            return {"repoURL": f"oci://{repository}/{place.chart}", "path": ".", "targetRevision": place.revision}
        return {"repoURL": repository, "chart": place.chart, "targetRevision": place.revision}
    path = f"{place.path}/{name}" if place.rendered else place.path
    return {"repoURL": place.repository, "path": path, "targetRevision": place.revision}


def _sync(target: Target) -> dict[str, Any]:
    automated = {"automated": {"prune": True, "selfHeal": True}} if target.automated else {}
    # Server-side apply, as in Helm 4; a sync then leaves ignored fields unchanged too.
    options = ["CreateNamespace=true", "ServerSideApply=true", "RespectIgnoreDifferences=true"]
    return {**automated, "syncOptions": options}


def _ignored(kind: str) -> list[dict[str, Any]]:
    return [{"group": "apps", "kind": kind, "jsonPointers": ["/spec/replicas"]}]
