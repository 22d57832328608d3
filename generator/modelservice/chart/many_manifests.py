"""Render many services with one helm run, because reading the chart takes longer than rendering a service."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from modelservice.errors import ToolError
from modelservice.helm import run_helm
from modelservice.writing.staging import scratch

# One object for each service with the texts of its templates, so that helm neither sorts nor mixes them.
_EACH = """\
{{- range .Values.services | fromJsonArray }}
{{- $release := merge (dict "Name" .name "Namespace" .namespace) $.Release }}
{{- $service := merge (dict "Values" .values "Release" $release) (omit $ "Values" "Release") }}
{{- $texts := list }}
{{- range $.Values.templates }}{{ $texts = append $texts (include . $service) }}{{ end }}
---
{{ dict "apiVersion" "v1" "kind" "ConfigMap" "metadata" (dict "name" .key) "texts" $texts | toJson }}
{{- end }}
"""


class Release(NamedTuple):
    """A service to render: its release's name and namespace, and its complete, checked values."""

    name: str
    namespace: str
    values: Mapping[str, Any]


def write_chart_for_many(chart: Path, place: Path) -> None:
    """Write a chart into the new folder `place` that renders many services with the generic chart's templates.

    It has no schema, because the schema describes the values of one service.
    """
    templates = place / "templates"
    templates.mkdir(parents=True)
    (place / "Chart.yaml").write_bytes((chart / "Chart.yaml").read_bytes())
    names = []
    for file in sorted((chart / "templates").glob("*.*")):
        text = file.read_text(encoding="utf-8")
        if file.suffix == ".yaml":
            names.append(file.name)
            text = f'{{{{ define "{file.name}" }}}}{text}{{{{ end }}}}'
        if file.suffix in (".yaml", ".tpl"):
            (templates / f"_{file.name}").write_text(text, encoding="utf-8")
    (templates / "services.yaml").write_text(_EACH, encoding="utf-8")
    (place / "values.yaml").write_text(json.dumps({"services": "[]", "templates": names}), encoding="utf-8")


def many_manifests(chart: Path, releases: Sequence[Release]) -> list[str]:
    """Return the manifests of each service from a chart of `write_chart_for_many`, without the pod of `helm test`.

    Raises ModelServiceError if helm refuses any of them.
    """
    services = [{"key": str(number), **one._asdict()} for number, one in enumerate(releases)]
    with scratch() as stage:
        file = stage / "services.json"
        try:
            file.write_text(json.dumps(services, allow_nan=False), encoding="utf-8")
        except ValueError as error:
            raise ToolError(f"helm does not accept a number in the values: {error}") from error
        # Helm splits --set-file at commas.
        given = str(file).replace("\\", "\\\\").replace(",", "\\,")
        printed = run_helm(["template", "services", str(chart), "--set-file", f"services={given}"])
    made = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
    texts = {one["metadata"]["name"]: "\n---\n".join(one["texts"]) for one in made}
    return [texts[one["key"]] for one in services]
