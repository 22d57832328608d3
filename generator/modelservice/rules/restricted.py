"""Check values against the `restricted` Pod Security profile, field by field.

The profile's controls: https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modelservice.findings import Path, Refuser
from modelservice.rules.containers import containers
from modelservice.rules.rule import Said, Values, listed, put, removal, rule, sound, writing
from modelservice.rules.security import contexts

_PROFILE = "https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted"
_VOLUMES = frozenset(
    (
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "image",
        "persistentVolumeClaim",
        "projected",
        "secret",
    )
)
_SELINUX_TYPES = ("", "container_t", "container_init_t", "container_kvm_t", "container_engine_t")
_SYSCTLS = frozenset(
    (
        "kernel.shm_rmid_forced",
        *(
            f"net.ipv4.{name}"
            for name in (
                "ip_local_port_range",
                "ip_unprivileged_port_start",
                "tcp_syncookies",
                "ping_group_range",
                "ip_local_reserved_ports",
                "tcp_keepalive_time",
                "tcp_keepalive_intvl",
                "tcp_keepalive_probes",
                "tcp_fin_timeout",
                "tcp_rmem",
                "tcp_wmem",
            )
        ),
    )
)
_APPARMOR = "container.apparmor.security.beta.kubernetes.io/"
_WITH = "is not allowed by the restricted profile"


@rule(
    "restricted-profile",
    "A setting is not allowed by the restricted Pod Security profile.",
    why=(
        "A namespace that enforces the profile refuses the pods. The Deployment or StatefulSet is created, but it "
        "gets no pods."
    ),
    source=_PROFILE,
    refused_by=Refuser.CHART,
)
def restricted_profile(values: Values) -> Iterator[Said]:
    """Find settings that a namespace with the restricted profile refuses."""
    if not values.at("restricted"):
        return
    pod = values.at("podSecurityContext") or {}
    written = values.given.get("podSecurityContext")
    yield from _pod(pod, written if isinstance(written, Mapping) else {})
    yield from _context(("podSecurityContext",), pod)
    for path, context in contexts(values):
        yield from _context(path, context)
        yield from _container(path, context)
    for path, item in containers(values):
        yield from _ports_and_handlers(path, item)
    for index, sysctl in sound(pod.get("sysctls")):
        if sysctl["name"] not in _SYSCTLS:
            yield removal(("podSecurityContext", "sysctls", index), f"{sysctl['name']} {_WITH}", on_key=False)
    for key, profile in (values.at("podAnnotations") or {}).items():
        if key.startswith(_APPARMOR) and not (profile in ("", "runtime/default") or profile.startswith("localhost/")):
            yield removal(("podAnnotations", key), f"{profile} {_WITH}")
    for key in ("hostIPC", "hostNetwork", "hostPID"):
        if values.at(f"podSpec.{key}"):
            yield removal(("podSpec", key), _WITH)
    yield from _volumes_and_probes(values)


def _volumes_and_probes(values: Values) -> Iterator[Said]:
    volumes: list[tuple[Path, Any]] = [(("volumes", index), volume) for index, volume in values.items("volumes")]
    for path, volume in [*volumes, (("modelVolume", "volume"), values.at("modelVolume.volume") or {})]:
        for kind in volume.keys() - _VOLUMES - {"name"}:
            yield Said((*path, kind), _WITH, "use another kind of volume", True)
    for name in ("startup", "readiness", "liveness"):
        yield from _handler(("probes", name), values.at(f"probes.{name}"))
    for name, hook in (values.at("lifecycle") or {}).items():
        yield from _handler(("lifecycle", name), hook)


def _ports_and_handlers(path: Path, container: Mapping[str, Any]) -> Iterator[Said]:
    """Yield the host ports, and the hosts of handlers, that leave the pod's own network."""
    for index, port in sound(container.get("ports")):
        if port.get("hostPort"):
            yield removal((*path, "ports", index, "hostPort"), _WITH)
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        yield from _handler((*path, name), container.get(name))
    for name, hook in (container.get("lifecycle") or {}).items():
        yield from _handler((*path, "lifecycle", name), hook)


def _handler(path: Path, asked: Any) -> Iterator[Said]:
    for handler in ("httpGet", "tcpSocket"):
        if isinstance(asked, Mapping) and (asked.get(handler) or {}).get("host"):
            yield removal((*path, handler, "host"), _WITH)


def _pod(context: Mapping[str, Any], given: Mapping[str, Any]) -> Iterator[Said]:
    """Yield the fields that a null removes from the pod's context although the profile requires them."""
    if "runAsNonRoot" in given and given["runAsNonRoot"] in (None, ""):
        path = ("podSecurityContext", "runAsNonRoot")
        yield removal(path, "null leaves it out, but the restricted profile requires it to be true")
    if not context.get("seccompProfile"):
        path = ("podSecurityContext", "seccompProfile")
        yield removal(path, "null leaves it out, but the restricted profile requires one")


def _context(path: Path, context: Mapping[str, Any]) -> Iterator[Said]:
    """Yield the settings that are not allowed in a pod's or a container's context."""
    if context.get("runAsNonRoot") is False:
        yield removal((*path, "runAsNonRoot"), f"false {_WITH}")
    if context.get("runAsUser") == 0:
        yield removal((*path, "runAsUser"), f"0 {_WITH}")
    for key in ("seccompProfile", "appArmorProfile"):
        if (context.get(key) or {}).get("type") == "Unconfined":
            yield writing((*path, key, "type"), f"Unconfined {_WITH}", "RuntimeDefault")
    for key, value in (context.get("seLinuxOptions") or {}).items():
        if value and (key in ("user", "role") or (key == "type" and value not in _SELINUX_TYPES)):
            yield removal((*path, "seLinuxOptions", key), _WITH)


def _container(path: Path, context: Mapping[str, Any]) -> Iterator[Said]:
    """Yield the settings that a container's context lacks, and those that are not allowed in it."""
    if context.get("privileged"):
        yield removal((*path, "privileged"), f"true {_WITH}")
    if context.get("allowPrivilegeEscalation") is not False:
        yield _wanted((*path, "allowPrivilegeEscalation"), "it to be false", value=False)
    capabilities = context.get("capabilities") or {}
    if "ALL" not in (capabilities.get("drop") or ()):
        yield _wanted((*path, "capabilities", "drop"), "ALL in it", value=["ALL"])
    for index, name in sound(capabilities.get("add")):
        if name != "NET_BIND_SERVICE":
            yield removal((*path, "capabilities", "add", index), f"{name} {_WITH}", on_key=False)


def _wanted(path: Path, what: str, *, value: Any) -> Said:
    hint = f"write {listed({str(path[-1]): value})}"
    return Said(path, f"the restricted profile requires {what}", hint, True, put({path: value}))


RULES = (restricted_profile,)
