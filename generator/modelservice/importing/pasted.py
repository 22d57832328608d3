"""Find the command that starts a server in a pasted text, and list what else the text contains.

The command may follow `sudo`, `ssh`, `conda run` or `tmux`, or be in a systemd unit or among other commands.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from modelservice.errors import InputError
from modelservice.importing.container import Note
from modelservice.importing.shell import Command, commands, leading_assignments

# Returns the index of the word that starts the server, or None if none does.
Begins = Callable[[Sequence[str]], int | None]

# Programs that only provide an environment, rights or a terminal for the server.
_PLAIN = {
    *("sudo", "doas", "su", "runuser", "sg", "exec", "env", "command", "time", "nohup", "setsid", "stdbuf", "wsl"),
    *("ssh", "screen", "tmux", "bash", "sh"),
    *("uv", "uvx", "pipx", "poetry", "pdm", "pixi", "conda", "mamba", "micromamba", "rye", "hatch"),
}
_WORDS_OF_SHELLS = ("do", "then", "else", "if", "while", "until", "!", "{", "(")
# Commands that have no effect on a server.
HARMLESS = {"set", "echo", "printf", "sleep", "true", "wait", "ulimit", "nvidia-smi", "date"}
# Further commands that only prepare the machine or the shell for the server.
_PREPARING = {
    *("cd", "source", ".", "mkdir", "clear", "exit", "ls", "pwd", "which", "umask", "trap", "unset", "alias", "disown"),
    *("for", "if", "while", "until", "case", "else", "done", "fi", "esac", "}", ")", "sudo", "tmux", "screen"),
}
_SUBCOMMANDS = {"pull", "stop", "rm", "kill", "login", "logs", "ps", "images", "info", "version", "activate"}
_BEHIND = {
    "|": "the cluster collects the server's output: kubectl logs shows it",
    "||": "Kubernetes restarts a server that ends",
}
_OTHER = "it starts another server: import that one separately"
_TO_NOWHERE = re.compile(r">{1,2}& ?\d|&?>{1,2} ?(/dev/(null|stdout|stderr)|NUL)|< ?/dev/null")
_UNIT = re.compile(r"^[ \t]*ExecStart[ \t]*=", re.MULTILINE)
_FILE = re.compile(r"^[ \t]*EnvironmentFile[ \t]*=[ \t]*-?(\S+)", re.MULTILINE)
# The most words before the server's start that are read, and the most levels of quoted lines.
FARTHEST = 100
_DEEPEST = 3
# What people paste by mistake, and what to give instead.
_INSTEAD = {
    r"^model:": "this is a values file already: `modelservice validate` checks it",
    r"^kind: ": "these are Kubernetes objects: `modelservice import kubernetes` reads them",
    r"\bkubectl (run|create)\b": "add --dry-run=client -o yaml to print the object, and pipe it into "
    "`modelservice import kubernetes -`",
    r"\bkubectl\b": "give the objects: `kubectl get … -o yaml | modelservice import kubernetes -`",
    r"\bhelm (install|upgrade|template)\b": "render the chart with `helm template`, and pipe the output into "
    "`modelservice import kubernetes -`",
    r"\b(docker|podman)[ -]compose\b": "give the compose file: `modelservice import docker -f compose.yaml`",
    r"\bdocker (service|stack)\b": "give a `docker run` line or the compose file to `modelservice import docker`",
    r"\b(docker|podman|nerdctl) (\w+ )?run\b": "`modelservice import docker` reads this line",
    r"\b(docker|podman|nerdctl) (exec|start|create|restart|attach)\b": "give the `docker run` line that creates the "
    "container",
    r"\b(torchrun|accelerate launch|mpirun|deepspeed|torch\.distributed)\b": "vLLM starts its own processes: give a "
    "`vllm serve` line, with --tensor-parallel-size for the number of GPUs",
    r"\bvllm serve\b|\bvllm\.entrypoints\b": "`modelservice import vllm` reads lines that start vLLM without docker",
    r"^FROM ": "a Dockerfile only builds an image: give the `docker run` line that starts it",
}


class Started(NamedTuple):
    """A command that starts a server, and what is lost from the text around it.

    `notes` are about what may matter, `remarks` about what a cluster does anyway.
    """

    command: Command
    notes: tuple[Note, ...] = ()
    remarks: tuple[Note, ...] = ()


class _Step(NamedTuple):
    """A command, the operator before it, and the words before the server's start (None if it starts no server)."""

    command: Command
    operator: str
    before: tuple[str, ...] | None


