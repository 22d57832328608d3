"""Write imported values as a file: what they do not say stands above them as comments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from modelservice.findings import dotted
from modelservice.importing.container import Note
from modelservice.importing.part import Part, Secret, values_of
from modelservice.redact import NOT_SHOWN, PLACEHOLDER, hidden, instead, safe_arguments, without_secrets
from modelservice.writing.dump import dump


def values_text(part: Part, origin: str) -> str:
    """Return the text of a values file; `origin` ends the sentence "Imported from"."""
    lines = [f"# Imported from {origin}."]
    if part.notes:
        lines += ["#", "# Not said by these values, or different:", *(f"# - {told(note)}" for note in part.notes)]
    if part.secrets:
        lines += ["#", "# Secrets that must exist:", *(f"#   {line}" for line in secret_commands(part.secrets))]
    return "\n".join(lines) + "\n" + (dump(values_of(part.settings)) if values_of(part.settings) else "{}\n")


def without_secrets_left(part: Part) -> Part:
    """Return a part without secrets in places that no reference takes: a script, a sidecar, an annotation.

    Each becomes "(not shown)", with a note on what to do.
    """
    values = values_of(part.settings)
    safe = without_secrets(values)
    args, found = safe_arguments([str(word) for word in values.get("args", ())])
    paths = [*safe.secrets, *(("args", index) for index in found)]
    if not paths:
        return part
    hidden_values = _shown({**safe.values, **({"args": args} if found else {})})
    reason = "a secret in plain text was taken out"
    notes = tuple(Note(hidden(dotted(path)), f"{reason}: {instead(path)}") for path in paths)
    return part._replace(settings=hidden_values, notes=(*part.notes, *notes))


def _shown(tree: Any) -> Any:
    """Return values with words that a person reads in the place of secrets."""
    if isinstance(tree, str):
        return tree.replace(PLACEHOLDER, NOT_SHOWN)
    if isinstance(tree, list):
        return [_shown(item) for item in tree]
    return {key: _shown(value) for key, value in tree.items()} if isinstance(tree, dict) else tree


def told(note: Note) -> str:
    """Return a note as a line, without secrets and odd characters."""
    written = hidden(" ".join(safe_arguments(note.written.split(" "))[0]))
    return re.sub(r"[^\x20-\x7e\u00a0-\ud7ff]+", " ", f"{written}: {note.reason}")


def secret_commands(secrets: tuple[Secret, ...]) -> Iterator[str]:
    """Yield the `kubectl` lines that make the Secrets; what belongs there stands as a variable or in words."""
    for name in dict.fromkeys(secret.name for secret in secrets):
        keys = [secret for secret in secrets if secret.name == name]
        literals = " ".join(f'--from-literal={secret.key}="{_source(secret)}"' for secret in keys)
        yield f"kubectl create secret generic {name} {literals}"


def _source(secret: Secret) -> str:
    return secret.source if secret.source.startswith("$") else f"<{secret.source}>"
