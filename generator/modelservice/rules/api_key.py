"""Rules on the API key: what is open without one, and what an old vLLM does with several."""

from __future__ import annotations

from collections.abc import Iterator

from modelservice.findings import Severity
from modelservice.rules.rule import Said, Values, rule

_KEY = "vLLM's server: the key guards /v1 only"
# vLLM prints its arguments at the start, from this release on without the keys: vllm-project/vllm#52523.
_KEYS_HIDDEN = (0, 32, 0)


def has_key(values: Values) -> bool:
    """Say whether the server asks for an API key."""
    return bool(values.at("apiKeySecret.name")) or any(
        item["name"] == "VLLM_API_KEY" for _, item in values.items("env")
    )


@rule("api-open", "What leaves the cluster asks for an API key.", source=_KEY, severity=Severity.WARNING)
def api_open(values: Values) -> Iterator[Said]:
    """A way from outside, and no key, or more than the routes that the key guards."""
    ways = [("ingress", "enabled"), ("httpRoute", "enabled")]
    for path in ways:
        if values.at(".".join(path)) and not has_key(values):
            yield Said(path, "anybody who reaches it may use the model", "set apiKeySecret.name: llm-api-keys")
    kind = values.at("service.type")
    if kind != "ClusterIP":
        message = f"{kind} opens every route, and the API key guards those under /v1 only"
        yield Said(("service", "type"), message, "use ingress or httpRoute, which forward /v1 alone")


@rule(
    "api-keys-logged",
    "Before vLLM 0.32.0 several API keys stand in the server's log.",
    source="vllm-project/vllm#52523",
)
def api_keys_logged(values: Values) -> Iterator[Said]:
    """Several keys, which reach vLLM as arguments, and a release that prints those."""
    if len(values.at("apiKeySecret.keys")) < 2 or not values.at("apiKeySecret.name"):
        return
    from modelservice.vllm.releases import release_for

    release = release_for(values.at("image.tag"), values.at("vllmVersion"))
    if tuple(int(part) for part in (release.asked or release.name).split(".")[:3]) < _KEYS_HIDDEN:
        message = f"several are arguments, and vLLM {release.asked or release.name} prints those in its log"
        yield Said(("apiKeySecret", "keys"), message, "keep one of them, or use vLLM 0.32.0 or later", True)


RULES = (api_open, api_keys_logged)
