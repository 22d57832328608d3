"""Rules on the image and the vLLM release in it."""

from __future__ import annotations

from collections.abc import Iterator

from modelservice.findings import Severity
from modelservice.rules.gpu import GPU_IMAGES
from modelservice.rules.rule import Said, Values, rule

OWN_IMAGES = (*GPU_IMAGES, "vllm-openai-cpu", "vllm-cpu-release-repo", "vllm-arm64-cpu-release-repo")
_IMAGES = "https://kubernetes.io/docs/concepts/containers/images/"


def is_own_image(values: Values) -> bool:
    """Say whether the image is one of vLLM's own, whose command line is known."""
    return values.at("image.repository").rsplit("/", 1)[-1] in OWN_IMAGES and not values.at("command")


@rule(
    "image-not-pinned",
    "The image has no fixed tag.",
    why=(
        "The tag can point to another image tomorrow. A pod that restarts may then run another vLLM release, with "
        "other flags, than the pod beside it."
    ),
    source=_IMAGES,
    severity=Severity.WARNING,
)
def image_not_pinned(values: Values) -> Iterator[Said]:
    """Find an image without a tag, or with one that moves."""
    tag, digest = values.at("image.tag"), values.at("image.digest")
    if not digest and (not tag or tag == "latest" or tag.startswith(("latest-", "nightly"))):
        what = f"{tag} is another image every time" if tag else "is empty, which means latest"
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
    """Find a registry beside a repository that names its own."""
    host, slash, rest = values.at("image.repository").partition("/")
    if values.at("image.registry") and slash and ("." in host or ":" in host or host == "localhost"):
        message = f"has no effect, because image.repository names the host {host}"
        yield Said(("image", "registry"), message, f"remove it, or set image.repository: {rest}", True)


@rule(
    "release-unknown",
    "The image's vLLM release is not in our list.",
    why=(
        "The arguments are checked against another release. A flag that was added or removed in between is judged "
        "wrongly."
    ),
    source="schemas/vllm",
    severity=Severity.WARNING,
)
def release_unknown(values: Values) -> Iterator[Said]:
    """Find a release whose arguments are checked against another release's command line."""
    if not is_own_image(values) or not (values.written("image.tag") or values.written("vllmVersion")):
        return
    from modelservice.vllm.releases import Exactness, release_for

    release = release_for(values.at("image.tag"), values.at("vllmVersion"))
    if release.exactness in (Exactness.KNOWN, Exactness.UNSTATED):
        return
    key = ("vllmVersion",) if values.at("vllmVersion") else ("image", "tag")
    message = f"vLLM {release.asked} is not listed here, and arguments are checked as vLLM {release.name}"
    listed = release.name if values.at("vllmVersion") else f"v{release.name}"
    yield Said(key, message, f"write a listed release, such as {listed}, or leave it where the service starts")


@rule(
    "version-unstated",
    "The image does not say which vLLM release it contains.",
    why=(
        "The arguments are checked against a release that the image may not contain. A flag that its vLLM lacks is "
        "then not found, and vLLM exits when it starts."
    ),
    source="schemas/vllm",
    severity=Severity.WARNING,
)
def version_unstated(values: Values) -> Iterator[Said]:
    """Find an image whose tag names no known vLLM release."""
    tag = values.at("image.tag")
    if values.at("vllmVersion") or not (values.written("image.repository") or values.written("image.tag")):
        return
    from modelservice.vllm.releases import Exactness, newest_release, release_for

    release, hint = release_for(tag, ""), f"set vllmVersion: {newest_release()}, or the release that it holds"
    if release.exactness is Exactness.UNSTATED and not (tag == "latest" and is_own_image(values)):
        message = f"{tag or 'the image'} does not say which vLLM it holds, and the newest one is assumed"
        yield Said(("image", "tag"), message, hint)
    elif release.exactness in (Exactness.NEWER, Exactness.OLDER) and not is_own_image(values):
        message = f"{tag} is taken for vLLM {release.asked}, which is not listed here, and may be another number"
        yield Said(("image", "tag"), message, hint)


RULES = (image_not_pinned, registry_unused, release_unknown, version_unstated)
