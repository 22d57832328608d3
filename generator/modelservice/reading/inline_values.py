"""The values inside of Flux's HelmReleases, Argo CD's Applications and k3s' HelmCharts, each where it is written."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from modelservice.findings import Finding, Path, lines_of
from modelservice.reading.document import Document
from modelservice.reading.parser import Composed, Place, compose, compose_stream

# Where each kind has the chart's name, and the values: a map, or (with a last `text`) text.
_HELM = (("helm", "valuesObject"), ("helm", "values", "text"))
# What else gives Helm values, beside the place where they stand.
_ELSEWHERE = ("valuesFrom", "valueFiles", "parameters", "fileParameters", "valuesSecrets", "set")
_OBJECT = re.compile(r"^[\"']?kind[\"']?:|^\{", re.MULTILINE)
_Point = tuple[int, int]


def inline_values(document: Document) -> list[Document]:
    """Return the values of this chart that objects in a file have inside; none where it is no file of such objects.

    A path in their findings begins at the values, a position is that in the file. What follows a mistake of YAML is
    not read, and said so in the last document.
    """
    if not _OBJECT.search(document.text):
        return []
    composed = compose_stream(document.name, document.text)
    found = [inside for one in composed if isinstance(one.data, Mapping) for inside in _inside(one, document)]
    if found and not composed[-1].complete:
        last = found[-1]
        found[-1] = last._replace(findings=(*last.findings, *composed[-1].findings))
    return found


def _inside(one: Composed, document: Document) -> Iterator[Document]:
    for path in _values_of(one.data):
        at = path[:-1] if path[-1] == "text" else path
        value, place = one.data, one.place
        for part in at:
            value, place = value[part], place.children[part]
        beside = _at(one.data, *at[:-1])
        partial = any(beside.get(key) for key in _ELSEWHERE) or {"values", "valuesObject"} <= beside.keys()
        if path[-1] == "text":
            yield _of_text(value, place, document)._replace(partial=partial)
        else:
            findings = tuple(_below(finding, at) for finding in one.findings if finding.path[: len(at)] == at)
            yield document._replace(data=value, findings=findings, readable=True, top=place, partial=partial)


def _below(finding: Finding, path: Path) -> Finding:
    return finding._replace(path=finding.path[len(path) :])


def _values_of(item: Mapping[str, Any]) -> Iterator[Path]:
    """Yield where an object has values of this chart."""
    spec = item.get("spec")
    if not isinstance(spec, Mapping) or not isinstance(item.get("apiVersion"), str):
        return
    if item.get("kind") == "HelmRelease" and _is_ours(_at(spec, "chart", "spec", "chart")):
        yield from _there(item, ("spec", "values"))
    elif item.get("kind") == "HelmChart" and _is_ours(spec.get("chart")):
        yield from _there(item, ("spec", "valuesContent", "text"))
    elif item.get("kind") == "Application":
        sources = spec.get("sources")
        several = [("spec", "sources", n) for n in range(len(sources))] if isinstance(sources, list) else []
        for source in (("spec", "source"), *several):
            about = _at(item, *source)
            if isinstance(about, Mapping) and _is_ours(about.get("chart") or about.get("path") or about.get("repoURL")):
                for path in _HELM:
                    yield from _there(item, (*source, *path))


def _is_ours(chart: Any) -> bool:
    """Say whether a chart is this one by the end of its name or place; so may be one that the object does not name."""
    name = str(chart).rstrip("/").removesuffix(".tgz").rpartition("/")[2] if chart not in (None, ".") else ""
    return not name or re.fullmatch(r"modelservice(-\d.*)?", name) is not None


def _there(item: Mapping[str, Any], path: Path) -> Iterator[Path]:
    """Yield the path where a map, or a text, is there."""
    text = path[-1] == "text"
    if isinstance(_at(item, *(path[:-1] if text else path)), str if text else Mapping):
        yield path


def _at(item: Any, *path: str | int) -> Any:
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
