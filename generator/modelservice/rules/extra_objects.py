"""Rules on further objects of the release."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from modelservice.findings import Refuser
from modelservice.rules.rule import Said, Values, rule

_CHART = "the chart's templates/extra-objects.yaml"
_AS_A_MAP = "write apiVersion, kind and metadata.name, preferably as a map instead of text"
# A template action in a text. Without an end, it is the rest of the text, found in linear time.
ACTION = re.compile(r"(?s)\{\{.*?(\}\}|\Z)")
_FIRST_WORD = re.compile(r"\{\{-?\s*([a-z]+)\b")
_BLOCKS = ("if", "range", "with", "define", "block")


@rule(
    "extra-object-text",
    "The text of an extra object is not valid YAML, or not a template that Helm can render.",
    why="Helm renders the whole release or nothing: one such text makes every installation and upgrade fail.",
    source=_CHART,
    refused_by=Refuser.HELM,
)
def extra_object_text(values: Values) -> Iterator[Said]:
    """Find text that is not YAML, or a template with a variable that is not defined."""
    for index, item in values.items("extraObjects"):
        path = ("extraObjects", index)
        if isinstance(item, str) and "{{" in item:
            if any(not found[1] for found in ACTION.finditer(item)):
                yield Said(
                    path, "a {{ in this text, which Helm renders as a template, is never closed", "close it with }}"
                )
            if _always_fails(item):
                yield Said(path, "`fail` in this text always stops Helm", "remove it, or put it into an `if`")
            for name in _unknown_variables(item):
                message = f"${name} is not defined in this text, which Helm renders as a template"
                yield Said(path, message, "write the object as a map, which Helm does not render as a template")
        elif isinstance(found := _read(item), str):
            yield Said(path, f"this text is not valid YAML: {found}", "fix it, or write it as a map")
        elif not all(map(_is_readable, found)):
            yield Said(path, "this text is not a Kubernetes object", _AS_A_MAP)


@rule(
    "extra-object",
    "An extra object is incomplete or a duplicate.",
    why="The API server refuses the object, and the installation or upgrade fails.",
    source=_CHART,
    refused_by=Refuser.API_SERVER,
)
def extra_object(values: Values) -> Iterator[Said]:
    """Find text that is not an object, and duplicates; only Helm knows the result of a template in the text."""
    seen: dict[tuple[str, ...], int] = {}
    for index, item in values.items("extraObjects"):
        found = [] if isinstance(item, str) and "{{" in item else documents(item)
        if not all(map(_is_readable, found)):
            continue
        if not all(map(is_object, found)):
            yield Said(("extraObjects", index), "this text is not a Kubernetes object", _AS_A_MAP)
            continue
        for one in found:
            about, group = one["metadata"], str(one["apiVersion"]).rpartition("/")[0]
            which = (str(one["kind"]), str(about.get("name", "")), str(about.get("namespace", "")), group)
            if which in seen and which[1]:
                message = f"{which[0]} {which[1]} is already defined in extraObjects[{seen[which]}]"
                yield Said(("extraObjects", index), message, "remove it, or the other one")
            seen.setdefault(which, index)


def _always_fails(text: str) -> bool:
    """Return whether a template calls `fail` before any block that could skip the call."""
    actions = (_FIRST_WORD.match(found[0]) for found in ACTION.finditer(text))
    words = [found[1] for found in actions if found]
    return next((word == "fail" for word in words if word in ("fail", *_BLOCKS)), False)


def _unknown_variables(text: str) -> list[str]:
    """Return the variables that a template reads but never sets, most often those of Prometheus."""
    if "`" in text:  # braces and variables in raw strings cannot be told apart
        return []
    actions = re.sub(r'"[^"\n]*"', "", "\n".join(found[0] for found in ACTION.finditer(text)))
    known = set(re.findall(r"\$(\w+)\s*(?=,|:=)", actions))
    return [name for name in dict.fromkeys(re.findall(r"\$([A-Za-z_]\w*)", actions)) if name not in known]


def documents(item: Any) -> list[Any]:
    """Return the documents of an extra object, which is a map or a text; none if the text is not valid YAML."""
    found = _read(item)
    return [] if isinstance(found, str) else found


def _read(item: Any) -> list[Any] | str:
    """Return the non-empty documents, with the scalars of a text as text, or the error in the YAML."""
    from modelservice.reading.documents import load_texts, members

    if not isinstance(item, str):
        return members(item)
    import yaml

    try:
        return [one for found in load_texts(item) for one in members(found)]
    except yaml.MarkedYAMLError as error:
        # The parser reports the end of a text below its last line.
        last = item.rstrip("\n").count("\n") + 1
        line = f", in line {min(error.problem_mark.line + 1, last)} of the text" if error.problem_mark else ""
        return f"{error.problem}{line}"
    except yaml.YAMLError as error:
        return str(error).partition("\n")[0] or "it cannot be read"
    except RecursionError:
        return "it is too deep"


def _is_readable(one: Any) -> bool:
    """Return whether Helm can read this as an object: a map whose metadata is a map too."""
    return isinstance(one, Mapping) and isinstance(one.get("metadata") or {}, Mapping)


def is_object(one: Any) -> bool:
    """Return whether this may be a Kubernetes object: it has a version, a kind and a name."""
    about = one.get("metadata") if isinstance(one, Mapping) else None
    named = isinstance(about, Mapping) and (about.get("name") or about.get("generateName"))
    return bool(named and one.get("apiVersion") and one.get("kind"))


RULES = (extra_object_text, extra_object)
