"""Rules on the user that the server runs as."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modelservice.rules.model import under
from modelservice.rules.values import Said, Values, rule

_KUBERNETES = "https://kubernetes.io/docs/tasks/configure-pod-container/security-context/"


def _context(values: Values) -> dict[str, Any]:
    return {**(values.at("podSecurityContext") or {}), **(values.at("securityContext") or {})}


def non_root(values: Values) -> bool:
    """Say whether the server runs as another user than root, as templates/_env.tpl does."""
    context = _context(values)
    return bool(context.get("runAsNonRoot") or (context.get("runAsUser") or 0) > 0)


def read_only(values: Values) -> bool:
    """Say whether the model volume is mounted read-only, as templates/_env.tpl does."""
    said = values.at("modelVolume.readOnly")
    return bool(values.at("modelVolume.accessModes") == ["ReadOnlyMany"] if said is None else said)


def read_only_root(values: Values) -> bool:
    """Say whether the container's root file system is read-only."""
    return bool((values.at("securityContext") or {}).get("readOnlyRootFilesystem"))


def own_home(values: Values) -> bool:
    """Say whether HOME moves to a volume, as templates/_env.tpl does."""
    return non_root(values) or read_only(values) or read_only_root(values)


@rule("root-closed", "/root is closed to any user but root.", source="the vllm-openai image")
def root_closed(values: Values) -> Iterator[Said]:
    """Models below /root, for a user who cannot enter it."""
    mount = values.at("modelVolume.mountPath")
    if not non_root(values) or not under(mount, "/root"):
        return
    if values.written("modelVolume.mountPath"):
        message = f"{mount} is closed to a user other than root"
        yield Said(("modelVolume", "mountPath"), message, "write /models")
    else:
        part = "podSecurityContext" if values.written("podSecurityContext") else "securityContext"
        message = f"a user other than root cannot enter {mount}, where the models are"
        yield Said((part,), message, "set modelVolume.mountPath: /models", True)


@rule("non-root-user", "runAsNonRoot and user 0 exclude each other.", source=_KUBERNETES)
def non_root_user(values: Values) -> Iterator[Said]:
    """What the kubelet refuses to start."""
    context = _context(values)
    if context.get("runAsNonRoot") and context.get("runAsUser") == 0:
        where = "securityContext" if "runAsUser" in (values.at("securityContext") or {}) else "podSecurityContext"
        yield Said((where, "runAsUser"), "0 is root, and runAsNonRoot is true", "set another user, such as 2000")


@rule("privilege-escalation", "A privileged container may escalate.", source=_KUBERNETES)
def privilege_escalation(values: Values) -> Iterator[Said]:
    """What the API server refuses."""
    context = values.at("securityContext") or {}
    if context.get("privileged") and context.get("allowPrivilegeEscalation") is False:
        message = "true with allowPrivilegeEscalation false, which Kubernetes refuses"
        yield Said(("securityContext", "privileged"), message, "remove it")


RULES = (root_closed, non_root_user, privilege_escalation)
