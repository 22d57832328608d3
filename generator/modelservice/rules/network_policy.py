"""Rules on the network policy."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import Any

from modelservice.findings import Path, Refuser, Severity
from modelservice.rules.rule import Said, Values, rule, sound

# Variables to whose addresses the policy allows traffic (templates/_network.tpl), proxies first.
PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")
ADDRESSES = (
    *PROXIES,
    "HF_ENDPOINT",
    "MODELSCOPE_DOMAIN",
    "MODELSCOPE_ENDPOINT",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
)
_REFERENCE = re.compile(r"\$\([A-Za-z_]")
_POLICY = "https://kubernetes.io/docs/concepts/services-networking/network-policies/"


@rule(
    "network-policy-from",
    "The network policy blocks clients in other namespaces.",
    why=(
        "The policy allows clients of this namespace only. The ingress controller, the gateway and Prometheus "
        "usually run in another one, and their requests time out."
    ),
    source="the chart's templates/networkpolicy.yaml",
    severity=Severity.WARNING,
)
def network_policy_from(values: Values) -> Iterator[Said]:
    """Find a policy for this namespace only, together with a client that usually runs in another one."""
    peers = values.at("networkPolicy.from") or []
    elsewhere = any(peer is None or peer.keys() & {"namespaceSelector", "ipBlock"} for peer in peers)
    if not values.at("networkPolicy.enabled") or elsewhere:
        return
    for asks, who, peer in (
        (values.at("ingress.enabled"), "the ingress controller", "the ingress controller's namespace"),
        (values.at("httpRoute.enabled"), "the gateway", "the gateway's namespace"),
        (values.at("serviceMonitor.enabled"), "Prometheus", "Prometheus's namespace"),
        (values.at("service.type") != "ClusterIP", "a client from outside the cluster", "the clients' ipBlock"),
    ):
        if asks:
            message = f"allows only this namespace, but {who} is usually elsewhere"
            yield Said(("networkPolicy", "enabled"), message, f"name {peer} in networkPolicy.from")


def _blocks(values: Values) -> Iterator[tuple[Path, Any]]:
    """Yield every ipBlock of the network policy with its path."""
    for index, peer in values.items("networkPolicy.from"):
        if "ipBlock" in peer:
            yield ("networkPolicy", "from", index, "ipBlock"), peer["ipBlock"]
    for index, way in values.items("networkPolicy.egress"):
        for number, peer in sound(way.get("to")):
            if "ipBlock" in peer:
                yield ("networkPolicy", "egress", index, "to", number, "ipBlock"), peer["ipBlock"]


@rule(
    "network-policy-block",
    "An address block is invalid, or its exception is not inside it.",
    why="The API server refuses the policy, and the installation or upgrade fails.",
    source=_POLICY,
    refused_by=Refuser.API_SERVER,
)
def network_policy_block(values: Values) -> Iterator[Said]:
    """Find invalid address blocks and exceptions outside their block."""
    for path, block in _blocks(values):
        whole = _network(block["cidr"])
        if whole is None:
            yield Said((*path, "cidr"), f"{block['cidr']} is not a block of addresses", "correct it")
        for index, text in sound(block.get("except")):
            part = _network(text)
            inside = whole and part and part.version == whole.version and part.subnet_of(whole)  # type: ignore[arg-type]
            if whole and (not inside or part == whole):
                message = f"{text} is not part of {block['cidr']}"
                yield Said((*path, "except", index), message, "remove it, or correct one of the two")


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


@rule(
    "network-policy-port",
    "A port range does not start with a number, or ends below it.",
    why="The API server refuses the policy, and the installation or upgrade fails.",
    source=_POLICY,
    refused_by=Refuser.API_SERVER,
)
def network_policy_port(values: Values) -> Iterator[Said]:
    """Find a range of ports without a start, or with an end below it."""
    for index, way in values.items("networkPolicy.egress"):
        for number, port in sound(way.get("ports")):
            first, last = port.get("port"), port.get("endPort")
            if last is not None and not (isinstance(first, int) and first <= last):
                path = ("networkPolicy", "egress", index, "ports", number, "endPort")
                yield Said(path, f"{last} needs port to be a number of at most {last}", "remove it, or correct port")


@rule(
    "host-network",
    "The network policy is ignored because the pod uses the node's network.",
    why="Most network plugins apply no policy to such a pod. Anyone who reaches the node can reach the server's port.",
    source=_POLICY,
    severity=Severity.WARNING,
)
def host_network(values: Values) -> Iterator[Said]:
    """Find a network policy for a pod in the node's network."""
    if values.at("networkPolicy.enabled") and values.at("podSpec.hostNetwork"):
        message = "has no effect in most clusters on a pod with podSpec.hostNetwork"
        yield Said(("networkPolicy", "enabled"), message, "write false, or remove podSpec.hostNetwork")


@rule(
    "network-policy-proxy",
    "The network policy blocks traffic to the proxy.",
    why="The policy opens the proxy's port only if the variable's `value` contains it. If the port comes from a Secret "
    "or from another variable, every request through the proxy times out.",
    source="the chart's templates/_network.tpl",
    severity=Severity.WARNING,
)
def network_policy_proxy(values: Values) -> Iterator[Said]:
    """Find an address in a variable whose port the policy cannot know, if `egress` is empty."""
    if not values.at("networkPolicy.enabled") or values.at("networkPolicy.egress"):
        return
    for index, variable in values.items("env"):
        unknown = "valueFrom" in variable or _REFERENCE.search(str(variable.get("value")))
        if str(variable["name"]).upper() in ADDRESSES and unknown:
            message = f"the network policy does not know the port of {variable['name']}"
            hint = "add it to networkPolicy.egress, as in [{ports: [{port: 3128}]}]"
            yield Said(("env", index, "name"), message, hint)


RULES = (host_network, network_policy_from, network_policy_proxy, network_policy_block, network_policy_port)
