"""Hide secrets: no message, excerpt or diff contains a token, key or password.

Secrets are removed from values before the checks (`without_secrets`, `safe_arguments`), so no rule can print one. The
rest is removed when problems become findings (`problem`). Output of other programs goes through `hidden`.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from modelservice.command_secrets import (
    is_certain,
    literals,
    without_literals,
    words_without_literals,
    writes_secret,
)
from modelservice.findings import Finding, Path, Problem, lines_of
from modelservice.secret_forms import (
    has_secret_object,
    holds_login,
    is_literal,
    keys_secret,
    looks_like_secret,
    may_hold_secret,
    names_secret,
    without_forms,
    without_logins,
)

# A colon before the first slash and an @ after the colon: oci://user:password@host or user:password@host. An ssh user
# without a password is not a secret.
_CREDENTIALS = re.compile(r"(?!ssh://[^/:@]*@)[^/:]*:.*@", re.DOTALL)
# Rules of reading whose messages quote the value.
_QUOTING = ("yaml-ambiguous", "yaml-tag", "yaml-alias")

# Replaces a secret in values during the checks. Kubernetes expands any $(…), so every check of an argument accepts it.
PLACEHOLDER = "$(…)"
NOT_SHOWN = "(not shown)"
_SHOWN = f"a secret {NOT_SHOWN}"
# The kind of an argument that is a secret because of its flag, not because of its form.
NAMED = "a secret"
_FROM_ENV = (
    "put it into a Secret, set a variable from it in env with valueFrom.secretKeyRef, and write $(VARIABLE) here"
)
# Kubernetes does not replace $(VARIABLE) from a Secret in the commands of probes and of lifecycle hooks.
_FROM_SHELL = (
    "put it into a Secret, set a variable from it in env with valueFrom.secretKeyRef, and read it in a shell: "
    '[sh, -c, "… $VARIABLE …"]'
)
# What to do with a secret in a field that expects the name of a Secret, and with one below the keys of _PLACES.
_FIELDS = {
    (
        "huggingFace",
        "tokenSecret",
    ): "write the name of a Secret in huggingFace.tokenSecret.name, not the token itself; create "
    "the Secret with `kubectl create secret generic hf-token --from-literal=token=...`",
    ("apiKeySecret",): "write the name of a Secret in apiKeySecret.name, not the key itself; create the Secret "
    "with `kubectl create secret generic llm-api-keys --from-literal=api-key=...`",
}
_PUT = "store the value in it with `kubectl create secret`"
_A_NAME = f"write the name of a Secret; {_PUT}"
_PLACES = {
    "huggingFace": _FIELDS["huggingFace", "tokenSecret"],
    "tls": "write the name of a Secret in tls.secretName, not the key itself; create the Secret with "
    "`kubectl create secret tls llm-tls --cert=... --key=...`",
    "imagePullSecrets": "write the name of a Secret in name, not the login itself; create the Secret "
    "with `kubectl create secret docker-registry`",
    "secretName": _A_NAME,
    "secretKeyRef": f"write the name of a Secret in name and one of its keys in key; {_PUT}",
    "secretRef": f"write the name of a Secret in name; {_PUT}",
    "secret": f"write the name of a Secret in secretName; {_PUT}",
    "sources": f"write the name of a Secret in secret.name; {_PUT}",
    "caBundle": _A_NAME,
    "env": "put it into a Secret and refer to the Secret with valueFrom.secretKeyRef",
    "httpHeaders": "remove the header, and use a path that needs no key, such as /health",
    "path": "use a path that needs no key, such as /health",
    "volumeAttributes": "put it into a Secret and refer to the Secret with nodePublishSecretRef",
    "options": "put it into a Secret and refer to the Secret with secretRef",
    "data": "put it into a Secret, which you can create outside of the values",
    "extraObjects": "put it into a Secret, and refer to the Secret here",
    "image": "put the login into a Secret with `kubectl create secret docker-registry`; name it in imagePullSecrets",
    "command": _FROM_ENV,
    "args": _FROM_ENV,
}
# Keys that expect a Secret's name, where people may write the secret itself.
_NAME_PLACES = ("imagePullSecrets", "tls", "secretName", "secretKeyRef", "secretRef", "secret")
_OBJECTS = ("extraObjects", "objects")
# Keys of the values of a Secret, which another rule finds, or of their encrypted form.
_HELD = ("data", "stringData", "encryptedData")
# Keys below one of _NAME_PLACES that do not name a Secret.
_NO_NAMES = ("hosts", "enabled", "optional", "defaultMode", "items")
# Probably a name, not a password: llm-tls, LLM_KEYS, or regcred from Kubernetes' documentation.
_WORD = "(?:[a-z]{1,20}|[A-Z]{1,20}|[A-Z][a-z]{1,20})"
_PLAIN_NAME = re.compile(rf"{_WORD}(?:[-_]{_WORD}){{1,4}}|regcred")
_WORDS = re.compile(rf"{_WORD}(?:[-_]{_WORD}){{0,4}}")
# The name of a Secret, or of a key in one, without a part that could be random: llm-keys-2026.
_PROPER_NAME = re.compile(r"(?!.*(?=[A-Za-z]{0,20}\d)[A-Za-z0-9]{16})[A-Za-z0-9][A-Za-z0-9._-]{0,252}")
# A comment that sets or tells a secret, not one that names a placeholder, a reference or a map.
_TOLD = re.compile(
    r"(?i)(?:passw(?:or)?d|pwd|passphrase|token|secret|key|credentials?)[\"']?\s{0,20}(?::|=|\bis\b|\bwas\b)\s{0,20}"
    r"[\"']?[^\s<>${}()\[\]\"'…]"
)
_NAME_LINE = re.compile(r"tokenSecret|apiKeySecret|imagePullSecret|secretName|secretKeyRef|secretRef|\btls\b|^%")


class Redacted(NamedTuple):
    """Values without their secrets, and the path of each secret with the message about it."""

    values: dict[str, Any]
    secrets: dict[Path, str]


def instead(path: Path) -> str:
    """Return what to do with a secret at this path of the values."""
    if field := _field(path):
        return field
    if "exec" in path:
        return _FROM_SHELL
    last = [part for part in reversed(path) if part in _PLACES and path[1:] != ("endpoint",)]
    return _PLACES[str(last[0])] if last else "remove it, and revoke the secret"


def _field(path: Path) -> str:
    hints = [hint for field, hint in _FIELDS.items() if path[: len(field)] == field]
    if "secret" in path and (above := [key for key in ("sources", "caBundle") if key in path]):
        return _PLACES[above[0]]
    if path[-2:] in (("secretKeyRef", "key"), ("tokenSecret", "key")):
        return "write the name of a key of the Secret, not the key's value"
    if path[:2] == ("apiKeySecret", "keys"):
        return "write the names of the Secret's keys as a list, not the API keys themselves"
    places = [str(part) for part in path if part in _NAME_PLACES and not set(path) & set(_NO_NAMES)]
    return [*hints, *(_PLACES[place] for place in reversed(places)), ""][0]


def hidden(text: str) -> str:
    """Return the text without anything that looks like a secret."""
    text = without_literals(without_forms(text, NOT_SHOWN), lambda _: NOT_SHOWN)
    return without_logins(text, f"{NOT_SHOWN}@").replace(PLACEHOLDER, NOT_SHOWN)


def shown(value: Any) -> str:
    """Return a value as messages show it: as JSON, short, and never a secret."""
    if isinstance(value, Mapping):
        return "a map of keys" if value else "{}"
    if isinstance(value, list):
        return "a list" if value else "[]"
    if isinstance(value, str) and hides(value):
        return _SHOWN
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}…"


def hides(text: str) -> bool:
    """Return whether a text of the values must not be shown, because it may hold a secret."""
    if PLACEHOLDER in text or looks_like_secret(text):
        return True
    # A text of words alone, such as hf-token, may name a secret, but does not contain one.
    return not _WORDS.fullmatch(text) and _may_hold_secret(text)


def _is_plain_name(text: str) -> bool:
    return _PLAIN_NAME.fullmatch(text) is not None and not looks_like_secret(text)


# A hostile file can have thousands of findings on one long line.
@functools.lru_cache(maxsize=64)
def _may_hold_secret(text: str) -> bool:
    return may_hold_secret(text) or next(literals(text), None) is not None


def without_secrets(values: dict[str, Any]) -> Redacted:
    """Return the values without their secrets, except `args` (see `safe_arguments`); keys are unchanged."""
    secrets: dict[Path, str] = {}
    found = {key: value if key == "args" else _safe(value, (key,), secrets) for key, value in values.items()}
    secrets |= {(key,): f"{kind} in plain text {NOT_SHOWN}" for key in values if (kind := looks_like_secret(key))}
    return Redacted(found, secrets)


def _safe(tree: Any, path: Path, secrets: dict[Path, str]) -> Any:
    if isinstance(tree, str):
        kind = looks_like_secret(tree)
        if kind:
            secrets[path] = f"{kind} in plain text {NOT_SHOWN}"
        return without_forms(tree, PLACEHOLDER) if kind else tree
    if isinstance(tree, list):
        items = [_safe(item, (*path, index), secrets) for index, item in enumerate(tree)]
        return _safe_words(items, path, secrets) if path[-1] in ("command", "args") else items
    if not isinstance(tree, dict):
        return tree
    for key in tree:
        if kind := looks_like_secret(key):
            secrets[*path, key] = f"{kind} in plain text {NOT_SHOWN}"
    found = {key: _safe(value, (*path, key), secrets) for key, value in tree.items()}
    _take(found, path, _named(found, path), secrets)
    if tree.get("kind") == "ConfigMap" and isinstance(data := found.get("data"), dict):
        _take(data, (*path, "data"), [*_files_with_secrets(data), *_called_secret(data)], secrets)
    return found


def _take(tree: dict[str, Any], path: Path, named: Iterable[tuple[str, str]], secrets: dict[Path, str]) -> None:
    """Replace the named values by the placeholder, and record them in `secrets`."""
    for key, what in list(named):
        secrets[*path, key] = f"{what} in plain text {NOT_SHOWN}"
        tree[key] = PLACEHOLDER


def _safe_words(words: list[Any], path: Path, secrets: dict[Path, str]) -> list[Any]:
    """Return the words of a command without the secrets that are named in them or by the flags before them."""
    texts = [word if isinstance(word, str) else "" for word in words]
    written = words_without_literals(
        texts, lambda text: PLACEHOLDER.join(re.findall("^[\"']|[\"']$", text)) or PLACEHOLDER
    )
    safe = [PLACEHOLDER if _is_flags_secret(texts, index) else written[index] for index in range(len(texts))]
    changed = [index for index, text in enumerate(texts) if safe[index] != text]
    secrets |= {
        (*path, index): f"{NAMED} in plain text {NOT_SHOWN}" for index in changed if (*path, index) not in secrets
    }
    return [safe[index] if index in changed else word for index, word in enumerate(words)]


def _named(tree: Mapping[str, Any], path: Path) -> Iterator[tuple[str, str]]:
    """Yield the keys of a map whose values are secrets according to a name, each with the words for it."""
    pairs, keys = path[-2:-1], str(path[-1])
    value, name = tree.get("value"), str(tree.get("name"))
    if pairs in (("env",), ("httpHeaders",), ("set",), ("add",)) and isinstance(value, str):
        bare = value if pairs == ("env",) else re.sub(r"(?i)^(bearer|basic|token)\s+", "", value)
        if names_secret(name) and is_literal(bare):
            yield "value", f"{name} has a value"
        elif pairs == ("env",) and next(literals(f"{name}={value}"), next(literals(value), None)):
            yield "value", NAMED
    elif keys == "httpGet" and next(literals(str(tree.get("path"))), None):
        yield "path", NAMED
    for key in ("image", "registry", "repository"):
        if isinstance(tree.get(key), str) and holds_login(tree[key]) and (key == "image" or keys == "image"):
            yield key, "a login"
    known = {"volumeAttributes": _is_text, "annotations": _is_annotation, "podAnnotations": _is_annotation}
    if keys in known or path[-2:] == ("flexVolume", "options"):
        yield from _called_secret(tree, known.get(keys, _is_text))
        yield from _files_with_secrets(tree)
    elif path[0] in _OBJECTS and keys not in _HELD:
        yield from _called_secret(tree, _is_password)


def _files_with_secrets(data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, text in data.items():
        if isinstance(text, str) and writes_secret(text):
            yield key, NAMED


def _called_secret(
    tree: Mapping[str, Any], may_be: Callable[[str, Any], bool] = lambda _, value: isinstance(value, str)
) -> Iterator[tuple[str, str]]:
    """Yield the keys of a map that have a secret's name and contain a secret."""
    for key, text in tree.items():
        if may_be(key, text) and keys_secret(key.rpartition("/")[2]) and is_literal(text):
            yield key, f"{key} has a value"


