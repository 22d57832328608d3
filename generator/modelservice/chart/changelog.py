"""Read the chart's changes from the changelog."""

from __future__ import annotations

import re
from pathlib import Path

from modelservice.schema.source import SCHEMAS

# Next to the schemas: in a checkout at its root, in a wheel inside the package.
_CHANGELOG = SCHEMAS.parent / "CHANGELOG.md"


def changes(changelog: Path = _CHANGELOG) -> list[str]:
    """Return the chart's changes in the newest version, as listed in the changelog."""
    newest = changelog.read_text(encoding="utf-8").split("\n## ")[1]
    of_chart = newest.partition("\n### Chart\n")[2].partition("\n### ")[0]
    return [" ".join(item.split()) for item in re.split(r"(?m)^- ", of_chart)[1:]]
