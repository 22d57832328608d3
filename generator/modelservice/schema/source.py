"""Find the schemas, and read the plain one that values are checked against."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

# In a wheel the schemas are inside the package, in a checkout at its root.
_PACKAGED = Path(__file__).parents[1] / "schemas"
SCHEMAS = _PACKAGED if _PACKAGED.is_dir() else Path(__file__).parents[3] / "schemas"
SOURCE = SCHEMAS / "modelservice.schema.yaml"
SCHEMA = SCHEMAS / "modelservice.schema.json"
FLEET_SCHEMA = SCHEMAS / "fleet.schema.json"

Schema = dict[str, Any]


@functools.cache
def plain_schema() -> Schema:
    """Return the schema in its plain JSON form, which is much faster to read than the annotated YAML source."""
    schema: Schema = json.loads(SCHEMA.read_bytes())
    return schema
