"""Find the chart, the values and the cluster in the options or the fleet, and refuse what Argo CD would refuse."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import NamedTuple

from modelservice import __version__
from modelservice.errors import InputError
from modelservice.gitops.argocd import DIGEST, ChartSource, Target, ValuesSource
from modelservice.gitops.fleet_file import ChartPlace, Environment
from modelservice.redact import holds_credentials
from modelservice.service import is_label, is_object_name
from modelservice.urls import is_address


class Options(NamedTuple):
    """The options on the command line; None if not given."""

    chart_repository: str | None = None
    chart: str | None = None
    chart_version: str | None = None
    git: str | None = None
    path: str | None = None
    revision: str | None = None
    rendered: bool = False
    values_git: str | None = None
    namespace: str | None = None
    project: str | None = None
    server: str | None = None
    argocd_namespace: str = "argocd"
    automated: bool = True


# The defaults without a fleet.
_NOWHERE = Environment("", "", "", "https://kubernetes.default.svc", "default", ChartPlace())


class Places(NamedTuple):
    """Where the chart and the values come from, and where the service runs."""

    chart: ChartSource
    values: ValuesSource
    target: Target


def places(options: Options, environment: Environment | None = None, values_in: ValuesSource | None = None) -> Places:
    """Return the places for services of an environment; `values_in` is where the fleet's values are, by fleet.yaml.

    Options override the fleet. Raises InputError if the chart's place is not set, and for what Argo CD would refuse.
    """
    said = environment or _NOWHERE
    repository = _first(options.chart_repository, "" if options.git else said.chart.repository)
    if not (repository or options.git):
        raise InputError("the chart's repository is not set: pass --chart-repo, or set chart.repository in fleet.yaml")
    at = _first(options.revision, "HEAD")
    if options.git:
        chart = ChartSource(options.git, "", at, _first(options.path, "charts/modelservice"), options.rendered)
    else:
        version = _first(options.chart_version, said.chart.version or __version__)
        chart = ChartSource(repository, _first(options.chart, said.chart.name), version)
    fleets = values_in or ValuesSource()
    values = ValuesSource(options.values_git or fleets.repository, _first(options.revision, fleets.revision))
    target = Target(
        options.namespace or said.namespace,
        _first(options.project, said.project),
        _first(options.server, said.server),
        options.argocd_namespace,
        options.automated,
    )
    try:
        require_sound(chart, values, target)
    except InputError as error:
        whose = "\nfleet.yaml sets the options that are not on the command line" if environment else ""
        raise InputError(f"{error}{whose}") from error
    return Places(chart, values, target)


def _first(given: str | None, otherwise: str) -> str:
    return otherwise if given is None else given


def require_sound(place: ChartSource, values: ValuesSource, target: Target) -> None:
    """Raise InputError for what Argo CD would refuse, and for credentials; no message repeats them."""
    found = [*_bad_urls(place, values), *_bad_names(target), *_bad_versions(place, values)]
    path = PurePosixPath(place.path)
    if path.is_absolute() or ".." in path.parts:
        found.append("--path must be relative to the root of --git: write it without a leading / or ..")
    if found:
        raise InputError("\n".join(found))


def _bad_urls(place: ChartSource, values: ValuesSource) -> Iterator[str]:
    chart = "--chart-repo" if place.chart else "--git"
    for option, url in ((chart, place.repository), ("--values-git", values.repository)):
        if holds_credentials(url):
            yield f"{option} contains a user, a password or a token: remove it, and pass it to `argocd repo add`"
        elif option == "--chart-repo" and not is_address(url, "https?|oci"):
            yield "--chart-repo is not a chart repository: start it with https:// or oci://, without spaces, ? or #"
        elif re.search(r"[\s?#]", url):
            yield f"{option} is not the address of a Git repository: write it without spaces, ? or #"
        elif option != "--chart-repo" and url.startswith("oci://"):
            yield f"{option} is a registry, but a path is read from Git: use the address of a Git repository"


def _bad_versions(place: ChartSource, values: ValuesSource) -> Iterator[str]:
    if place.chart and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._/-]*", place.chart):
        yield f'--chart "{place.chart}" is not a chart name: use letters, digits, - and .'
    # Argo CD takes ranges too: 1.*, or >=1.2.0 <2.0.0.
    if place.revision.startswith(DIGEST):
        if not re.fullmatch(r"sha256:[0-9a-f]{64}", place.revision):
            yield f'--chart-version "{place.revision}" is not a digest: sha256: and 64 digits of 0-9 and a-f'
        elif place.chart and not place.repository.startswith("oci://"):
            yield "--chart-version is a digest, which needs a registry: use an oci:// repository, or a version"
    elif place.chart and not re.search(r"[0-9*]", place.revision):
        yield f'--chart-version "{place.revision}" is not a version: write three numbers, such as 0.1.0, or a range'
    if not re.fullmatch(r"[^\s-]\S*", values.revision):
        yield f'--revision "{values.revision}" is not a branch, tag or commit: write it without spaces or a leading -'


def _bad_names(target: Target) -> Iterator[str]:
    names = {"--namespace": target.namespace, "--argocd-namespace": target.argocd_namespace}
    for option, name in names.items():
        if name and not is_label(name):
            yield f'{option} "{name}" is not a namespace: use lower case letters, digits and -, at most 63 characters'
    if not is_object_name(target.project):
        yield f'--project "{target.project}" is not a project name: `argocd proj list` shows them'
    if holds_credentials(target.server):
        yield "--server contains a user, a password or a token: remove it, and pass it to `argocd cluster add`"
    # A query distinguishes clusters that Argo CD reaches at the same address.
    elif not is_address(target.server.partition("?")[0], "https?"):
        yield "--server is not a cluster address: use one that `argocd cluster list` shows, with https://"
