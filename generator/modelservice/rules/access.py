"""Rules on how a service is reached from outside of the cluster, and on its API key."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Any

from modelservice.findings import Path, Severity
from modelservice.rules.values import Said, Values, rule, sound

_CHART = "the chart's templates/ingress.yaml and httproute.yaml"
_KEY = "vLLM's server: the key guards /v1 only"
# vLLM prints its arguments at the start, from this release on without the keys: vllm-project/vllm#52523.
_KEYS_HIDDEN = (0, 32, 0)
_POLICY = "https://kubernetes.io/docs/concepts/services-networking/network-policies/"
# Seconds between two scrapes of which a rate over five minutes still sees several.
_RAREST = 120


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


@rule(
    "network-policy-from",
    "A network policy lets in what the other fields need.",
    source="the chart's templates/networkpolicy.yaml",
    severity=Severity.WARNING,
)
def network_policy_from(values: Values) -> Iterator[Said]:
    """A policy for the own namespace alone, beside something that asks from another one."""
    peers = values.at("networkPolicy.from") or []
    elsewhere = any(peer is None or peer.keys() & {"namespaceSelector", "ipBlock"} for peer in peers)
    if not values.at("networkPolicy.enabled") or elsewhere:
        return
    for asks, who in (
        (values.at("ingress.enabled"), "the ingress controller"),
        (values.at("httpRoute.enabled"), "the gateway"),
        (values.at("serviceMonitor.enabled"), "Prometheus"),
        (values.at("service.type") != "ClusterIP", "who comes through the Service from outside"),
    ):
        if asks:
            message = f"lets in this namespace alone, and {who} is usually in another one"
            yield Said(("networkPolicy", "enabled"), message, f"name {who}'s namespace in networkPolicy.from")


def _blocks(values: Values) -> Iterator[tuple[Path, Any]]:
    """Yield every ipBlock of the network policy with its path."""
    for index, peer in values.items("networkPolicy.from"):
        if "ipBlock" in peer:
            yield ("networkPolicy", "from", index, "ipBlock"), peer["ipBlock"]
    for index, way in values.items("networkPolicy.egress"):
        for number, peer in sound(way.get("to")):
            if "ipBlock" in peer:
                yield ("networkPolicy", "egress", index, "to", number, "ipBlock"), peer["ipBlock"]


@rule("network-policy-block", "A block of addresses holds its exceptions.", source=_POLICY)
def network_policy_block(values: Values) -> Iterator[Said]:
    """What the API server refuses."""
    for path, block in _blocks(values):
        whole = _network(block["cidr"])
        if whole is None:
            yield Said((*path, "cidr"), f"{block['cidr']} is no block of addresses", "correct it")
        for index, text in sound(block.get("except")):
            part = _network(text)
            inside = whole and part and part.version == whole.version and part.subnet_of(whole)  # type: ignore[arg-type]
            if whole and (not inside or part == whole):
                message = f"{text} is no part of {block['cidr']}"
                yield Said((*path, "except", index), message, "remove it, or correct one of the two")


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


@rule("network-policy-port", "A range of ports begins with a number and ends above it.", source=_POLICY)
def network_policy_port(values: Values) -> Iterator[Said]:
    """What the API server refuses."""
    for index, way in values.items("networkPolicy.egress"):
        for number, port in sound(way.get("ports")):
            first, last = port.get("port"), port.get("endPort")
            if last is not None and not (isinstance(first, int) and first <= last):
                path = ("networkPolicy", "egress", index, "ports", number, "endPort")
                yield Said(
                    path, f"{last} needs a number in port, at most {last}", "remove it, or write a port below it"
                )


_COLLECTED = "https://docs.vllm.ai/en/latest/usage/metrics.html"


@rule("metrics-missing", "What looks at metrics has some.", source=_COLLECTED, severity=Severity.WARNING)
def metrics_missing(values: Values) -> Iterator[Said]:
    """Alerts or KEDA on metrics that nothing collects, that vLLM does not export, or that come too rarely."""
    readers: list[Path] = [("prometheusRule", "enabled")] if values.at("prometheusRule.enabled") else []
    if values.at("autoscaling.kind") == "ScaledObject" and values.at("autoscaling.prometheusAddress"):
        readers.append(("autoscaling", "prometheusAddress"))
    collected = values.at("serviceMonitor.enabled")
    for path in readers if not collected else ():
        message = "looks at metrics, and nothing here makes Prometheus collect them"
        yield Said(path, message, "set serviceMonitor.enabled: true")
    if readers or collected:
        for index, argument in values.items("args"):
            if argument.replace("_", "-") == "--disable-log-stats":
                yield Said(("args", index), "vLLM then exports none of its metrics", "remove it")
    seconds = {"ms": 0.001, "s": 1, "m": 60}
    interval = values.at("serviceMonitor.interval")
    number = interval.rstrip("ms")
    if collected and values.at("prometheusRule.enabled") and int(number) * seconds[interval[len(number) :]] > _RAREST:
        message = f"{interval} is too long for alerts on the rate of the last five minutes"
        yield Said(("serviceMonitor", "interval"), message, "write at most 2m")


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
    network_policy_from,
    network_policy_block,
    network_policy_port,
    metrics_missing,
    switched_off,
)
