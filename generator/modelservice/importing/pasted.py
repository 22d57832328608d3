"""Find the command that starts a server in a pasted text, and what else stands in the text.

The command may be behind `sudo`, `ssh`, `conda run` or `tmux`, in a unit of systemd, or among other commands.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from modelservice.errors import InputError
from modelservice.importing.container import Note
from modelservice.importing.shell import Command, commands, leading_assignments

# Where in its words a command starts the server, or None if it does not.
Begins = Callable[[Sequence[str]], int | None]

# What only opens a place, a right or a terminal for the server.
_PLAIN = {
    *("sudo", "doas", "su", "runuser", "sg", "exec", "env", "command", "time", "nohup", "setsid", "stdbuf", "wsl"),
    *("ssh", "screen", "tmux", "bash", "sh"),
    *("uv", "uvx", "pipx", "poetry", "pdm", "pixi", "conda", "mamba", "micromamba", "rye", "hatch"),
}
_WORDS_OF_SHELLS = ("do", "then", "else", "if", "while", "until", "!", "{", "(")
# What leaves no trace for a server.
HARMLESS = {"set", "echo", "printf", "sleep", "true", "wait", "ulimit", "nvidia-smi", "date"}
# What besides only prepares the machine or the shell that the server starts in.
_PREPARING = {
    *("cd", "source", ".", "mkdir", "clear", "exit", "ls", "pwd", "which", "umask", "trap", "unset", "alias", "disown"),
    *("for", "if", "while", "until", "case", "else", "done", "fi", "esac", "}", ")", "sudo", "tmux", "screen"),
}
_SUBCOMMANDS = {"pull", "stop", "rm", "kill", "login", "logs", "ps", "images", "info", "version", "activate"}
_BEHIND = {
    "|": "the cluster collects the server's output: kubectl logs shows it",
    "||": "Kubernetes starts a server again that ends",
}
_OTHER = "another server is in the text: import it on its own"
_TO_NOWHERE = re.compile(r">{1,2}& ?\d|&?>{1,2} ?(/dev/(null|stdout|stderr)|NUL)|< ?/dev/null")
_UNIT = re.compile(r"^[ \t]*ExecStart[ \t]*=", re.MULTILINE)
_FILE = re.compile(r"^[ \t]*EnvironmentFile[ \t]*=[ \t]*-?(\S+)", re.MULTILINE)
# How many words in front of the server's start are looked at, and how many lines within lines.
FARTHEST = 100
_DEEPEST = 3
# What people paste in place of a line that can be read, and what to give instead.
_INSTEAD = {
    r"^kind: ": "these are Kubernetes objects: `modelservice import kubernetes` reads them",
    r"\bkubectl (run|create)\b": "let it print the object, with --dry-run=client -o yaml, and give that to "
    "`modelservice import kubernetes -`",
    r"\bkubectl\b": "give the objects: `kubectl get … -o yaml | modelservice import kubernetes -`",
    r"\bhelm (install|upgrade|template)\b": "render the chart with `helm template`, and give that to "
    "`modelservice import kubernetes -`",
    r"\b(docker|podman)[ -]compose\b": "give the compose file: `modelservice import docker -f compose.yaml`",
    r"\bdocker (service|stack)\b": "give a `docker run` line or the compose file to `modelservice import docker`",
    r"\b(docker|podman|nerdctl) (\w+ )?run\b": "`modelservice import docker` reads this line",
    r"\b(docker|podman|nerdctl) (exec|start|create|restart|attach)\b": "give the `docker run` line that makes the "
    "container",
    r"\b(torchrun|accelerate launch|mpirun|deepspeed|torch\.distributed)\b": "vLLM starts its own processes: give a "
    "`vllm serve` line, with --tensor-parallel-size for the number of GPUs",
    r"\bvllm serve\b|\bvllm\.entrypoints\b": "`modelservice import vllm` reads a line that starts vLLM itself",
    r"^FROM ": "a Dockerfile makes an image: give the `docker run` line that starts it",
}


class Started(NamedTuple):
    """A command that starts a server, and what is lost of the text around it.

    `notes` are what may matter, `remarks` what a cluster does anyway.
    """

    command: Command
    notes: tuple[Note, ...] = ()
    remarks: tuple[Note, ...] = ()


class _Step(NamedTuple):
    """A command of the text and the operator in front of it; `before` are the words in front of the server's start."""

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
    """Return the error of a command, such as `import vllm`, for a text without what it reads."""
    found = (hint for pattern, hint in _INSTEAD.items() if re.search(pattern, text, re.MULTILINE))
    hint = next((hint for hint in found if not hint.startswith(f"`modelservice {command}`")), "")
    return InputError(f"there is no {wanted} in it" + (f"; {hint}" if hint else ""))


