"""Upgrade services to another vLLM release: rewrite what is certain, and list what a person has to decide."""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from modelservice.check import Progress, check_service
from modelservice.editing.certain import certain
from modelservice.editing.fixing import Files, changed_by, service_fixed
from modelservice.findings import Action, Edit, Finding, Fix, Severity, found_at
from modelservice.reading.document import Document, merge
from modelservice.redact import safe_arguments
from modelservice.rules.image import is_vllms, release_in
from modelservice.schema.defaults import coalesce, default_values
from modelservice.schema.validation import kubernetes_object
from modelservice.vllm.command_line import Given, read
from modelservice.vllm.flags import Line, command_line
from modelservice.vllm.history import changes
from modelservice.vllm.releases import Exactness, Release
from modelservice.writing.edits import edited
from modelservice.writing.page import UnclearEditError

# Rules on what a release no longer accepts, or soon will not accept.
_OF_A_RELEASE = ("argument-removed", "argument-deprecated", "env-not-in-release")
# Identifies a finding whatever its position: its rule, and the value at its path.
_Key = tuple[str, str]


class Upgraded(NamedTuple):
    """An upgraded service: the release before ("": unknown), and what is left for a person.

    `blocked` says why the image itself cannot be changed here ("": it is changed). `left` are all errors, and findings
    that the old release did not have. `meanings` are arguments whose meaning changed, `defaults` flags with a new
    default. `is_readable` says whether its files can be read, `is_changed` whether one of them differs.
    """

    name: str
    old: str
    is_readable: bool
    is_changed: bool
    blocked: str
    left: list[Finding]
    meanings: list[str]
    defaults: list[str]

    @property
    def is_done(self) -> bool:
        """Whether nothing is left for a person."""
        return not (self.blocked or self.left or self.meanings)


class _Image(NamedTuple):
    """The values that determine which vLLM a service runs."""

    image: Mapping[str, Any]
    vllm_version: str

    @property
    def release(self) -> Release:
        return release_in(self.image, self.vllm_version)


def upgraded(
    files: Files, release: str, ignore: Collection[str] = (), progress: Progress | None = None
) -> tuple[Files, list[Upgraded]]:
    """Return the files for another release, and the result of each service.

    A layer that `files.others` use too keeps its image, and gets no fix that adds an error to one of them.
    """
    done = itertools.count(1)

    def services() -> Iterator[tuple[str, ...]]:
        for service in files.services:
            yield service
            if progress:
                progress(next(done), 4 * len(files.services))  # each of four rounds checks all services

    before = files
    for service in services():
        # An abbreviated flag may be that of another flag in the new release.
        before = service_fixed(before, service, _abbreviated, ignore)
    known = {service: _keys(before, service, ignore) for service in services()}
    after, blocked = before, {}
    for service in files.services:
        after, blocked[service] = _with_image(after, before, service, release)
    for service in services():
        if not blocked[service]:
            after = service_fixed(after, service, _choice(known[service]), ignore)
    changed = {new.name for _, new in after.changed_since(files)}
    told = [
        _told(before, after, service, blocked[service], release, known[service], ignore)._replace(
            is_changed=not changed.isdisjoint(service)
        )
        for service in services()
    ]
    return after, told


def _abbreviated(finding: Finding, values: Any) -> Fix:
    return certain(finding, values) if finding.rule == "argument-abbreviated" else ()


def _choice(known: set[_Key]) -> Callable[[Finding, Any], Fix]:
    """Return the choice of certain fixes for findings that are new, or whose rule is about releases."""

    def choice(finding: Finding, values: Any) -> Fix:
        wanted = finding.rule in _OF_A_RELEASE or _key(finding, values) not in known
        return certain(finding, values) if wanted else ()

    return choice


def _key(finding: Finding, values: Any) -> _Key:
    return finding.rule, json.dumps(found_at(values, finding.path), sort_keys=True)


def _keys(files: Files, service: tuple[str, ...], ignore: Collection[str]) -> set[_Key]:
    checked = files.check(service, ignore)
    return {_key(finding, checked.document.data) for finding in checked.findings}


def _image_of(document: Document) -> _Image:
    """Return the service's image; parts of it with a wrong type count as empty."""
    defaults, given, version = default_values()["image"], document.data.get("image"), document.data.get("vllmVersion")
    image = coalesce(defaults, given if isinstance(given, dict) else {})
    texts = {key: image[key] if isinstance(image.get(key), str) else "" for key in defaults}
    return _Image(texts, version if isinstance(version, str) else "")


