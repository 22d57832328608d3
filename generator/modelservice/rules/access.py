"""Rules on how a service is reached from outside of the cluster, and on its API key."""

from __future__ import annotations

from collections.abc import Iterator

from modelservice.findings import Severity
from modelservice.rules.values import Said, Values, rule

_CHART = "the chart's templates/ingress.yaml and httproute.yaml"
_KEY = "vLLM's server: the key guards /v1 only"
# vLLM prints its arguments at the start, from this release on without the keys: vllm-project/vllm#52523.
_KEYS_HIDDEN = (0, 32, 0)

# What tells two gateways of a route apart, with the Gateway API's defaults.
_PARENT = {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "", "namespace": ""}


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


@rule("route-incomplete", "An Ingress has hosts, and an HTTPRoute gateways.", source=_CHART)
def route_incomplete(values: Values) -> Iterator[Said]:
    """A way from outside that leads from nowhere, or from everywhere."""
    if values.at("ingress.enabled") and values.empty("ingress.hosts"):
        message = "is empty, and an Ingress without a host takes every host's /v1"
        yield Said(("ingress", "hosts"), message, "write the host's name, such as [llm.example.com]")
    if values.at("httpRoute.enabled") and values.empty("httpRoute.parentRefs"):
        message = "is empty, and a route hangs on a gateway"
        yield Said(("httpRoute", "parentRefs"), message, "name the gateway: [{name: public, namespace: gateways}]")
    yield from _same_gateway(values)


def _same_gateway(values: Values) -> Iterator[Said]:
    """A gateway that stands twice without a listener each; what tells ports apart is the experimental channel's."""
    seen: dict[tuple[str, ...], dict[str, int]] = {}
    for index, parent in values.items("httpRoute.parentRefs"):
        others = seen.setdefault(tuple(parent.get(key, usual) for key, usual in _PARENT.items()), {})
        section = parent.get("sectionName", "")
        if others and "port" not in parent and (not section or others.keys() & {"", section}):
            first = others.get(section, min(others.values()))
            message = f"is the gateway of httpRoute.parentRefs[{first}] too, and not each has a sectionName of its own"
            yield Said(("httpRoute", "parentRefs", index), message, "remove it, or name a listener in both")
        if "port" not in parent:
            others.setdefault(section, index)


@rule(
    "ingress-tls",
    "A certificate is for a host that the Ingress answers to.",
    source="https://kubernetes.io/docs/concepts/services-networking/ingress/#tls",
    severity=Severity.WARNING,
)
def ingress_tls(values: Values) -> Iterator[Said]:
    """A host under tls that is none of the hosts."""
    hosts = values.at("ingress.hosts")
    for index, item in values.items("ingress.tls"):
        for number, host in enumerate(item["hosts"]):
            if host not in hosts and values.at("ingress.enabled"):
                path = ("ingress", "tls", index, "hosts", number)
                yield Said(path, f"{host} is none of ingress.hosts", "correct it, or add it there")


@rule(
    "route-to-tls",
    "What forwards to a server with TLS speaks HTTPS to it.",
    source="the controller's documentation",
    severity=Severity.WARNING,
)
def route_to_tls(values: Values) -> Iterator[Said]:
    """An Ingress whose controller is not told that the server speaks HTTPS, or a route that cannot tell it."""
    if not values.at("tls.secretName"):
        return
    told = any("backend-protocol" in key or "scheme" in key for key in values.at("ingress.annotations") or ())
    if values.at("ingress.enabled") and not told:
        hint = (
            "add its annotation to ingress.annotations: nginx.ingress.kubernetes.io/backend-protocol: HTTPS for nginx"
        )
        yield Said(("ingress", "enabled"), "the controller speaks HTTP to a server that has TLS", hint)
    if values.at("httpRoute.enabled"):
        hint = "make a BackendTLSPolicy for the Service, for example in extraObjects"
        yield Said(("httpRoute", "enabled"), "the gateway speaks HTTP to a server that has TLS", hint)


@rule(
    "api-keys-logged",
    "Before vLLM 0.32.0 several API keys stand in the server's log.",
    source="vllm-project/vllm#52523",
)
def api_keys_logged(values: Values) -> Iterator[Said]:
    """Several keys, which reach vLLM as arguments, and a release that prints those."""
    if len(values.at("apiKeySecret.keys")) < 2 or not values.at("apiKeySecret.name"):
        return
    from modelservice.vllm import release_for

    release = release_for(values.at("image.tag"), values.at("vllmVersion"))
    if tuple(int(part) for part in (release.asked or release.name).split(".")[:3]) < _KEYS_HIDDEN:
        message = f"several are arguments, and vLLM {release.asked or release.name} prints those in its log"
        yield Said(("apiKeySecret", "keys"), message, "keep one of them, or use vLLM 0.32.0 or later", True)


# A group of fields, and the key that switches it on.
_SWITCHES = {
    "ingress": "enabled",
    "httpRoute": "enabled",
    "networkPolicy": "enabled",
    "serviceMonitor": "enabled",
    "prometheusRule": "enabled",
    "autoscaling": "kind",
    "compileCache": "volume",
    "apiKeySecret": "name",
}


@rule("switched-off", "Settings of what is switched on.", source="the chart's templates", severity=Severity.WARNING)
def switched_off(values: Values) -> Iterator[Said]:
    """Settings of a group of fields whose switch is off."""
    for group, switch in _SWITCHES.items():
        written = values.given.get(group)
        if values.at(f"{group}.{switch}") or not isinstance(written, dict):
            continue
        for key in written:
            if key != switch and values.changed(f"{group}.{key}"):
                hint = f"remove it, or see `modelservice explain {group}.{switch}`"
                yield Said((group, key), f"has no effect without {group}.{switch}", hint, True)


RULES = (
    api_open,
    route_incomplete,
    ingress_tls,
    route_to_tls,
    api_keys_logged,
    switched_off,
)
