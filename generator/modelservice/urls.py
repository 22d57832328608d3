"""Check that a URL is only an address."""

from __future__ import annotations

import re

HOST = r"([A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9A-Fa-f:.]+\])(:[0-9]+)?"


def is_address(url: str, schemes: str) -> bool:
    """Return whether a URL is only a scheme, a host and a path; `schemes` is a pattern such as "https?|oci"."""
    return re.fullmatch(rf"({schemes})://{HOST}(/[^\s?#]*)?", url) is not None
