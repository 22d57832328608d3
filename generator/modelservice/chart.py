"""Fields and, for one service, its values in; the files of a Helm chart out.

Without a service it is the generic chart; with one, the same templates and schema with that service's values as
defaults. Values never become template text: they enter through `values.yaml`, by a serializer.
"""

from __future__ import annotations

import functools
import itertools
import json
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

import jinja2

from modelservice import __version__, helm_schema, vllm
from modelservice.arguments.rules import OWNED, PARALLEL
from modelservice.dump import dump
from modelservice.fields import Field, FieldModel, nested
from modelservice.findings import Path
from modelservice.routes import ROUTES
from modelservice.rules.image import OWN_IMAGES
from modelservice.service import Service

if TYPE_CHECKING:
    from modelservice.tree import FileTree

TEMPLATES = FilePath(__file__).parent / "templates"
# How a rendered chart is known as ours; it stands on the first line of its Chart.yaml.
MARK = "# Made by modelservice"
# With one of these arguments the chart does not set --tensor-parallel-size: they say how the model is split.
PARALLEL_FLAGS = (*(word for pair in PARALLEL.items() for word in pair), "--nnodes", "-n")
_DESCRIPTION = "A model on vLLM's OpenAI-compatible server, from the fields of the LLMOS console's form"


@functools.cache
def environment() -> jinja2.Environment:
    """Return the Jinja2 environment. Its delimiters collide with neither Helm, POSIX, Markdown nor YAML."""
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
    made.filters["compact"] = functools.partial(json.dumps, sort_keys=True, separators=(",", ":"))  # as Helm's toJson
    made.filters["groupby_tab"] = _by_tab
    made.filters["python"] = repr
    return made


def _by_tab(fields: Iterable[Field]) -> list[tuple[str, list[Field]]]:
    return [(tab, list(group)) for tab, group in itertools.groupby(fields, key=lambda field: field.tab)]


def plan_chart(model: FieldModel, service: Service | None = None, changes: Sequence[str] = ()) -> FileTree:
    """Return the chart's files by relative path; `changes` are what its newest version brings."""
    values = service.values if service else nested(model.fields)
    context = {**_context(model, service, values), "changes": changes}
    tree = dict(_templates(context))
    tree["values.yaml"] = values_yaml(model.fields, values, _origin(service, "values.yaml"))
    tree["values.schema.json"] = helm_schema.values_schema(model, _origin(service, "values.schema.json"))
    tree["values.optional.schema.json"] = helm_schema.optional_schema(
        model, _origin(service, "values.optional.schema.json")
    )
    tree["questions.yaml"] = _questions(model.fields, values, _origin(service, "questions.yaml"))
    return dict(sorted(tree.items()))


def _origin(service: Service | None, name: str) -> str:
    if service:
        return f"{MARK} {__version__} (modelservice render): change the values file and render again."
    return f"Generated into charts/modelservice/{name} by `modelservice generate`: change its source, not this file."


def _context(model: FieldModel, service: Service | None, values: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": service.name if service else "modelservice",
        "version": service.version if service else __version__,
        "description": service.description if service else _DESCRIPTION,
        "app_version": vllm.release_for(values["image"]["tag"], values["vllmVersion"]).asked or vllm.newest_release(),
        "image": image_of(values["image"]),
        "fields": [field for field in model.fields if not field.read_by_helm],
        "values": values,
        "service": service,
        "optional_fields": helm_schema.optional_fields(model),
        "flag_fields": [field for field in model.fields if field.flag],
        "env_fields": [field for field in model.fields if field.env],
        "parallel_flags": PARALLEL_FLAGS,
        "owned_flags": sorted(OWNED),
        "own_images": OWN_IMAGES,
        "newest_release": three_numbers(vllm.newest_release()),
        "runner_since": _since("--runner"),
        "shutdown_since": _since("--shutdown-timeout"),
        "routes": ROUTES,
        "value_at": functools.partial(value_at, values),
        "origin": functools.partial(_origin, service),
    }


