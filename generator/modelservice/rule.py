"""A rule as documents list it."""

from __future__ import annotations

from typing import NamedTuple

from modelservice.findings import Severity


class Rule(NamedTuple):
    """One check: its stable id, how bad a hit is, one sentence, and where the fact comes from."""

    id: str
    severity: Severity
    summary: str
    source: str
