"""Find the values inside Flux HelmReleases, Argo CD Applications and k3s HelmCharts, with their positions."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from modelservice.findings import Finding, Path, lines_of
from modelservice.reading.document import Document
from modelservice.reading.parser import Composed, Place, compose, compose_stream

# The values in a source of an Application: a map or, if the path ends with `text`, text.
_HELM = (("helm", "valuesObject"), ("helm", "values", "text"))
# Other fields that give values to Helm.
ELSEWHERE = ("valuesFrom", "valueFiles", "parameters", "fileParameters", "valuesSecrets", "set")
_OBJECT = re.compile(r"^[\"']?kind[\"']?:|^\{", re.MULTILINE)
_Point = tuple[int, int]


def values_in_objects(document: Document, known: Collection[str]) -> list[Document]:
    """Return the values of this chart inside the objects in a file; none if the file has no such objects.

    `known` are the chart's own keys, which distinguish its values from another chart's. In findings, paths start at the
    values, and positions are those in the file. Text after a YAML error is not read; the last document has a finding
    about the error.
    """
    if not _OBJECT.search(document.text):
        return []
    composed = compose_stream(document.name, document.text)
    found = [inside for one in composed if isinstance(one.data, Mapping) for inside in _inside(one, document, known)]
    if found and not composed[-1].complete:
        last = found[-1]
        found[-1] = last._replace(findings=(*last.findings, *composed[-1].findings))
    return found


def value_paths(item: Mapping[str, Any]) -> Iterator[Path]:
    """Yield the paths of the values of any chart in an object; if a path ends with `text`, they are written as text."""
    for path in _values_of(item):
        yield from _there(item, path)


def is_charts(item: Mapping[str, Any], path: Path, values: Mapping[str, Any], known: Collection[str]) -> bool:
    """Return whether the values at a path are this chart's, by its name in the object or by the chart's keys (`known`).

    A chart that is rendered for one service is named after the service.
    """
    chart = _chart_of(item, path)
    if chart in ("", "modelservice"):
        return bool(chart) or any(key in known for key in values)
    return isinstance(values.get("model"), Mapping) and all(key in known for key in values)


def _inside(one: Composed, document: Document, known: Collection[str]) -> Iterator[Document]:
    for path in value_paths(one.data):
        at = path[:-1] if path[-1] == "text" else path
        value, place = one.data, one.place
        for part in at:
            value, place = value[part], place.children[part]
        beside = value_at(one.data, *at[:-1])
        partial = any(beside.get(key) for key in ELSEWHERE) or {"values", "valuesObject"} <= beside.keys()
        if path[-1] == "text":
            inside = _of_text(value, place, document)
        else:
            findings = tuple(_below(finding, at) for finding in one.findings if finding.path[: len(at)] == at)
            inside = document._replace(data=value, findings=findings, readable=True, top=place)
        if is_charts(one.data, path, inside.data, known):
            yield inside._replace(partial=partial)


def _below(finding: Finding, path: Path) -> Finding:
    return finding._replace(path=finding.path[len(path) :])


def _values_of(item: Mapping[str, Any]) -> list[Path]:
    """Return the paths where an object of its kind can have values."""
    spec = item.get("spec")
    found: list[Path] = []
    if not isinstance(spec, Mapping) or not isinstance(item.get("apiVersion"), str):
        return []
    if item.get("kind") == "HelmRelease":
        found = [("spec", "values")]
    elif item.get("kind") == "HelmChart":
        found = [("spec", "valuesContent", "text")]
    elif item.get("kind") == "Application":
        several = spec.get("sources")
        sources: list[Path] = [("spec", "source")]
        sources += [("spec", "sources", index) for index in range(len(several) if isinstance(several, list) else 0)]
        found = [(*source, *path) for source in sources for path in _HELM]
    return found


def _chart_of(item: Mapping[str, Any], path: Path) -> str:
    """Return the last part of the chart's name or location, or "" if the object does not state it."""
    if item["kind"] == "HelmRelease":
        chart = value_at(item, "spec", "chart", "spec", "chart")
    elif item["kind"] == "HelmChart":
        chart = value_at(item, "spec", "chart")
    else:
        source = value_at(item, *path[: path.index("helm")])
        named = (value_at(source, key) for key in ("chart", "path", "repoURL"))
        chart = next((name for name in named if name not in (None, ".")), "")
    name = str(chart or "").rstrip("/").removesuffix(".tgz").rpartition("/")[2]
    return re.sub(r"-\d.*", "", name)


def _there(item: Mapping[str, Any], path: Path) -> Iterator[Path]:
    """Yield the path if there is a map, or a text, at it."""
    text = path[-1] == "text"
    if isinstance(value_at(item, *(path[:-1] if text else path)), str if text else Mapping):
        yield path


def value_at(item: Any, *path: str | int) -> Any:
    """Return the value at a path of an object, or None if there is none."""
    for part in path:
        if isinstance(item, Mapping):
            item = item.get(str(part))
        elif isinstance(item, list) and isinstance(part, int) and part < len(item):
            item = item[part]
        else:
            return None
    return item


def _of_text(text: str, place: Place, document: Document) -> Document:
    """Return values that are text in a file: in a literal block each has its own position, else all have the text's."""
    lines = lines_of(document.text)
    line, column = place.value
    header = lines[line - 1][column - 1 :]
    content = next((one for one in lines[line:] if one.strip()), "")
    indent = len(content) - len(content.lstrip(" "))

    def moved(point: _Point) -> _Point:
        return (point[0] + line, point[1] + indent) if header.startswith("|") else place.value

    data, top, findings, complete = compose(document.name, text)
    readable = complete and isinstance(data, dict)
    return document._replace(
        data=data if readable else {},
        findings=tuple(
            one._replace(position=one.position._replace(line=at[0], column=at[1]))
            for one in findings
            for at in [moved((one.position.line, one.position.column))]
        ),
        readable=readable,
        top=_moved(top, moved),
    )


def _moved(place: Place, move: Callable[[_Point], _Point]) -> Place:
    children = {key: _moved(child, move) for key, child in place.children.items()}
    return place._replace(key=move(place.key), value=move(place.value), children=children)
