"""An Ingress as nginx serves it under the controller ingress-nginx.

The controller writes `location PATH/` and `location = PATH` with a proxy_pass that has no path, or, with the annotation
rewrite-target, a regular expression and a rewrite: buildLocation and buildProxyPass in
internal/ingress/controller/template/template.go of kubernetes/ingress-nginx. It forwards the Host header unchanged.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from tests.chart.rendering import Object
from tests.repositories import nginx


def _locations(ingress: Object, path: str, service: str) -> str:
    target = ingress["metadata"].get("annotations", {}).get("nginx.ingress.kubernetes.io/rewrite-target")
    forward = f"proxy_set_header Host $http_host; proxy_pass {service};"
    if target:
        return f'location ~* "^{path}" {{ rewrite "(?i){path}" {target} break; {forward} }}'
    return f"location {path}/ {{ {forward} }} location = {path} {{ {forward} }}"


@contextlib.contextmanager
def controller(ingress: Object, service: str, work: Path) -> Iterator[str]:
    """Serve an Ingress with one host and one path; `service` is the address of its backend. Yields nginx's address."""
    (rule,) = ingress["spec"]["rules"]
    (path,) = rule["http"]["paths"]
    assert path["pathType"] == "Prefix"
    locations = _locations(ingress, path["path"], service)
    with nginx(f"server_name {rule['host']}; {locations} location / {{ return 404; }}", work) as port:
        yield f"http://{rule['host']}:{port}"