def told_redirections(command: Command) -> Iterator[Note]:
    """Yield what is redirected into files, which the pod does not write."""
    for written in command.redirected:
        if not _TO_NOWHERE.fullmatch(written):
            is_output = ">" in written
            yield Note(written, _BEHIND["|"]) if is_output else Note("<", "the server has no standard input")


def told_behind(operator: str, command: Command, *, default: str) -> Note:
    """Return the note on a command that follows the server's with an operator; no argument of it is told."""
    name = command.words[0].rpartition("/")[2]
    name = name if re.fullmatch(r"[A-Za-z][\w.+-]{0,30}", name) else "a command"
    shown = f"{operator} " if operator.strip("\n;") and operator != "&" else ""
    return Note(f"{shown}{name}", _BEHIND.get(operator, default))


def _prepares(command: Command) -> bool:
    """Say whether a command leaves nothing behind that a server in a container needs."""
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
    """Yield the commands of a quoted line, as ssh and tmux take it, where one starts a server."""
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
            reason = "it runs before the server: what the server needs of it can run in initContainers"
            yield told_behind("", step.command, default=reason)
    from_server = True
    for step in steps[chosen + 1 :]:
        # What follows a pipe has the output of the command in front of it.
        from_server = from_server and step.operator in _BEHIND
        if step.before is not None:
            yield told_behind("", step.command, default=_OTHER)
        elif from_server:
            yield told_behind(step.operator, step.command, default="")
        elif step.operator not in _BEHIND and not _prepares(step.command) and step.command.words[0] != "curl":
            yield told_behind(step.operator, step.command, default="it does not run in the server's container")


def _before(words: Sequence[str]) -> Iterator[tuple[Note, bool]]:
    """Yield what stands in front of the server's start, and whether a cluster has its own place of that kind."""
    found = [word.rpartition("/")[2] for word in words if not leading_assignments([word])]
    if not found:
        return
    if found[0] in _WORDS_OF_SHELLS:
        yield Note(found[0], "a loop or a condition of the shell is not read: check what it decides"), False
        found = found[1:]
    reasons = {**_DECIDING, **(_ENTERING if "exec" in found else {})}
    other = next((word for word in found if word in reasons), found[0] if found and found[0] not in _PLAIN else "")
    if other:
        yield Note(other, reasons.get(other, "the container starts the server without it")), False
    elif found:
        yield Note(found[0], "the container starts the server itself"), True


# What changes how or where a server runs.
_DECIDING = {
    "numactl": "the container starts the server without it; the kubelet's topology manager can align CPUs and GPUs",
    "taskset": "the container starts the server without it; resources.limits.cpu says how many CPUs it may use",
    "timeout": "Kubernetes lets the server run",
    "nice": "Kubernetes has no such priority; resources.requests.cpu says which CPUs are the server's",
    "srun": "Kubernetes chooses the node; gpu.count says how many GPUs it needs",
    "singularity": "its image and options are not read: give the image with --image",
    "apptainer": "its image and options are not read: give the image with --image",
}
# What starts a server in a container that runs already.
_ENTERING = {
    "docker": "the options of the container are not in it: import the `docker run` line that made it",
    "podman": "the options of the container are not in it: import the `podman run` line that made it",
    "kubectl": "the pod's own settings are not in it: give `kubectl get pod NAME -o yaml` to `import kubernetes -`",
}


def _shell_of_unit(text: str) -> str:
    """Return the commands of a unit of systemd as a shell writes them, see systemd.exec(5) and systemd.service(5)."""
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
