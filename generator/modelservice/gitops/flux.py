"""Create Flux's objects: the chart's source, a HelmRelease for each service, and ConfigMaps of values files."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from modelservice.gitops.argocd import DIGEST, ChartSource
from modelservice.service import Service
from modelservice.writing.dump import dump

# Flux 2.6 and later serve these.
_SOURCE, _RELEASE = "source.toolkit.fluxcd.io/v1", "helm.toolkit.fluxcd.io/v2"
_CHART_LAYER = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
# A chart with a fixed version does not change; a range or a tag may.
_SOURCE_INTERVAL, _INTERVAL = "1h", "10m"
# Flux reconciles immediately when an object with this label changes:
# https://fluxcd.io/flux/components/helm/helmreleases/
_WATCHED = {"reconcile.fluxcd.io/watch": "Enabled"}


def chart_source(name: str, chart: ChartSource, namespace: str) -> str:
    """Return the object that fetches the chart: an OCIRepository, or a HelmRepository for https://."""
    metadata = {"name": name, "namespace": namespace}
    if not _is_registry(chart):
        spec: dict[str, Any] = {"interval": _SOURCE_INTERVAL, "url": chart.repository}
        return dump({"apiVersion": _SOURCE, "kind": "HelmRepository", "metadata": metadata, "spec": spec})
    # A tag has no + (Helm pushes it as _), and a range is not a tag.
    exact = re.fullmatch(r"v?[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?", chart.revision)
    key = "digest" if chart.revision.startswith(DIGEST) else "tag" if exact else "semver"
    spec = {
        "interval": _SOURCE_INTERVAL,
        "url": f"{chart.repository.rstrip('/')}/{chart.chart}",
        "ref": {key: chart.revision.replace("+", "_") if key == "tag" else chart.revision},
        "layerSelector": {"mediaType": _CHART_LAYER, "operation": "copy"},
    }
    return dump({"apiVersion": _SOURCE, "kind": "OCIRepository", "metadata": metadata, "spec": spec})


def helm_release(
    service: Service, source: str, chart: ChartSource, namespace: str, values_from: Sequence[str] = ()
) -> str:
    """Return the HelmRelease of a service, with its values inline or from ConfigMaps; later ones override earlier ones.

    `source` is the name of the object that fetches the chart. A release that does not become ready is retried three
    times; an upgrade is rolled back before each retry.
    """
    spec: dict[str, Any] = {"interval": _INTERVAL, "timeout": f"{start_up_seconds(service.values)}s"}
    if _is_registry(chart):
        spec["chartRef"] = {"kind": "OCIRepository", "name": source}
    else:
        found = {"kind": "HelmRepository", "name": source}
        spec["chart"] = {"spec": {"chart": chart.chart, "version": chart.revision, "sourceRef": found}}
    spec["releaseName"] = service.name
    spec["install"] = {"remediation": {"retries": 3}}
    spec["upgrade"] = {"remediation": {"retries": 3, "remediateLastFailure": True}}
    if values_from:
        spec["valuesFrom"] = [{"kind": "ConfigMap", "name": name} for name in values_from]
    else:
        spec["values"] = dict(service.given)
    metadata = {"name": service.name, "namespace": namespace}
    return dump({"apiVersion": _RELEASE, "kind": "HelmRelease", "metadata": metadata, "spec": spec})


def config_map(name: str, namespace: str, text: str) -> str:
    """Return a ConfigMap with a values file."""
    metadata = {"name": name, "namespace": namespace, "labels": _WATCHED}
    return dump({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"values.yaml": text}})


def start_up_seconds(values: Mapping[str, Any]) -> int:
    """Return how many seconds Helm must wait for a service, as the chart's NOTES compute it.

    The sum of the start-up probe's budget, the same again for a download before the start, ten minutes for image and
    volume, and the termination grace period of the old pod.
    """
    probe = values["probes"]["startup"]
    period = int(probe.get("periodSeconds") or 10)
    tries = int(probe.get("failureThreshold") or -(-int(values["startupSeconds"]) // period))
    budget = int(probe.get("initialDelaySeconds") or 0) + period * tries
    downloaded = values["model"]["source"] != "local" and values["modelVolume"]["preDownload"]
    return budget * (2 if downloaded else 1) + 600 + int(values["terminationGracePeriodSeconds"] or 0)


def _is_registry(chart: ChartSource) -> bool:
    return chart.repository.startswith("oci://")
