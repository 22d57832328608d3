"""What protects a route from outside the cluster beside the server's API key."""

from __future__ import annotations

import re

from modelservice.rules.rule import Values

# Annotations by which nginx, HAProxy, AWS, Traefik and Kong authenticate clients or let in some addresses only.
_ANNOTATION = re.compile(
    r"/auth-|/(whitelist|allowlist)-source-range$|/allow-list$|/inbound-cidrs$|/router\.middlewares$"
    r"|^konghq\.com/plugins$"
)
# Objects by which gateways and meshes do, in a map or in text.
_POLICY = re.compile(
    r"kind\W+(AuthorizationPolicy|AuthPolicy|BackendConfig|GCPBackendPolicy|OIDCPolicy|SecurityPolicy)\b"
)
# Classes whose routes are open to the members of a private network alone.
_PRIVATE = ("tailscale",)


def is_protected(values: Values, group: str) -> bool:
    """Say whether something visible protects what `ingress` or `httpRoute` forwards."""
    annotations = values.at(f"{group}.annotations") or {}
    objects = " ".join(str(item) for _, item in values.items("extraObjects"))
    private = values.at(f"{group}.className") in _PRIVATE
    return private or any(map(_ANNOTATION.search, annotations)) or bool(_POLICY.search(objects))
