"""Configure Jinja2 for this project: delimiters, strictness, filters."""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import Iterable
from pathlib import Path

import jinja2

from modelservice.schema.fields import Field

TEMPLATES = Path(__file__).parents[1] / "templates"


@functools.cache
def environment() -> jinja2.Environment:
    """Return the Jinja2 environment. Its delimiters do not conflict with Helm, shell, Markdown or YAML syntax."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        block_start_string="[%",
        block_end_string="%]",
        variable_start_string="[=",
        variable_end_string="=]",
        comment_start_string="[#",
        comment_end_string="#]",
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701  nothing here is HTML
    )
    made.filters["cell"] = lambda text: text.replace("|", "\\|")
    made.filters["tojson_cell"] = lambda value: json.dumps(value, ensure_ascii=False).replace("|", "\\|")
    made.filters["json"] = json.dumps  # tojson escapes for HTML, apostrophes too
    made.filters["compact"] = functools.partial(json.dumps, sort_keys=True, separators=(",", ":"))  # as Helm's toJson
    made.filters["groupby_tab"] = _by_tab
    made.filters["groupby_group"] = _by_group
    made.filters["python"] = repr
    return made


def _by_tab(fields: Iterable[Field]) -> list[tuple[str, list[Field]]]:
    return [(tab, list(group)) for tab, group in itertools.groupby(fields, key=lambda field: field.tab)]


def _by_group(fields: Iterable[Field]) -> dict[str, list[Field]]:
    """Return a tab's fields by group. The fields of a group need not be adjacent."""
    groups: dict[str, list[Field]] = {}
    for field in fields:
        groups.setdefault(field.group, []).append(field)
    return groups
