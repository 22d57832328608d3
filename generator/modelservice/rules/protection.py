"""Find what protects a route from outside the cluster, other than the server's API key."""

from __future__ import annotations

import re

from modelservice.rules.rule import Values

# Annotations by which nginx, HAProxy, AWS, Traefik and Kong authenticate clients or allow only some addresses.
_ANNOTATION = re.compile(
    r"/auth-|/(whitelist|allowlist)-source-range$|/allow-list$|/inbound-cidrs$|/router\.middlewares$"
    r"|^konghq\.com/plugins$"
)
# Objects by which gateways and meshes do the same, in a map or in text.
_POLICY = re.compile(
    r"kind\W+(AuthorizationPolicy|AuthPolicy|BackendConfig|GCPBackendPolicy|OIDCPolicy|SecurityPolicy)\b"
)
# Classes whose routes are open only to the members of a private network.
_PRIVATE = ("tailscale",)


def is_protected(values: Values, group: str) -> bool:
    """Return whether something visible protects what `ingress` or `httpRoute` forwards."""
    annotations = values.at(f"{group}.annotations") or {}
    objects = " ".join(str(item) for _, item in values.items("extraObjects"))
    private = values.at(f"{group}.className") in _PRIVATE
    return private or any(map(_ANNOTATION.search, annotations)) or bool(_POLICY.search(objects))
