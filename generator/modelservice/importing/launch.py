"""Find what a container's command starts: vLLM's server, its model and its arguments."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from modelservice.errors import InputError
from modelservice.importing.container import Container, Note
from modelservice.importing.pasted import (
    FARTHEST,
    HARMLESS,
    nothing_found,
    started_in,
    told_behind,
    told_redirections,
)
from modelservice.importing.shell import Command, commands
from modelservice.vllm.command_line import DASHES

_SERVES = re.compile(r"\bvllm\s{1,20}serve\b|\bvllm\.entrypoints\.")
_SHELLS = ("sh", "bash", "dash", "ash", "zsh")
_CONTAINERS = ("docker", "podman", "nerdctl", "kubectl")
_MODULE = re.compile(r"vllm\.entrypoints\.openai\.api_server|vllm\.entrypoints\.cli\.main")
_OTHER_SERVER = re.compile(r"vllm\.entrypoints\.(api_server|.*grpc.*)")
_STARTS = re.compile(
    r"(?<![\w./-])(?:exec\s{1,20})?(?:[\w./-]{1,200}/)?"
    r"(?:vllm\s{1,20}serve\b|python3?\s{1,20}-m\s{1,20}vllm\.entrypoints\.openai\.api_server\b)"
)


class Launch(NamedTuple):
    """How the server is started.

    `arguments` follow `vllm serve`. `command` is empty for plain `vllm serve`; otherwise it is the container's command,
    with the placeholder `MODEL` for the model's name. `variables` are those that a script sets.
    """

    arguments: tuple[str, ...]
    command: tuple[str, ...] = ()
    variables: Mapping[str, str] = {}
    notes: tuple[Note, ...] = ()


# Placeholder in `command` for the model, whose name is in the arguments.
MODEL = "\0model"


def opens_shell(words: Sequence[str]) -> bool:
    """Return whether a command only opens a shell, in which someone starts the server by hand."""
    return len(words) == 1 and words[0].rpartition("/")[2] in _SHELLS


def begins_server(words: Sequence[str]) -> int | None:
    """Return the index of the word that starts vLLM's server, or None if none does or it starts in a container."""
    for at, word in enumerate(words[:FARTHEST]):
        program, following = word.rpartition("/")[2], words[at + 1 : at + 3]
        if program in _CONTAINERS and "run" in words[at:]:
            return None
        starts = program == "vllm" and following[:1] == ["serve"]
        module = re.fullmatch(r"python[\d.]*", program) and following[:1] == ["-m"] and "vllm.entr" in following[-1]
        if starts or module or (program in _SHELLS and _script_in(words[at:])):
            return at
    return None


def _script_in(words: Sequence[str]) -> bool:
    """Return whether a shell with these words runs a script that starts vLLM."""
    at = _place_of_script(words)
    return at < len(words) and _SERVES.search(words[at]) is not None


def _place_of_script(words: Sequence[str]) -> int:
    """Return the index of a shell's script among its words, or their number if there is none."""
    return next((at + 1 for at, word in enumerate(words) if re.fullmatch("-[a-z]*c", word)), len(words))


def read_launch(text: str, image: str) -> Container:
    """Return a container that runs the first vLLM server in a pasted text.

    Raises InputError for a text without one.
    """
    found = started_in(text, begins_server)
    if not found:
        raise nothing_found(text, "`vllm serve`", "import vllm")
    words, variables = found.command.words, found.command.variables
    # The path of a virtual environment on this machine does not exist in the chart's image.
    words = words if image else [words[0].rpartition("/")[2], *words[1:]]
    return Container(
        image, words=tuple(words), variables=variables, gpus="all", notes=found.notes, remarks=found.remarks
    )


