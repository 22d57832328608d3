"""Rules on the user and the account that the server runs as."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modelservice.findings import Path, Refuser, Severity, dotted
from modelservice.rules.containers import containers
from modelservice.rules.model import model_mount, under
from modelservice.rules.rule import Said, Values, once, removal, rule, setting, sound, writing
from modelservice.rules.storage import model_volume, read_only

_UNPRIVILEGED = 1024
_IMAGES = "the images vllm-openai and vllm-openai-nonroot"
_KUBERNETES = "https://kubernetes.io/docs/tasks/configure-pod-container/security-context/"


def _context(values: Values) -> dict[str, Any]:
    restricted = {"runAsNonRoot": True, "runAsUser": 2000, "fsGroup": 2000} if values.at("restricted") else {}
    return {**restricted, **(values.at("podSecurityContext") or {}), **(values.at("securityContext") or {})}


def non_root(values: Values) -> bool:
    """Return whether the server runs as a user other than root, as templates/_security.tpl does."""
    context = _context(values)
    return bool(context.get("runAsNonRoot") or (context.get("runAsUser") or 0) > 0 or id_left_out(values))


def id_left_out(values: Values) -> bool:
    """Return whether `""`, or null, leaves the user's id to the namespace, as on OpenShift."""
    written = (values.given.get(key) for key in ("securityContext", "podSecurityContext"))
    ids = [context["runAsUser"] for context in written if isinstance(context, dict) and "runAsUser" in context]
    return ids[:1] in ([""], [None])


def read_only_root(values: Values) -> bool:
    """Return whether the container's root file system is read-only."""
    return bool((values.at("securityContext") or {}).get("readOnlyRootFilesystem", values.at("restricted")))


@once
def own_home(values: Values) -> bool:
    """Return whether HOME moves to a volume, as templates/_env.tpl does."""
    return non_root(values) or read_only(values) or read_only_root(values)


def _image(values: Values) -> str:
    return str(values.at("image.repository")).rsplit("/", 1)[-1]


def _another_user(values: Values) -> Path | None:
    """Return the key that makes the server run as a user other than root, or None if it runs as root."""
    if values.at("restricted"):
        return ("restricted",)
    if non_root(values):
        return ("podSecurityContext",) if values.written("podSecurityContext") else ("securityContext",)
    if _image(values) == "vllm-openai-nonroot" and _context(values).get("runAsUser") is None:
        return ("image", "repository")
    return None


@rule(
    "root-closed",
    "A volume is mounted below /root, which only root can enter.",
    why="The server runs as another user. It fails with `Permission denied` when it opens the models.",
    source=_IMAGES,
    refused_by=Refuser.CHART,
)
def root_closed(values: Values) -> Iterator[Said]:
    """Find models or files below /root for a user who cannot enter it."""
    user = _another_user(values)
    if user is None:
        return
    mount = model_mount(values)
    if not model_volume(values):
        mount = ""
    if under(mount, "/root") and not values.written("modelVolume.mountPath"):
        message = f"a user other than root cannot enter {mount}, where the models are"
        yield setting(user, message, {"modelVolume.mountPath": "/models"}, on_key=True)
    elif under(mount, "/root"):
        yield writing(
            ("modelVolume", "mountPath"), f"only root can enter {mount}, but the server runs as another user", "/models"
        )
    for index, item in values.items("volumeMounts"):
        if under(item["mountPath"], "/root"):
            message = f"only root can enter {item['mountPath']}, but the server runs as another user"
            path = ("volumeMounts", index, "mountPath")
            yield Said(path, message, "choose a path outside /root, such as /data")


@rule(
    "non-root-user",
    "`runAsNonRoot` is true, but `runAsUser` is root.",
    why="The kubelet does not start the container. The pod stays in CreateContainerConfigError.",
    source=_KUBERNETES,
    refused_by=Refuser.KUBELET,
)
def non_root_user(values: Values) -> Iterator[Said]:
    """Find a container that the kubelet does not start, because it would run as root."""
    context = _context(values)
    if context.get("runAsNonRoot") and context.get("runAsUser") == 0 and not values.at("restricted"):
        path = (_where(values, "runAsUser"), "runAsUser")
        yield Said(path, "0 is root, but runAsNonRoot is true", "write 2000, or a user other than 0")


