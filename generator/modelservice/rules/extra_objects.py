"""Rules on further objects of the release."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from modelservice.findings import Refuser
from modelservice.rules.rule import Said, Values, rule

_CHART = "the chart's templates/extra-objects.yaml"
_AS_A_MAP = "write apiVersion, kind and metadata.name, best as a map instead of text"
# What a template in a text brings. One without an end takes the rest, in linear time.
ACTION = re.compile(r"(?s)\{\{.*?(\}\}|\Z)")


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
                    path, "a {{ of this text, which helm reads as a template first, is never closed", "close it with }}"
                )
            for name in _unknown_variables(item):
                message = f"${name} is not a variable of this text, which helm reads as a template first"
                yield Said(path, message, "write the object as a map, which stays as it is")
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
    """Find text that is not an object, and duplicates; only Helm knows what a template in the text becomes."""
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
                message = f"{which[0]} {which[1]} is extraObjects[{seen[which]}] too"
                yield Said(("extraObjects", index), message, "remove it, or the other one")
            seen.setdefault(which, index)


def _unknown_variables(text: str) -> list[str]:
    """Return the variables that a template reads and never sets: those of Prometheus, most often."""
    if "`" in text:  # raw text, which a look at the braces alone cannot tell apart
        return []
    actions = re.sub(r'"[^"\n]*"', "", "\n".join(found[0] for found in ACTION.finditer(text)))
    known = set(re.findall(r"\$(\w+)\s*(?=,|:=)", actions))
    return [name for name in dict.fromkeys(re.findall(r"\$([A-Za-z_]\w*)", actions)) if name not in known]


def documents(item: Any) -> list[Any]:
    """Return the documents of an object, or of a text of some; none if the text is not valid YAML."""
    found = _read(item)
    return [] if isinstance(found, str) else found


def _read(item: Any) -> list[Any] | str:
    """Return the documents of a text that hold something, its scalars as text; or what is wrong with the YAML."""
    from modelservice.reading.documents import load_texts, members

    if not isinstance(item, str):
        return members(item)
    import yaml

    try:
        return [one for found in load_texts(item) for one in members(found)]
    except yaml.MarkedYAMLError as error:
        # The end of a text lies below its last line.
        last = item.rstrip("\n").count("\n") + 1
        line = f", in line {min(error.problem_mark.line + 1, last)} of the text" if error.problem_mark else ""
        return f"{error.problem}{line}"
    except yaml.YAMLError as error:
        return str(error).partition("\n")[0] or "it cannot be read"
    except RecursionError:
        return "it is too deep"


def _is_readable(one: Any) -> bool:
    """Say whether Helm can read this as an object: a map, and its metadata is one too."""
    return isinstance(one, Mapping) and isinstance(one.get("metadata") or {}, Mapping)


def is_object(one: Any) -> bool:
    """Say whether this may be a Kubernetes object: it has a version, a kind and a name."""
    about = one.get("metadata") if isinstance(one, Mapping) else None
    named = isinstance(about, Mapping) and (about.get("name") or about.get("generateName"))
    return bool(named and one.get("apiVersion") and one.get("kind"))


RULES = (extra_object_text, extra_object)
