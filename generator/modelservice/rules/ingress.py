"""Rules on an Ingress and an HTTPRoute."""

from __future__ import annotations

from collections.abc import Iterator

from modelservice.findings import Refuser, Severity
from modelservice.rules.protection import is_protected
from modelservice.rules.rule import Said, Values, put, rule

_CHART = "the chart's templates/ingress.yaml and httproute.yaml"
# The fields that identify a route's gateway, with the Gateway API's defaults.
_PARENT = {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "", "namespace": ""}


@rule(
    "route-incomplete",
    "An Ingress has no host, or an HTTPRoute has no gateway.",
    why=(
        "An Ingress rule without a host applies to every host name of the controller. A route without a "
        "gateway is attached to nothing, and clients get no answer."
    ),
    source=_CHART,
    refused_by=Refuser.CHART,
)
def route_incomplete(values: Values) -> Iterator[Said]:
    """Find an Ingress without hosts and an HTTPRoute without gateways."""
    if values.at("ingress.enabled") and not values.at("ingress.hosts"):
        message = "is empty, and an Ingress without a host serves /v1 of every host"
        hint = 'write a host name, such as [llm.example.com], or ["*"] for every host'
        yield Said(("ingress", "hosts"), message, hint)
    if values.at("httpRoute.enabled") and not values.at("httpRoute.parentRefs"):
        message = "is empty, but a route needs a gateway"
        yield Said(("httpRoute", "parentRefs"), message, "name the gateway: [{name: public, namespace: gateways}]")


@rule(
    "route-parents",
    "An HTTPRoute names one gateway twice without different listeners.",
    why="The API server refuses the route, and the installation or upgrade fails.",
    source="https://gateway-api.sigs.k8s.io/reference/spec/#parentreference",
    refused_by=Refuser.API_SERVER,
)
def route_parents(values: Values) -> Iterator[Said]:
    """Find a gateway that is listed twice without different listeners; ports count only in the experimental channel."""
    seen: dict[tuple[str, ...], dict[str, int]] = {}
    for index, parent in values.items("httpRoute.parentRefs"):
        others = seen.setdefault(tuple(parent.get(key, usual) for key, usual in _PARENT.items()), {})
        section = parent.get("sectionName", "")
        if others and "port" not in parent and (not section or others.keys() & {"", section}):
            first = others.get(section, min(others.values()))
            message = f"is the same gateway as httpRoute.parentRefs[{first}], without a different sectionName"
            yield Said(("httpRoute", "parentRefs", index), message, "remove it, or name a listener in both")
        if "port" not in parent:
            others.setdefault(section, index)


@rule(
    "ingress-tls",
    "A host under `ingress.tls` is not one of the Ingress's hosts.",
    why=(
        "The certificate is not used for the hosts that the Ingress serves. Their clients usually get the "
        "controller's default certificate and refuse it."
    ),
    source="https://kubernetes.io/docs/concepts/services-networking/ingress/#tls",
    severity=Severity.WARNING,
)
def ingress_tls(values: Values) -> Iterator[Said]:
    """Find a TLS host that is not one of the hosts."""
    hosts = values.at("ingress.hosts")
    for index, item in values.items("ingress.tls"):
        for number, host in enumerate(item.get("hosts", ())):
            if host not in hosts and "*" not in hosts and values.at("ingress.enabled"):
                path = ("ingress", "tls", index, "hosts", number)
                yield Said(path, f"{host} is not one of ingress.hosts", "correct it, or add it to ingress.hosts")


# By these annotations cert-manager issues certificates for the hosts under `tls`, and only for those.
_ISSUERS = ("cert-manager.io/issuer", "cert-manager.io/cluster-issuer", "kubernetes.io/tls-acme")


