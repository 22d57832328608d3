"""Decide what is a secret, and hide it: no message, excerpt or diff carries a token, key or password.

Values lose their secrets before they are checked (`without_secrets`, `safe_arguments`), so that no rule can print one;
problems lose the rest when they become findings (`problem`). Text of other programs goes through `hidden`.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from modelservice.findings import Finding, Path, Problem, lines_of

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
    "an npm token": r"\bnpm_[A-Za-z0-9]{30,}",
    "a Docker token": r"\bdckr_pat_[A-Za-z0-9_-]{20,}",
    "a Vault token": r"\bhvs\.[A-Za-z0-9_-]{20,}",
    "a Groq API key": r"\bgsk_[A-Za-z0-9]{20,}",
    "a Replicate token": r"\br8_[A-Za-z0-9]{30,}",
    "a PyPI token": r"\bpypi-[A-Za-z0-9_-]{30,}",
    "a password in a URL": r"\b[A-Za-z][A-Za-z0-9+.-]{0,20}://[^/\s:@$]{0,100}:[^/\s@$]{1,200}@",
}
# How each form begins is looked at first: a long text of anything else passes several times as fast.
_ANY = re.compile(f"(?=[A-Za-z-])(?:{'|'.join(f'({form})' for form in _FORMS.values())})")

# Names of variables whose values are secrets.
_NAME = re.compile(
    r"(PASSWORD|PASSWD|PASSPHRASE|_PWD|_PASS|(^|_)(TOKEN|SECRET|CREDENTIALS?)"
    r"|(^|_)(API|OPENAI|ACCESS|SECRET|PRIVATE|AUTH|ENCRYPTION|SIGNING)_?KEY(_ID)?|SECRET_ACCESS_KEY)$",
    re.IGNORECASE,
)
# What stands under such a name and is no secret: HF_HUB_DISABLE_IMPLICIT_TOKEN=1, a count, a special token of a model.
_NO_SECRET = re.compile(r"(?i)[0-9]{1,5}|true|false|yes|no|on|off|none|empty|dummy|not-needed|/.*|<.*>|\[.*\]")
# Words beside which a secret may stand, whatever its form: flags of vLLM and their misspellings, names of variables.
_WORDS = re.compile(
    r"(?=[-_achpst])((?<![a-z])(api[-_ ]?ke?y|(hf|auth|access)[-_ ]?token|(?<!batched-)(?<!prefill-)token(?![a-z])"
    r"|secret(?![a-z])|(private|access)[-_ ]?key|credential)|passw(or)?d|passphrase|[-_]pwd(?![a-z]))",
    re.IGNORECASE,
)
# What makes a whole file one that is better not quoted: which of its lines are a Secret's, a slip may hide.
_OBJECT = re.compile(r"\bkind[\"']?\s*:\s*[\"']?secret\b|\bstringData\b", re.IGNORECASE)
# Before the first slash a colon, somewhere after it an @: oci://user:password@host, and user:password@host as well.
# A user of ssh alone is no secret.
_CREDENTIALS = re.compile(r"(?!ssh://[^/:@]*@)[^/]*:.*@", re.DOTALL)
# Rules of reading whose messages quote what is written.
_QUOTING = ("yaml-ambiguous", "yaml-tag", "yaml-alias")

# What stands for a secret in values while they are checked. Kubernetes puts something else in the place of any $(…),
# so that no check of an argument calls it wrong.
PLACEHOLDER = "$(…)"
_NOT_SHOWN = "(not shown)"
_SHOWN = f"a secret {_NOT_SHOWN}"
IN_A_SECRET = "put it into a Secret and name that with valueFrom.secretKeyRef"  # noqa: S105  a sentence


class Redacted(NamedTuple):
    """Values without their secrets, and what each secret is: its path → the message about it."""

    values: dict[str, Any]
    secrets: dict[Path, str]


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
    return _ANY.sub(_NOT_SHOWN, text).replace(PLACEHOLDER, _NOT_SHOWN)


def shown(value: Any) -> str:
    """Return a value as messages show it: as JSON, short, and never a secret."""
    if isinstance(value, Mapping):
        return "a map of keys" if value else "{}"
    if isinstance(value, list):
        return "a list" if value else "[]"
    if isinstance(value, str) and (PLACEHOLDER in value or may_hold_secret(value)):
        return _SHOWN
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}…"


def without_secrets(values: dict[str, Any]) -> Redacted:
    """Return the values without their secrets; `args` stay for `safe_arguments`, and keys as they are."""
    secrets: dict[Path, str] = {}
    found = {key: value if key == "args" else _safe(value, (key,), secrets) for key, value in values.items()}
    secrets |= {(key,): f"{kind} in plain text {_NOT_SHOWN}" for key in values if (kind := looks_like_secret(key))}
    return Redacted(found, secrets)


def _safe(tree: Any, path: Path, secrets: dict[Path, str]) -> Any:
    if isinstance(tree, str):
        kind = looks_like_secret(tree)
        if kind:
            secrets[path] = f"{kind} in plain text {_NOT_SHOWN}"
        return _ANY.sub(PLACEHOLDER, tree) if kind else tree
    if isinstance(tree, list):
        return [_safe(item, (*path, index), secrets) for index, item in enumerate(tree)]
    if not isinstance(tree, dict):
        return tree
    for key in tree:
        if kind := looks_like_secret(key):
            secrets[*path, key] = f"{kind} in plain text {_NOT_SHOWN}"
    found = {key: _safe(value, (*path, key), secrets) for key, value in tree.items()}
    if path[-2:-1] == ("env",) and _is_literal(tree) and (*path, "value") not in secrets:
        secrets[*path, "value"] = f"{tree['name']} has a value in plain text {_NOT_SHOWN}"
        found["value"] = PLACEHOLDER
    return found


def _is_literal(variable: Mapping[str, Any]) -> bool:
    """Say whether an entry of `env` writes out what its name calls a secret."""
    name, value = variable.get("name"), variable.get("value")
    if not (isinstance(name, str) and isinstance(value, str) and value and _NAME.search(name)):
        return False
    return "$(" not in value and not _NO_SECRET.fullmatch(value)


def safe_arguments(args: Sequence[str]) -> tuple[list[str], dict[int, str]]:
    """Return the arguments without their secrets, and by its index what kind of secret each holds."""
    secrets = {index: kind for index, text in enumerate(args) if (kind := looks_like_secret(text))}
    safe = [_without_form(text) if index in secrets else text for index, text in enumerate(args)]
    return [
        PLACEHOLDER if _follows_secret_flag(args, index) else _without_value(text) for index, text in enumerate(safe)
    ], secrets


def _follows_secret_flag(args: Sequence[str], index: int) -> bool:
    flag = args[index - 1] if index else ""
    return flag.startswith("--") and may_hold_secret(flag) and not args[index].startswith("-")


def _without_value(text: str) -> str:
    """Return an argument without the value of what is called a secret: --api-key=x, api-key=x, --api-key:x."""
    found = re.match(r"([\w-]+)([=:]).", text)
    return f"{found[1]}{found[2]}{PLACEHOLDER}" if found and may_hold_secret(found[1]) else text


def _without_form(text: str) -> str:
    name, equals, _ = text.partition("=")
    return f"{name}={PLACEHOLDER}" if equals and not looks_like_secret(name) else PLACEHOLDER


def problem(found: Problem, values: Mapping[str, Any]) -> Problem:
    """Return a schema's problem with a value, without that value where its key or variable calls it a secret."""
    if not any(may_hold_secret(name) for name in _names(found, values)):
        return found
    message = f"a secret in plain text {_NOT_SHOWN}"
    return found._replace(message=message, hint=IN_A_SECRET, rule="secret-literal", fix=())


