"""Rules on the API key: routes without one, keys in the log, and ways to bypass the key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from modelservice.findings import Refuser, Severity
from modelservice.rules.image import release_of
from modelservice.rules.protection import is_protected
from modelservice.rules.rule import Said, Values, rule

if TYPE_CHECKING:
    from modelservice.vllm.releases import Release

_KEY = "vLLM's server: the key guards only /v1"
# The first release that hides the keys when it prints its arguments: vllm-project/vllm#52523.
_KEYS_HIDDEN = (0, 32, 0)


def _before(first: tuple[int, int, int], release: Release) -> str:
    """Return the name of a release that is older than `first`, or "" for any other."""
    name = release.asked or release.name
    return name if tuple(int(part) for part in name.split(".")[:3]) < first else ""


def has_key(values: Values) -> bool:
    """Return whether the server requires an API key."""
    return bool(values.at("apiKeySecret.name")) or any(
        item["name"] == "VLLM_API_KEY" for _, item in values.items("env")
    )


@rule(
    "api-open",
    "Clients outside the cluster can use the service without an API key.",
    why=(
        "Anyone who can reach the service can use the model and its GPUs. A NodePort or LoadBalancer also exposes "
        "routes that need no key, such as /tokenize, /metrics and /invocations, which answers chat requests."
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
        message = f"{kind} exposes every route, but the API key guards only those under /v1"
        hint = "use ingress or httpRoute, which forward only /v1"
        if not has_key(values) and not values.at("envFrom"):
            message = f"{kind} exposes every route, no API key is set, and anyone who can reach it can use the model"
            hint = "set apiKeySecret.name, and use ingress or httpRoute, which forward only /v1"
        yield Said(("service", "type"), message, hint)


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
        message = f"several keys are passed as arguments, which vLLM {release} prints in its log"
        yield Said(("apiKeySecret", "keys"), message, "keep one key, or use vLLM 0.32.0 or later", True)


# Earlier releases check the path of a URL that Starlette builds from the Host header: CVE-2026-48746.
# Releases up to 0.23.0 allow such a Starlette too (CVE-2026-48710), but check the path of the request itself.
_HOST_IGNORED = (0, 22, 0)


def _bypassed(values: Values) -> str:
    """Return the vLLM release if a Host header is known to bypass its API key, or "" if not or if there is no key."""
    if not has_key(values):
        return ""
    from modelservice.vllm.releases import Exactness, release_for

    # A tag may be the release of something else, such as LMCache.
    stated = values.at("vllmVersion") or "vllm" in f"{values.at('image.repository')}:{values.at('image.tag')}"
    release = release_for(values.at("image.tag"), values.at("vllmVersion"))
    return _before(_HOST_IGNORED, release) if stated and release.exactness is not Exactness.OLDER else ""


@rule(
    "api-key-bypass",
    "Behind an Ingress, a Host header bypasses the API key of vLLM before 0.22.0.",
    source="CVE-2026-48746",
    why=(
        "These releases check the path of a URL that contains the Host header. A request with the header "
        "`Host: llm.example.com:80?x` gets an answer without the key if the controller forwards it, as nginx before "
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
    "Behind an HTTPRoute, a Host header may bypass the API key of vLLM before 0.22.0.",
    source="CVE-2026-48746",
    why=(
        "The gateway decides which Host headers it forwards: Envoy refuses such a header, but nginx before 1.29.4 does "
        "not. `modelservice smoke` tests it."
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
