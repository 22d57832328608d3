"""Find what a container's command starts: vLLM's server, its model and its arguments."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from modelservice.errors import InputError
from modelservice.importing.container import Container, Note
from modelservice.importing.shell import commands

_SERVES = re.compile(r"\bvllm\s{1,20}serve\b|\bvllm\.entrypoints\.")
_SHELLS = ("sh", "bash", "dash", "ash", "zsh")
_MODULE = re.compile(r"vllm\.entrypoints\.openai\.api_server|vllm\.entrypoints\.cli\.main")
_OTHER_SERVER = re.compile(r"vllm\.entrypoints\.(api_server|.*grpc.*)")
# What a script may do besides that leaves no trace in the container.
_HARMLESS = ("set", "echo", "sleep", "true", "wait", "ulimit", "nvidia-smi", "date")
_STARTS = re.compile(
    r"(?<![\w./-])(?:exec\s{1,20})?(?:[\w./-]{1,200}/)?"
    r"(?:vllm\s{1,20}serve\b|python3?\s{1,20}-m\s{1,20}vllm\.entrypoints\.openai\.api_server\b)"
)


class Launch(NamedTuple):
    """How the server is started: the arguments after `vllm serve`, and what comes before where it is more than that.

    `command` is empty where it is `vllm serve`, otherwise what the container is to run, with the name of the model in
    place of `MODEL`; `variables` are those that a script sets.
    """

    arguments: tuple[str, ...]
    command: tuple[str, ...] = ()
    variables: Mapping[str, str] = {}
    notes: tuple[Note, ...] = ()


# Stands in `command` for the model, whose name the arguments hold.
MODEL = "\0model"


def opens_shell(words: Sequence[str]) -> bool:
    """Say whether a command only opens a shell, in which someone starts the server by hand."""
    return len(words) == 1 and words[0].rpartition("/")[2] in _SHELLS


def read_launch(text: str, image: str) -> Container:
    """Return a container that runs the first vLLM server of a pasted text.

    Raises InputError for a text without one.
    """
    for command in commands(text):
        if _SERVES.search(shlex.join(command.words)):
            return Container(image=image, words=tuple(command.words), variables=command.variables, gpus="all")
    raise InputError("there is no `vllm serve` in it")


def launch_of(words: Sequence[str], known: Mapping[str, str] | None = None) -> Launch:
    """Return how a container starts vLLM; `known` is what a script writes for its variables.

    Words that begin with a flag or a model follow the image's own command.
    """
    rest = list(words)
    while rest and (rest[0] in ("exec", "nohup", "sudo", "--", "uvx") or rest[:2] == ["uv", "run"]):
        rest = _behind_uv(rest) if rest[0].startswith("uv") else rest[1:]
    if not rest or rest[0].startswith(("-", "...", "$")):
        return Launch(tuple(rest))
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
    if program in ("vllm", "tini", "dumb-init") or "/" not in rest[0] or rest[0].startswith((".", "/")):
        return Launch((), tuple(rest), notes=(Note(rest[0], "no start of vLLM's server is known by this command"),))
    return Launch(tuple(rest))  # the image's command takes the model first


def _behind_uv(words: list[str]) -> list[str]:
    """Return what `uv run` or `uvx` runs, without the options of its own where that is vLLM's server."""
    starts = (at for at in range(len(words)) if words[at + 1 : at + 2] == ["serve"] or words[at + 1 : at + 2] == ["-m"])
    return words[next(starts, 1 if words[0] == "uvx" else 2) :]


def _own(start: Sequence[str]) -> tuple[str, ...]:
    """Return the command of a program at a path of its own, nothing for the one that the chart starts anyway."""
    return (*start, MODEL) if "/" in start[0] else ()


def _module(words: list[str]) -> Launch:
    at = words.index("-m")
    module = words[at + 1] if at + 1 < len(words) else ""
    if _OTHER_SERVER.fullmatch(module):
        raise InputError(f"{module} is not vLLM's OpenAI-compatible server, which the chart runs")
    if not _MODULE.fullmatch(module):
        return Launch((), tuple(words), notes=(Note(module, "no start of vLLM's server is known by this command"),))
    rest = words[at + 2 :]
    return Launch(tuple(rest[1:] if rest[:1] == ["serve"] else rest), _own([words[0], "-m", module]))


def _script(words: list[str], known: Mapping[str, str] | None) -> Launch:
    """Read a shell's script: vLLM alone, or vLLM after something else, which then stays in the shell."""
    at = next((at for at, word in enumerate(words) if re.fullmatch("-[a-z]*c", word)), None)
    if at is None or at + 1 >= len(words):
        return Launch((), tuple(words), notes=(Note(words[0], "the script is not in the command"),))
    script = words[at + 1]
    variables: dict[str, str] = {}
    found: Launch | None = None
    kept: list[str] = []
    for command in commands(script, known):
        if _STARTS.match(shlex.join(command.words)):
            inner = launch_of(command.words)
            found = inner._replace(variables=variables | dict(command.variables) | dict(inner.variables))
        elif command.words[0] not in _HARMLESS:
            kept.append(command.words[0])
    if found is None:
        note = Note(f"{words[0]} {words[at]}", "no start of vLLM's server is known in this script")
        return Launch((), tuple(words), notes=(note,))
    return found if not kept else found._replace(command=_in_shell(words[: at + 1], script), variables={})


def _in_shell(shell: Sequence[str], script: str) -> tuple[str, ...]:
    """Return the shell with its script up to vLLM, which gets the chart's arguments as "$@"."""
    start = _STARTS.search(script)
    before = script[: start.start()] if start else script + "\n"
    return (*shell, f'{before}exec vllm serve {MODEL} "$@"', "sh")