def launch_of(words: Sequence[str], known: Mapping[str, str] | None = None) -> Launch:
    """Return how a container starts vLLM; `known` maps variables to the text that replaces them in a script.

    Words that start with a flag or a model are arguments of the image's own command.
    """
    rest = list(words)
    while rest and (rest[0] in ("exec", "nohup", "sudo", "--", "uvx") or rest[:2] == ["uv", "run"]):
        rest = _behind_uv(rest) if rest[0].startswith("uv") else rest[1:]
    if not rest or rest[0].startswith(("-", *DASHES, "...", "$")):
        return Launch(tuple(rest))
    if rest[0] == "serve":  # the image's own command is `vllm`, or whoever wrote the line takes it for that
        return Launch(tuple(rest[1:]))
    if rest[0] == "env":
        count = next((at for at, word in enumerate(rest[1:], 1) if not re.match(r"\w+=", word)), len(rest))
        inner = launch_of(rest[count:], known)
        return inner._replace(variables=dict(word.split("=", 1) for word in rest[1:count]) | dict(inner.variables))
    program = rest[0].rpartition("/")[2]
    if program in _SHELLS:
        return _script(rest, known)
    if program == "vllm" and rest[1:2] == ["serve"]:
        return Launch(tuple(rest[2:]), _own(rest[:2]))
    if re.fullmatch(r"python[\d.]*", program) and "-m" in rest[1:3]:
        return _module(rest)
    if at := begins_server(rest):
        inner = launch_of(rest[at:], known)
        return inner._replace(command=(*rest[:at], *(inner.command or ("vllm", "serve", MODEL))))
    if program in ("vllm", "tini", "dumb-init") or "/" not in rest[0] or rest[0].startswith((".", "/")):
        return Launch(
            (), tuple(rest), notes=(Note(rest[0], "it is not known to start vLLM's server; it is kept as command"),)
        )
    return Launch(tuple(rest))  # the image's command expects the model first


def _behind_uv(words: list[str]) -> list[str]:
    """Return the command that `uv run` or `uvx` runs, without uv's own options if it is vLLM's server."""
    starts = (at for at in range(len(words)) if words[at + 1 : at + 2] == ["serve"] or words[at + 1 : at + 2] == ["-m"])
    return words[next(starts, 1 if words[0] == "uvx" else 2) :]


def _own(start: Sequence[str]) -> tuple[str, ...]:
    """Return the command if its program has a path; otherwise (), because the chart starts the same command."""
    return (*start, MODEL) if "/" in start[0] else ()


def _module(words: list[str]) -> Launch:
    at = words.index("-m")
    module = words[at + 1] if at + 1 < len(words) else ""
    if _OTHER_SERVER.fullmatch(module):
        raise InputError(f"{module} is not vLLM's OpenAI-compatible server; the chart runs only that one")
    if not _MODULE.fullmatch(module):
        return Launch(
            (), tuple(words), notes=(Note(module, "it is not known to start vLLM's server; it is kept as command"),)
        )
    rest = words[at + 2 :]
    return Launch(tuple(rest[1:] if rest[:1] == ["serve"] else rest), _own([words[0], "-m", module]))


def _script(words: list[str], known: Mapping[str, str] | None) -> Launch:
    """Read a shell's script; if commands before vLLM have an effect, the script is kept up to vLLM."""
    at = _place_of_script(words)
    if at >= len(words):
        return Launch((), tuple(words), notes=(Note(words[0], "the script is not in the command, so it is not read"),))
    script = words[at]
    steps = commands(script, known)
    start = next((at for at, command in enumerate(steps) if _STARTS.match(shlex.join(command.words))), None)
    if start is None:
        note = Note(
            f"{words[0]} {words[at - 1]}", "the script is not known to start vLLM's server; it is kept as command"
        )
        return Launch((), tuple(words), notes=(note,))
    inner = launch_of(steps[start].words)
    variables = dict(steps[start].variables) | dict(inner.variables)
    found = inner._replace(variables=variables, notes=(*inner.notes, *_behind(steps, start)))
    if all(command.words[0] in HARMLESS for command in steps[:start]):
        return found
    return found._replace(command=_in_shell(words[:at], script), variables={})


def _behind(steps: Sequence[Command], start: int) -> Iterator[Note]:
    """Yield notes on what a script does with the server's output, and on commands after the server."""
    yield from told_redirections(steps[start])
    for before, command in pairwise(steps[start:]):
        if before.operator in ("|", "||") or command.words[0] not in HARMLESS:
            reason = "it does not run, because the container ends when the server ends"
            yield told_behind(before.operator, command, default=reason)


def _in_shell(shell: Sequence[str], script: str) -> tuple[str, ...]:
    """Return the shell with its script up to vLLM, which gets the chart's arguments as "$@"."""
    start = _STARTS.search(script)
    before = script[: start.start()] if start else script + "\n"
    return (*shell, f'{before}exec vllm serve {MODEL} "$@"', "sh")
