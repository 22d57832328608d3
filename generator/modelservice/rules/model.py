"""Rules on the model and where it comes from."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Any

from modelservice.findings import Severity
from modelservice.rules.rule import Said, Values, listed, removal, rule, setting, writing
from modelservice.spelling import nearest

_CHART = "the chart's templates/_env.tpl"
_HUB_CACHE_FOLDER = re.compile(r"/models--[^/]+--[^/]+/?$")
_DEFAULT_MOUNT = "/root/.cache/huggingface/hub"
_WORD = "[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?"
_HUB_ID = re.compile(f"({_WORD}/)?{_WORD}")


@rule("model-default", "A service without a model serves the default one.", source="schemas", severity=Severity.WARNING)
def model_default(values: Values) -> Iterator[Said]:
    """No model was named; a misspelled `model` is the mistake to mend first."""
    misspelled = any(key not in values.defaults and nearest(key, ["model"]) for key in values.given)
    if not values.written("model.name") and not misspelled:
        name = values.at("model.name")
        yield Said(
            ("model", "name"), f"is not set, and {name} would be deployed", "set model.name to the model that is meant"
        )


@rule("model-path", "A path and `model.source: local` go together.", source="LLMOS, Model Service: local models")
def model_path(values: Values) -> Iterator[Said]:
    """A path from a hub, or an id from a volume."""
    name, source = values.at("model.name"), values.at("model.source")
    if source == "local" and not name.startswith("/"):
        hint = "write the model's absolute path under a mounted volume, or remove model.source"
        path = ("model", "name") if values.written("model.name") else ("model", "source")
        yield Said(path, f"{name} is not a path, and model.source is local", hint)
    elif source != "local" and name.startswith("/"):
        mount = {} if any(under(name, path) for path in _mounts(values)) else _mount_above(name)
        settings = {"model.source": "local", **mount}
        yield setting(("model", "name"), f"is a path, and model.source is {source}", settings)


@rule(
    "model-id",
    "A model on a hub is called owner/name.",
    source="https://huggingface.co/docs/huggingface_hub/package_reference/utilities (validate_repo_id)",
)
def model_id(values: Values) -> Iterator[Said]:
    """What the hub's client refuses; a command of one's own has the model in itself."""
    name = values.at("model.name")
    if values.at("model.source") == "local" or name.startswith("/") or values.at("command"):
        return
    odd = "--" in name or ".." in name or name.endswith(".git")
    if odd or not _HUB_ID.fullmatch(name):
        path, message, meant = ("model", "name"), f"{name} is no model id: owner/name", _meant(name)
        hint = "write the id as the model's page on the hub shows it"
        yield writing(path, message, meant) if meant else Said(path, message, hint)


def _meant(name: str) -> str | None:
    """Return the id in an address or path of a hub, or in the name of a folder of its cache."""
    if name.startswith("models--"):
        return name.removeprefix("models--").replace("--", "/").split("/snapshots")[0]
    parts = name.split("/")
    return "/".join(parts[-2:] if "." in parts[0] else parts[:2]) if len(parts) > 2 else None


def under(path: str, mount: str) -> bool:
    """Say whether a path lies in a mounted folder, or is it."""
    return f"{path.rstrip('/')}/".startswith(f"{mount.rstrip('/')}/")


@rule("model-path-not-mounted", "A local model lies in a mounted volume.", source="the chart's templates/_volumes.tpl")
def model_path_not_mounted(values: Values) -> Iterator[Said]:
    """A path that no volume covers."""
    name = values.at("model.name")
    if values.at("model.source") != "local" or not name.startswith("/"):
        return
    mounts = _mounts(values)
    if not any(under(name, mount) for mount in mounts):
        message = f"{name} is in no mounted volume ({', '.join(mounts)})"
        hint = f"set {listed(_mount_above(name))}, or mount a folder above it with volumes and volumeMounts"
        yield Said(("model", "name"), message, hint)


def model_mount(values: Values) -> str:
    """Return where the model volume is mounted, as templates/_volumes.tpl does: nobody but root can enter /root."""
    path = str(values.at("modelVolume.mountPath"))
    return "/models" if values.at("restricted") and path == _DEFAULT_MOUNT else path


def _mounts(values: Values) -> list[str]:
    return [model_mount(values), *(mount["mountPath"] for _, mount in values.items("volumeMounts"))]


def _mount_above(name: str) -> dict[str, Any]:
    return {"modelVolume.mountPath": posixpath.dirname(name.rstrip("/")).rstrip("/") or name}


@rule(
    "model-path-hub-cache",
    "A folder models--org--name of the hub's cache holds no model, but snapshots of one.",
    source="https://huggingface.co/docs/huggingface_hub/guides/manage-cache",
    severity=Severity.WARNING,
)
def model_path_hub_cache(values: Values) -> Iterator[Said]:
    """The folder above the snapshots, where vLLM finds no config.json."""
    name = values.at("model.name")
    if values.at("model.source") == "local" and _HUB_CACHE_FOLDER.search(name):
        hub_id = name.rstrip("/").rsplit("/", 1)[-1].removeprefix("models--").replace("--", "/")
        message = "is a folder of the hub's cache, in which the model lies under snapshots/<revision>"
        offline = " and modelVolume.readOnly: true" if values.at("modelVolume.existingClaim") else ""
        hint = f"set model.name: {hub_id}, model.source: huggingface{offline}, or add that folder"
        yield Said(("model", "name"), message, hint)


@rule(
    "hugging-face-unused",
    "A token and a mirror are for models from Hugging Face, and a key is a Secret's.",
    source=_CHART,
)
def hugging_face_unused(values: Values) -> Iterator[Said]:
    """A token or a mirror beside another source, or the key of no Secret."""
    source = values.at("model.source")
    for key in ("huggingFace.tokenSecret.name", "huggingFace.endpoint"):
        if source != "huggingface" and values.at(key):
            yield removal(tuple(key.split(".")), f"has no effect with model.source {source}")
    if values.at("huggingFace.tokenSecret.key") != "token" and not values.at("huggingFace.tokenSecret.name"):
        path = ("huggingFace", "tokenSecret", "key")
        yield Said(path, "has no effect without huggingFace.tokenSecret.name", "name the Secret there", True)


@rule("revision-unused", "A revision is one of a hub's.", source="vLLM's --revision")
def revision_unused(values: Values) -> Iterator[Said]:
    """A revision of a path."""
    if values.at("model.revision") and values.at("model.source") == "local":
        yield removal(("model", "revision"), "has no effect on a path")


@rule("chat-template-twice", "A chat template is given once.", source="vLLM's --chat-template")
def chat_template_twice(values: Values) -> Iterator[Said]:
    """A template among the values, and another one among the arguments."""
    given = {argument.partition("=")[0].replace("_", "-") for _, argument in values.items("args")}
    if values.at("model.chatTemplate") and "--chat-template" in given:
        yield Said(("model", "chatTemplate"), "--chat-template stands in args too", "keep one of them", True)


RULES = (
    model_default,
    model_id,
    model_path,
    model_path_not_mounted,
    model_path_hub_cache,
    hugging_face_unused,
    revision_unused,
    chat_template_twice,
)