@rule(
    "non-root-image",
    "`runAsNonRoot` is true, but no user is set and the image runs as root.",
    why=(
        "The kubelet does not start the container, unless the namespace sets the pod's user. OpenShift does so; other "
        "clusters do not."
    ),
    source=_IMAGES,
    refused_by=Refuser.KUBELET,
    severity=Severity.WARNING,
)
def non_root_image(values: Values) -> Iterator[Said]:
    """Find an image that runs as root without another user, if nothing shows that the namespace sets one."""
    context = _context(values)
    if context.get("runAsNonRoot") and context.get("runAsUser") is None and _image(values) == "vllm-openai":
        where = _where(values, "runAsNonRoot")
        if not values.at("restricted") and not id_left_out(values):
            message = f"true, but the image {values.at('image.repository')} runs as root"
            hint = (
                f'set {where}.runAsUser: "" if the namespace sets the user, as on OpenShift, or to a user other than 0'
            )
            yield Said((where, "runAsNonRoot"), message, hint)


def _where(values: Values, key: str) -> str:
    return "securityContext" if (values.at("securityContext") or {}).get(key) is not None else "podSecurityContext"


@rule(
    "fs-group",
    "The server does not run as root and may not be able to write to the model volume.",
    why="A new volume belongs to root on most storage. The download then fails with `Permission denied`.",
    source=_KUBERNETES,
    severity=Severity.WARNING,
)
def fs_group(values: Values) -> Iterator[Said]:
    """Find a user other than root without a group that can write to the model volume."""
    user, context = _another_user(values), _context(values)
    written = model_volume(values) and not read_only(values)
    if user and written and "fsGroup" not in context and context.get("runAsUser") is not None:
        message = "a user other than root may be unable to write to the model volume, which usually belongs to root"
        yield setting(user, message, {"podSecurityContext.fsGroup": 2000}, on_key=True)


@rule(
    "privilege-escalation",
    "A container has privileges that `allowPrivilegeEscalation: false` rules out.",
    why="The API server refuses the workload, and the installation or upgrade fails.",
    source=_KUBERNETES,
    refused_by=Refuser.API_SERVER,
)
def privilege_escalation(values: Values) -> Iterator[Said]:
    """Find a privileged container, or CAP_SYS_ADMIN, without privilege escalation."""
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
    "privileged-port",
    "The server may not be able to open a port below 1024.",
    why=(
        "Linux keeps these ports for root with NET_BIND_SERVICE. Some container runtimes open them to every user. "
        "Others do not, and vLLM exits with `Permission denied`."
    ),
    source="https://man7.org/linux/man-pages/man7/capabilities.7.html",
    severity=Severity.WARNING,
)
def privileged_port(values: Values) -> Iterator[Said]:
    """Find a port below 1024 for a user other than root, or for root without the capability."""
    port, capabilities = values.at("containerPort"), values.at("securityContext.capabilities") or {}
    sysctls = values.items("podSecurityContext.sysctls")
    if port >= _UNPRIVILEGED or any(item["name"] == "net.ipv4.ip_unprivileged_port_start" for _, item in sysctls):
        return
    names = {
        name.removeprefix("CAP_") for name in (*capabilities.get("add", ()), *capabilities.get("drop", ())) if name
    }
    lacks = "add" in capabilities and "NET_BIND_SERVICE" not in names and "ALL" in names
    if _another_user(values) or lacks:
        message = f"{port} needs root with NET_BIND_SERVICE, unless the container runtime allows such ports"
        settings = (
            {"containerPort": 8000, "service.port": port}
            if not values.written("service.port")
            else {"containerPort": 8000}
        )
        yield setting(("containerPort",), message, settings)


@rule(
    "service-account-default",
    "The chart would create the service account `default`, which exists already.",
    why=(
        "Every namespace has this account. Helm does not take over an object that it did not create, and the "
        "installation fails."
    ),
    source="https://kubernetes.io/docs/concepts/security/service-accounts/",
    refused_by=Refuser.API_SERVER,
)
def service_account_default(values: Values) -> Iterator[Said]:
    """Find a new service account called default."""
    if values.at("serviceAccount.create") and values.at("serviceAccount.name") == "default":
        message = "default already exists, and serviceAccount.create would create it"
        yield setting(("serviceAccount", "name"), message, {"serviceAccount.create": False})


@rule(
    "service-account-unused",
    "Annotations of the service account are ignored because the chart does not create it.",
    why=(
        "The pods use an account with other annotations. A cloud role that is named here, for example, is not "
        "assigned to them."
    ),
    source="the chart's templates/serviceaccount.yaml",
    severity=Severity.WARNING,
)
def service_account_unused(values: Values) -> Iterator[Said]:
    """Find annotations of a service account that the chart does not create."""
    if values.at("serviceAccount.annotations") and not values.at("serviceAccount.create"):
        path = ("serviceAccount", "annotations")
        yield removal(path, "has no effect with serviceAccount.create false")


RULES = (
    root_closed,
    non_root_user,
    non_root_image,
    fs_group,
    privilege_escalation,
    privileged_port,
    service_account_default,
    service_account_unused,
)
