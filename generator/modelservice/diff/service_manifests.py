"""Render the services of one state of a fleet: check each, then render all of them with one helm run."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import NamedTuple

from modelservice.chart.many_manifests import Charts, Release
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


class Renderer(NamedTuple):
    """Renders services with the generic chart.

    `namespace` is the namespace of all services; None means the namespace that the fleet sets for each of them.
    """

    charts: Charts
    namespace: str | None
    ignore: tuple[str, ...]

    def rendered(self, state: FleetState, members: Sequence[Member | None]) -> list[Rendered]:
        """Return the manifests or the error of each service."""
        read = functools.cache(state.read)
        checked = [self._checked(one, read) if one else "" for one in members]
        texts = iter(self.charts.rendered([one for one in checked if isinstance(one, Release)]))
        return [next(texts) if isinstance(one, Release) else one for one in checked]

    def _checked(self, member: Member, read: Callable[[str], Document]) -> Release | InputError:
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
        return Release(name, self.namespace or member.namespace or "default", values, files)
