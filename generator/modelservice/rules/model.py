"""Rules on the model and where it comes from."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any

from modelservice.findings import Refuser, Severity, dotted
from modelservice.rules.image import is_vllms
from modelservice.rules.model_loading import gguf_repository, in_object_store
from modelservice.rules.rule import Said, Values, asking, listed, removal, rule, setting, writing
from modelservice.schema.source import SCHEMAS
from modelservice.spelling import nearest

_CHART = "the chart's templates/_env.tpl"
_HUB_CACHE_FOLDER = re.compile(r"/models--[^/]+--[^/]+/?$")
_DEFAULT_MOUNT = "/root/.cache/huggingface/hub"
_WORD = "[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?"
_HUB_ID = re.compile(f"({_WORD}/)?{_WORD}")


@rule(
    "model-default",
    "No model is named, so the chart's default is served.",
    why=(
        "The default is a tiny model for tests. The service starts, occupies a GPU and answers, but with the "
        "wrong model."
    ),
    source="schemas",
    severity=Severity.WARNING,
)
def model_default(values: Values) -> Iterator[Said]:
    """Find values without a model; a misspelled `model` is the mistake to fix first."""
    misspelled = any(key not in values.defaults and nearest(key, ["model"]) for key in values.given)
    as_text = not isinstance(values.given.get("model", {}), Mapping)
    if not (values.written("model.name") or misspelled or as_text):
        name = values.at("model.name")
        yield Said(
            ("model", "name"), f"is not set, and {name} would be deployed", "set model.name to the model to serve"
        )


@rule(
    "model-owner",
    "The model's name lacks its owner.",
    why=(
        "A hub has the model only under `owner/name`. vLLM exits when it starts, and the container restarts again and "
        "again while the pod holds its GPUs."
    ),
    source="schemas/models, schemas/model-parsers.json",
    severity=Severity.WARNING,
)
def model_owner(values: Values) -> Iterator[Said]:
    """Find the name of a well-known model without its owner; a few old models, such as gpt2, have none."""
    name = values.at("model.name")
    if "/" in name or values.at("command") or not values.written("model.name"):
        return
    known = {one for one in _known_models() if one.rpartition("/")[2].lower() == name.lower()}
    if len(known) == 1:
        yield asking(("model", "name"), f"{name} is not a model id such as owner/name", known.pop(), "")


def _known_models() -> set[str]:
    """Return the ids of the models of which this project has facts or parsers."""
    named: dict[str, Any] = json.loads((SCHEMAS / "model-parsers.json").read_text())["models"]
    return {*named, *(file.stem.replace("--", "/", 1) for file in (SCHEMAS / "models").glob("*--*.json"))}


@rule(
    "model-path",
    "The model's name does not match its source.",
    why=(
        "A path is a local model, and any other name is an id on a hub. If the source does not match, the chart "
        "does not prepare the volume or the download that the model needs."
    ),
    source="LLMOS, Model Service: local models",
    refused_by=Refuser.CHART,
)
def model_path(values: Values) -> Iterator[Said]:
    """Find a path with a hub as its source, and a hub id with a volume as its source."""
    name, source = values.at("model.name"), values.at("model.source")
    if in_object_store(name):
        if source != "huggingface":
            yield removal(("model", "source"), f"is {source}, but {name} is in an object store", on_key=False)
    elif source == "local" and not name.startswith("/"):
        hint = "write the model's absolute path under a mounted volume, or remove model.source"
        path = ("model", "name") if values.written("model.name") else ("model", "source")
        yield Said(path, f"{name} is not a path, but model.source is local", hint)
    elif source != "local" and name.startswith("/"):
        mount = {} if any(under(name, path) for path in _mounts(values)) else _mount_above(name)
        settings = {"model.source": "local", **mount}
        yield setting(("model", "name"), f"is a path, but model.source is {source}", settings)


@rule(
    "model-id",
    "The model's name is not an id on a hub, such as owner/name.",
    why=(
        "The hub's client refuses the name before it downloads anything. vLLM exits when it starts, and the "
        "container restarts again and again while the pod holds its GPUs."
    ),
    source="https://huggingface.co/docs/huggingface_hub/package_reference/utilities (validate_repo_id)",
    refused_by=Refuser.VLLM,
)
def model_id(values: Values) -> Iterator[Said]:
    """Find a name that the hub's client refuses; a custom command names the model itself."""
    name = values.at("model.name")
    if values.at("model.source") == "local" or name.startswith("/") or values.at("command") or in_object_store(name):
        return
    repository = gguf_repository(name) or name
    odd = "--" in name or ".." in name or repository.endswith(".git")
    if odd or not _HUB_ID.fullmatch(repository):
        path, message, meant = ("model", "name"), f"{name} is not a model id such as owner/name", _meant(name)
        hint = "write the id as the model's page on the hub shows it"
        yield writing(path, message, meant) if meant else Said(path, message, hint)


def _meant(name: str) -> str | None:
    """Return the id in a hub's URL or path, or in the name of a folder of its cache; None if there is none."""
    if name.startswith("models--"):
        return name.removeprefix("models--").replace("--", "/").split("/snapshots")[0]
    if _HUB_ID.fullmatch(name.rstrip("/")):
        return name.rstrip("/")
    parts = name.split("/")
    return "/".join(parts[-2:] if "." in parts[0] else parts[:2]) if len(parts) > 2 else None


def under(path: str, mount: str) -> bool:
    """Return whether a path is a mounted folder or inside one."""
    return f"{path.rstrip('/')}/".startswith(f"{mount.rstrip('/')}/")


