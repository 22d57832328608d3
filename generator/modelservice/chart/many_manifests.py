"""Render many services with one helm run, because reading the chart takes longer than rendering a service."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from modelservice.chart.manifests import manifests
from modelservice.errors import ModelServiceError, ToolError
from modelservice.helm import run_helm
from modelservice.reading.document import Document
from modelservice.writing.staging import scratch

# The number of services in one helm run: with more, progress would be reported rarely; with fewer, helm would be slow.
TOGETHER = 25
# Renders one template of one service, if there is a service with this number. Templates share the chart's values, so
# each service is prepared once.
_ONE = """\
{{- define "many.one" }}
{{- $root := index . 0 }}
{{- if kindIs "string" $root.Values.services }}
{{- $_ := set $root.Values "services" (fromJsonArray $root.Values.services) }}
{{- end }}
{{- if lt (index . 1) (len $root.Values.services) }}
{{- $service := index $root.Values.services (index . 1) }}
{{- if not (hasKey $service "root") }}
{{- $release := merge (dict "Name" $service.name "Namespace" $service.namespace) $root.Release }}
{{- $own := dict "Values" $service.values "Release" $release }}
{{- $_ := set $service "root" (merge $own (omit $root "Values" "Release")) }}
{{- end }}
{{- include (index . 2) $service.root }}
{{- end }}
{{- end }}
"""
# Go would use half of helm's time to collect garbage of less than 128 MiB.
_NO_COLLECTION = {"GOGC": "off", "GOMEMLIMIT": "128MiB"}
_SOURCE = re.compile(r"^---\n# Source: modelservice/templates/([0-9]+)/", re.MULTILINE)
_HOOK = re.compile(r"^ +[\"']?helm\.sh/hook[\"']?:", re.MULTILINE)


class Release(NamedTuple):
    """A service to render: its release's name and namespace, its complete, checked values, and its values files."""

    name: str
    namespace: str
    values: Mapping[str, Any]
    files: tuple[Document, ...] = ()


class Charts(NamedTuple):
    """The generic chart, and the one for many services."""

    one: Path
    many: Path

    def rendered(self, releases: Sequence[Release]) -> list[str | ModelServiceError]:
        """Return what `helm template` prints for each of at most 25 releases, or its error."""
        try:
            return [*many_manifests(self.many, releases)] if releases[1:] else [*map(self._alone, releases)]
        except ModelServiceError:
            # If helm refuses one service, it renders none: render each by itself to get its error.
            return [*map(self._alone, releases)]

    def _alone(self, release: Release) -> str | ModelServiceError:
        try:
            return manifests(self.one, release.name, release.namespace, release.files)
        except ModelServiceError as error:
            return error


def charts_in(stage: Path, chart: Path, *, tests: bool = True) -> Charts:
    """Return the generic chart and a new one for many services, which is written into the folder `stage`."""
    write_chart_for_many(chart, stage / "many", tests=tests)
    return Charts(chart, stage / "many")


def write_chart_for_many(chart: Path, place: Path, *, tests: bool = True) -> None:
    """Write a chart into the new folder `place` that renders many services with the generic chart's templates.

    Each service has a folder of templates, so that helm sorts the objects of each as it does for a single one. It has
    no schema, because the schema describes the values of one service. Without `tests`, the pod of `helm test` is left
    out.
    """
    templates = place / "templates"
    templates.mkdir(parents=True)
    (place / "Chart.yaml").write_bytes((chart / "Chart.yaml").read_bytes())
    (place / "values.yaml").write_text("services: '[]'\n", encoding="utf-8")
    (templates / "_one.tpl").write_text(_ONE, encoding="utf-8")
    names = []
    for file in sorted((chart / "templates").rglob("*.*")):
        name, text = file.relative_to(chart / "templates").as_posix(), file.read_text(encoding="utf-8")
        if name.startswith("tests/") and not tests:
            continue
        if file.suffix == ".yaml":
            names.append(name)
            text = f'{{{{ define "{name}" }}}}{text}{{{{ end }}}}'
        if file.suffix in (".yaml", ".tpl"):
            (templates / f"_{name.replace('/', '_')}").write_text(text, encoding="utf-8")
    for number in range(TOGETHER):
        for name in names:
            file = templates / str(number) / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f'{{{{ include "many.one" (list $ {number} "{name}") }}}}', encoding="utf-8")


def many_manifests(chart: Path, releases: Sequence[Release]) -> list[str]:
    """Return what `helm template` prints for each of at most 25 releases, from a chart of `write_chart_for_many`.

    Raises ModelServiceError if helm refuses any of them.
    """
    services = [{"name": one.name, "namespace": one.namespace, "values": one.values} for one in releases]
    with scratch() as stage:
        file = stage / "services.json"
        try:
            file.write_text(json.dumps(services, allow_nan=False), encoding="utf-8")
        except ValueError as error:
            raise ToolError(f"helm does not accept a number in the values: {error}") from error
        # Helm splits --set-file at commas.
        given = str(file).replace("\\", "\\\\").replace(",", "\\,")
        printed = run_helm(["template", "services", str(chart), "--set-file", f"services={given}"], _NO_COLLECTION)
    _, *parts = _SOURCE.split(printed)
    objects: list[list[str]] = [[] for _ in releases]
    for number, text in zip(parts[::2], parts[1::2], strict=True):
        objects[int(number)].append(f"---\n# Source: modelservice/templates/{text}")
    return [*map(_joined, objects)]


def _joined(objects: list[str]) -> str:
    """Return a service's objects as helm prints them: it strips the last one before the hooks."""
    last = max((index for index, text in enumerate(objects) if not _HOOK.search(text)), default=None)
    if last is not None:
        objects[last] = f"{objects[last].strip()}\n"
    return "".join(objects)
