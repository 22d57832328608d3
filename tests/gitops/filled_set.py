"""Fill in an ApplicationSet's template as Argo CD does: helm has the same Go templates and functions."""

import json
from pathlib import Path
from typing import Any

import yaml
from modelservice.helm import run_helm

_CHART = "apiVersion: v2\nname: filled\nversion: 0.1.0\n"
_TEMPLATE = """\
{{- range $index, $file := .Values.files }}
---
{{ tpl (toYaml $.Values.template) $file }}
---
{{ tpl $.Values.patch $file }}
{{- end }}
"""


def applications(item: dict[str, Any], files: list[str], scratch: Path) -> list[dict[str, Any]]:
    """Return the Applications that Argo CD makes of files in Git, named by their paths from here.

    The parameters are those of applicationset/generators/git.go: the file's keys, and its path below the prefix. The
    patch is merged as applicationset/utils/template_functions.go does for this object: maps deeply, lists as a whole.
    """
    (generator,) = item["spec"]["generators"]
    prefix = generator["git"]["pathParamPrefix"]
    found = []
    for file in map(Path, files):
        place = {"path": str(file.parent), "basename": file.parent.name, "filename": file.name}
        found.append({**yaml.safe_load(file.read_text()), prefix: {"path": place}})
    scratch.joinpath("templates").mkdir(parents=True)
    scratch.joinpath("Chart.yaml").write_text(_CHART)
    scratch.joinpath("templates/all.yaml").write_text(_TEMPLATE)
    given = {"files": found, "template": item["spec"]["template"], "patch": item["spec"]["templatePatch"]}
    scratch.joinpath("values.yaml").write_text(json.dumps(given))
    documents = list(yaml.safe_load_all(run_helm(["template", "x", str(scratch)])))
    return [_patched(*pair) for pair in zip(documents[::2], documents[1::2], strict=True)]


def _patched(below: Any, above: Any) -> Any:
    if not (isinstance(below, dict) and isinstance(above, dict)):
        return below if above is None else above
    return {key: _patched(below.get(key), above.get(key, below.get(key))) for key in {**below, **above}}