def _names(found: Problem, values: Mapping[str, Any]) -> Iterator[str]:
    """Yield what the single value at a problem's path is called: its key, its variable, the flag before it."""
    last = str(found.path[-1]) if found.path and not found.on_key else ""
    names = ["secret" if last.endswith("Secret") else last]
    item: Any = values
    for part in found.path:
        if isinstance(item, Mapping):
            names += [str(item.get("name"))] if "env" in found.path else []
            item = item.get(str(part))
        elif isinstance(item, list) and isinstance(part, int):
            names += [str(item[part - 1])] if part and found.path[0] == "args" else []
            item = item[part]
    if isinstance(item, str | int | float):
        yield from names


def finding(found: Finding, source: str) -> Finding:
    """Return a finding with nothing in it that looks like a secret; `source` is the text of its file."""
    line = found.position.line
    around = "\n".join(lines_of(source)[max(0, line - 2) : line]) if found.rule in _QUOTING else ""
    if around and (may_hold_secret(around) or has_secret_object(source)):
        message, hint = f"Helm may not read this as it is meant {_NOT_SHOWN}", "put it in quotes"
        found = found._replace(message=message, hint=hint, fix=())
    path = tuple(hidden(part) if isinstance(part, str) else part for part in found.path)
    fix = () if hidden(repr(found.fix)) != repr(found.fix) else found.fix
    return found._replace(path=path, message=hidden(found.message), hint=hidden(found.hint), fix=fix)


def hides_line(source: str, line: int) -> bool:
    """Say whether a line of a file (from 1) is better not quoted: it or the one above may hold a secret."""
    around = lines_of(source)[max(0, line - 2) : line]
    return has_secret_object(source) or any(map(may_hold_secret, around))


def object_field(kind: str, path: str, text: str) -> str:
    """Return a field of a Kubernetes object as a diff shows it: of a Secret, no more than that it is there."""
    private = kind == "Secret" and not path.startswith("metadata.")
    return _NOT_SHOWN if private and text else text


def holds_credentials(url: str) -> bool:
    """Say whether a URL holds a user of the web, a password or a token."""
    return bool(_CREDENTIALS.match(url) or looks_like_secret(url))


def shown_url(url: str) -> str:
    """Return a URL as messages show it: without users, passwords and queries."""
    return re.sub(r"(?s)^([a-z]+://)?.*@|[?#].*", r"\1", url)
