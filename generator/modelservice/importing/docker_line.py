"""Read a `docker run` line, or that of podman or nerdctl."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from modelservice.errors import InputError
from modelservice.importing.container import (
    Container,
    Note,
    env_file,
    mount_of,
    mount_of_options,
    port_of,
    quantity,
    reason_for,
    runs_vllm,
)
from modelservice.importing.launch import opens_shell
from modelservice.importing.shell import Command, commands

_PROGRAMS = ("docker", "podman", "nerdctl")
# What stands before the program and runs it.
_BEFORE = ("sudo", "time", "nohup", "exec")
# Switches of `docker run` and `podman run`: https://docs.docker.com/reference/cli/docker/container/run/
_SWITCHES = {
    *("detach", "interactive", "tty", "rm", "init", "privileged", "publish-all", "read-only", "no-healthcheck"),
    *("disable-content-trust", "oom-kill-disable", "sig-proxy", "quiet", "help", "use-api-socket", "replace"),
    *("no-hosts", "no-hostname", "rootfs", "env-host", "http-proxy", "systemd", "unsetenv-all", "tls-verify"),
}
_SHORT = {
    "e": "env",
    "v": "volume",
    "p": "publish",
    "m": "memory",
    "u": "user",
    "w": "workdir",
    "h": "hostname",
    "l": "label",
    "a": "attach",
    "c": "cpu-shares",
    "d": "detach",
    "i": "interactive",
    "t": "tty",
    "P": "publish-all",
    "q": "quiet",
    "H": "host",
}
# What Kubernetes does anyway, or what has no meaning in a cluster.
_NOTHING = {
    *("detach", "interactive", "tty", "rm", "init", "name", "restart", "hostname", "quiet", "attach", "sig-proxy"),
    *("replace", "label", "label-file", "cidfile", "pidfile", "detach-keys", "tls-verify", "help"),
}


def read_line(text: str, folder: Path | None = None) -> Container:
    """Return the container of the first `docker run` in a pasted text.

    `folder` is where a relative `--env-file` lies, the working directory by default. Raises InputError for a text
    without such a line, or whose line names no image or nothing of vLLM.
    """
    pasted = commands(text)
    runs = [
        (number, _Line(folder or Path(), command.variables).read(words))
        for number, command in enumerate(pasted)
        if (words := _after_run(command)) is not None
    ]
    if not runs:
        raise InputError("there is no `docker run`, `podman run` or `nerdctl run` in it")
    number, found = next((run for run in runs if runs_vllm(run[1])), (0, None))
    if not found:
        raise InputError("nothing says that the container runs vLLM: neither its image nor its command")
    if not opens_shell((*(found.entrypoint or ()), *found.words)):
        return found
    later = next((one for one in pasted[number + 1 :] if "vllm" in one.words[:3]), None)
    if not later:
        raise InputError("the line opens a shell and starts no server: add the `vllm serve` line below it")
    return found._replace(entrypoint=(), words=tuple(later.words), variables={**found.variables, **later.variables})


def _after_run(command: Command) -> list[str] | None:
    words = list(command.words)
    while words and words[0] in _BEFORE:
        words = words[1:]
    if not words or words[0].rpartition("/")[2] not in _PROGRAMS or "run" not in words:
        return None
    return words[words.index("run") + 1 :]


class _Line:
    """The options of one line, as they are read."""

    def __init__(self, folder: Path, shell: Mapping[str, str]) -> None:
        self.folder = folder
        self.shell = shell
        self.found: dict[str, Any] = {"variables": {}}
        self.notes: list[Note] = []

    def read(self, words: Sequence[str]) -> Container:
        at = 0
        while at < len(words) and words[at].startswith("-") and words[at] not in ("-", "--"):
            at += 1 + self._option(words[at], words[at + 1] if at + 1 < len(words) else "")
        at += at < len(words) and words[at] == "--"
        if at >= len(words):
            raise InputError("the line names no image")
        if words[at].startswith(("–", "—")):  # noqa: RUF001  what text programs make of hyphens
            raise InputError(f"{words[at]} begins with a dash that is not a hyphen: write - or --, there and behind it")
        return Container(image=words[at], words=tuple(words[at + 1 :]), notes=tuple(self.notes), **self.found)

    def _option(self, word: str, following: str) -> int:
        """Take one option; return how many words of its own follow it."""
        written, equals, value = word.partition("=")
        if written.startswith("--"):
            name = written[2:]
        else:
            letters = written[1:]
            while len(letters) > 1 and _SHORT.get(letters[0]) in _SWITCHES:  # -dit
                letters = letters[1:]
            name, attached = _SHORT.get(letters[0], letters[0]), letters[1:]
            if attached:
                equals, value = "=", attached + (equals and f"={value}")
        if name in _SWITCHES:
            if value != "false":
                self._take(name, written, "")
            return 0
        self._take(name, f"{written} {value if equals else following}", value if equals else following)
        return 0 if equals else 1

    def _take(self, name: str, written: str, value: str) -> None:
        if take := _OPTIONS.get(name):
            self.notes += take(self, value) or ()
        elif name not in _NOTHING:
            # A value of several words may hold a secret that its neighbours alone would tell.
            told = written.strip() if len(written) < 200 and " " not in value.strip() else written.partition(" ")[0]
            self.notes.append(Note(told, reason_for(name)))

    def more(self, field: str, *items: Any) -> None:
        self.found[field] = (*self.found.get(field, ()), *items)

    def variable(self, text: str) -> None:
        name, equals, value = text.partition("=")
        self.found["variables"][name] = value if equals else self.shell.get(name)

    def variables_of(self, file: str) -> Iterator[Note]:
        """Take the variables of an env file; what does not lie there is only noted."""
        lines = env_file(self.folder / file)
        if lines is None:
            yield Note(f"--env-file {file}", "the file cannot be read here; add its variables to env")
        for line in lines or ():
            self.variable(line)

    def device(self, value: str) -> Iterator[Note]:
        path = value.partition(":")[0]
        if path.startswith("nvidia.com/gpu"):
            ids = value.partition("=")[2]
            self.found["gpus"] = "all" if ids == "all" else f"device={ids}"
        elif path.startswith("/dev/kfd"):
            self.found.update(gpus=self.found.get("gpus", "all"), gpu_resource="amd.com/gpu")
        elif path.startswith("/dev/dri"):
            # AMD's plugin brings it along; Intel's has resources of several names.
            if "amd.com/gpu" not in self.found.values():
                yield Note(f"--device {value}", "name the device plugin's resource in gpu.resourceName")
        elif path.startswith("/dev/nvidia"):
            self.found["gpus"] = self.found.get("gpus", "all")
        else:
            yield Note(f"--device {value}", reason_for("device"))

    def runtime(self, value: str) -> None:
        if value == "nvidia":
            self.found.setdefault("gpus", "all")

    def namespace_of_ipc(self, value: str) -> Iterator[Note]:
        if value not in ("host", "shareable", "private", ""):
            yield Note(f"--ipc {value}", "the pod has shared memory of its own, at /dev/shm")


def _single(field: str) -> Callable[[_Line, str], None]:
    return lambda line, value: line.found.update({field: value})


def _several(field: str, read: Callable[[str], Any] = str) -> Callable[[_Line, str], None]:
    return lambda line, value: line.more(field, read(value))


def _size(field: str) -> Callable[[_Line, str], None]:
    return lambda line, value: line.found.update({field: quantity(value)})


_OPTIONS: dict[str, Callable[[_Line, str], Any]] = {
    "add-host": _several("hosts"),
    "cap-add": _several("capabilities"),
    "cpus": _single("cpus"),
    "device": _Line.device,
    "entrypoint": lambda line, value: line.found.update(entrypoint=(value,) if value else ()),
    "env": _Line.variable,
    "env-file": _Line.variables_of,
    "gpus": lambda line, value: line.found.update(gpus=value.strip("'\"")),
    "group-add": _several("groups"),
    "ipc": _Line.namespace_of_ipc,
    "memory": _size("memory"),
    "mount": _several("mounts", mount_of_options),
    "publish": _several("ports", port_of),
    "pull": _single("pull_policy"),
    "runtime": _Line.runtime,
    "shm-size": _size("shared_memory"),
    "user": _single("user"),
    "volume": _several("mounts", mount_of),
    "workdir": _single("working_directory"),
}
