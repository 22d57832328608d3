"""Rules on volumes and where they are mounted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modelservice.findings import Path, Refuser, Severity, dotted
from modelservice.rules.containers import containers
from modelservice.rules.model import model_mount, under
from modelservice.rules.rule import Said, Values, asking, once, removal, rule, sound, writing
from modelservice.rules.security import contexts, own_home, read_only_root
from modelservice.rules.storage import compile_cache_of, model_volume

_KUBERNETES = "https://kubernetes.io/docs/concepts/storage/volumes/"
HOME = "/home/modelservice"
# Volumes that the sidecar of GKE's Cloud Storage FUSE driver mounts.
_FUSE = ("gke-gcsfuse-cache", "gke-gcsfuse-tmp", "gke-gcsfuse-buffer")


@rule(
    "volume-name",
    "Two volumes of the pod have the same name.",
    why="The API server refuses the workload, and the installation or upgrade fails.",
    source=_KUBERNETES,
    refused_by=Refuser.API_SERVER,
)
def volume_name(values: Values) -> Iterator[Said]:
    """Find a volume with the name of another one, or of one of the chart's."""
    seen: dict[str, int] = {}
    own = _own_names(values)
    for index, volume in values.items("volumes"):
        name = volume["name"]
        if name in own:
            yield writing(
                ("volumes", index, "name"), f"{name} is already the name of a volume of the chart", f"{name}-2"
            )
        elif name in seen:
            yield Said(
                ("volumes", index, "name"),
                f"{name} is already the name of volumes[{seen[name]}]",
                "choose another name",
            )
        seen.setdefault(name, index)


@rule(
    "volume-not-mounted",
    "A volume is not mounted in any container.",
    why="The server does not see the volume's files, such as adapters or certificates.",
    source=_KUBERNETES,
    severity=Severity.WARNING,
)
def volume_not_mounted(values: Values) -> Iterator[Said]:
    """Find a volume that no container mounts; a mount with a wrong name is more likely the mistake."""
    mounted = {mount["name"] for _, mount in _mounts(values)}
    places = ("volumeMounts", "initContainers", "extraContainers")
    if any(None in (values.at(key) or ()) for key in places) or _unknown_mounts(values):
        return
    injected = _FUSE if (values.at("podAnnotations") or {}).get("gke-gcsfuse/volumes") == "true" else ()
    for index, volume in values.items("volumes"):
        if volume["name"] not in (*mounted, *injected):
            hint = f"add name: {volume['name']} with its mountPath to volumeMounts, or remove the volume"
            yield Said(("volumes", index, "name"), f"{volume['name']} is not mounted anywhere", hint)


@rule(
    "mount-without-volume",
    "A mount names a volume that does not exist.",
    why="The API server refuses the workload, and the installation or upgrade fails.",
    source=_KUBERNETES,
    refused_by=Refuser.API_SERVER,
)
def mount_without_volume(values: Values) -> Iterator[Said]:
    """Find a mount without its volume."""
    for path, name in _unknown_mounts(values):
        from modelservice.spelling import nearest

        near = nearest(name, [volume["name"] for _, volume in values.items("volumes")])
        message = f"no volume is called {name}"
        yield asking((*path, "name"), message, near, "add it to volumes, or correct the name")


def _unknown_mounts(values: Values) -> list[tuple[Path, str]]:
    if None in (values.at("volumes") or ()):
        return []
    names = {*_own_names(values), *(volume["name"] for _, volume in values.items("volumes"))}
    return [(path, mount["name"]) for path, mount in _mounts(values) if mount["name"] not in names]


def _mounts(values: Values) -> Iterator[tuple[Path, Any]]:
    """Yield every mount that the user wrote, of the server and of other containers, as folder or as device."""
    for index, mount in values.items("volumeMounts"):
        yield ("volumeMounts", index), mount
    for path, item in containers(values):
        for key in ("volumeMounts", "volumeDevices"):
            for index, mount in sound(item.get(key)):
                yield (*path, key, index), mount


@once
def _own_names(values: Values) -> list[str]:
    own = ["model-dir"] if model_volume(values) else []
    return [*own, *(name for name, _ in _own_mounts(values))]


@once
def _own_mounts(values: Values) -> list[tuple[str, str]]:
    mounts = [
        ("dshm", "/dev/shm", values.at("sharedMemory.enabled")),  # noqa: S108
        ("modelservice-home", HOME, own_home(values)),
        ("modelservice-tmp", "/tmp", read_only_root(values)),  # noqa: S108
        ("modelservice-compile-cache", "/var/cache/modelservice", compile_cache_of(values) == "own"),
        ("modelservice-chat-template", "/etc/modelservice/chat-template", values.at("model.chatTemplate")),
        ("modelservice-tls", "/etc/modelservice/tls", values.at("tls.secretName")),
        ("modelservice-ca", "/etc/modelservice/ca", values.at("caBundle.configMap") or values.at("caBundle.secret")),
    ]
    return [(name, path) for name, path, there in mounts if there]