def _with_image(files: Files, before: Files, service: Sequence[str], release: str) -> tuple[Files, str]:
    """Return the files with the service's image changed to a release, or why it cannot be changed ("": it is)."""
    document = merge(before.layers(service))
    blocked, edits = _image_edits(document, release)
    try:
        changed = changed_by(files, document, edits, service[-1])
    except UnclearEditError as error:
        return files, f"{error}: change the release by hand"
    for name in changed:
        if users := [other[-1] for other in files.others if name in other]:
            more = f" and {len(users) - 1} more" if users[1:] else ""
            way = f"upgrade {name}, or set image.tag: {edits[0].value} in a file of this service only"
            return files, f"{name} sets the image of {users[0]}{more} too: {way}"
    return files.having(changed), blocked


def _image_edits(document: Document, release: str) -> tuple[str, list[Edit]]:
    """Return why an image cannot be changed, or the edits that change it."""
    if not document.readable:
        return "fix the file first", []
    if kubernetes_object(document.data, ""):
        return "it is not a values file", []
    found = _image_of(document)
    tag, now = str(found.image["tag"]), found.release
    if now.asked == release:
        return "", []
    if found.image["digest"]:
        return f"image.digest pins one image: set it to the digest of vLLM {release}", []
    if now.exactness is Exactness.UNSTATED:
        return f"the image does not say which vLLM it contains: set image.tag to one with vLLM {release}", []
    if not is_vllms(found.image) or now.asked not in tag:
        reason = f"the tag of this image with vLLM {release} is not known: set image.tag, and vllmVersion: {release}"
        return reason, []
    edits = [Edit(Action.SET, ("image", "tag"), tag.replace(now.asked, release))]
    return "", edits + ([Edit(Action.SET, ("vllmVersion",), release)] if found.vllm_version else [])


def _told(
    before: Files,
    after: Files,
    service: tuple[str, ...],
    blocked: str,
    release: str,
    known: set[_Key],
    ignore: Collection[str],
) -> Upgraded:
    checked = check_service(_on_trial(after, service, release), ignore) if blocked else after.check(service, ignore)
    data = checked.document.data
    left = [one for one in checked.findings if one.severity is Severity.ERROR or _is_new(one, data, known)]
    old = _image_of(merge(before.layers(service))).release
    old_line, line = (Line(name, "", command_line(name)) for name in (old.name, release))
    args = data.get("args")
    words = safe_arguments([str(word) for word in args])[0] if isinstance(args, list) else []
    moved = list(_meanings(words, old_line, line)) if old.asked else []
    defaults = list(_defaults(words, old_line, line)) if old.asked else []
    return Upgraded(service[-1], old.asked, checked.document.readable, False, blocked, left, moved, defaults)


def _on_trial(files: Files, service: Sequence[str], release: str) -> list[Document]:
    """Return the layers of a service whose image cannot be changed here, checked as if it contained the release."""
    layers = files.layers(service)
    if not layers[-1].readable:
        return layers
    with contextlib.suppress(UnclearEditError):
        layers[-1] = edited(layers[-1], (Edit(Action.SET, ("vllmVersion",), release),))
    return layers


def _is_new(finding: Finding, values: Any, known: set[_Key]) -> bool:
    return finding.rule == "argument-deprecated" or _key(finding, values) not in known


def _meanings(words: Sequence[str], old: Line, new: Line) -> Iterator[str]:
    """Yield the arguments that both releases accept, but read as different flags (-O3) or with another effect."""
    before = {item.at: item for item in read(words, old) if isinstance(item, Given)}
    for item in read(words, new):
        other = before.get(item.at)
        if isinstance(item, Given) and other:
            yield from (f"{item.flag.name}: {note}" for note in changes(item.flag.name, old.release, new.release))
        if isinstance(item, Given) and other and _says(other) != _says(item) and other.flag.name not in _names(item):
            yield f"args[{item.at}]: {words[item.at]} meant {_says(other)}, and means {_says(item)} now"


def _says(item: Given) -> str:
    return ".".join(filter(None, (item.flag.name, item.key)))


def _names(item: Given) -> tuple[str, ...]:
    """Return the names of a flag that have the same effect."""
    return item.flag.negatives if item.negated else item.flag.aliases


def _defaults(words: Sequence[str], old: Line, new: Line) -> Iterator[str]:
    """Yield the flags of both releases that are not given and whose default changed."""
    given = {item.flag.name for item in read(words, new) if isinstance(item, Given)}
    for name, flag in sorted(new.flags.items()):
        other = old.flags.get(name)
        if name != flag.name or name in given or not other or flag.deprecated or other.default == flag.default:
            continue
        yield f"{name} {_shown(other.default)} → {_shown(flag.default)}"


def _shown(default: Any) -> str:
    return "decided by vLLM" if default is None else json.dumps(default)
