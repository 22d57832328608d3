"""One service: its name, version and the values merged over the defaults; and what may be such a name or version."""

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
# A registry's tag has no more: https://github.com/opencontainers/distribution-spec/blob/main/spec.md
_LONGEST_VERSION = 128


class Service(NamedTuple):
    """One model service as a chart of its own; `given` are the values that its files set, `values` are complete."""

    name: str
    version: str
    description: str
    given: Mapping[str, Any]
    values: dict[str, Any]


def name_from(file: str) -> str:
    """Return the service's name for a values file: its stem, in the letters that a chart's name may have."""
    stem = "modelservice" if file == "-" else Path(file).stem.lower()
    return re.sub(r"[^a-z0-9]+", "-", stem).strip("-")


def make_service(name: str, version: str, given: Mapping[str, Any], defaults: Mapping[str, Any]) -> Service:
    """Return the service. Raises InputError for a name or version that Helm would refuse."""
    if not is_label(name):
        raise InputError(f'"{name}" cannot name a chart: give --name of lower case letters, digits and -, at most 63')
    require_version(version)
    given = without_lost_nulls(given, plain_schema(), plain_schema()["definitions"])
    values = coalesce(defaults, given)
    description = values.get("description") or f"{values['model']['name']} served by vLLM"
    return Service(name, version, description, given, values)


def is_label(name: str) -> bool:
    """Say whether Kubernetes takes the name for a namespace's; a chart's name is one too."""
    return len(name) <= 63 and _CHART_NAME.fullmatch(name) is not None


def is_object_name(name: str) -> bool:
    """Say whether Kubernetes takes the name for an object's."""
    return len(name) <= 253 and _RELEASE_NAME.fullmatch(name) is not None


def is_release(name: str) -> bool:
    """Say whether Helm takes the name for a release's."""
    return len(name) <= 53 and _RELEASE_NAME.fullmatch(name) is not None


def misnamed(name: str) -> str:
    """Return why a file cannot be a release, by the name that it gives it, or ""."""
    if is_release(name):
        return ""
    return f'its release would be called "{name}": rename it, with 1 to 53 lower case letters, digits and -'


def require_release(name: str) -> None:
    """Raise InputError for a name that Helm would refuse for a release."""
    if not is_release(name):
        raise InputError(
            f'"{name}" cannot name a release: rename the file, or give --release, with 1 to 53 lower case letters, '
            "digits and -"
        )


def is_version(version: str) -> bool:
    """Say whether Helm takes this for a chart's version."""
    return bool(_SEMVER.fullmatch(version))


def is_prerelease(version: str) -> bool:
    """Say whether a version comes before the release of its three numbers; what follows + does not count."""
    return "-" in version.partition("+")[0]


def require_version(version: str) -> None:
    """Raise InputError for a version that Helm would refuse."""
    if not is_version(version):
        raise InputError(
            f'"{version}" is not a version: Helm needs three numbers without v, such as 0.1.0 (semver.org)'
        )
    if len(version) > _LONGEST_VERSION:
        raise InputError(
            f"the version {version[:20]}… is too long: shorten it, to at most {_LONGEST_VERSION} characters"
        )
