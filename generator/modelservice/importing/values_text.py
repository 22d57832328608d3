"""Write imported values as a file: what they do not say stands above them as comments."""

from __future__ import annotations

import re
from collections.abc import Iterator

from modelservice.importing.container import Note
from modelservice.importing.part import Part, Secret, values_of
from modelservice.redact import hidden, safe_arguments
from modelservice.writing.dump import dump


def values_text(part: Part, origin: str) -> str:
    """Return the text of a values file; `origin` ends the sentence "Imported from"."""
    lines = [f"# Imported from {origin}."]
    if part.notes:
        lines += ["#", "# Not said by these values, or different:", *(f"# - {told(note)}" for note in part.notes)]
    if part.secrets:
        lines += ["#", "# Secrets that must exist:", *(f"#   {line}" for line in secret_commands(part.secrets))]
    return "\n".join(lines) + "\n" + (dump(values_of(part.settings)) if values_of(part.settings) else "{}\n")


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
