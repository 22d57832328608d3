"""Rules on the Service."""

from __future__ import annotations

from collections.abc import Iterator

from modelservice.findings import Refuser, Severity
from modelservice.rules.given_arguments import adding_argument, words
from modelservice.rules.rule import Said, Values, rule, writing

# A field of the Service, and the types that may have it.
_FOR = {
    "nodePort": ("NodePort", "LoadBalancer"),
    "externalTrafficPolicy": ("NodePort", "LoadBalancer"),
    "loadBalancerClass": ("LoadBalancer",),
    "loadBalancerSourceRanges": ("LoadBalancer",),
}


@rule(
    "service-type",
    "A setting of the Service does not match its type.",
    why="The API server refuses the Service, and the installation or upgrade fails.",
    source="Kubernetes' validation of Services (pkg/apis/core/validation)",
    refused_by=Refuser.API_SERVER,
)
def service_type(values: Values) -> Iterator[Said]:
    """Find a node port or a load balancer's setting on a Service of another type."""
    kind = values.at("service.type")
    for key, kinds in _FOR.items():
        if values.at(f"service.{key}") and kind not in kinds:
            hint = f"remove it, or write {' or '.join(kinds)} in service.type"
            yield Said(("service", key), f"is not allowed for a Service of type {kind}", hint, True)


@rule(
    "node-port-range",
    "The node port is outside the range that a cluster allows by default.",
    why="The API server refuses the Service unless the cluster's range of node ports was changed.",
    source="https://kubernetes.io/docs/concepts/services-networking/service/#type-nodeport",
    severity=Severity.WARNING,
)
def node_port_range(values: Values) -> Iterator[Said]:
    """Find a node port outside 30000 to 32767, the default of kube-apiserver's --service-node-port-range."""
    port = values.at("service.nodePort")
    if port and not 30000 <= port <= 32767:
        hint = "remove it to let Kubernetes choose a port, or make sure that the cluster allows this one"
        yield Said(("service", "nodePort"), f"{port} is outside 30000-32767, the default range of node ports", hint)


@rule(
    "ip-families",
    "The Service has two IP families, but its policy allows one.",
    why="The API server refuses the Service, and the installation or upgrade fails.",
    source="https://kubernetes.io/docs/concepts/services-networking/dual-stack/",
    refused_by=Refuser.API_SERVER,
)
def ip_families(values: Values) -> Iterator[Said]:
    """Find two IP families with the policy for one."""
    policy, families = values.at("service.ipFamilyPolicy"), values.at("service.ipFamilies")
    if policy == "SingleStack" and len(families) > 1:
        message = f"SingleStack is one family, but ipFamilies has {' and '.join(map(str, families))}"
        yield writing(("service", "ipFamilyPolicy"), message, "RequireDualStack", ", or keep one family")


@rule(
    "host-ipv6",
    "The Service has an IPv6 address, but vLLM listens only on IPv4.",
    why="Without `--host` vLLM opens an IPv4 socket. Connections to the pod's IPv6 address are refused.",
    source="vLLM's server (create_server_socket)",
    severity=Severity.WARNING,
)
def host_ipv6(values: Values) -> Iterator[Said]:
    """Find IPv6 among the Service's families, if no argument sets the server's address."""
    hosted = any(word.partition("=")[0] == "--host" for word in words(values))
    if "IPv6" in values.at("service.ipFamilies") and not hosted and not values.at("command"):
        at = list(values.at("service.ipFamilies")).index("IPv6")
        message = "vLLM listens only on IPv4 unless --host is set"
        yield Said(
            ("service", "ipFamilies", at), message, "add --host=:: to args", fix=adding_argument(values, "--host=::")
        )


RULES = (service_type, node_port_range, ip_families, host_ipv6)