def started_in(text: str, begins: Begins, *, wanted: Callable[[Command], bool] = lambda _: True) -> Started | None:
    """Return the first wanted command that starts a server, or None if the text has none."""
    unit = _UNIT.search(text) is not None
    steps = list(_steps(_shell_of_unit(text) if unit else text, begins))
    at = next((at for at, step in enumerate(steps) if step.before is not None and wanted(step.command)), None)
    if at is None:
        return None
    notes = [*_around(steps, at), *told_redirections(steps[at].command)]
    notes += [Note(f"EnvironmentFile {file}", "add its variables to env") for file in _FILE.findall(text) if unit]
    remarks = [Note("the unit", "Kubernetes starts, orders and limits pods itself")] if unit else []
    for note, is_plain in _before(steps[at].before or ()):
        (remarks if is_plain else notes).append(note)
    once = dict.fromkeys
    return Started(steps[at].command, tuple(once(notes)), tuple(once(remarks)))


def nothing_found(text: str, wanted: str, command: str) -> InputError:
    """Return the error for a text without the line that a command, such as `import vllm`, reads."""
    found = (hint for pattern, hint in _INSTEAD.items() if re.search(pattern, text, re.MULTILINE))
    hint = next((hint for hint in found if not hint.startswith(f"`modelservice {command}`")), "")
    return InputError(f"the text contains no {wanted}" + (f"; {hint}" if hint else ""))


def told_redirections(command: Command) -> Iterator[Note]:
    """Yield notes on redirections from and to files."""
    for written in command.redirected:
        if not _TO_NOWHERE.fullmatch(written):
            is_output = ">" in written
            yield Note(written, _BEHIND["|"]) if is_output else Note("<", "the server has no standard input")


def told_behind(operator: str, command: Command, *, default: str) -> Note:
    """Return the note on a command after an operator; its arguments are not shown."""
    name = command.words[0].rpartition("/")[2]
    name = name if re.fullmatch(r"[A-Za-z][\w.+-]{0,30}", name) else "a command"
    shown = f"{operator} " if operator.strip("\n;") and operator != "&" else ""
    return Note(f"{shown}{name}", _BEHIND.get(operator, default))


def _prepares(command: Command) -> bool:
    """Return whether a command does nothing that a server in a container needs."""
    name, *rest = command.words
    return name.rpartition("/")[2] in HARMLESS | _PREPARING or (rest != [] and rest[0] in _SUBCOMMANDS)


def _steps(text: str, begins: Begins, depth: int = 0) -> Iterator[_Step]:
    operator = ""
    for command in commands(text):
        at = begins(command.words)
        inner = list(_inside(command, begins, depth)) if at is None else []
        if at is not None:
            before = tuple(command.words[:at])
            variables = {**command.variables, **_assignments(before)}
            yield _Step(command._replace(words=command.words[at:], variables=variables), operator, before)
        elif inner:
            yield from inner
        else:
            yield _Step(command, operator, None)
        operator = command.operator


def _inside(command: Command, begins: Begins, depth: int) -> Iterator[_Step]:
    """Yield the commands of a quoted line, as ssh and tmux accept it, if one of them starts a server."""
    if depth == _DEEPEST or command.words[0].rpartition("/")[2] not in _PLAIN | {"docker", "podman", "kubectl", "srun"}:
        return
    for at, word in enumerate(command.words[:FARTHEST]):
        steps = list(_steps(word, begins, depth + 1)) if " " in word else []
        if any(step.before is not None for step in steps):
            outer = tuple(command.words[:at])
            for step in steps:
                both = {**command.variables, **_assignments(outer), **step.command.variables}
                redirected = (*step.command.redirected, *command.redirected)
                inner = step.command._replace(variables=both, redirected=redirected)
                yield _Step(inner, step.operator, None if step.before is None else (*outer, *step.before))
            return


