"""Argo CD's Application of a service; and what it shares with an ApplicationSet."""

from __future__ import annotations

from typing import Any, NamedTuple

from modelservice.errors import InputError
from modelservice.service import Service
from modelservice.writing.dump import dump

API = "argoproj.io/v1alpha1"
# Deleting an Application deletes what it made, as `helm uninstall` does; the model volume says that it stays.
FINALIZER = "resources-finalizer.argocd.argoproj.io"
# Server-side apply alone compares by a schema without defaults, and custom resources stay OutOfSync (argo-cd#22151).
COMPARED = {"argocd.argoproj.io/compare-options": "ServerSideDiff=true"}

DIGEST = "sha256:"


class ChartSource(NamedTuple):
    """Where the chart comes from.

    A chart repository (`chart` is its name there, `repository` starts with https:// or oci://), or a path in Git
    (`chart` is ""). `rendered` says that the path holds charts of single services, which bring their values.
    """

    repository: str
    chart: str
    revision: str
    path: str = ""
    rendered: bool = False


class ValuesSource(NamedTuple):
    """Where the values come from: inside the Application (`repository` is ""), or files in Git, later over earlier."""

    repository: str = ""
    revision: str = "HEAD"
    files: tuple[str, ...] = ()


class Target(NamedTuple):
    """Where the service runs and how it is kept in step; `automated` syncs without being asked."""

    namespace: str
    project: str = "default"
    server: str = "https://kubernetes.default.svc"
    argocd_namespace: str = "argocd"
    automated: bool = True


def application(service: Service, place: ChartSource, values: ValuesSource, target: Target, name: str = "") -> str:
    """Return an Application for one service, called like it unless `name` says otherwise.

    Raises InputError if values from Git are asked for beside a rendered chart.
    """
    helm: dict[str, Any] = {"releaseName": service.name}
    if values.repository and place.rendered:
        raise InputError("a rendered chart brings its values: leave the values' repository out")
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
    """Return the spec of an Application; `helm` is what Helm gets, and `name` the folder of a rendered chart."""
    chart = _chart(place, name) | {"helm": helm}
    from_git = {"repoURL": values.repository, "targetRevision": values.revision, "ref": "values"}
    source = {"sources": [chart, from_git]} if values.repository else {"source": chart}
    destination = {"server": target.server, "namespace": target.namespace}
    return {"project": target.project, **source, "destination": destination, "syncPolicy": _sync(target)}


def _chart(place: ChartSource, name: str) -> dict[str, Any]:
    if place.chart:
        repository = place.repository.removeprefix("oci://").rstrip("/")
        if place.revision.startswith(DIGEST):
            # As an artifact, since Argo CD 3.1: a chart's version is a version to Helm, never a digest (argo-cd#24970).
            return {"repoURL": f"oci://{repository}/{place.chart}", "path": ".", "targetRevision": place.revision}
        return {"repoURL": repository, "chart": place.chart, "targetRevision": place.revision}
    path = f"{place.path}/{name}" if place.rendered else place.path
    return {"repoURL": place.repository, "path": path, "targetRevision": place.revision}


def _sync(target: Target) -> dict[str, Any]:
    automated = {"automated": {"prune": True, "selfHeal": True}} if target.automated else {}
    # Server-side apply, as Helm 4 applies; what is ignored is then left alone by a sync too.
    options = ["CreateNamespace=true", "ServerSideApply=true", "RespectIgnoreDifferences=true"]
    return {**automated, "syncOptions": options}


def _ignored(kind: str) -> list[dict[str, Any]]:
    return [{"group": "apps", "kind": kind, "jsonPointers": ["/spec/replicas"]}]
