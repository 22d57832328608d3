"""What the `restricted` Pod Security profile refuses, field by field.

The profile's controls: https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modelservice.findings import Path
from modelservice.rules.values import Said, Values, rule

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
_WITH = "the restricted profile refuses it"


@rule("restricted-profile", "With `restricted`, nothing stands there that the profile refuses.", source=_PROFILE)
def restricted_profile(values: Values) -> Iterator[Said]:
    """Settings that a namespace with the restricted profile would refuse."""
    if not values.at("restricted"):
        return
    pod, container = values.at("podSecurityContext") or {}, values.at("securityContext") or {}
    yield from _context(("podSecurityContext",), pod)
    yield from _context(("securityContext",), container)
    yield from _container(("securityContext",), container)
    for key in ("initContainers", "extraContainers"):
        for index, item in values.items(key):
            context, path = item.get("securityContext") or {}, (key, index, "securityContext")
            yield from _context(path, context)
            yield from _container(path, context)
    for index, sysctl in enumerate(pod.get("sysctls") or ()):
        if sysctl["name"] not in _SYSCTLS:
            yield Said(("podSecurityContext", "sysctls", index), f"{sysctl['name']}: {_WITH}", "remove it")
    yield from _volumes_and_probes(values)


def _volumes_and_probes(values: Values) -> Iterator[Said]:
    for index, volume in values.items("volumes"):
        for kind in volume.keys() - _VOLUMES - {"name"}:
            yield Said(("volumes", index, kind), _WITH, "use another kind of volume", True)
    for name in ("startup", "readiness", "liveness"):
        for handler in ("httpGet", "tcpSocket"):
            if ((values.at(f"probes.{name}") or {}).get(handler) or {}).get("host"):
                yield Said(("probes", name, handler, "host"), _WITH, "remove it", True)


def _context(path: Path, context: Mapping[str, Any]) -> Iterator[Said]:
    """Yield what neither a pod's nor a container's context may hold."""
    if context.get("runAsNonRoot") is False:
        yield Said((*path, "runAsNonRoot"), f"false: {_WITH}", "remove it", True)
    if context.get("runAsUser") == 0:
        yield Said((*path, "runAsUser"), f"0: {_WITH}", "remove it", True)
    for key in ("seccompProfile", "appArmorProfile"):
        if (context.get(key) or {}).get("type") == "Unconfined":
            yield Said((*path, key, "type"), f"Unconfined: {_WITH}", "write RuntimeDefault")
    for key, value in (context.get("seLinuxOptions") or {}).items():
        if value and (key in ("user", "role") or (key == "type" and value not in _SELINUX_TYPES)):
            yield Said((*path, "seLinuxOptions", key), _WITH, "remove it", True)


def _container(path: Path, context: Mapping[str, Any]) -> Iterator[Said]:
    """Yield what a container's context must hold, and may not."""
    if context.get("privileged"):
        yield Said((*path, "privileged"), f"true: {_WITH}", "remove it", True)
    if context.get("allowPrivilegeEscalation") is not False:
        message = "the restricted profile wants it to be false"
        yield Said((*path, "allowPrivilegeEscalation"), message, "write allowPrivilegeEscalation: false", True)
    capabilities = context.get("capabilities") or {}
    if "ALL" not in (capabilities.get("drop") or ()):
        message = "the restricted profile wants ALL in it"
        yield Said((*path, "capabilities", "drop"), message, "write drop: [ALL]", True)
    for index, name in enumerate(capabilities.get("add") or ()):
        if name != "NET_BIND_SERVICE":
            yield Said((*path, "capabilities", "add", index), f"{name}: {_WITH}", "remove it")
    if context.get("procMount") == "Unmasked":
        yield Said((*path, "procMount"), f"Unmasked: {_WITH}", "remove it", True)


RULES = (restricted_profile,)
