"""Tokens and keys that people paste: known by their form, so that no values file and no message carries one."""

from __future__ import annotations

import functools
import re

# Forms as their issuers document them; each starts at a word's edge so that "disk-" is no "sk-". Repeats that a match
# may try in vain are bounded, so that a long text takes linear time.
_FORMS = {
    "a Hugging Face token": r"\b(?:hf|api_org)_(?:[A-Za-z0-9]{16,}|(?=[A-Za-z]{0,40}[0-9])[A-Za-z0-9]{8,})",
    "an API key (sk-…)": r"\bsk-(?:[A-Za-z0-9]{16,}|(?=[A-Za-z_-]{0,40}[0-9])[A-Za-z0-9_-]{20,})",
    "an AWS access key": r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    "a GitHub token": r"\bgh[pousr]_[A-Za-z0-9]{20,}|\bgithub_pat_[A-Za-z0-9_]{20,}",
    "a GitLab token": r"\bglpat-[A-Za-z0-9_-]{16,}",
    "a Slack token": r"\bxox[abposr]-[A-Za-z0-9-]{10,}",
    "a Google API key": r"\bAIza[A-Za-z0-9_-]{35}",
    "an NVIDIA API key": r"\bnvapi-[A-Za-z0-9_-]{20,}",
    "a JSON Web Token": r"\beyJ[A-Za-z0-9_-]{10,500}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]*",
    "a bearer token": r"\b[Bb]earer\s+[A-Za-z0-9._~+/-]{16,}",
    "a private key": r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----(?s:.*)",
    "a password in a URL": r"\b[a-z][a-z0-9+.-]{0,20}://[^/\s:@$]+:[^/\s@$]+@",
}
_ANY = re.compile("|".join(f"({form})" for form in _FORMS.values()))

# Names of variables whose values are secrets.
_NAME = re.compile(r"(^|_)(TOKEN|API_KEY|PASSWORD|SECRET|SECRET_ACCESS_KEY|PRIVATE_KEY)$", re.IGNORECASE)
# Words beside which a secret may stand, whatever its form: flags of vLLM and their misspellings, names of variables.
_WORDS = re.compile(
    r"(?<![a-z])(api[-_ ]?ke?y|(hf|auth|access)[-_ ]?token|token(?![a-z])|passw(or)?d|passphrase|secret(?![a-z])"
    r"|private[-_ ]?key|credential)",
    re.IGNORECASE,
)
# What makes a whole file one that is better not quoted: which of its lines are a Secret's, a slip may hide.
_OBJECT = re.compile(r"\bkind[\"']?\s*:\s*[\"']?secret\b|\bstringData\b", re.IGNORECASE)
IN_A_SECRET = "put it into a Secret and name that with valueFrom.secretKeyRef"  # noqa: S105  a sentence


def names_secret(variable: str) -> bool:
    """Say whether a variable of this name holds a secret."""
    return bool(_NAME.search(variable))


@functools.lru_cache(maxsize=64)
def may_hold_secret(line: str) -> bool:
    """Say whether a line of a file is better not shown: something in it is a secret, or is called one."""
    return bool(_ANY.search(line) or _WORDS.search(line))


@functools.lru_cache(maxsize=8)
def has_secret_object(source: str) -> bool:
    """Say whether a file writes a Secret out, whose values may have any name and form."""
    return bool(_OBJECT.search(source))


def looks_like_secret(text: str) -> str | None:
    """Return what kind of secret a text seems to hold, such as "a Hugging Face token", or None."""
    found = _ANY.search(text)
    return list(_FORMS)[(found.lastindex or 1) - 1] if found else None


def hidden(text: str) -> str:
    """Return the text without what looks like a secret."""
    return _ANY.sub("(not shown)", text)
