"""URLs in; whether they are an address and nothing more, and what of them may be printed, out."""

from __future__ import annotations

import re

from modelservice.secrets import looks_like_secret

HOST = r"([A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9A-Fa-f:.]+\])(:[0-9]+)?"
# Before the first slash a colon, somewhere after it an @: oci://user:password@host, and user:password@host as well.
# A user of ssh alone is no secret.
_CREDENTIALS = re.compile(r"(?!ssh://[^/:@]*@)[^/]*:.*@", re.DOTALL)


def holds_credentials(url: str) -> bool:
    """Say whether a URL holds a user of the web, a password or a token."""
    return bool(_CREDENTIALS.match(url) or looks_like_secret(url))


def is_address(url: str, schemes: str) -> bool:
    """Say whether a URL is a host and a path, without a query, of one of the schemes, such as "https?|oci"."""
    return re.fullmatch(rf"({schemes})://{HOST}(/[^\s?#]*)?", url) is not None


def shown(url: str) -> str:
    """Return a URL as messages show it: without users, passwords and queries."""
    return re.sub(r"(?s)^([a-z]+://)?.*@|[?#].*", r"\1", url)
