"""Create an ApplicationSet, from which Argo CD creates an Application for every values file in folders in Git."""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from modelservice.errors import InputError
from modelservice.gitops.argocd import (
    API,
    COMPARED,
    FINALIZER,
    ChartSource,
    Target,
    ValuesSource,
    application_spec,
)
from modelservice.gitops.folder_layout import pattern
from modelservice.service import is_label
from modelservice.writing.dump import dump

# Argo CD adds a file's keys to the parameters; no key of the values has this name.
_PREFIX = "file"
_FILE = f".{_PREFIX}.path"
# In Argo CD's template language: the name that a single Application would have.
_NAME = f'{{{{ regexReplaceAll "[^a-z0-9]+" (trimSuffix ".yaml" {_FILE}.filename | lower) "-" | trimAll "-" }}}}'
_FOLDER = f"{{{{ {_FILE}.basename }}}}"
_FILES = "{{ toJson $files }}"


class SetLayer(NamedTuple):
    """A layer, by its path in Git: it applies to the services whose file names match `names`, and sets `data`."""

    file: str
    names: tuple[str, ...] = ("*",)
    data: Mapping[str, Any] = {}

    @property
    def condition(self) -> str:
        """The condition in Argo CD's templates for the files that it applies to, or "" if it applies to all files."""
        if "*" in self.names:
            return ""
        names = "|".join(map(_regular_expression, self.names))
        wanted = json.dumps(rf"^({names})(\.yaml)?$", ensure_ascii=False)
        return f"regexMatch {wanted} {_FILE}.filename"


class FoundServices(NamedTuple):
    """The services of a set: the pattern of their paths in Git, and their layers.

    `others` are files that match the pattern but are not services. `environment` is the prefix of the Applications'
    names; "" means the folder of each service.
    """

    pattern: str
    environment: str = ""
    layers: tuple[SetLayer, ...] = ()
    others: tuple[str, ...] = ()


def in_folder(folder: str, layers: Sequence[SetLayer] = ()) -> FoundServices:
    """Return the services <folder>/<environment>/<service>.yaml, without names that start with a dot.

    Raises InputError for a folder that Argo CD would read as a pattern.
    """
    require_plain(folder)
    return FoundServices(pattern(folder), layers=tuple(layers))


def require_plain(folder: str) -> None:
    """Raise InputError for a folder that Argo CD would read as a pattern."""
    if any(char in folder for char in "[]*?{}\\"):
        raise InputError(f"Argo CD would read {folder} as a pattern: rename it, without [ ] * ? {{ }} or \\")


def application_set(
    name: str, services: FoundServices, place: ChartSource, values: ValuesSource, target: Target
) -> str:
    """Return an ApplicationSet of services whose values are in Git; `values.files` is not used.

    Without a namespace, each service's folder is its namespace. Raises InputError for a rendered chart, and for an
    invalid name.
    """
    if place.rendered:
        raise InputError("an ApplicationSet reads values files: use the generic chart, not rendered ones")
    if not is_label(name):
        raise InputError(
            f'"{name}" cannot be the name of an ApplicationSet: put the environments into a folder whose name has only '
            "lower case letters, digits and -"
        )
    for text in (place.repository, place.revision, place.path, values.repository, values.revision):
        if "{{" in text:
            raise InputError(f"Argo CD would read {text} as a template: write it without {{{{")
    patch, files = _patch(services.layers)
    spec = application_spec(
        place,
        values,
        target._replace(namespace=target.namespace or _FOLDER),
        {"releaseName": _NAME, "valueFiles": files},
        _NAME,
    )
    if files == _FILES:
        sources = dump({"sources": spec.pop("sources")}, width=1000)
        # The template returns a list: in quotes it would be text.
        patch += "".join(f"  {line}\n" for line in sources.replace(f"'{_FILES}'", _FILES).splitlines())
    found: list[dict[str, Any]] = [{"path": services.pattern}]
    others = [*(layer.file for layer in services.layers), *services.others]
    found += [{"path": file, "exclude": True} for file in others if fnmatch.fnmatchcase(file, services.pattern)]
    git = {"repoURL": values.repository, "revision": values.revision, "files": found, "pathParamPrefix": _PREFIX}
    about = {"name": f"{services.environment or _FOLDER}-{_NAME}", "annotations": COMPARED, "finalizers": [FINALIZER]}
    body = {
        "goTemplate": True,
        "goTemplateOptions": ["missingkey=error"],
        "generators": [{"git": git}],
        "template": {"metadata": about, "spec": spec},
        "templatePatch": patch,
    }
    metadata = {"name": name, "namespace": target.argocd_namespace}
    # Expressions stay on one line each.
    return dump({"apiVersion": API, "kind": "ApplicationSet", "metadata": metadata, "spec": body}, width=1000)


_IGNORED = """\
spec:
  {{- if $scaler }}
  ignoreDifferences:
    - group: apps
      kind: '{{ $workload }}'
      jsonPointers: [/spec/replicas]
  {{- end }}
"""


def _patch(layers: Sequence[SetLayer]) -> tuple[str, Any]:
    """Return the template's patch, and the values files; the files differ per service if a layer has a condition."""
    lines = ['{{- $scaler := "" }}', '{{- $workload := "Deployment" }}']
    for layer in layers:
        for variable, group in (("$scaler", "autoscaling"), ("$workload", "workload")):
            kind = layer.data.get(group, {}).get("kind")
            if isinstance(kind, str):
                lines.append(_where(layer, f"{variable} = {json.dumps(kind)}"))
    # A group may be null, which dig does not accept.
    lines += [
        '{{- $scaler = dig "kind" $scaler (get . "autoscaling" | default dict) }}',
        '{{- $workload = dig "kind" $workload (get . "workload" | default dict) }}',
    ]
    own = f"$values/{{{{ {_FILE}.path }}}}/{{{{ {_FILE}.filename }}}}"
    if not any(layer.condition for layer in layers):
        return "\n".join([*lines, _IGNORED]), [*(f"$values/{layer.file}" for layer in layers), own]
    lines.append("{{- $files := list }}")
    for layer in layers:
        file = json.dumps(f"$values/{layer.file}", ensure_ascii=False)
        lines.append(_where(layer, f"$files = append $files {file}"))
    lines.append(f'{{{{- $files = append $files (printf "$values/%s/%s" {_FILE}.path {_FILE}.filename) }}}}')
    return "\n".join([*lines, _IGNORED]), _FILES


def _where(layer: SetLayer, action: str) -> str:
    """Return the action of a template that selects the services to which the layer applies."""
    condition = layer.condition
    return f"{{{{- if {condition} }}}}{{{{ {action} }}}}{{{{ end }}}}" if condition else f"{{{{- {action} }}}}"


def _regular_expression(name: str) -> str:
    """Convert an fnmatch pattern to a regular expression of Go."""
    parts = re.findall(r"\[!?\]?[^\]]*\]|.", name, re.DOTALL)
    # Translated as a whole, fnmatch's result has lookaheads, which Go does not support.
    return "".join(fnmatch.translate(part).removeprefix("(?s:").removesuffix(r")\Z") for part in parts)
