"""Rules on the Service."""

from __future__ import annotations

from collections.abc import Iterator

from modelservice.findings import Refuser
from modelservice.rules.rule import Said, Values, rule

# A field of the Service, and the types that may have it.
_FOR = {
    "nodePort": ("NodePort", "LoadBalancer"),
    "externalTrafficPolicy": ("NodePort", "LoadBalancer"),
    "loadBalancerClass": ("LoadBalancer",),
    "loadBalancerSourceRanges": ("LoadBalancer",),
}


@rule(
    "service-type",
    "A setting of the Service does not fit its type.",
    why="The API server refuses the Service, and the installation or upgrade fails.",
    source="Kubernetes' validation of Services (pkg/apis/core/validation)",
    refused_by=Refuser.API_SERVER,
)
def service_type(values: Values) -> Iterator[Said]:
    """Find a node port or a load balancer's setting on a Service that has none."""
    kind = values.at("service.type")
    for key, kinds in _FOR.items():
        if values.at(f"service.{key}") and kind not in kinds:
            hint = f"remove it, or write {' or '.join(kinds)} in service.type"
            yield Said(("service", key), f"is not for a Service of type {kind}", hint, True)


RULES = (service_type,)
