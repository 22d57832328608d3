"""The values inside Flux's HelmReleases, Argo CD's Applications and k3s' HelmCharts, each where it is written."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from modelservice.findings import Finding, Path, lines_of
from modelservice.reading.document import Document
from modelservice.reading.parser import Composed, Place, compose, compose_stream

# Where each kind has the chart's name, and the values: a map, or (with a last `text`) text.
_HELM = (("helm", "valuesObject"), ("helm", "values", "text"))
# What else gives Helm values, beside the place where they stand.
ELSEWHERE = ("valuesFrom", "valueFiles", "parameters", "fileParameters", "valuesSecrets", "set")
_OBJECT = re.compile(r"^[\"']?kind[\"']?:|^\{", re.MULTILINE)
_Point = tuple[int, int]


def values_in_objects(document: Document, known: Collection[str]) -> list[Document]:
    """Return the values of this chart that objects in a file have inside; none if it is not a file of such objects.

    `known` are the chart's own keys, by which values are told from another chart's.
    A path in their findings begins at the values, a position is that in the file. What follows a mistake of YAML is
    not read, and said so in the last document.
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
    """Yield where an object has values, of whatever chart; at a path with a last `text` they stand as text."""
    for path in _values_of(item):
        yield from _there(item, path)


def is_charts(item: Mapping[str, Any], path: Path, values: Mapping[str, Any], known: Collection[str]) -> bool:
    """Say whether values at a path are this chart's, by its name in the object or by the chart's keys (`known`).

    A chart that is rendered for one service has the service's name.
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
    """Return where an object of its kind can have values."""
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
    """Return the end of the chart's name or place, for values at a path; "" where the object does not say it."""
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
    """Yield the path where a map, or a text, is there."""
    text = path[-1] == "text"
    if isinstance(value_at(item, *(path[:-1] if text else path)), str if text else Mapping):
        yield path


def value_at(item: Any, *path: str | int) -> Any:
    """Return what stands at a path of an object, or None if there is nothing."""
    for part in path:
        if isinstance(item, Mapping):
            item = item.get(str(part))
        elif isinstance(item, list) and isinstance(part, int) and part < len(item):
            item = item[part]
        else:
            return None
    return item


def _of_text(text: str, place: Place, document: Document) -> Document:
    """Return values that stand in a file as text: in a literal block each keeps its place, else all have the text's."""
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
