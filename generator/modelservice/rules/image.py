"""Rules on the image and the vLLM release in it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from modelservice.findings import Action, Edit, Severity
from modelservice.rules.gpu import GPU_IMAGES
from modelservice.rules.rule import Said, Values, put, rule, setting, writing

if TYPE_CHECKING:
    from modelservice.vllm.releases import Release

OWN_IMAGES = (
    *GPU_IMAGES,
    "vllm-openai-cpu",
    "vllm-openai-rocm",
    "vllm-openai-xpu",
    "vllm-cpu-release-repo",
    "vllm-arm64-cpu-release-repo",
)
# Owners whose images have the names of vLLM's images, but other release numbers.
OTHER_OWNERS = ("lmcache",)
_IMAGES = "https://kubernetes.io/docs/concepts/containers/images/"
# Red Hat AI Inference Server, under its two names.
_REDHAT = re.compile(r"(^|/)(rhaiis|rhaii)(-[a-z-]+)?/vllm-[a-z0-9-]+$")
_OFFLINE = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
TASK_FLAGS = ("--task", "--runner", "--convert")


def is_vllms(image: Mapping[str, Any]) -> bool:
    """Return whether an image is one of vLLM's own or a mirror of it, as templates/_vllm.tpl does."""
    *above, name = f"{image['registry']}/{image['repository']}".split("/")
    return name in OWN_IMAGES and above[-1] not in OTHER_OWNERS


def is_own_image(values: Values) -> bool:
    """Return whether the image is one of vLLM's own, whose command line is known."""
    return is_vllms(values.at("image")) and not values.at("command")


def release_in(image: Mapping[str, Any], vllm_version: str) -> Release:
    """Return the vLLM release in an image, or an unstated one if neither the version nor the tag gives it."""
    from modelservice.vllm.releases import release_for

    return release_for(image["tag"], vllm_version, own_image=is_vllms(image))


def release_of(values: Values) -> Release:
    """Return the vLLM release in the service's image. Raises RefusedValueError if the schema refused its name."""
    image = {key: values.at(f"image.{key}") for key in ("registry", "repository", "tag")}
    return release_in(image, values.at("vllmVersion"))


def known_release(values: Values) -> tuple[int, ...]:
    """Return the numbers of the release in one of vLLM's own images, or () if it is unknown."""
    asked = release_of(values).asked if is_own_image(values) else ""
    return tuple(int(part) for part in asked.split(".")) if asked else ()


@rule(
    "image-not-pinned",
    "The image has no fixed tag.",
    why=(
        "The tag can point to another image tomorrow. A pod that restarts may then run a different vLLM release, with "
        "different flags, than the other pods."
    ),
    source=_IMAGES,
    severity=Severity.WARNING,
)
def image_not_pinned(values: Values) -> Iterator[Said]:
    """Find an image without a tag, or with one that moves."""
    tag, digest = values.at("image.tag"), values.at("image.digest")
    if not digest and (not tag or tag == "latest" or tag.startswith(("latest-", "nightly"))):
        what = f"{tag} can point to another image later" if tag else "is empty, which means latest"
        hint = f"write a release, such as {values.defaults['image']['tag']}, or set image.digest"
        yield Said(("image", "tag"), what, hint)


@rule(
    "registry-unused",
    "The registry is ignored because the repository names a host.",
    why=(
        "Nodes pull the image from the repository's own host. In a cluster without access to that host the pull "
        "fails, and the pod stays in ImagePullBackOff."
    ),
    source="the chart's templates/_resources.tpl",
    severity=Severity.WARNING,
)
def registry_unused(values: Values) -> Iterator[Said]:
    """Find a registry together with a repository that names its own."""
    host, slash, rest = values.at("image.repository").partition("/")
    if values.at("image.registry") and slash and ("." in host or ":" in host or host == "localhost"):
        message = f"has no effect, because image.repository names the host {host}"
        yield Said(("image", "registry"), message, f"remove it, or set image.repository: {rest}", True)


@rule(
    "image-tag-v",
    "The tag lacks the `v` that the tags of vLLM's images start with, or one of its three numbers.",
    why="The registry has no such tag. The pod stays in ImagePullBackOff.",
    source="https://hub.docker.com/r/vllm/vllm-openai/tags",
    severity=Severity.WARNING,
)
def image_tag_v(values: Values) -> Iterator[Said]:
    """Find a release's tag in another form for vLLM's image on Docker Hub; a mirror may have other tags."""
    from modelservice.vllm.releases import hub_tag

    tag, repository = values.at("image.tag"), values.at("image.repository")
    if meant := hub_tag(repository, tag):
        what = "start with v" if not tag.startswith("v") else "have three numbers"
        yield writing(("image", "tag"), f"{tag} is not a tag of {repository}, whose releases {what}", meant)


