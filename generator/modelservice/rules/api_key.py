"""Rules on the API key: what is open without one, and what an old vLLM does with several."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from modelservice.findings import Refuser, Severity
from modelservice.rules.image import release_of
from modelservice.rules.protection import is_protected
from modelservice.rules.rule import Said, Values, rule

if TYPE_CHECKING:
    from modelservice.vllm.releases import Release

_KEY = "vLLM's server: the key guards /v1 only"
# vLLM prints its arguments at the start, from this release on without the keys: vllm-project/vllm#52523.
_KEYS_HIDDEN = (0, 32, 0)


def _before(first: tuple[int, int, int], release: Release) -> str:
    """Return the name of a release, or "" if it is the first one or later."""
    name = release.asked or release.name
    return name if tuple(int(part) for part in name.split(".")[:3]) < first else ""


def has_key(values: Values) -> bool:
    """Say whether the server asks for an API key."""
    return bool(values.at("apiKeySecret.name")) or any(
        item["name"] == "VLLM_API_KEY" for _, item in values.items("env")
    )


@rule(
    "api-open",
    "Clients outside the cluster can use the service without an API key.",
    why=(
        "Anyone who can reach the service can use the model and its GPUs. A NodePort or LoadBalancer also opens "
        "routes that need no key, such as /tokenize, /metrics and /invocations, which answers whole chats."
    ),
    source=_KEY,
    severity=Severity.WARNING,
)
def api_open(values: Values) -> Iterator[Said]:
    """Find a way into the service from outside the cluster that needs no API key."""
    for group in ("ingress", "httpRoute"):
        if values.at(f"{group}.enabled") and not has_key(values) and not is_protected(values, group):
            path = (group, "enabled")
            yield Said(path, "anyone who can reach it can use the model", "set apiKeySecret.name: llm-api-keys")
    kind = values.at("service.type")
    if kind != "ClusterIP":
        message = f"{kind} opens every route, and the API key guards those under /v1 only"
        yield Said(("service", "type"), message, "use ingress or httpRoute, which forward /v1 alone")


@rule(
    "api-keys-logged",
    "Several API keys are set, and vLLM before 0.32.0 prints them in its log.",
    why=(
        "They reach vLLM as arguments, which it prints when it starts. Anyone who can read the pod's log can then "
        "use the model."
    ),
    source="vllm-project/vllm#52523",
    refused_by=Refuser.CHART,
)
def api_keys_logged(values: Values) -> Iterator[Said]:
    """Find several API keys with a release that prints its arguments in full."""
    if len(values.at("apiKeySecret.keys")) < 2 or not values.at("apiKeySecret.name"):
        return
    if release := _before(_KEYS_HIDDEN, release_of(values)):
        message = f"several are arguments, and vLLM {release} prints those in its log"
        yield Said(("apiKeySecret", "keys"), message, "keep one of them, or use vLLM 0.32.0 or later", True)


# Before it, the path that vLLM checks comes from a URL that Starlette builds from the Host header: CVE-2026-48746.
# Releases up to 0.23.0 allow such a Starlette too (CVE-2026-48710), but check the path of the request itself.
_HOST_IGNORED = (0, 22, 0)


def _bypassed(values: Values) -> str:
    """Return the vLLM release whose key a Host header bypasses, or "" if none is known to, or there is no key."""
    if not has_key(values):
        return ""
    from modelservice.vllm.releases import Exactness, release_for

    # A tag may count something else, such as the releases of LMCache.
    stated = values.at("vllmVersion") or "vllm" in f"{values.at('image.repository')}:{values.at('image.tag')}"
    release = release_for(values.at("image.tag"), values.at("vllmVersion"))
    return _before(_HOST_IGNORED, release) if stated and release.exactness is not Exactness.OLDER else ""


@rule(
    "api-key-bypass",
    "A Host header bypasses the API key of a vLLM before 0.22.0 behind an Ingress.",
    source="CVE-2026-48746",
    why=(
        "These releases check the path of a URL that contains the Host header. A request with the header "
        "`Host: llm.example.com:80?x` gets an answer without the key where the controller forwards it, as nginx before "
        "1.29.4 does."
    ),
    refused_by=Refuser.CHART,
)
def api_key_bypass(values: Values) -> Iterator[Said]:
    """Find an Ingress to a release whose API key can be bypassed."""
    release = _bypassed(values)
    if values.at("ingress.enabled") and release:
        message = f"anyone can bypass the API key of vLLM {release} with a Host header"
        yield Said(("ingress", "enabled"), message, "use vLLM 0.22.0 or later", True)


@rule(
    "api-key-bypass-route",
    "A Host header may bypass the API key of a vLLM before 0.22.0 behind an HTTPRoute.",
    source="CVE-2026-48746",
    why=(
        "The gateway decides which Host headers it forwards: Envoy refuses such a header, and nginx before 1.29.4 does "
        "not. `modelservice smoke` tries it."
    ),
    severity=Severity.WARNING,
)
def api_key_bypass_route(values: Values) -> Iterator[Said]:
    """Find an HTTPRoute to a release whose API key may be bypassed."""
    release = _bypassed(values)
    if values.at("httpRoute.enabled") and release:
        message = f"a Host header may bypass the API key of vLLM {release}"
        yield Said(("httpRoute", "enabled"), message, "use vLLM 0.22.0 or later", True)


RULES = (api_open, api_keys_logged, api_key_bypass, api_key_bypass_route)
