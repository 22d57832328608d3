"""Plan a Helm chart: create its files in memory, from the fields and, for one service, its values.

Without a service this is the generic chart. With one it has the same templates and schema, and the service's values as
defaults. Users may override these, so a rendered chart needs the templates and checks of all fields. Values never
become template text: a serializer writes them to `values.yaml`.
"""

from __future__ import annotations

import base64
import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelservice import __version__
from modelservice.chart.questions import questions_yaml
from modelservice.chart.required_secrets import required_secrets
from modelservice.chart.templating import TEMPLATES, environment
from modelservice.chart.values_yaml import values_yaml
from modelservice.rules.image import OTHER_OWNERS, OWN_IMAGES, release_in
from modelservice.rules.network_policy import ADDRESSES
from modelservice.schema.defaults import defaults_of
from modelservice.schema.exports import values_schema
from modelservice.schema.fields import FieldModel, value_at
from modelservice.schema.source import Schema, plain_schema
from modelservice.service import Service
from modelservice.vllm.argument_rules import EVERY_ADDRESS, OWNED, PARALLEL
from modelservice.vllm.flags import first_release_with
from modelservice.vllm.releases import newest_release, releases
from modelservice.vllm.routes import ROUTES

if TYPE_CHECKING:
    from modelservice.writing.files import FileTree

# Identifies a rendered chart as ours, on the first line of its values.yaml.
MARK = "# Made by modelservice"
# If the arguments contain one of these, they set the split, and the chart does not set --tensor-parallel-size.
PARALLEL_FLAGS = (*(word for pair in PARALLEL.items() for word in pair), "--nnodes", "-n")
_DESCRIPTION = "Serve one model with vLLM's OpenAI-compatible server, set up as in the LLMOS console"


def plan_chart(
    model: FieldModel, service: Service | None = None, changes: Sequence[str] = (), schema: Schema | None = None
) -> FileTree:
    """Return the chart's files by relative path; `changes` are the changelog entries of its newest version.

    `schema` is the plain schema, if it differs from the one on disk.
    """
    values = service.values if service else defaults_of(model.source)
    context = {**_context(model, service, values), "changes": changes}
    tree = dict(_templates(context))
    tree["values.yaml"] = values_yaml(model.fields, values, _origin(service, "values.yaml"))
    tree["values.schema.json"] = values_schema(schema or plain_schema(), _origin(service, "values.schema.json"))
    if not service:  # Rancher shows both
        tree["app-readme.md"] = (TEMPLATES / "app-readme.md").read_text(encoding="utf-8")
        tree["questions.yaml"] = questions_yaml(model.fields, _origin(service, "questions.yaml"))
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
        "app_version": release_in(values["image"], values["vllmVersion"]).asked
        or values["image"]["tag"]
        or newest_release(),
        "icon": _icon(),
        "image": image_of(values["image"]),
        "fields": [field for field in model.fields if not field.read_by_helm],
        "values": values,
        "service": service,
        "secrets": required_secrets(values),
        "flag_fields": [field for field in model.fields if field.flag],
        "env_fields": [field for field in model.fields if field.env],
        "parallel_flags": PARALLEL_FLAGS,
        "owned_flags": sorted(OWNED),
        "every_address": EVERY_ADDRESS,
        "addresses": ADDRESSES,
        "own_images": OWN_IMAGES,
        "other_owners": OTHER_OWNERS,
        "next_but_one": f"{int(newest_release().split('.')[0]) + 2}.0.0",
        "oldest_release": three_numbers(releases()[0]),
        "runner_since": _since("--runner"),
        "shutdown_since": _since("--shutdown-timeout"),
        "routes": ROUTES,
        "value_at": functools.partial(value_at, values),
        "origin": functools.partial(_origin, service),
    }


def _icon() -> str:
    """Return the icon as a data URL, which Artifact Hub and helm accept and which needs no web server."""
    return f"data:image/svg+xml;base64,{base64.b64encode((TEMPLATES / 'icon.svg').read_bytes()).decode()}"


def image_of(image: Mapping[str, Any]) -> str:
    """Return the full image reference, as templates/_resources.tpl builds it."""
    repository, host = image["repository"], image["repository"].split("/")[0]
    named = "/" in repository and ("." in host or ":" in host or host == "localhost")
    registry = f"{image['registry'].removesuffix('/')}/" if image["registry"] and not named else ""
    tag, digest = f":{image['tag']}" if image["tag"] else "", f"@{image['digest']}" if image["digest"] else ""
    return f"{registry}{repository}{tag}{digest}"


def three_numbers(release: str) -> str:
    """Return the first three numbers of a release, which the chart compares."""
    return ".".join(release.split(".")[:3])


def _since(flag: str) -> str:
    release = first_release_with(flag)
    if release is None:
        raise LookupError(f"{flag} is in no known vLLM release")
    return three_numbers(release)


def _templates(context: dict[str, Any]) -> list[tuple[str, str]]:
    folder = TEMPLATES / "chart"
    files = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file():
            files.append(_template(name, path, context))
    return files


def _template(name: str, path: Path, context: dict[str, Any]) -> tuple[str, str]:
    if not name.endswith(".j2"):
        return name, path.read_text(encoding="utf-8")
    return name.removesuffix(".j2"), environment().get_template(f"chart/{name}").render(context)
