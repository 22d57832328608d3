"""Resolve `extends` in a compose file, see https://docs.docker.com/reference/compose-file/merge/ ."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from modelservice.importing.container import Note, reason_for

Services = Mapping[str, Mapping[str, Any]]
_DEEPEST = 8
# Keys that the extending service replaces; other lists are concatenated.
_REPLACED = ("command", "entrypoint")
# Keys whose value is a map, or a list of names and values with this separator.
_NAMED = {"environment": "=", "labels": "=", "extra_hosts": ":"}


class Base(NamedTuple):
    """The service that another one extends; `file` is "" for the same file. Both are "" if it extends none."""

    file: str = ""
    service: str = ""


def base_of(service: Mapping[str, Any]) -> Base:
    """Return the base that a service extends."""
    extends = service.get("extends")
    if isinstance(extends, str):
        return Base("", extends)
    return (
        Base(str(extends.get("file") or ""), str(extends.get("service") or ""))
        if isinstance(extends, Mapping)
        else Base()
    )


def extended(services: Services, load: Callable[[str], Services]) -> tuple[dict[str, dict[str, Any]], dict[str, Note]]:
    """Return the services merged with what they extend, and a note for each service whose base is not found.

    `load` returns the services of another file, or none if it cannot be read.
    """
    found, missing = {}, {}
    for name, service in services.items():
        one, there, of = dict(service), True, services
        for _ in range(_DEEPEST):
            base = base_of(one)
            if not base.service:
                break
            of = load(base.file) if base.file else of
            there = base.service in of
            one = _over(of.get(base.service, {}), {key: value for key, value in one.items() if key != "extends"})
        if not there or base_of(one).service:
            missing[name] = Note("extends", reason_for("extends"))
        found[name] = one
    return found, missing


def _over(base: Any, own: Any, key: str = "") -> Any:
    """Return a value of a service merged over the value of its base."""
    if key in _NAMED:
        return _pairs(base, _NAMED[key]) | _pairs(own, _NAMED[key])
    if isinstance(base, Mapping) and isinstance(own, Mapping):
        return {**base, **{one: _over(base[one], value, one) if one in base else value for one, value in own.items()}}
    if isinstance(base, list) and isinstance(own, list) and key not in _REPLACED:
        return [*base, *(item for item in own if item not in base)]
    return base if own is None else own


def _pairs(value: Any, between: str) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return dict(value)
    pairs = (str(item).partition(between) for item in value or ())
    return {name: text if sign else None for name, sign, text in pairs}
