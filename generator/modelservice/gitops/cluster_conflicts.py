"""Find services of a fleet that conflict in a cluster: they create the same object, or serve the same host and path."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from modelservice.errors import InputError
from modelservice.findings import Finding, Path, Severity
from modelservice.gitops.members import Member
from modelservice.layer_findings import listed
from modelservice.reading.document import Document, merge
from modelservice.reading.values_files import load
from modelservice.report import lines
from modelservice.rules.extra_objects import documents, is_object
from modelservice.schema.defaults import coalesce, default_values
from modelservice.service import name_from
from modelservice.serving.access import service_name

# Annotations with which controllers tell Ingresses with the same host and path apart, such as canaries.
_APART = re.compile("canary|condition|weight|priority|match")
_GATEWAY = {"group": "gateway.networking.k8s.io", "kind": "Gateway"}


class _Claim(NamedTuple):
    """What only one service can have: in its namespace, or in the cluster if it is a route (`rule` is fleet-route).

    `path` is the value that sets it, or one of several.
    """

    rule: str
    key: tuple[Any, ...]
    what: str
    path: Path
    hint: str


class _Claimant(NamedTuple):
    member: Member
    namespace: str
    document: Document
    claim: _Claim

    @property
    def name(self) -> str:
        """The service's name in messages, such as prod/chat."""
        environment = self.member.environment.name if self.member.environment else ""
        return "/".join(filter(None, (environment, name_from(self.member.values))))


def require_no_conflicts(services: Sequence[Member], namespace: str | None = None, server: str | None = None) -> None:
    """Raise InputError if services conflict; `namespace` and `server` are those of all services, None the fleet's."""
    if found := conflicts(services, namespace, server):
        raise InputError("\n".join(["these services conflict in the cluster:", *lines(found)]))


def conflicts(services: Sequence[Member], namespace: str | None = None, server: str | None = None) -> list[Finding]:
    """Return a finding for each value with which two services conflict.

    `namespace` and `server` are those of all services; None means those of the fleet, where a release that occurs twice
    is reported for fleet.yaml.
    """
    read = functools.cache(load)
    groups: dict[tuple[Any, ...], list[_Claimant]] = {}
    # A pipe can be read only once.
    for member in (one for one in services if all(map(os.path.isfile, one.files))):
        place = namespace or member.namespace or "default"
        cluster = server or (member.environment.server if member.environment else "")
        document = merge([read(file) for file in member.files])
        for claim in dict.fromkeys(_claims(document, member, place)) if document.readable else ():
            where = "" if claim.rule == "fleet-route" else place
            groups.setdefault((claim.rule, cluster, where, *claim.key), []).append(
                _Claimant(member, place, document, claim)
            )
    several = (group for group in groups.values() if len({_service(one, namespace or server) for one in group}) > 1)
    # One finding per value: a layer's conflicts in all environments have one cause.
    return list({(one.position, one.rule): one for one in map(_finding, several)}.values())


def _service(one: _Claimant, forced: str | None) -> tuple[str, str]:
    return one.namespace, one.member.values if forced else name_from(one.member.values)


def _finding(group: Sequence[_Claimant]) -> Finding:
    written = (each for each in reversed(group) if each.claim.path and each.document.is_written(each.claim.path))
    one = next(written, group[-1])
    where = "" if one.claim.rule == "fleet-route" else f" in the namespace {one.namespace}"
    message = f"{listed([each.name for each in group])} would {one.claim.what}{where}"
    position = one.document.value_position(one.claim.path)
    several = len({each.member.environment for each in group}) > 1
    hint = f"{one.claim.hint}, or set server in fleet.yaml if the clusters differ" if several else one.claim.hint
    return Finding(Severity.ERROR, one.claim.path, message, hint, one.claim.rule, position)


def _claims(document: Document, member: Member, namespace: str) -> Iterator[_Claim]:
    # A null removes a key.
    values = {**default_values(), **coalesce(default_values(), document.data)}
    yield _names(values, name_from(member.values))
    account = _map(values["serviceAccount"])
    if account.get("create") and account.get("name"):
        hint = "set serviceAccount.create to false, and create the account outside of the services"
        yield _created(
            ("account", str(account["name"])), f"ServiceAccount {account['name']}", ("serviceAccount", "name"), hint
        )
    yield from _extra_objects(values, namespace)
    yield from _ingress(values)
    yield from _route(values, namespace)


def _names(values: Mapping[str, Any], release: str) -> _Claim:
    name = service_name(values, release)
    key = next((key for key in ("fullnameOverride", "nameOverride") if values[key]), "")
    hint = "remove it, or set another name" if key else "rename one of them, or use another namespace"
    return _created(("name", name), f"Service {name}", (key,) if key else (), hint)


def _created(key: tuple[Any, ...], item: str, path: Path, hint: str) -> _Claim:
    return _Claim("fleet-release", key, f"create the same {item}", path, hint)


def _extra_objects(values: Mapping[str, Any], namespace: str) -> Iterator[_Claim]:
    for index, item in enumerate(_list(values["extraObjects"])):
        # Only Helm knows the result of a template.
        templated = isinstance(item, str) and "{{" in item
        for one in filter(is_object, () if templated else documents(item)):
            about, kind = one["metadata"], str(one["kind"])
            group = str(one["apiVersion"]).rpartition("/")[0]
            # Helm does not own the objects of hooks.
            if about.get("name") and "helm.sh/hook" not in _map(about.get("annotations")):
                key = (group, kind, str(about["name"]), str(about.get("namespace") or namespace))
                hint = "create it once, outside of the services"
                yield _created(key, f"{kind} {about['name']}", ("extraObjects", index), hint)


def _ingress(values: Mapping[str, Any]) -> Iterator[_Claim]:
    ingress = _map(values["ingress"])
    if ingress.get("enabled") is not True or any(map(_APART.search, map(str, _map(ingress.get("annotations"))))):
        return
    for index, host in enumerate(_list(ingress.get("hosts"))):
        # Controllers of clouds give each Ingress an address of its own, so every host may mean another one.
        for path in _paths(values, ingress) if host != "*" else ():
            key = ("ingress", str(ingress.get("className")), str(host), path)
            yield _routed(key, f"{host}{path}", ("ingress", "hosts", index))


def _route(values: Mapping[str, Any], namespace: str) -> Iterator[_Claim]:
    route = _map(values["httpRoute"])
    # Without hostnames, a route serves all host names of its gateway.
    hosts: list[tuple[Path, Any]] = [((index,), host) for index, host in enumerate(_list(route.get("hostnames")))]
    for parent in _list(route.get("parentRefs")) if route.get("enabled") is True else ():
        gateway = {**_GATEWAY, "namespace": namespace, **_map(parent)}
        for at, host in hosts or [((), "")]:
            for path in _paths(values, route):
                key = ("route", tuple(sorted((name, str(value)) for name, value in gateway.items())), str(host), path)
                yield _routed(key, f"{host or '*'}{path}", ("httpRoute", "hostnames", *at))


def _routed(key: tuple[Any, ...], what: str, path: Path) -> _Claim:
    return _Claim(
        "fleet-route", key, f"serve the same address {what}", path, "write another host, or set rootPath in one of them"
    )


def _paths(values: Mapping[str, Any], group: Mapping[str, Any]) -> Iterator[str]:
    """Yield the forwarded paths as templates/_network.tpl writes them."""
    for path in _list(group.get("paths")):
        yield f"{values['rootPath']}{path}".removesuffix("/") or "/"


def _map(value: Any) -> Mapping[str, Any]:
    # The values may be wrong, which other findings report.
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list) else []