@rule(
    "ingress-certificate",
    "The Ingress has an annotation of cert-manager, but `ingress.tls` names no Secret for the certificate.",
    why=(
        "cert-manager issues certificates only for the hosts under `tls`, and stores each in the Secret that is named "
        "there. Without it there is no certificate: clients have to use HTTP, and send the API key in clear text."
    ),
    source="https://cert-manager.io/docs/usage/ingress/",
    severity=Severity.WARNING,
)
def ingress_certificate(values: Values) -> Iterator[Said]:
    """Find an annotation that asks cert-manager for certificates on an Ingress that has no place for one."""
    annotations = values.at("ingress.annotations") or {}
    key = next((one for one in _ISSUERS if annotations.get(one) not in (None, "", "false")), None)
    if not values.at("ingress.enabled") or not key:
        return
    if not values.at("ingress.tls"):
        settings = {"ingress.tls": [{"hosts": values.at("ingress.hosts"), "secretName": _SECRET}]}
        message = "cert-manager issues no certificate, because ingress.tls is empty"
        hint = f"add ingress.tls, as in [{{hosts: [{', '.join(values.at('ingress.hosts'))}], secretName: {_SECRET}}}]"
        yield Said(("ingress", "annotations", key), message, hint, True, put(settings))
    for index, item in values.items("ingress.tls"):
        if not item.get("secretName"):
            message = f"names no Secret in which cert-manager ({key}) can store the certificate"
            path = ("ingress", "tls", index)
            yield Said(path, message, f"add secretName: {_SECRET}", fix=put({(*path, "secretName"): _SECRET}))


_SECRET = "llm-tls"  # noqa: S105  the name of a Secret


@rule(
    "route-to-tls",
    "The Ingress or route speaks HTTP to a server that expects HTTPS.",
    why="Every request from outside fails, usually with status 502 or 400.",
    source="the controller's documentation",
    severity=Severity.WARNING,
)
def route_to_tls(values: Values) -> Iterator[Said]:
    """Find an Ingress or a route that speaks HTTP to a server with TLS."""
    if not values.at("tls.secretName"):
        return
    encrypted = any("backend-protocol" in key or "scheme" in key for key in values.at("ingress.annotations") or ())
    if values.at("ingress.enabled") and not encrypted:
        hint = (
            "add the controller's annotation, nginx.ingress.kubernetes.io/backend-protocol: HTTPS for nginx, "
            "to ingress.annotations"
        )
        yield Said(("ingress", "enabled"), "the controller speaks HTTP, but the server only HTTPS", hint)
    if values.at("httpRoute.enabled"):
        hint = "create a BackendTLSPolicy for the Service, for example in extraObjects"
        yield Said(("httpRoute", "enabled"), "the gateway speaks HTTP, but the server only HTTPS", hint)


# The key guards /v1; health checks from outside reveal nothing about the model or its clients.
_HARMLESS = ("/v1", "/health", "/ping")


@rule(
    "route-paths",
    "An Ingress or HTTPRoute forwards paths that the API key does not guard.",
    why=(
        "Anyone who can reach the route can use these paths without a key: /invocations answers chat requests, "
        "/tokenize uses CPU time, and /metrics shows how much the service is used."
    ),
    source="vLLM's server: the key guards only /v1",
    severity=Severity.WARNING,
)
def route_paths(values: Values) -> Iterator[Said]:
    """Find a forwarded path outside of /v1 that nothing visible protects."""
    for group, who in (("ingress", "the controller"), ("httpRoute", "the gateway")):
        if not values.at(f"{group}.enabled") or is_protected(values, group):
            continue
        for index, path in values.items(f"{group}.paths"):
            if path not in _HARMLESS and not path.startswith("/v1/"):
                message = f"{path} is forwarded, but the API key guards only /v1"
                instead = "write /v1" if path == "/" else "remove it"
                yield Said((group, "paths", index), message, f"{instead}, or let {who} authenticate clients")


RULES = (
    route_incomplete,
    route_parents,
    route_paths,
    ingress_tls,
    ingress_certificate,
    route_to_tls,
)