def _assignments(words: Sequence[str]) -> dict[str, str]:
    return {name: value for word in words for name, value in leading_assignments([word]).items()}


def _around(steps: Sequence[_Step], chosen: int) -> Iterator[Note]:
    """Yield notes on the other commands of a text."""
    for step in steps[:chosen]:
        if step.before is not None:
            yield told_behind("", step.command, default=_OTHER)
        elif not _prepares(step.command):
            reason = "it runs before the server: move it to initContainers if the server needs it"
            yield told_behind("", step.command, default=reason)
    from_server = True
    for step in steps[chosen + 1 :]:
        # A command after a pipe reads the output of the command before it.
        from_server = from_server and step.operator in _BEHIND
        if step.before is not None:
            yield told_behind("", step.command, default=_OTHER)
        elif from_server:
            yield told_behind(step.operator, step.command, default="")
        elif step.operator not in _BEHIND and not _prepares(step.command) and step.command.words[0] != "curl":
            yield told_behind(step.operator, step.command, default="it does not run in the server's container")


def _before(words: Sequence[str]) -> Iterator[tuple[Note, bool]]:
    """Yield notes on the words before the server's start, and whether a container makes them unnecessary."""
    found = [word.rpartition("/")[2] for word in words if not leading_assignments([word])]
    if not found:
        return
    if found[0] in _WORDS_OF_SHELLS:
        yield Note(found[0], "shell loops and conditions are not evaluated: check what this one decides"), False
        found = found[1:]
    reasons = {**_DECIDING, **(_ENTERING if "exec" in found else {})}
    other = next((word for word in found if word in reasons), found[0] if found and found[0] not in _PLAIN else "")
    if other:
        yield Note(other, reasons.get(other, "the container starts the server without it")), False
    elif found:
        yield Note(found[0], "the container starts the server itself"), True


# Programs that change how or where a server runs.
_DECIDING = {
    "numactl": "the container starts the server without it; the kubelet's topology manager can align CPUs and GPUs",
    "taskset": "the container starts the server without it; resources.limits.cpu limits its CPUs",
    "timeout": "Kubernetes does not stop the server after a time",
    "nice": "Kubernetes has no such priority; resources.requests.cpu reserves CPUs for the server",
    "srun": "Kubernetes chooses the node; set gpu.count to the number of GPUs",
    "singularity": "its image and options are not read: give the image with --image",
    "apptainer": "its image and options are not read: give the image with --image",
}
# Programs that start a server in a running container.
_ENTERING = {
    "docker": "the line has no options of the container: import the `docker run` line that created it",
    "podman": "the line has no options of the container: import the `podman run` line that created it",
    "kubectl": "the line has no settings of the pod: pipe `kubectl get pod NAME -o yaml` into "
    "`modelservice import kubernetes -`",
}


def _shell_of_unit(text: str) -> str:
    """Return the commands of a systemd unit as shell lines, see systemd.exec(5) and systemd.service(5)."""
    variables, lines = [], []
    for line in re.sub(r"\\\n", " ", text.replace("\r\n", "\n")).split("\n"):
        key, _, value = line.strip().partition("=")
        key, value = key.strip(), value.strip()
        if key == "Environment":
            variables.append(f"export {_literal(value)}")
        elif key in ("ExecStartPre", "ExecStart", "ExecStartPost"):
            lines.append(re.sub(r"^[-@:+!|]*", "", value).replace("%%", "%"))
    return "\n".join([*variables, *lines])


def _literal(value: str) -> str:
    try:
        return shlex.join(shlex.split(value))
    except ValueError:
        return value