def _is_text(_: str, value: Any) -> bool:
    return isinstance(value, str)


def _is_password(key: str, value: Any) -> bool:
    """Return whether a key of an unknown object certainly contains a password, not the name of a Secret."""
    named = re.search(r"(?i)passw(or)?d\d{0,2}$|^(?:proxy-)?authorization$|^x-api-key$", key)
    return isinstance(value, str) and named is not None and is_certain(value)


def _is_annotation(key: str, value: Any) -> bool:
    """Return whether an annotation may be a secret, not a secret's path, a hash or an instruction to an injector."""
    return (
        isinstance(value, str)
        and not re.search("inject|checksum|hash|secret|vault", key)
        and not re.search(r"[/\s]", value)
    )


def safe_arguments(args: Sequence[str]) -> tuple[list[str], dict[int, str]]:
    """Return the arguments without their secrets, and the kind of secret in each argument, by its index.

    The kind is NAMED if a flag or a key in JSON, not the secret's form, identifies the secret.
    """
    named = (index for index, text in enumerate(args) if next(literals(text), None) or _is_flags_secret(args, index))
    secrets = dict.fromkeys(named, NAMED)
    secrets |= {index: kind for index, text in enumerate(args) if (kind := looks_like_secret(text))}
    safe = [_without_form(text) if index in secrets else text for index, text in enumerate(args)]
    return [
        PLACEHOLDER if _follows_secret_flag(args, index) else _without_value(text) for index, text in enumerate(safe)
    ], secrets