@rule(
    "model-path-not-mounted",
    "The local model's path is not in a mounted volume.",
    why=(
        "vLLM's own images contain no models, so the path does not exist. vLLM exits, because it finds neither a "
        "folder nor a model of that name on the hub."
    ),
    source="the chart's templates/_volumes.tpl",
    refused_by=Refuser.CHART,
)
def model_path_not_mounted(values: Values) -> Iterator[Said]:
    """Find a local model that no volume contains; an image that is not vLLM's own may contain it."""
    name = values.at("model.name")
    if values.at("model.source") != "local" or not name.startswith("/") or not is_vllms(values.at("image")):
        return
    mounts = _mounts(values)
    if not any(under(name, mount) for mount in mounts):
        message = f"{name} is not in a mounted volume ({', '.join(mounts)})"
        hint = f"set {listed(_mount_above(name))}, or mount a folder above it with volumes and volumeMounts"
        yield Said(("model", "name"), message, hint)


def model_mount(values: Values) -> str:
    """Return where the model volume is mounted, as templates/_volumes.tpl does: only root can enter /root."""
    path = str(values.at("modelVolume.mountPath"))
    return "/models" if values.at("restricted") and path == _DEFAULT_MOUNT else path


def _mounts(values: Values) -> list[str]:
    own = [] if values.at("modelVolume.enabled") is False else [model_mount(values)]
    return [*own, *(mount["mountPath"] for _, mount in values.items("volumeMounts"))]


def _mount_above(name: str) -> dict[str, Any]:
    return {"modelVolume.mountPath": posixpath.dirname(name.rstrip("/")).rstrip("/") or name}


@rule(
    "model-path-hub-cache",
    "The model's path is a folder of the hub's cache, not of a model.",
    why="The model's files are below `snapshots/<revision>` in this folder. vLLM finds no config.json and exits.",
    source="https://huggingface.co/docs/huggingface_hub/guides/manage-cache",
    severity=Severity.WARNING,
)
def model_path_hub_cache(values: Values) -> Iterator[Said]:
    """Find a path that ends above the snapshots, where vLLM finds no config.json."""
    name = values.at("model.name")
    if values.at("model.source") == "local" and _HUB_CACHE_FOLDER.search(name):
        hub_id = name.rstrip("/").rsplit("/", 1)[-1].removeprefix("models--").replace("--", "/")
        message = "is a folder of the hub's cache, in which the model is under snapshots/<revision>"
        offline = " and modelVolume.readOnly: true" if values.at("modelVolume.existingClaim") else ""
        hint = f"set model.name: {hub_id}, model.source: huggingface{offline}, or append that folder to the path"
        yield Said(("model", "name"), message, hint)


@rule(
    "hugging-face-unused",
    "A setting of `huggingFace` is ignored.",
    why=(
        "A token and a mirror have no effect on models from ModelScope or from a volume. A token's key without the "
        "name of its Secret passes no token, and a gated model cannot be downloaded."
    ),
    source=_CHART,
    severity=Severity.WARNING,
)
def hugging_face_unused(values: Values) -> Iterator[Said]:
    """Find a token or a mirror together with another source, and a token's key without its Secret."""
    source, name = values.at("model.source"), values.at("model.name")
    for key in ("huggingFace.tokenSecret.name", "huggingFace.endpoint"):
        if (source != "huggingface" or in_object_store(name)) and values.at(key):
            other = f"{name} is in an object store" if in_object_store(name) else f"model.source is {source}"
            message = f"is for models from Hugging Face, but {other}"
            yield Said(tuple(key.split(".")), message, "remove it, unless an argument needs a file from that hub", True)
    for key, default in (("key", "token"), ("optional", False)):
        path = ("huggingFace", "tokenSecret", key)
        if values.at("huggingFace.tokenSecret.name") or values.at(dotted(path)) == default:
            continue
        yield Said(path, "has no effect without huggingFace.tokenSecret.name", "name the Secret there", True)


@rule(
    "revision-unused",
    "The revision is ignored because the model does not come from a hub.",
    why="vLLM serves the files that are in the volume or the object store, whichever revision they are.",
    source="vLLM's --revision",
    severity=Severity.WARNING,
)
def revision_unused(values: Values) -> Iterator[Said]:
    """Find a revision of a model that does not come from a hub."""
    stored = in_object_store(values.at("model.name"))
    if values.at("model.revision") and (stored or values.at("model.source") == "local"):
        yield removal(("model", "revision"), f"has no effect on {'an object store' if stored else 'a path'}")


@rule(
    "chat-template-twice",
    "The chat template is set in `model.chatTemplate` and in `args`.",
    why="vLLM uses the one in `args`, which comes last. Changes of `model.chatTemplate` have no effect.",
    source="vLLM's --chat-template",
    severity=Severity.WARNING,
)
def chat_template_twice(values: Values) -> Iterator[Said]:
    """Find a chat template in the values and another one in the arguments."""
    given = {argument.partition("=")[0].replace("_", "-") for _, argument in values.items("args")}
    if values.at("model.chatTemplate") and "--chat-template" in given:
        yield Said(("model", "chatTemplate"), "--chat-template is in args too", "keep one of them", True)


RULES = (
    model_default,
    model_id,
    model_owner,
    model_path,
    model_path_not_mounted,
    model_path_hub_cache,
    hugging_face_unused,
    revision_unused,
    chat_template_twice,
)
