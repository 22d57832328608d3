"""Argo CD's objects: an Application for a service, or one ApplicationSet for a folder of them."""

from __future__ import annotations

import fnmatch
from typing import Any, NamedTuple

from modelservice.errors import InputError
from modelservice.gitops.folder_layout import pattern
from modelservice.service import Service, is_label
from modelservice.writing.dump import dump

_API = "argoproj.io/v1alpha1"
# Deleting an Application deletes what it made, as `helm uninstall` does; the model volume says that it stays.
_FINALIZER = "resources-finalizer.argocd.argoproj.io"
# Server-side apply alone compares by a schema without defaults, and custom resources stay OutOfSync (argo-cd#22151).
_COMPARED = {"argocd.argoproj.io/compare-options": "ServerSideDiff=true"}


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


def application(service: Service, place: ChartSource, values: ValuesSource, target: Target) -> str:
    """Return an Application for one service.

    Raises InputError where values from Git are asked for beside a rendered chart.
    """
    helm: dict[str, Any] = {"releaseName": service.name}
    if values.repository and place.rendered:
        raise InputError("a rendered chart brings its values: leave the values' repository out")
    if values.repository:
        helm["valueFiles"] = [f"$values/{file}" for file in values.files]
    elif not place.rendered:
        helm["valuesObject"] = dict(service.given)
    spec = _spec(place, values, target, helm, service.name)
    if service.values["autoscaling"]["kind"]:
        spec["ignoreDifferences"] = _ignored(service.values["workload"]["kind"])
    metadata = {
        "name": service.name,
        "namespace": target.argocd_namespace,
        "annotations": _COMPARED,
        "finalizers": [_FINALIZER],
    }
    return dump({"apiVersion": _API, "kind": "Application", "metadata": metadata, "spec": spec})


# Argo CD's own template language; the same name that a single Application would have.
_NAME = '{{ regexReplaceAll "[^a-z0-9]+" (trimSuffix ".yaml" .path.filename | lower) "-" | trimAll "-" }}'
_ENVIRONMENT = "{{ .path.basename }}"
_PATCH = """\
{{- if dig "autoscaling" "kind" "" . }}
spec:
  ignoreDifferences:
    - group: apps
      kind: '{{ dig "workload" "kind" "Deployment" . }}'
      jsonPointers: [/spec/replicas]
{{- end }}
"""


def application_set(name: str, folder: str, place: ChartSource, values: ValuesSource, target: Target) -> str:
    """Return an ApplicationSet: each file <folder>/<environment>/<service>.yaml in Git is a service.

    Names that begin with a dot are left out, as they are everywhere else. `values.files` are layers that all of them
    share. Raises InputError for a rendered chart, and for a folder that cannot name a set.
    """
    if place.rendered:
        raise InputError("an ApplicationSet reads values files: use the generic chart, not rendered ones")
    if any(char in folder for char in "[]*?{}\\"):
        raise InputError(f"{folder} would be read as a pattern by Argo CD: rename it, without [ ] * ? {{ }} and \\")
    if not is_label(name):
        raise InputError(
            f'"{name}" cannot name an ApplicationSet: put the environments into a folder that is named with lower case '
            "letters, digits and -"
        )
    found = pattern(folder)
    files: list[dict[str, Any]] = [{"path": found}]
    files += [{"path": file, "exclude": True} for file in values.files if fnmatch.fnmatchcase(file, found)]
    git = {"repoURL": values.repository, "revision": values.revision, "files": files}
    service = "$values/{{ .path.path }}/{{ .path.filename }}"
    helm = {"releaseName": _NAME, "valueFiles": [*(f"$values/{file}" for file in values.files), service]}
    namespace = target.namespace or _ENVIRONMENT
    template = {
        "metadata": {
            "name": f"{_ENVIRONMENT}-{_NAME}",
            "annotations": _COMPARED,
            "finalizers": [_FINALIZER],
        },
        "spec": _spec(place, values, target._replace(namespace=namespace), helm, _NAME),
    }
    spec = {
        "goTemplate": True,
        "goTemplateOptions": ["missingkey=error"],
        "generators": [{"git": git}],
        "template": template,
        "templatePatch": _PATCH,
    }
    metadata = {"name": name, "namespace": target.argocd_namespace}
    # Expressions stay on one line each.
    return dump({"apiVersion": _API, "kind": "ApplicationSet", "metadata": metadata, "spec": spec}, width=1000)


def _spec(place: ChartSource, values: ValuesSource, target: Target, helm: dict[str, Any], name: str) -> dict[str, Any]:
    chart = _chart(place, name) | {"helm": helm}
    from_git = {"repoURL": values.repository, "targetRevision": values.revision, "ref": "values"}
    source = {"sources": [chart, from_git]} if values.repository else {"source": chart}
    destination = {"server": target.server, "namespace": target.namespace}
    return {"project": target.project, **source, "destination": destination, "syncPolicy": _sync(target)}


def _chart(place: ChartSource, name: str) -> dict[str, Any]:
    if place.chart:
        repository = place.repository.removeprefix("oci://").rstrip("/")
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
