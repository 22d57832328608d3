"""Write imported values as a file, with the notes as comments at the top."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from modelservice.findings import Path, dotted
from modelservice.importing.container import Note
from modelservice.importing.part import SECRETS, Origin, Part, Secret, reference, values_of
from modelservice.redact import NOT_SHOWN, PLACEHOLDER, hidden, instead, safe_arguments, without_secrets
from modelservice.rules.secret_literals import literals_in, written_secrets
from modelservice.service import is_label
from modelservice.writing.dump import dump

_CONTAINERS = ("initContainers", "extraContainers")


def values_text(part: Part, origin: Origin) -> str:
    """Return the text of a values file for the settings of an imported service."""
    lines = [f"# {_one_line(text)}" for text in (f"Imported from {origin.title}.", *origin.about)]
    if part.notes:
        lines += ["#", "# Missing from these values, or different:", *(f"# - {told(note)}" for note in part.notes)]
    if part.secrets:
        lines += [
            "#",
            "# Secrets that must exist:",
            *(f"#   {line}" for line in secret_commands(part.secrets, origin.namespace)),
        ]
    return "\n".join(lines) + "\n" + (dump(values_of(part.settings)) if values_of(part.settings) else "{}\n")


def without_secrets_left(part: Part) -> Part:
    """Return a part without the secrets that are left in it: in a script, a sidecar, an annotation.

    Containers read theirs from a Secret; elsewhere each becomes "(not shown)". A note says what to do about each.
    """
    part = _without_secret_objects(part)
    values = values_of(part.settings)
    safe = without_secrets(values)
    given = values.get("args", ())
    args, found = safe_arguments([str(word) for word in given] if isinstance(given, list) else [])
    paths = [*safe.secrets, *(("args", index) for index in found)]
    if not paths:
        return part
    left = {**safe.values, **({"args": args} if found else {})}
    secrets: list[Secret] = []
    for key in (key for key in _CONTAINERS if isinstance(left.get(key), list)):
        left[key] = [_referring(container, secrets, (key, index)) for index, container in enumerate(left[key])]
    hidden_values = _shown(_referring(left, secrets, ()))
    notes = tuple(Note(hidden(dotted(path)), reason) for path in paths if (reason := _to_do(path)))
    return part._replace(
        settings=hidden_values, notes=(*part.notes, *notes), secrets=tuple(dict.fromkeys((*part.secrets, *secrets)))
    )


def _without_secret_objects(part: Part) -> Part:
    """Return a part without extra objects that contain secrets: Secrets with values, and texts with a secret."""
    objects = part.settings.get("extraObjects")
    objects = objects if isinstance(objects, list) else []
    held = [bool(written_secrets(one) or (isinstance(one, str) and literals_in(one))) for one in objects]
    if not any(held):
        return part
    reason = "it contains a secret and was left out: create it with kubectl, an ExternalSecret or a SealedSecret"
    notes = tuple(Note(f"extraObjects[{index}]", reason) for index, is_held in enumerate(held) if is_held)
    kept = [item for item, is_held in zip(objects, held, strict=True) if not is_held]
    return part._replace(settings={**part.settings, "extraObjects": kept}, notes=(*part.notes, *notes))


def _to_do(path: Path) -> str:
    """Return what to do about a secret, or "" if its Secret only has to exist."""
    inside = path[2:] if path[0] in _CONTAINERS else path
    if inside[0] == "env":
        return ""
    if inside[0] in ("command", "args"):
        return f"a secret in plain text became a reference: create the Secret {SECRETS}"
    return f"a secret in plain text was removed: {instead(path)}"


def _referring(container: Any, secrets: list[Secret], path: Path) -> Any:
    """Return a container, or the values, with secrets replaced by variables; add the Secrets to `secrets`."""
    if not isinstance(container, dict):
        return container
    variables: list[Any] = []

    def refer(name: str, source: str) -> dict[str, Any]:
        secrets.append(Secret(SECRETS, name, source))
        return reference(name)

    def word_of(word: Any, place: str) -> Any:
        while isinstance(word, str) and PLACEHOLDER in word:
            name = f"LLM_SECRET_{len(secrets) + 1}"
            word = word.replace(PLACEHOLDER, f"$({name})", 1)
            variables.append(refer(name, f"the text of {place} that $({name}) replaces"))
        return word

    found = dict(container)
    for key in ("command", "args"):
        if isinstance(words := found.get(key), list):
            found[key] = [word_of(word, dotted((*path, key, index))) for index, word in enumerate(words)]
    given = found.get("env") or []
    if isinstance(given, list) and (given or variables):
        found["env"] = [
            refer(str(one["name"]), f"the value of {one['name']}") if _holds_placeholder(one) else one for one in given
        ] + variables
    return found


def _holds_placeholder(entry: Any) -> bool:
    return isinstance(entry, dict) and "name" in entry and PLACEHOLDER in str(entry.get("value", ""))


def _shown(tree: Any) -> Any:
    """Return values with "(not shown)" in place of secrets."""
    if isinstance(tree, str):
        return tree.replace(PLACEHOLDER, NOT_SHOWN)
    if isinstance(tree, list):
        return [_shown(item) for item in tree]
    return {key: _shown(value) for key, value in tree.items()} if isinstance(tree, dict) else tree


def told(note: Note) -> str:
    """Return a note as a line, without secrets and unprintable characters."""
    written = hidden(" ".join(safe_arguments(note.written.split(" "))[0]))
    return _one_line(f"{written}: {note.reason}")


def _one_line(text: str) -> str:
    """Return a text without unprintable characters, which could end a comment."""
    return re.sub(r"[^\x20-\x7e\u00a0-\ud7ff]+", " ", text)


def secret_commands(secrets: tuple[Secret, ...], namespace: str = "") -> Iterator[str]:
    """Yield the `kubectl` lines that create the Secrets; each value is a description, or a variable to set."""
    where = namespace if is_label(namespace) else "NAMESPACE"
    for name in dict.fromkeys(secret.name for secret in secrets):
        keys = [secret for secret in secrets if secret.name == name]
        literals = " ".join(f'--from-literal={secret.key}="{_source(secret)}"' for secret in keys)
        yield f"kubectl create secret generic {name} --namespace {where} {literals}"


def _source(secret: Secret) -> str:
    if not secret.source.startswith("$"):
        return f"<{secret.source}>"
    name = secret.source[1:]
    # The shell stops at an unset variable instead of creating an empty Secret.
    return f"${{{name}:?}}" if re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII) else f"<the value of {name}>"
