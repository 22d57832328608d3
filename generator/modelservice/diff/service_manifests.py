"""Render the services of one state of a fleet: check each, then render all of them with one helm run."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from modelservice.chart.manifests import manifests
from modelservice.chart.many_manifests import Release, many_manifests, write_chart_for_many
from modelservice.check import check_service
from modelservice.diff.fleet_state import FleetState
from modelservice.errors import InputError, ModelServiceError
from modelservice.gitops.members import Member
from modelservice.reading.document import Document
from modelservice.report import lines
from modelservice.schema.defaults import default_values
from modelservice.service import make_service, name_from, require_release

# A service's manifests, "" if there is no service, or the error.
Rendered = str | ModelServiceError


class _Sound(NamedTuple):
    """A service without errors: the release to render, and its values files."""

    release: Release
    files: tuple[Document, ...]


class Renderer(NamedTuple):
    """Renders services with the generic chart, or with the one for many services (`many`).

    `namespace` is the namespace of all services; None means the namespace that the fleet sets for each of them.
    """

    chart: Path
    many: Path
    namespace: str | None
    ignore: tuple[str, ...]

    def rendered(self, state: FleetState, members: Sequence[Member | None]) -> list[Rendered]:
        """Return the manifests or the error of each service."""
        read = functools.cache(state.read)
        checked = [self._checked(one, read) if one else "" for one in members]
        sound = [one for one in checked if isinstance(one, _Sound)]
        texts = self._texts(sound)
        return [next(texts) if isinstance(one, _Sound) else one for one in checked]

    def _checked(self, member: Member, read: Callable[[str], Document]) -> _Sound | InputError:
        name = name_from(member.values)
        files = tuple(map(read, member.files))
        try:
            require_release(name)
            service = check_service(files, self.ignore)
            if service.errors:
                raise InputError("\n".join(lines(service.errors)))
            values = make_service(name, "0.1.0", service.document.data, default_values()).values
        except InputError as error:
            return error
        return _Sound(Release(name, self.namespace or member.namespace or "default", values), files)

    def _texts(self, services: Sequence[_Sound]) -> Iterator[Rendered]:
        try:
            return iter(many_manifests(self.many, [one.release for one in services]) if services else [])
        except ModelServiceError:
            # If helm refuses one service, it renders none: render each by itself to get its error.
            return map(self._alone, services)

    def _alone(self, service: _Sound) -> Rendered:
        release = service.release
        try:
            return manifests(self.chart, release.name, release.namespace, service.files)
        except ModelServiceError as error:
            return error


def renderer_for(chart: Path, stage: Path, namespace: str | None, ignore: Sequence[str]) -> Renderer:
    """Return a renderer with the generic chart; the chart for many services is written into the folder `stage`."""
    many = stage / "many"
    write_chart_for_many(chart, many)
    return Renderer(chart, many, namespace, tuple(ignore))
