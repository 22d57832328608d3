"""Arrange Flux's objects in files: a folder for each environment, with its services and the source of its chart."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from modelservice.errors import InputError
from modelservice.gitops.argocd_options import Options, places
from modelservice.gitops.flux import chart_source, config_map, helm_release
from modelservice.gitops.members import Member
from modelservice.gitops.object_files import Made
from modelservice.reading.values_files import load
from modelservice.service import Service, name_from


class FluxService(NamedTuple):
    """A checked service, with its member of the fleet."""

    member: Member
    service: Service


def flux_files(services: Sequence[FluxService], options: Options, *, values_from: bool) -> Iterator[Made]:
    """Yield the objects as files: `<environment>/<service>` for each service, and `<environment>/<source>-chart`.

    Without an environment the files are at the top. A folder has all that its cluster needs. With `values_from`, values
    files become ConfigMaps; those of layers are in the source's file. Raises InputError if Flux would refuse the
    chart's place.
    """
    read = functools.cache(lambda file: load(file).text)
    sources: dict[str, list[str]] = {}
    origins: dict[str, str] = {}
    place = functools.cache(functools.partial(places, options))
    for member, service in services:
        where = place(member.environment)
        namespace = where.target.namespace or "default"
        folder = member.environment.name if member.environment else ""
        # Environments may share a namespace but use different versions of the chart.
        source = "-".join(filter(None, (where.chart.chart, folder)))
        # The folder of an environment is applied in its cluster.
        name = f"{folder}/{source}-chart" if folder else f"{source}-chart"
        shared = sources.setdefault(name, [chart_source(source, where.chart, namespace)])
        origins[name] = os.path.dirname(member.values) or "."  # noqa: PTH120
        maps = _config_maps(member, service, namespace, read) if values_from else []
        # Layers are shared: the service's own file is the last one.
        shared += [text for _, text in maps[:-1] if text not in shared]
        release = helm_release(service, source, where.chart, namespace, [name for name, _ in maps])
        texts = [text for _, text in maps[-1:]] + [release]
        yield Made(f"{folder}/{service.name}" if folder else service.name, member.values, "---\n".join(texts))
    for name, texts in sources.items():
        yield Made(name, origins[name], "---\n".join(texts))


def _config_maps(member: Member, service: Service, namespace: str, read: Callable[[str], str]) -> list[tuple[str, str]]:
    """Return pairs (name, ConfigMap) for each values file of a service; the service's own file is the last."""
    if member.values == "-":
        raise InputError("standard input cannot become a ConfigMap: name a file, or remove --values-from")
    paths = [os.path.relpath(layer, member.root) if member.root else layer for layer in member.layers]
    names = [f"layer-{name_from(path.replace('/', '-'))}" for path in paths]
    if len(set(names)) < len(names):
        raise InputError(f"{', '.join(member.layers)}: two of these would be the same ConfigMap; rename one")
    files = [*zip(names, member.layers, strict=True), (f"values-{service.name}", member.values)]
    return [(name, config_map(name, namespace, read(file))) for name, file in files]
