"""Checked services in, Argo CD's Applications, or one ApplicationSet for a folder of them, out."""

from __future__ import annotations

import fnmatch
import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from modelservice.addresses import holds_credentials, is_address
from modelservice.dump import dump
from modelservice.errors import InputError
from modelservice.layout import pattern
from modelservice.service import Service, is_label, is_object_name

_API = "argoproj.io/v1alpha1"
# Deleting an Application deletes what it made, as `helm uninstall` does; the model volume says that it stays.
_FINALIZER = "resources-finalizer.argocd.argoproj.io"
# Server-side apply alone compares by a schema without defaults, and custom resources stay OutOfSync (argo-cd#22151).
_COMPARED = {"argocd.argoproj.io/compare-options": "ServerSideDiff=true"}


class Place(NamedTuple):
    """Where the chart comes from.

    A chart repository (`chart` is its name there, `repository` starts with https:// or oci://), or a path in Git
    (`chart` is ""). `rendered` says that the path holds charts of single services, which bring their values.
    """

    repository: str
    chart: str
    revision: str
    path: str = ""
    rendered: bool = False


class Values(NamedTuple):
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


class Made(NamedTuple):
    """An Application or ApplicationSet: its name, the values file or folder that it is for, and its text."""

    name: str
    source: str
    text: str


def application(service: Service, place: Place, values: Values, target: Target) -> str:
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


def application_set(name: str, folder: str, place: Place, values: Values, target: Target) -> str:
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


def _spec(place: Place, values: Values, target: Target, helm: dict[str, Any], name: str) -> dict[str, Any]:
    chart = _chart(place, name) | {"helm": helm}
    from_git = {"repoURL": values.repository, "targetRevision": values.revision, "ref": "values"}
    source = {"sources": [chart, from_git]} if values.repository else {"source": chart}
    destination = {"server": target.server, "namespace": target.namespace}
    return {"project": target.project, **source, "destination": destination, "syncPolicy": _sync(target)}


def _chart(place: Place, name: str) -> dict[str, Any]:
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


def made_by(words: Sequence[str], source: str) -> str:
    """Return the comment that says how a file was made, and of which values."""
    command = shlex.join(["modelservice", "argocd", *words])
    return f"# Made by: {command}\n{_SOURCE}{source}\n# Change the values, and run it again.\n"


_SOURCE = "# Values: "


def made_of(text: str) -> str:
    """Return the values that a file says it was made of, "" where it does not say so."""
    found = [line.removeprefix(_SOURCE) for line in text.splitlines() if line.startswith(_SOURCE)]
    return found[0] if found else ""


def rivals(made: Sequence[Made]) -> dict[str, str]:
    """Return the values whose Application has another one's name, each with a sentence."""
    return {
        one.source: f"{other.source} would be the Application {one.name} too: rename one, or use --application-set"
        for one in made
        for other in made
        if one.name == other.name and one.source != other.source
    }


def require_sound(place: Place, values: Values, target: Target) -> None:
    """Raise InputError for what Argo CD would refuse, and for credentials, which nothing repeats."""
    found = [*_bad_urls(place, values), *_bad_names(target), *_bad_versions(place, values)]
    path = PurePosixPath(place.path)
    if path.is_absolute() or ".." in path.parts:
        found.append("--path is a folder of --git: write it from the repository's root, without / in front and ..")
    if found:
        raise InputError("\n".join(found))


def _bad_urls(place: Place, values: Values) -> Iterator[str]:
    chart = "--chart-repo" if place.chart else "--git"
    for option, url in ((chart, place.repository), ("--values-git", values.repository)):
        if holds_credentials(url):
            yield f"{option} holds a user, a password or a token: leave it out, and give it to `argocd repo add`"
        elif option == "--chart-repo" and not is_address(url, "https?|oci"):
            yield "--chart-repo is no address of charts: it begins with https:// or oci://, and has no spaces, ? and #"
        elif re.search(r"[\s?#]", url):
            yield f"{option} is no address of a Git repository: it has no spaces, ? and #"
        elif option != "--chart-repo" and url.startswith("oci://"):
            yield f"{option} is a registry, and what has a path is read from Git: give a Git repository"


def _bad_versions(place: Place, values: Values) -> Iterator[str]:
    if place.chart and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._/-]*", place.chart):
        yield f'--chart "{place.chart}" is no name of a chart: use letters, digits, - and .'
    # Argo CD takes ranges too: 1.*, or >=1.2.0 <2.0.0.
    if place.chart and not re.search(r"[0-9*]", place.revision):
        yield f'--chart-version "{place.revision}" is no version: write three numbers, such as 0.1.0, or a range'
    if not re.fullmatch(r"[^\s-]\S*", values.revision):
        yield f'--revision "{values.revision}" is no branch, tag or commit: it has no spaces, and no - in front'


def _bad_names(target: Target) -> Iterator[str]:
    names = {"--namespace": target.namespace, "--argocd-namespace": target.argocd_namespace}
    for option, name in names.items():
        if name and not is_label(name):
            yield f'{option} "{name}" is no namespace: use lower case letters, digits and -, at most 63'
    if not is_object_name(target.project):
        yield f'--project "{target.project}" is no name of a project: `argocd proj list` shows them'
    if holds_credentials(target.server):
        yield "--server holds a user, a password or a token: leave it out, and give it to `argocd cluster add`"
    # A query tells apart clusters that Argo CD reaches at one address.
    elif not is_address(target.server.partition("?")[0], "https?"):
        yield "--server is no address of a cluster: it begins with https://, as `argocd cluster list` shows it"
