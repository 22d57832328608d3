"""Read the fields of the annotated source: what a values file may contain, and what each field becomes."""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

from modelservice.findings import Path, dotted
from modelservice.schema.source import SOURCE, Schema


class Field(NamedTuple):
    """A leaf of the values: what a person sets as one value.

    `default` is Helm's default. `tab`, `group` and `label` are its place in the console's form. `flag` and `env` name
    the vLLM flag or the variable that the field becomes, and `becomes` describes this in Markdown. `question` is
    Rancher's type of question for it, and `when` the condition under which a form shows it; both may be empty.
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
    question: str
    when: str

    @property
    def key(self) -> str:
        """The field's path as people write it."""
        return dotted(self.path)

    @property
    def full_label(self) -> str:
        """The label, after its group if it does not contain it."""
        is_plain = self.group in (self.tab, "Advanced") or self.group.lower() in self.label.lower()
        return self.label if is_plain else f"{self.group}: {self.label}"

    @property
    def types(self) -> tuple[str, ...]:
        """The JSON types that the field accepts; `""` is an empty text that leaves the field out."""
        stated = self.schema["type"]
        types = (stated,) if isinstance(stated, str) else tuple(stated)
        return tuple('""' if kind == "string" and self.schema.get("pattern") == "^$" else kind for kind in types)


class FieldModel(NamedTuple):
    """All fields in the source's order, and the source itself."""

    fields: tuple[Field, ...]
    source: Schema


@functools.cache
def load_fields() -> FieldModel:
    """Read the annotated source."""
    import yaml

    with SOURCE.open("rb") as file:
        source: Schema = yaml.load(file, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506  both are safe
    return FieldModel(tuple(_leaves(source, source["definitions"], ())), source)


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
        question=about.get("question", ""),
        when=about.get("when", ""),
    )


def value_at(values: dict[str, Any], field: Field) -> Any:
    """Return a field's value, or None if it is not set."""
    place: Any = values
    for key in field.path:
        place = place.get(key) if isinstance(place, dict) else None
    return place
