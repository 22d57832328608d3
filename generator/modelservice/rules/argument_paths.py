"""A rule on files and folders that arguments name."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from modelservice.findings import Severity
from modelservice.rules.given_arguments import given
from modelservice.rules.image import is_own_image
from modelservice.rules.model import under
from modelservice.rules.mounts import mounted_folders
from modelservice.rules.rule import Said, Values, rule

if TYPE_CHECKING:
    from modelservice.vllm.command_line import Given

_FLAGS = (
    "--chat-template",
    "--config",
    "--generation-config",
    "--hf-config-path",
    "--lora-modules",
    "--reasoning-parser-plugin",
    "--speculative-config",
    "--tokenizer",
    "--tool-parser-plugin",
)
# Folders of vLLM's own images (its examples are in the working directory), or that every container has.
_IN_THE_IMAGE = ("/vllm-workspace", "/usr", "/opt", "/tmp", "/home", "/dev")  # noqa: S108  no file is made
# Folders that a mount would hide from the container.
_SYSTEM = ("/", "/etc", "/root", "/run", "/var")
_ADAPTER = re.compile(r"[^=/{]+=(\.{0,2}/.*)")
# A path, and not a model on the hub, in the working directory; vLLM's images have files in these folders of it.
_RELATIVE = re.compile(
    r"(?!(?:\./)?(?:benchmarks|docker|examples|tests|tools|vllm)/)(?:\.{1,2}/.*|[\w./-]+\.(?:jinja|py|ya?ml))"
)
_WORKING_DIRECTORIES = ("/vllm-workspace", "/workspace")


@rule(
    "argument-path",
    "An argument names a file that is not in a mounted volume.",
    why=(
        "vLLM's own images do not contain the file. vLLM exits when it starts, or reads the path as a model id and "
        "does not find it on the hub."
    ),
    source="GoogleCloudPlatform/kubernetes-engine-samples#1581, vllm-project/vllm#7286",
    severity=Severity.WARNING,
)
def argument_path(values: Values) -> Iterator[Said]:
    """Find paths in arguments that are not in a volume, if the image's files are known."""
    if not is_own_image(values):
        return
    mounts = mounted_folders(values)
    moved = values.at("command") or values.at("serverContainer.workingDir")
    relative = not moved and not any(under(mount, folder) for mount in mounts for folder in _WORKING_DIRECTORIES)
    for item in given(values, *_FLAGS):
        for at, path in _paths(item):
            if not path.startswith("/"):
                if relative and _RELATIVE.fullmatch(path):
                    message = f"{path} of {item.flag.name} is not in the working directory of vLLM's image"
                    yield Said(("args", at), message, _hint(path, item.flag.name))
            elif not any(under(path, folder) for folder in (*mounts, *_IN_THE_IMAGE)):
                message = f"{path} of {item.flag.name} is neither in a mounted volume nor in vLLM's image"
                yield Said(("args", at), message, _hint(path, item.flag.name))


def _hint(path: str, flag: str) -> str:
    folder, name = posixpath.split(path.rstrip("/"))
    place = f"{path} with subPath: {name}" if folder in _SYSTEM else folder
    absolute = f"and mount it in volumeMounts at {place}"
    mount = absolute if path.startswith("/") else "mount it in volumeMounts, and write its whole path here"
    hint = f"add a volume that contains it to volumes, {mount}"
    return f"write the template into model.chatTemplate, or {hint}" if flag == "--chat-template" else hint


def _paths(item: Given) -> Iterator[tuple[int, str]]:
    """Yield the paths, models and words that a flag names, each with the index of its argument."""
    for word in item.values:
        adapter = _ADAPTER.fullmatch(word.text) if item.flag.name == "--lora-modules" else None
        text = adapter[1] if adapter else _in_json(word.text) if word.text.startswith("{") else word.text
        if "\n" not in text and item.key in ("", "model"):
            yield word.at, text


def _in_json(text: str) -> str:
    """Return the path or the model that a JSON object names, or "" if it names none."""
    try:
        found = json.loads(text)
        return str(found.get("path") or found.get("model") or "")
    except (ValueError, RecursionError, AttributeError):
        return ""


RULES = (argument_path,)