def mounted_folders(values: Values) -> list[str]:
    """Return the mount paths of the server's volumes: the model volume, the user's and the chart's."""
    mine = [mount["mountPath"] for _, mount in values.items("volumeMounts")]
    return [model_mount(values), *mine, *(path for _, path in _own_mounts(values))]


@rule(
    "mount-path",
    "A path is mounted twice in one container.",
    why="The API server refuses the workload, and the installation or upgrade fails.",
    source=_KUBERNETES,
    refused_by=Refuser.API_SERVER,
)
def mount_path(values: Values) -> Iterator[Said]:
    """Find two mounts at one path."""
    seen = {path: f"the chart's volume {name}" for name, path in _own_mounts(values)}
    model = model_mount(values).rstrip("/")
    if model_volume(values) and model in seen:
        yield Said(
            ("modelVolume", "mountPath"),
            f"{model} is already used by {seen[model]}",
            "choose another path, such as /models",
        )
    if model_volume(values):
        seen[model] = "the model volume"
    yield from _taken(("volumeMounts",), "mountPath", values.at("volumeMounts"), seen)
    for place, item in containers(values):
        seen = {}
        yield from _taken((*place, "volumeDevices"), "devicePath", item.get("volumeDevices"), seen)
        yield from _taken((*place, "volumeMounts"), "mountPath", item.get("volumeMounts"), seen)


def _taken(place: Path, key: str, mounts: Any, seen: dict[str, str]) -> Iterator[Said]:
    for index, mount in sound(mounts):
        path = mount[key].rstrip("/")
        if path in seen:
            hint = "choose another path"
            if path == "/dev/shm" and len(place) == 1:  # noqa: S108  a mount path
                hint = "mount nothing there, and set sharedMemory.sizeLimit instead"
            yield Said((*place, index, key), f"{path} is already used by {seen[path]}", hint)
        seen.setdefault(path, dotted((*place, index)))


@rule(
    "mount-settings",
    "A mount's settings are not allowed together.",
    why=(
        "`recursiveReadOnly` needs `readOnly` and no propagation, and `Bidirectional` needs a privileged "
        "container. The API server refuses the workload, and the installation or upgrade fails."
    ),
    source=_KUBERNETES,
    refused_by=Refuser.API_SERVER,
)
def mount_settings(values: Values) -> Iterator[Said]:
    """Find recursiveReadOnly and mountPropagation without what they need."""
    privileged = {place[:-1]: context.get("privileged") for place, context in contexts(values)}
    for path, mount in _mounts(values):
        way, spread = mount.get("recursiveReadOnly", "Disabled"), mount.get("mountPropagation", "None")
        if way != "Disabled" and not mount.get("readOnly"):
            yield Said((*path, "recursiveReadOnly"), f"{way} needs readOnly", "remove it, or make the mount readOnly")
        elif way != "Disabled" and spread != "None":
            yield removal(
                (*path, "mountPropagation"), f"{spread} is not allowed with recursiveReadOnly {way}", on_key=False
            )
        if spread == "Bidirectional" and not privileged[path[:-2]]:
            message = "Bidirectional needs a privileged container"
            yield writing((*path, "mountPropagation"), message, "HostToContainer")


@rule(
    "mount-inside-home",
    "A volume is mounted inside the chart's HOME.",
    why=(
        "The container runtime creates the folders above a mount, and they belong to root. The server, which "
        "usually is not root, cannot create its caches there."
    ),
    source="container runtimes create parent folders as root",
    refused_by=Refuser.CHART,
)
def mount_inside_home(values: Values) -> Iterator[Said]:
    """Find a mount inside HOME, because of which the server cannot create its caches there."""
    if not own_home(values):
        return
    own: list[tuple[Path, str]] = [(("modelVolume", "mountPath"), model_mount(values))]
    places = own if model_volume(values) else []
    places += [(("volumeMounts", i, "mountPath"), mount["mountPath"]) for i, mount in values.items("volumeMounts")]
    for path, folder in places:
        if under(folder, HOME) and folder.rstrip("/") != HOME:
            message = f"is inside {HOME}, and the folders between them would belong to root"
            yield Said(path, message, "choose a path elsewhere, such as /models")


RULES = (volume_name, volume_not_mounted, mount_without_volume, mount_path, mount_settings, mount_inside_home)