def _is_flags_secret(words: Sequence[str], index: int) -> bool:
    flag, word = words[index - 1] if index else "", words[index]
    return (
        flag.startswith("-") and keys_secret(flag.rpartition(".")[2]) and not word.startswith("-") and is_literal(word)
    )


def _follows_secret_flag(args: Sequence[str], index: int) -> bool:
    flag = args[index - 1] if index else ""
    return flag.startswith("-") and may_hold_secret(flag) and not args[index].startswith("-")


def _without_value(text: str) -> str:
    """Return an argument without its value if its name is a secret's: --api-key=x, api-key=x, --api-key:x."""
    found = re.match(r"([\w-]+)([=:]).", text)
    return f"{found[1]}{found[2]}{PLACEHOLDER}" if found and may_hold_secret(found[1]) else text


def _without_form(text: str) -> str:
    name, equals, _ = text.partition("=")
    return f"{name}={PLACEHOLDER}" if equals and not looks_like_secret(name) else PLACEHOLDER


def problem(found: Problem, values: Mapping[str, Any]) -> Problem:
    """Return a schema problem, without the value if its key or variable has a secret's name."""
    value, names = _called(found.path, values)
    if value == "" or isinstance(value, bool) or not isinstance(value, str | int | float):
        return found
    field, text = _field(found.path), str(value)
    may_be_secret = field and is_literal(text) and not _is_plain_name(text)
    if found.on_key:
        hint, _, quoted = found.hint.partition(": ")
        return found._replace(hint=hint, fix=()) if may_be_secret and text in quoted else found
    if field and not may_be_secret:
        return found
    if field:
        _, quoted, rest = found.message.partition(shown(value))
        said = rest if quoted else " does not belong here"
        message = found.message if found.message.startswith("has ") else f"this value {NOT_SHOWN}{said}"
        return found._replace(message=message, hint=field, fix=())
    if not any(map(may_hold_secret, names)):
        return found
    _, quoted, rest = found.message.partition(shown(value))
    if quoted and rest == " is not a map of keys":
        return found._replace(message=f"this value {NOT_SHOWN}{rest}", hint=instead(found.path), fix=())
    message = f"{NAMED} in plain text {NOT_SHOWN}"
    return found._replace(message=message, hint=instead(found.path), rule="secret-literal", fix=())