def image_of(image: Mapping[str, Any]) -> str:
    """Return the whole reference, as templates/_resources.tpl makes it."""
    repository, host = image["repository"], image["repository"].split("/")[0]
    named = "/" in repository and ("." in host or ":" in host or host == "localhost")
    registry = f"{image['registry'].removesuffix('/')}/" if image["registry"] and not named else ""
    tag, digest = f":{image['tag']}" if image["tag"] else "", f"@{image['digest']}" if image["digest"] else ""
    return f"{registry}{repository}{tag}{digest}"


def three_numbers(release: str) -> str:
    """Return a release as the chart compares it: the first three numbers."""
    return ".".join(release.split(".")[:3])


def _since(flag: str) -> str:
    release = vllm.first_release_with(flag)
    if release is None:
        raise LookupError(f"{flag} is in no known vLLM release")
    return three_numbers(release)


def value_at(values: dict[str, Any], field: Field) -> Any:
    """Return a field's value, None where it is not set."""
    place: Any = values
    for key in field.path:
        place = place.get(key) if isinstance(place, dict) else None
    return place


def _templates(context: dict[str, Any]) -> list[tuple[str, str]]:
    folder = TEMPLATES / "chart"
    files = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file():
            files.append(_template(name, path, context))
    return files


def _template(name: str, path: FilePath, context: dict[str, Any]) -> tuple[str, str]:
    if not name.endswith(".j2"):
        return name, path.read_text(encoding="utf-8")
    return name.removesuffix(".j2"), environment().get_template(f"chart/{name}").render(context)


def values_yaml(fields: tuple[Field, ...], values: dict[str, Any], origin: str) -> str:
    """Return the values with a comment above every key, grouped as the console's tabs."""
    by_path = {field.path: field for field in fields}
    lines = [f"# {origin.removeprefix('# ')}", ""]
    tab = ""
    for key, value in values.items():
        first = next(field for field in fields if field.path[0] == key)
        if first.tab != tab:
            tab = first.tab
            lines += [f"# {tab} {'-' * (100 - len(tab))}", ""]
        lines += _commented((key,), value, by_path)
    return "\n".join(lines).rstrip() + "\n"


def _commented(path: Path, value: Any, by_path: dict[Path, Field]) -> list[str]:
    indent = "  " * (len(path) - 1)
    if path not in by_path and isinstance(value, dict):
        inner = [line for key, child in value.items() for line in _commented((*path, key), child, by_path)]
        return [f"{indent}{path[-1]}:", *inner] if inner else []
    lines = [f"{indent}{line}" for line in dump({path[-1]: value}).splitlines()]
    comment = _comment(by_path[path], value, 110 - len(indent)) if path in by_path else []
    return [*(f"{indent}# {line}" for line in comment), *lines, ""]


def _comment(field: Field, value: Any, width: int) -> list[str]:
    comment = textwrap.wrap(field.description, width, break_on_hyphens=False)
    if field.schema.get("examples") and not value:
        example = dump({field.path[-1]: field.schema["examples"][0]})
        comment += ["For example:", *(f"  {line}" for line in example.splitlines())]
    return comment


_QUESTION_TYPES = {"string": "string", "integer": "int", "number": "float", "boolean": "boolean"}


def _questions(fields: tuple[Field, ...], values: dict[str, Any], origin: str) -> str:
    """Return Rancher's form: the scalar fields, grouped by the console's tabs."""
    asked = [field for field in fields if field.types[0] in _QUESTION_TYPES and not field.read_by_helm]
    questions = [_question(field, value_at(values, field)) for field in asked]
    return f"# {origin.removeprefix('# ')}\n" + dump({"questions": questions})


def _question(field: Field, value: Any) -> dict[str, Any]:
    question = {
        "variable": field.key,
        "label": field.label,
        "description": field.description,
        "type": "enum" if "enum" in field.schema else _QUESTION_TYPES[field.types[0]],
        "default": value,
        "group": field.tab if field.group == field.tab else f"{field.tab}: {field.group}",
    }
    if "enum" in field.schema:
        question["options"] = [option for option in field.schema["enum"] if option]
    if field.key == "model.name":
        question["required"] = True
    return {key: item for key, item in question.items() if item is not None}
