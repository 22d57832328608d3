"""Values as written in; out come the values as Helm checks them, and the nulls that take away what the chart needs.

Helm lets a null remove the chart's default of a key before it looks at the schema. `key:` with nothing behind it is
a null.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelservice.findings import Path, Problem, Severity
from modelservice.rule import Rule

RULES = (
    Rule(
        "null-value",
        Severity.ERROR,
        "A null removes a default that the chart needs.",
        "https://helm.sh/docs/chart_template_guide/values_files/",
    ),
)


def without_nulls(
    given: Mapping[str, Any], schema: Mapping[str, Any], defaults: Mapping[str, Any], path: Path = ()
) -> tuple[dict[str, Any], list[Problem]]:
    """Return the values without the nulls that remove a default, and a problem for each default that is needed.

    `x-required` of a schema's group lists the keys that the chart needs.
    """
    kept: dict[str, Any] = {}
    problems: list[Problem] = []
    properties = schema.get("properties", {})
    for key, value in given.items():
        default = defaults.get(key)
        if value is None and key in defaults:
            if key in schema.get("x-required", ()):
                problems.append(_problem((*path, key)))
        elif isinstance(value, Mapping) and isinstance(default, Mapping):
            kept[key], inner = without_nulls(value, properties.get(key, {}), default, (*path, key))
            problems += inner
        else:
            kept[key] = value
    return kept, problems


def _problem(path: Path) -> Problem:
    message = "null takes the chart's default away, and the chart needs a value"
    return Problem(Severity.ERROR, path, message, "give a value, or remove the key", "null-value")