def _called(path: Path, values: Mapping[str, Any]) -> tuple[Any, list[str]]:
    """Return the value at a path, and its names: its key, its variable, the flag before it."""
    pairs, words = (any(key in path for key in keys) for keys in (("env", "httpHeaders"), ("args", "command")))
    names, item = [str(path[-1])] if path else [], values
    for depth, part in enumerate(path, 1):
        if isinstance(item, Mapping):
            names += [str(item.get("name"))] if pairs and depth == len(path) and part != "name" else []
            item = item.get(str(part), {})
        elif isinstance(item, list) and isinstance(part, int):
            names += [str(item[part - 1])] if part and words else []
            item = item[part]
    return item, names


def finding(found: Finding, source: str) -> Finding:
    """Return a finding without anything that looks like a secret; `source` is the text of its file."""
    if found.rule in _QUOTING and hides_line(source, found.position.line):
        message, hint = f"Helm may read this differently than it looks {NOT_SHOWN}", "put it in quotes"
        found = found._replace(message=message, hint=hint, fix=())
    path = tuple(_hidden_key(part) if isinstance(part, str) else part for part in found.path)
    fix = () if hidden(repr(found.fix)) != repr(found.fix) else found.fix
    return found._replace(path=path, message=hidden(found.message), hint=hidden(found.hint), fix=fix)


