"""The single source in, fields out: what a values file may hold, and what each field becomes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path as FilePath
from typing import Any, NamedTuple

from modelservice.findings import Path, dotted

# In a wheel the schemas lie inside the package, in a checkout at its root.
_PACKAGED = FilePath(__file__).parent / "schemas"
SCHEMAS = _PACKAGED if _PACKAGED.is_dir() else FilePath(__file__).parents[2] / "schemas"
SOURCE = SCHEMAS / "modelservice.schema.yaml"
SCHEMA = SCHEMAS / "modelservice.schema.json"

Schema = dict[str, Any]


class Field(NamedTuple):
    """A leaf of the values: what a person sets at once.

    `default` is Helm's default, `tab`, `group` and `label` say where the console's form has it, `flag` and `env`
    name the vLLM flag or the variable that the field becomes, `becomes` says it in words (Markdown).
    """

    path: Path
    title: str
    description: str
    schema: Schema
    default: Any
    tab: str
    group: str
    label: str
    flag: str
    env: str
    becomes: str
    advanced: bool
    read_by_helm: bool

    @property
    def key(self) -> str:
        """The field's path as people write it."""
        return dotted(self.path)

    @property
    def types(self) -> tuple[str, ...]:
        """The JSON types that the field accepts."""
        stated = self.schema["type"]
        return (stated,) if isinstance(stated, str) else tuple(stated)


class FieldModel(NamedTuple):
    """All fields in the source's order, and the source itself."""

    fields: tuple[Field, ...]
    source: Schema


def load_fields() -> FieldModel:
    """Read the annotated source."""
    import yaml

    with SOURCE.open("rb") as file:
        source: Schema = yaml.load(file, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506  both are safe
    return FieldModel(tuple(_leaves(source, source["definitions"], ())), source)


def load_schema() -> Schema:
    """Read the plain schema that values are checked with; much faster to read than its source."""
    schema: Schema = json.loads(SCHEMA.read_bytes())
    return schema


def _leaves(schema: Schema, definitions: Schema, path: Path) -> list[Field]:
    fields: list[Field] = []
    for key, child in schema["properties"].items():
        if "x-field" in child:
            shared = definitions[child["$ref"].rsplit("/", 1)[-1]] if "$ref" in child else {}
            fields.append(_field((*path, key), {**shared, **child}))
        else:
            fields.extend(_leaves(child, definitions, (*path, key)))
    return fields


def _field(path: Path, schema: Schema) -> Field:
    about = schema["x-field"]
    flag, env = about.get("flag", ""), about.get("env", "")
    return Field(
        path=path,
        title=schema["title"],
        description=schema["description"].strip(),
        schema=schema,
        default=schema["default"],
        tab=about["tab"],
        group=about.get("group", about["tab"]),
        label=about.get("label", schema["title"]),
        flag=flag,
        env=env,
        becomes=about.get("becomes", f"`{flag or env}`" if flag or env else ""),
        advanced=about.get("advanced", False),
        read_by_helm=about.get("readBy") == "helm",
    )


def with_needed(group: Schema, keyword: str) -> Schema:
    """Return the source with the keys that the chart needs listed under the keyword in every group."""
    properties = {
        key: child if "x-field" in child else with_needed(child, keyword) for key, child in group["properties"].items()
    }
    return {**group, "properties": properties, keyword: [key for key in properties if _needed(properties[key])]}


def _needed(schema: Schema) -> bool:
    """Say whether null must not remove the key: it may where Helm reads it, where it says so, and where it is null."""
    about = schema.get("x-field", {})
    return not (about.get("removable") or about.get("readBy") == "helm" or schema.get("default", "") is None)


def nested(fields: tuple[Field, ...]) -> dict[str, Any]:
    """Return the defaults as one values tree."""
    tree: dict[str, Any] = {}
    for field in fields:
        place = tree
        for key in field.path[:-1]:
            place = place.setdefault(str(key), {})
        place[str(field.path[-1])] = field.default
    return tree


def without(schema: Any, *keywords: str) -> Any:
    """Return the schema without these keywords, at any depth; properties of such a name stay."""
    return rewritten(schema, lambda one: {key: value for key, value in one.items() if key not in keywords})


def rewritten(schema: Any, change: Callable[[Schema], Schema]) -> Any:
    """Return the schema with it and every schema inside changed, from the outside in; names of properties stay."""
    if isinstance(schema, list):
        return [rewritten(item, change) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: {name: rewritten(child, change) for name, child in value.items()}
        if key in ("properties", "patternProperties", "definitions")
        else rewritten(value, change)
        for key, value in change(schema).items()
    }
