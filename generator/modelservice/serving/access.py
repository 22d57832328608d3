"""Describe how to reach a release of a service: addresses, model name, API key, and examples to paste."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from modelservice.vllm.routes import served

# The local port: one below 1024 would need root.
_LOCAL_PORT = 8000


class Key(NamedTuple):
    """The Secret and its key with the API key; both empty if the values do not set them."""

    secret: str
    key: str


class Access(NamedTuple):
    """How to reach one release of a service.

    `names` are the model names that clients may send. `scheme` is the server's own. `port` is the Service's, and
    `node_port` the port on every node, or None if Kubernetes chooses it. `outside` are addresses of an Ingress or
    HTTPRoute, and `paths` the paths that they forward. `key` is None if the server requires no key.
    """

    release: str
    service: str
    namespace: str
    service_type: str
    names: tuple[str, ...]
    task: str
    key: Key | None
    scheme: str
    port: int
    node_port: int | None
    outside: tuple[str, ...]
    paths: tuple[str, ...]

    @property
    def model(self) -> str:
        """The first of the model's names, which vLLM's responses contain."""
        return self.names[0]

    @property
    def url(self) -> str:
        """The API's address inside the cluster."""
        return f"{self.scheme}://{self.service}.{self.namespace}.svc.cluster.local:{self.port}/v1"


def access(values: Mapping[str, Any], release: str, namespace: str) -> Access:
    """Return how to reach the release; `values` are complete, including the chart's defaults."""
    return Access(
        release=release,
        service=service_name(values, release),
        namespace=namespace,
        service_type=values["service"]["type"],
        names=_names(values["model"]),
        task=values["model"]["task"],
        key=_key(values),
        scheme="https" if values["tls"]["secretName"] else "http",
        port=values["service"]["port"],
        node_port=values["service"]["nodePort"] or None,
        outside=tuple(_outside(values)),
        paths=tuple(_paths(values)),
    )


def _names(model: Mapping[str, Any]) -> tuple[str, ...]:
    served = model["servedName"] or model["name"]
    return (served,) if isinstance(served, str) else tuple(served)


def _outside(values: Mapping[str, Any]) -> Iterator[str]:
    """Yield the addresses outside the cluster. Only a gateway's listener determines whether a route uses https."""
    ingress, route, path = values["ingress"], values["httpRoute"], f"{values['rootPath']}/v1"
    secured = {host for item in ingress["tls"] for host in item.get("hosts", ingress["hosts"])}
    for host in ingress["hosts"] if ingress["enabled"] else ():
        if host != "*":
            yield f"{'https' if host in secured else 'http'}://{host}{path}"
    for host in route["hostnames"] if route["enabled"] else ():
        yield f"https://{host}{path}"


def _paths(values: Mapping[str, Any]) -> Iterable[str]:
    """Return the paths that are forwarded from outside, without duplicates."""
    groups = (values[key] for key in ("ingress", "httpRoute"))
    return dict.fromkeys(path for group in groups if group["enabled"] for path in group["paths"])


def service_name(values: Mapping[str, Any], release: str) -> str:
    """Return the Service's name, as templates/_names.tpl builds it."""
    name = str(values["fullnameOverride"] or f"{values['nameOverride'] or 'modelservice'}-{release}").replace(".", "-")
    if len(name) <= 63:
        return name
    return f"{name[:54].strip('-')}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _key(values: Mapping[str, Any]) -> Key | None:
    if values["apiKeySecret"]["name"]:
        return Key(values["apiKeySecret"]["name"], values["apiKeySecret"]["keys"][0])
    for variable in values["env"]:
        if variable["name"] == "VLLM_API_KEY":
            secret = variable.get("valueFrom", {}).get("secretKeyRef", {})
            return Key(secret.get("name", ""), secret.get("key", ""))
    return None


def as_text(found: Access) -> str:
    """Return the addresses, model names and API key as text for people."""
    return _render("text.txt.j2", found)


def as_curl(found: Access) -> str:
    """Return a shell script that calls every route that the model serves."""
    return _render("curl.sh.j2", found)


def as_python(found: Access) -> str:
    """Return a Python program that uses the openai package."""
    return "\n\n".join(_cells(found)) + "\n"


def as_env(found: Access) -> str:
    """Return shell commands that set the variables that OpenAI's clients read."""
    return _render("env.sh.j2", found)


def as_notebook(found: Access) -> str:
    """Return a Jupyter notebook (nbformat 4.5) with the same program, one cell per step."""
    intro = f"# {found.model}\n\nForward a local port to the server first:\n\n```sh\n{port_forward(found)}\n```"
    cells: list[dict[str, Any]] = [{"cell_type": "markdown", "id": "intro", "metadata": {}, "source": intro}]
    for number, source in enumerate(_cells(found)):
        code = {"cell_type": "code", "id": f"step-{number}", "metadata": {}, "source": source}
        cells.append({**code, "execution_count": None, "outputs": []})
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


STYLES = {"text": as_text, "curl": as_curl, "python": as_python, "notebook": as_notebook, "env": as_env}


def port_forward(found: Access) -> str:
    """Return the kubectl command that forwards a local port to the API."""
    return f"kubectl --namespace {found.namespace} port-forward service/{found.service} {_LOCAL_PORT}:{found.port}"


def _cells(found: Access) -> list[str]:
    return [cell.strip() for cell in _render("python.py.j2", found).split("# %%\n") if cell.strip()]


def _render(template: str, found: Access) -> str:
    from modelservice.chart.templating import environment

    routes = served(found.task)
    context = {"access": found, "port_forward": port_forward(found), "port": _LOCAL_PORT, "routes": routes}
    return environment().get_template(f"access/{template}").render(context)
