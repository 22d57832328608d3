"""Read how a pod's container starts vLLM, with variables filled in where a field needs their value."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from modelservice.importing.container import Note
from modelservice.importing.env_to_fields import api_key_from, names_of, secret_of, token_from
from modelservice.importing.launch import Launch, launch_of
from modelservice.importing.part import Part, joined
from modelservice.importing.resources_to_fields import gpus_of
from modelservice.vllm.argument_rules import OWNED, PARALLEL

Object = Mapping[str, Any]
_REFERENCE = re.compile(r"\$\(([A-Za-z_][\w.-]*)\)")
_SHELLS = re.compile(r"\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)\})")
_ANY = re.compile(f"{_REFERENCE.pattern}|{_SHELLS.pattern}")
# Flags whose values become fields and must be known.
_READ = {*OWNED, *PARALLEL, *PARALLEL.values()} - {"--api-key", "--hf-token"}
# The variable that `commands` makes of $(nvidia-smi … | wc -l), the number of the container's GPUs.
_COUNTED = re.compile(r"\$nvidia_smi_\w+")
_SECRETS = {"--api-key": "VLLM_API_KEY", "--hf-token": "HF_TOKEN"}


class Start(NamedTuple):
    """How the server starts: its arguments with values filled in, and what was removed from them.

    `part` has the fields of keys in Secrets, `download_dir` is a cache folder, `port` the server's port.
    """

    launch: Launch
    arguments: tuple[str, ...]
    part: Part = Part()
    download_dir: str = ""
    port: int = 8000


def start_of(server: Object, known: Mapping[str, str]) -> Start:
    """Return how a container starts vLLM; `known` are the values of its variables."""
    words = [str(word) for word in (*(server.get("command") or ()), *(server.get("args") or ()))]
    # After the image's own command, a path is the model.
    is_path = not server.get("command") and words[:1] != [] and words[0].startswith("/")
    # The default in ${NAME:-default} is not used if the variable has a value.
    given = {name: f"${{{name}}}" for name in (*names_of(server), *known) if known.get(name) != ""}
    launch = _with_parameters(launch_of(["vllm", "serve", *words] if is_path else words, given), words)
    names = {*names_of(server), *launch.variables, *known}
    shell = [*launch.arguments] != words[len(words) - len(launch.arguments) :]
    known = {**known, **launch.variables}
    arguments = [_kubernetes(word, known, names, shell=shell) for word in launch.arguments]
    number = str(gpus_of(server.get("resources", {})).number)
    filled = [_COUNTED.sub(number, word) for word in _filled(arguments, known)]
    start = _taken_out(launch, filled, server)
    return start._replace(part=joined([start.part, Part(remarks=tuple(_written_out(launch, start, known)))]))


def _written_out(launch: Launch, start: Start, known: Mapping[str, str]) -> Iterator[Note]:
    """Yield remarks on variables that were replaced by their values."""
    before, after = " ".join(launch.arguments), " ".join(start.arguments)
    names = [found[1] or found[2] or found[3] for found in _ANY.finditer(before)]
    for name in dict.fromkeys(names):
        if name in known and f"$({name})" not in after:
            yield Note(f"${name}", "the arguments now contain its value; changing the variable has no effect")


def _with_parameters(launch: Launch, words: Sequence[str]) -> Launch:
    """Return a start with "$@" replaced by the words after the script; the first of them is the script's $0."""
    at = next((at for at, word in enumerate(words) if re.fullmatch("-[a-z]*c", word)), len(words))
    if "$@" not in launch.arguments:
        return launch
    place = launch.arguments.index("$@")
    return launch._replace(arguments=(*launch.arguments[:place], *words[at + 3 :], *launch.arguments[place + 1 :]))


def _kubernetes(word: str, known: Mapping[str, str], names: set[str], *, shell: bool) -> str:
    """Return a script's word with its variables as $(NAME), or a word of `args` with $$ unescaped."""
    if not shell:
        return word.replace("$$", "$")

    def reference(found: re.Match[str]) -> str:
        name = found[1] or found[2]
        return f"$({name})" if name in names else known.get(name, found[0])

    return _SHELLS.sub(reference, word)


def _filled(arguments: Sequence[str], known: Mapping[str, str]) -> list[str]:
    """Return the arguments with known values filled in where they become fields: model, names, ports, split."""
    found: list[str] = []
    for before, word in zip(["", *arguments], arguments, strict=False):
        flag = word.partition("=")[0] if word.startswith("-") else before
        is_model = not word.startswith("-") and not found
        read = is_model or flag.replace("_", "-") in _READ
        found.append(_REFERENCE.sub(lambda name: known.get(name[1], name[0]), word) if read else word)
    return found


def _taken_out(launch: Launch, arguments: Sequence[str], server: Object) -> Start:
    """Return the start without keys that come from a Secret, the download folder and a low port."""
    secrets = {str(entry["name"]): secret_of(entry) for entry in server.get("env", ())}
    start, kept, skipped = Start(launch, ()), [], False
    for word, following in zip(arguments, [*arguments[1:], ""], strict=False):
        flag, attached, own = word.partition("=")
        value = own if attached else following
        if skipped:
            skipped = False
            continue
        reference = _REFERENCE.fullmatch(value)
        secret = secrets.get(reference[1]) if reference and flag in _SECRETS else None
        if secret and reference:
            start = start if reference[1] == _SECRETS[flag] else start._replace(part=_key(flag, secret))
        elif flag.replace("_", "-") == "--download-dir":
            start = start._replace(download_dir=value)
        elif flag == "--port" and value.isdecimal():
            start = start._replace(port=int(value))
        if secret or _is_low(flag, value) or flag.replace("_", "-") == "--download-dir":
            skipped = not attached
        else:
            kept.append(word)
    return start._replace(arguments=tuple(kept))


def _key(flag: str, secret: Object) -> Part:
    return api_key_from(secret) if flag == "--api-key" else token_from(secret)


def _is_low(flag: str, value: str) -> bool:
    """Return whether a flag sets a port that the chart does not listen on."""
    return flag == "--port" and value.isdecimal() and int(value) < 1024


def unread(word: str) -> Note:
    """Return the note on a model that only a variable names."""
    return Note(word, "only a variable names the model: set model.name, which NOTES.txt and `helm test` use")
