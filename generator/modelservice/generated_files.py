"""Generate the project's generated files, and check that none is stale."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from modelservice.chart.changelog import changes
from modelservice.chart.plan import plan_chart
from modelservice.chart.templating import environment
from modelservice.errors import InputError
from modelservice.rules.catalogue import by_id, catalogue
from modelservice.rules.documentation import ignored_by, read_examples, refused_by
from modelservice.schema.defaults import defaults_of
from modelservice.schema.exports import editor_schema
from modelservice.schema.fields import FieldModel, load_fields, value_at
from modelservice.schema.source import SCHEMAS, SOURCE
from modelservice.writing.files import read_tree, replace_file, text_diff

if TYPE_CHECKING:
    from modelservice.writing.files import FileTree

CHART = "charts/modelservice"


class Drift(NamedTuple):
    """A file that differs from what its source generates; `kind` is stale, missing or extra."""

    kind: str
    path: str
    diff: str


def checkout() -> Path:
    """Return the project's root. Raises InputError if the package is installed, not checked out."""
    if not SOURCE.is_file() or SCHEMAS.parent == Path(__file__).parent:
        raise InputError("generate works only in a checkout of the project: run `pip install -e .` in one")
    return SCHEMAS.parent


def plan(root: Path) -> FileTree:
    """Return every generated file by its path from the root."""
    model = load_fields()
    plain = editor_schema(model)
    chart = plan_chart(model, changes=changes(root / "CHANGELOG.md"), schema=json.loads(plain))
    tree = {f"{CHART}/{path}": text for path, text in chart.items()}
    tree["schemas/modelservice.schema.json"] = plain
    tree["docs/values.md"] = _values(model)
    examples = read_examples(root / "tests/cases", list(by_id()))
    tree["schemas/rule-examples.json"] = json.dumps(examples, indent=1, ensure_ascii=False) + "\n"
    tree["docs/rules.md"] = _rules(examples)
    return tree


def drift(root: Path) -> list[Drift]:
    """Return what differs between the plan and the working tree, sorted by path."""
    planned = plan(root)
    found = [_drift(root, path, text) for path, text in planned.items()]
    extra = [
        Drift("extra", f"{CHART}/{path}", "") for path in read_tree(root / CHART) if f"{CHART}/{path}" not in planned
    ]
    return sorted([item for item in found if item] + extra, key=lambda item: item.path)


def write(root: Path) -> list[Drift]:
    """Write what differs, delete extra files, and return the differences found."""
    fixed = drift(root)
    planned = plan(root)
    for item in fixed:
        if item.kind == "extra":
            (root / item.path).unlink()
        else:
            replace_file(root / item.path, planned[item.path])
    return fixed


def _drift(root: Path, path: str, text: str) -> Drift | None:
    file = root / path
    if not file.is_file():
        return Drift("missing", path, "")
    now = file.read_bytes().decode("utf-8", errors="replace")
    return Drift("stale", path, text_diff(path, now, text)) if now != text else None


def _values(model: FieldModel) -> str:
    """Return docs/values.md."""
    defaults = defaults_of(model.source)
    shown = [field for field in model.fields if not field.read_by_helm]
    template = environment().get_template("docs/values.md.j2")
    context = {"value_at": lambda field: value_at(defaults, field), "when": model.source["x-groups"]}
    return template.render(fields=shown, **context).rstrip() + "\n"


def _rules(examples: dict[str, dict[str, str]]) -> str:
    """Return docs/rules.md."""
    context = {"catalogue": catalogue(), "refused_by": refused_by, "ignored_by": ignored_by}
    found = {rule: {"bad": "", "good": "", **examples.get(rule, {})} for rule in by_id()}
    return environment().get_template("docs/rules.md.j2").render(examples=found, **context).rstrip() + "\n"
