"""Rules on the user and the account that the server runs as."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modelservice.findings import Path, Severity, dotted
from modelservice.rules.containers import containers
from modelservice.rules.model import model_mount, under
from modelservice.rules.rule import Said, Values, removal, rule, setting, sound, writing

_IMAGES = "the images vllm-openai and vllm-openai-nonroot"
_KUBERNETES = "https://kubernetes.io/docs/tasks/configure-pod-container/security-context/"


def _context(values: Values) -> dict[str, Any]:
    restricted = {"runAsNonRoot": True, "runAsUser": 2000, "fsGroup": 2000} if values.at("restricted") else {}
    return {**restricted, **(values.at("podSecurityContext") or {}), **(values.at("securityContext") or {})}


def non_root(values: Values) -> bool:
    """Say whether the server runs as another user than root, as templates/_env.tpl does."""
    context = _context(values)
    return bool(context.get("runAsNonRoot") or (context.get("runAsUser") or 0) > 0)


def read_only_many(values: Values) -> bool:
    """Say whether nobody can write to the model volume."""
    return bool(values.at("modelVolume.accessModes") == ["ReadOnlyMany"])


def read_only(values: Values) -> bool:
    """Say whether the model volume is mounted read-only, as templates/_env.tpl does."""
    said = values.at("modelVolume.readOnly")
    return read_only_many(values) if said is None else bool(said)


def read_only_root(values: Values) -> bool:
    """Say whether the container's root file system is read-only."""
    return bool((values.at("securityContext") or {}).get("readOnlyRootFilesystem", values.at("restricted")))


def own_home(values: Values) -> bool:
    """Say whether HOME moves to a volume, as templates/_env.tpl does."""
    return non_root(values) or read_only(values) or read_only_root(values)


def _image(values: Values) -> str:
    return str(values.at("image.repository")).rsplit("/", 1)[-1]


def _another_user(values: Values) -> Path | None:
    """Return the key that makes the server run as another user than root, None where it runs as root."""
    if values.at("restricted"):
        return ("restricted",)
    if non_root(values):
        return ("podSecurityContext",) if values.written("podSecurityContext") else ("securityContext",)
    if _image(values) == "vllm-openai-nonroot" and _context(values).get("runAsUser") is None:
        return ("image", "repository")
    return None


@rule("root-closed", "/root is closed to any user but root.", source=_IMAGES)
def root_closed(values: Values) -> Iterator[Said]:
    """Models or files below /root, for a user who cannot enter it."""
    user = _another_user(values)
    if user is None:
        return
    mount = model_mount(values)
    if under(mount, "/root") and not values.written("modelVolume.mountPath"):
        message = f"a user other than root cannot enter {mount}, where the models are"
        yield setting(user, message, {"modelVolume.mountPath": "/models"}, on_key=True)
    elif under(mount, "/root"):
        yield writing(("modelVolume", "mountPath"), f"{mount} is closed to a user other than root", "/models")
    for index, item in values.items("volumeMounts"):
        if under(item["mountPath"], "/root"):
            message = f"{item['mountPath']} is closed to a user other than root"
            path = ("volumeMounts", index, "mountPath")
            yield Said(path, message, "choose a path outside /root, such as /data")


@rule("non-root-user", "runAsNonRoot needs a user, and not user 0.", source=_KUBERNETES)
def non_root_user(values: Values) -> Iterator[Said]:
    """What the kubelet refuses to start."""
    context = _context(values)
    if not context.get("runAsNonRoot") or values.at("restricted"):
        return
    key = "runAsUser" if context.get("runAsUser") is not None else "runAsNonRoot"
    where = "securityContext" if (values.at("securityContext") or {}).get(key) is not None else "podSecurityContext"
    if context.get("runAsUser") == 0:
        yield Said((where, key), "0 is root, and runAsNonRoot is true", "write 2000, or another user than 0")
    elif context.get("runAsUser") is None and _image(values) == "vllm-openai":
        message = f"true, and the image {values.at('image.repository')} runs as root"
        yield setting((where, key), message, {(where, "runAsUser"): 2000})


@rule(
    "fs-group",
    "A user other than root needs a group to write to a volume.",
    source=_KUBERNETES,
    severity=Severity.WARNING,
)
def fs_group(values: Values) -> Iterator[Said]:
    """A volume that belongs to root, and a user who must write models to it."""
    user = _another_user(values)
    if user and not read_only(values) and _context(values).get("fsGroup") is None:
        message = "a user other than root may not write to the model volume, which belongs to root on most storage"
        yield setting(user, message, {"podSecurityContext.fsGroup": 2000}, on_key=True)


@rule("privilege-escalation", "A privileged container, or CAP_SYS_ADMIN, may escalate.", source=_KUBERNETES)
def privilege_escalation(values: Values) -> Iterator[Said]:
    """What the API server refuses."""
    for place, context in contexts(values):
        if context.get("allowPrivilegeEscalation") is not False:
            continue
        refused = "with allowPrivilegeEscalation false, which Kubernetes refuses"
        if context.get("privileged"):
            yield removal((*place, "privileged"), f"true {refused}", on_key=False)
        for index, name in sound(context.get("capabilities", {}).get("add")):
            if name == "CAP_SYS_ADMIN":
                hint = f"remove it, or set {dotted(place)}.allowPrivilegeEscalation: true"
                yield Said((*place, "capabilities", "add", index), f"{name} {refused}", hint)


def contexts(values: Values) -> Iterator[tuple[Path, Any]]:
    """Yield every container's security context, the server's first."""
    yield ("securityContext",), values.at("securityContext") or {}
    for path, item in containers(values):
        yield (*path, "securityContext"), item.get("securityContext") or {}


@rule(
    "service-account-default",
    "Every namespace has an account default, which helm does not take over.",
    source="https://kubernetes.io/docs/concepts/security/service-accounts/",
)
def service_account_default(values: Values) -> Iterator[Said]:
    """An account that is there already, to be made."""
    if values.at("serviceAccount.create") and values.at("serviceAccount.name") == "default":
        message = "default is there already, and serviceAccount.create would make it"
        yield setting(("serviceAccount", "name"), message, {"serviceAccount.create": False})


@rule(
    "service-account-unused",
    "Annotations are for an account that is made.",
    source="the chart's templates/serviceaccount.yaml",
    severity=Severity.WARNING,
)
def service_account_unused(values: Values) -> Iterator[Said]:
    """Annotations of an account that somebody else makes."""
    if values.at("serviceAccount.annotations") and not values.at("serviceAccount.create"):
        path = ("serviceAccount", "annotations")
        yield removal(path, "has no effect with serviceAccount.create false")


RULES = (
    root_closed,
    non_root_user,
    fs_group,
    privilege_escalation,
    service_account_default,
    service_account_unused,
)
