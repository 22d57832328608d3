"""Push archives to an OCI registry, by helm."""

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

# What registries say of a chart that they do not have; a name that no DNS knows, and a missing login, read alike.
_NOT_THERE = re.compile(r"(?<!credential )(?<!host )not found|\b404\b|manifest unknown|name unknown", re.IGNORECASE)
_DIGEST = re.compile(r"Digest:\s*(sha256:[0-9a-f]{64})")
# What helm says, and what to do then; the first that fits.
_NEXT = {
    "HTTP response to HTTPS client": "{host} speaks HTTP: --plain-http",
    "400:? Bad Request": "{host} may speak HTTPS: leave out --plain-http",
    "certificate|x509": "name the authority that signed the certificate of {host}: --ca-file",
    "connection refused|timeout|timed out|unreachable|no route": "no registry answers at {host}: is its port right?",
    "no such host|server misbehaving": "no address is known for {host}: is its name right?",
    "unauthorized|forbidden|denied|credential": "log in with `helm registry login {host}`",
}


def push(archives: Sequence[Archive], registry: Registry, *, force: bool) -> Iterator[Published]:
    """Push what is not there; yields what became of each.

    A signature goes with its archive, and only with it: a registry that has the archive does not get a later one.
    Raises InputError if a version is there with other content, unless `force`; ToolError if helm fails, and where
    another publisher's archive is there afterwards: a registry lets the last one win.
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
    # The same archive has another manifest where its file is of another time, or where only one of the two is signed.
    if digest != archive.digest or (archive.provenance and manifest not in ("", pushed)):
        raise ToolError(
            f"{archive.label} was pushed to {registry.url}, and another publisher's is there now"
            f" ({manifest or 'none'}): raise the version, or publish again with --force"
        )
    return manifest or pushed


def _in_registry(archive: Archive, registry: Registry) -> tuple[str, str] | None:
    """Return the SHA-256 of the archive that has this version there, and its manifest's digest; None if none has.

    The manifest's is "" where helm does not say it.
    """
    with scratch() as folder:
        place = ["pull", f"{registry.url}/{archive.name}", "--version", archive.version, "--destination", str(folder)]
        answer = try_helm([*place, *registry.connection])
        if answer.returncode == 0:
            return digest_of(archive_in(folder)), _digest(answer)
    if _NOT_THERE.search(answer.stderr):
        return None
    # Helm 3.18.0 reads no signed chart from a registry, and names the digest of the signature that it found.
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
    return tuple(shlex.join(["helm", "install", archive.release, *way, *registry.connection]) for way in ways)
