"""Define a service (name, version, values merged over the defaults), and check names and versions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from modelservice.errors import InputError
from modelservice.schema.defaults import coalesce, without_lost_nulls
from modelservice.schema.source import plain_schema

# Helm's own rules for the names of a chart and a release, and Semantic Versioning 2.
_CHART_NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
_RELEASE_NAME = re.compile(rf"{_CHART_NAME.pattern}(\.{_CHART_NAME.pattern})*")
_SEMVER = re.compile(
    r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)"
    r"(-(0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)(\.(0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*))*)?(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?"
)
# The maximum length of a registry's tag: https://github.com/opencontainers/distribution-spec/blob/main/spec.md
_LONGEST_VERSION = 128


class Service(NamedTuple):
    """One model service as its own chart; `given` are the values that its files set, `values` include the defaults.

    `namespace` is where its fleet runs it, or "".
    """

    name: str
    version: str
    description: str
    given: Mapping[str, Any]
    values: dict[str, Any]
    namespace: str = ""


def name_from(file: str) -> str:
    """Return the service's name for a values file: its stem, with only the characters allowed in a chart's name."""
    stem = "modelservice" if file == "-" else Path(file).stem.lower()
    return re.sub(r"[^a-z0-9]+", "-", stem).strip("-")


def make_service(name: str, version: str, given: Mapping[str, Any], defaults: Mapping[str, Any]) -> Service:
    """Return the service. Raises InputError for a name or version that Helm would refuse."""
    if not is_label(name):
        raise InputError(
            f'"{name}" is not a valid chart name: pass --name with at most 63 lower case letters, digits and -'
        )
    require_version(version)
    given = without_lost_nulls(given, plain_schema(), plain_schema()["definitions"])
    values = coalesce(defaults, given)
    description = values.get("description") or f"{values['model']['name']} served by vLLM"
    return Service(name, version, description, given, values)


def is_label(name: str) -> bool:
    """Return whether a name is valid for a namespace; chart names follow the same rules."""
    return len(name) <= 63 and _CHART_NAME.fullmatch(name) is not None


def is_object_name(name: str) -> bool:
    """Return whether a name is valid for a Kubernetes object."""
    return len(name) <= 253 and _RELEASE_NAME.fullmatch(name) is not None


def is_release(name: str) -> bool:
    """Return whether Helm accepts a name for a release."""
    return len(name) <= 53 and _RELEASE_NAME.fullmatch(name) is not None


def misnamed(name: str) -> str:
    """Return why a name that comes from a file's name is not valid for a release, or ""."""
    if is_release(name):
        return ""
    return f'its release would be named "{name}": rename the file, using 1 to 53 lower case letters, digits and -'


def require_release(name: str) -> None:
    """Raise InputError for a name that Helm would refuse for a release."""
    if not is_release(name):
        raise InputError(
            f'"{name}" is not a valid release name: rename the file, or pass --release, using 1 to 53 lower case '
            "letters, digits and -"
        )


def is_version(version: str) -> bool:
    """Return whether Helm accepts a text as a chart's version."""
    return bool(_SEMVER.fullmatch(version))


def is_prerelease(version: str) -> bool:
    """Return whether a version is a prerelease, such as 1.0.0-rc.1; the part after + does not count."""
    return "-" in version.partition("+")[0]


def require_version(version: str) -> None:
    """Raise InputError for a version that Helm would refuse."""
    if not is_version(version):
        raise InputError(
            f'"{version}" is not a version: Helm needs three numbers without v, such as 0.1.0 (semver.org)'
        )
    if len(version) > _LONGEST_VERSION:
        raise InputError(
            f"the version {version[:20]}… is too long: shorten it to at most {_LONGEST_VERSION} characters"
        )