@rule(
    "release-unknown",
    "The image's vLLM release is not in our list.",
    why=(
        "The arguments are checked against another release. The check is wrong for a flag that was added or "
        "removed in between."
    ),
    source="schemas/vllm",
    severity=Severity.WARNING,
)
def release_unknown(values: Values) -> Iterator[Said]:
    """Find a release whose arguments are checked against another release's command line."""
    if not is_own_image(values) or not (values.written("image.tag") or values.written("vllmVersion")):
        return
    from modelservice.vllm.releases import Exactness, release_after

    release = release_of(values)
    if release.exactness in (Exactness.KNOWN, Exactness.UNSTATED):
        return
    key = ("vllmVersion",) if values.at("vllmVersion") else ("image", "tag")
    message = f"vLLM {release.asked} is not in our list, so arguments are checked as for vLLM {release.name}"
    newer = release_after(release.name) if release.exactness is Exactness.BETWEEN else release.name
    listed = newer if values.at("vllmVersion") else f"v{newer}"
    yield Said(key, message, f"write a listed release, such as {listed}, or keep it if the service starts")


@rule(
    "version-unstated",
    "The image does not say which vLLM release it contains.",
    why=(
        "The chart then uses only flags that every release of vLLM has. A pod that stops, for example, does not finish "
        "its requests. The arguments are checked against the newest release, so a flag that the image's vLLM lacks is "
        "not found."
    ),
    source="schemas/vllm",
    severity=Severity.WARNING,
)
def version_unstated(values: Values) -> Iterator[Said]:
    """Find an image whose tag names no vLLM release."""
    if not (values.written("image.repository") or values.written("image.tag")):
        return
    from modelservice.vllm.releases import Exactness, hub_tag, release_for

    tag = values.at("image.tag")
    if hub_tag(values.at("image.repository"), tag):
        return  # image-tag-v names the right tag
    likely = release_for(tag, "")
    if release_of(values).exactness is Exactness.UNSTATED and not (is_vllms(values.at("image")) and tag == "latest"):
        what = (
            f"{tag} does not state which vLLM the image contains"
            if tag
            else "the image does not state which vLLM it contains"
        )
        message = f"{what}, so the chart uses only flags that every release has"
        release = f": {likely.asked}, or" if likely.exactness is Exactness.KNOWN else " to"
        yield Said(("image", "tag"), message, f"set vllmVersion{release} the release that it contains")


@rule(
    "task-release",
    "The flags for `model.task` are left out because the image's vLLM release is unknown.",
    why=(
        "vLLM 0.10.1 replaced `--task` with `--runner` and `--convert`, and refuses unknown flags. Without these flags "
        "vLLM decides by the model's files, and may serve an embedding model as one that generates text."
    ),
    source="vLLM's command line (schemas/vllm/flags.json)",
    severity=Severity.WARNING,
)
def task_release(values: Values) -> Iterator[Said]:
    """Find a pooling model on an image of unknown release, for which the flags of such a model are unknown too."""
    given = {str(word).partition("=")[0].replace("_", "-") for _, word in values.items("args")}
    if values.at("model.task") == "generate" or given & set(TASK_FLAGS):
        return
    from modelservice.vllm.releases import Exactness, newest_release

    if release_of(values).exactness is Exactness.UNSTATED:
        message = f"{values.at('model.task')} needs flags that depend on vLLM's release, which the image does not state"
        yield setting(
            ("model", "task"), message, {"vllmVersion": newest_release()}, ", or the release that it contains"
        )


@rule(
    "image-offline",
    "The image keeps the hub's library offline, but the model must be downloaded.",
    why=(
        "Red Hat's images set HF_HUB_OFFLINE to 1. If the model is not in a volume yet, vLLM exits with "
        "`Cannot reach https://huggingface.co`."
    ),
    source="redhat-et/vllm-cpu-perf-eval#177",
    severity=Severity.WARNING,
)
def image_offline(values: Values) -> Iterator[Said]:
    """Find one of Red Hat's images with a model from the hub and a new volume for it."""
    image = f"{values.at('image.registry')}/{values.at('image.repository')}"
    downloaded = values.at("model.source") == "huggingface" and "://" not in values.at("model.name")
    filled = values.at("modelVolume.existingClaim") or values.at("modelVolume.volume")
    said = any(variable["name"] in _OFFLINE for _, variable in values.items("env")) or values.at("envFrom")
    if _REDHAT.search(image) and downloaded and not filled and not said and not values.at("command"):
        message = "the image sets HF_HUB_OFFLINE to 1, so the model is not downloaded"
        variable = {"name": "HF_HUB_OFFLINE", "value": "0"}
        fix = (Edit(Action.APPEND, ("env",), variable),) if values.written("env") else put({("env",): [variable]})
        yield Said(("image", "repository"), message, 'add {name: HF_HUB_OFFLINE, value: "0"} to env', fix=fix)


RULES = (image_offline, image_not_pinned, registry_unused, image_tag_v, release_unknown, version_unstated, task_release)
