"""Package every service of a folder: one archive per service, in a folder for each environment."""

from __future__ import annotations

import functools
import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import NamedTuple

from modelservice import __version__
from modelservice.chart.folder import chart_for
from modelservice.chart.plan import plan_chart
from modelservice.errors import ModelServiceError
from modelservice.publishing.packaging import Package
from modelservice.schema.fields import load_fields
from modelservice.service import Service


class Packed(NamedTuple):
    """The package of a service, or why it failed, with the exit code for the failure."""

    source: str
    package: Package | None
    failure: str = ""
    exit_code: int = 1


class ToPackage(NamedTuple):
    """A checked service: its values file, and the folder below the destination."""

    source: str
    folder: str
    service: Service


def package_services(
    services: Sequence[ToPackage], destination: Path, version: str, make: Callable[[Path, Path], Package]
) -> Iterator[Packed]:
    """Package each service, and yield each result as soon as it is done; a failure does not stop the others.

    With an empty version, each gets a version derived from its content. `make` packages a chart into a folder.
    """
    one = functools.partial(_package, destination=destination, version=version, make=make)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for job in as_completed([pool.submit(one, service) for service in services]):
            yield job.result()


def _package(one: ToPackage, *, destination: Path, version: str, make: Callable[[Path, Path], Package]) -> Packed:
    service = one.service._replace(version=version or content_version(one.service))
    try:
        with chart_for(service) as chart:
            return Packed(one.source, make(chart, destination / one.folder))
    except ModelServiceError as error:
        return Packed(one.source, None, str(error), error.exit_code)


def content_version(service: Service) -> str:
    """Return a version that is unique to the chart's content: this tool's version with a hash of the content."""
    tree = plan_chart(load_fields(), service._replace(version=__version__))
    content = hashlib.sha256(repr(sorted(tree.items())).encode()).hexdigest()
    # The "c" prevents a number with a leading 0, which is invalid after the +.
    return f"{__version__}+c{content[:12]}"