def _hidden_key(key: str) -> str:
    return NOT_SHOWN if next(literals(key), None) else hidden(key)


_lines = functools.lru_cache(maxsize=4)(lines_of)


def hides_line(source: str, line: int) -> bool:
    """Return whether a line of a file (from 1) must not be quoted: it, or a name next to it, may be a secret's."""
    lines = _lines(source)
    around = lines[max(0, line - 2) : line]
    # A variable's name may be below its value.
    indent = " " * (len(around[-1]) - len(around[-1].lstrip(" -"))) if around else ""
    around += [text for text in lines[line : line + 2] if text.startswith(f"{indent}name:")]
    return has_secret_object(source) or any(_may_hold_secret(text) or _NAME_LINE.search(text) for text in around)


def hides_value(path: Path, value: Any, values: Mapping[str, Any]) -> bool:
    """Return whether the single value at a path of the values may be a secret: by its form, its name or its place."""
    if value in (None, "") or isinstance(value, bool):
        return False
    text = str(value)
    if hidden(text) != text:
        return True
    # A reference has no spaces; a longer text may contain one next to a secret.
    if (not is_literal(text) and not re.search(r"\s", text)) or _names_secret(path, text):
        return False
    is_flag = isinstance(path[-1], int) and text.startswith("-")
    key = next((str(part) for part in reversed(path) if isinstance(part, str)), "")
    names = [] if is_flag else [key, *_called(path, values)[1]]
    if _field(path) or any(map(may_hold_secret, names)):
        return any(map(keys_secret, names)) or not _is_plain_name(text)
    return hides(text)


def _names_secret(path: Path, text: str) -> bool:
    """Return whether a text is the name of a Secret, or of a key in one, in a place for such names."""
    places = (("secretKeyRef", "key"), ("tokenSecret", "key"), ("apiKeySecret", "keys"), ("caBundle", "secret"))
    is_place = path[-1] in ("name", "secretName") or path[-2:] in places or path[-3:-1] in places
    return is_place and bool(_PROPER_NAME.fullmatch(text)) and (path[-1] != "name" or bool(_field(path)))


def hides_comment(line: str) -> bool:
    """Return whether the comment of a line of YAML, if it has one, may contain a secret."""
    found = re.search(r"(?:^|\s)#(.*)", line)
    comment = found[1] if found else ""
    return bool(hidden(comment) != comment or _TOLD.search(comment)) or any(
        is_certain(word) for word in comment.split() if may_hold_secret(comment)
    )


def hides_excerpt(found: Finding, source: str) -> bool:
    """Return whether the line of a finding must not be quoted, because the line or the field may hold a secret."""
    return NOT_SHOWN in found.message or bool(_field(found.path)) or hides_line(source, found.position.line)


def holds_credentials(url: str) -> bool:
    """Return whether a URL contains a user (other than an ssh user), a password or a token."""
    return bool(_CREDENTIALS.match(url) or looks_like_secret(url))


def shown_url(url: str) -> str:
    """Return a URL as messages show it: without users, passwords and queries."""
    return re.sub(r"(?s)^([a-z]+://)?.*@|[?#].*", r"\1", url)
