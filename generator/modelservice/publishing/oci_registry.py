"""Push archives to an OCI registry with helm."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from subprocess import CompletedProcess

from modelservice.errors import ToolError
from modelservice.helm import archive_in, try_helm, words
from modelservice.publishing.archive import Archive, digest_of
from modelservice.publishing.destination import Published, Registry, refuse_others
from modelservice.writing.staging import scratch

# Registries' messages for a missing chart; those for an unknown host and a missing login look similar.
_NOT_THERE = re.compile(r"(?<!credential )(?<!host )not found|\b404\b|manifest unknown|name unknown", re.IGNORECASE)
_DIGEST = re.compile(r"Digest:\s*(sha256:[0-9a-f]{64})")
# Messages of helm, and what to do; the first match counts.
_NEXT = {
    "HTTP response to HTTPS client": "{host} uses HTTP: pass --plain-http",
    "400:? Bad Request": "{host} may use HTTPS: remove --plain-http",
    "certificate|x509": "the certificate of {host} is not trusted: pass its authority with --ca-file",
    "connection refused|timeout|timed out|unreachable|no route": "no registry answers at {host}: check its port",
    "no such host|server misbehaving": "the name {host} cannot be resolved: check it",
    "unauthorized|forbidden|denied|credential": "log in with `helm registry login {host}`",
}


def push(archives: Sequence[Archive], registry: Registry, *, force: bool) -> Iterator[Published]:
    """Push archives that the registry does not have, and yield the result of each.

    A signature is only pushed together with its archive: it cannot be added later. Raises InputError if a version
    exists with different content and `force` is not set. Raises ToolError if helm fails, or if another publisher
    replaced the archive at the same time: a registry keeps the last one.
    """
    there = {archive: _in_registry(archive, registry) for archive in archives}
    refuse_others({archive: found[0] for archive, found in there.items() if found}, force)
    for archive in archives:
        found = there[archive]
        if found and found[0] == archive.digest:
            outcome, digest = "there already", found[1]
        else:
            outcome, digest = "replaced" if found else "pushed", _push(archive, registry)
        yield Published(archive, outcome, digest, _install(archive, registry, digest))


def _push(archive: Archive, registry: Registry) -> str:
    """Push, read back, and return the manifest's digest."""
    answer = try_helm(["push", str(archive.path), registry.url, *registry.connection])
    if answer.returncode:
        raise _failure(f"{archive.label} cannot be pushed to {registry.url}", answer, registry)
    pushed = _digest(answer)
    digest, manifest = _in_registry(archive, registry) or ("", "")
    # The manifest of the same archive differs if its file's time differs, or if only one of the two is signed.
    if digest != archive.digest or (archive.provenance and manifest not in ("", pushed)):
        raise ToolError(
            f"{archive.label} was pushed to {registry.url}, but another publisher has replaced it"
            f" ({manifest or 'none'}): raise the version, or publish again with --force"
        )
    return manifest or pushed


def _in_registry(archive: Archive, registry: Registry) -> tuple[str, str] | None:
    """Return the SHA-256 of the registry's archive of this version, and its manifest's digest, or None without one.

    The manifest's digest is "" if helm does not print it.
    """
    with scratch() as folder:
        place = ["pull", f"{registry.url}/{archive.name}", "--version", archive.version, "--destination", str(folder)]
        answer = try_helm([*place, *registry.connection])
        if answer.returncode == 0:
            return digest_of(archive_in(folder)), _digest(answer)
    if _NOT_THERE.search(answer.stderr):
        return None
    # Helm 3.18.0 cannot pull a signed chart from a registry, but prints the digest of the signature that it found.
    if archive.provenance and digest_of(archive.provenance) in answer.stderr:
        return archive.digest, ""
    raise _failure(f"{registry.url} cannot be read", answer, registry)


def _digest(answer: CompletedProcess[str]) -> str:
    found = _DIGEST.search(words(answer))
    return found[1] if found else ""


def _failure(what: str, answer: CompletedProcess[str], registry: Registry) -> ToolError:
    said = words(answer)
    step = next((step for pattern, step in _NEXT.items() if re.search(pattern, said, re.IGNORECASE)), "")
    return ToolError("\n".join(filter(None, (f"{what}:", said, step.format(host=registry.host)))))


def _install(archive: Archive, registry: Registry, digest: str) -> tuple[str, ...]:
    place = f"{registry.url}/{archive.name}"
    ways = [[place, "--version", archive.version]] + ([[f"{place}@{digest}"]] if digest else [])
    return tuple(shlex.join([*archive.install, *way, *registry.connection]) for way in ways)
