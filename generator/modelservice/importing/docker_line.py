"""Read a `docker run`, `podman run` or `nerdctl run` line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from modelservice.command_secrets import literals
from modelservice.errors import InputError
from modelservice.importing.container import (
    Container,
    Note,
    cdi_gpus,
    env_file,
    gpus_of,
    gpus_with,
    mount_of,
    mount_of_options,
    notes_on_labels,
    port_of,
    quantity,
    reason_for,
    runs_vllm,
)
from modelservice.importing.container_to_values import image_fields, named_image
from modelservice.importing.flags_to_fields import line_of
from modelservice.importing.launch import begins_server, launch_of, opens_shell
from modelservice.importing.pasted import nothing_found, started_in
from modelservice.importing.shell import Command
from modelservice.rules.image import is_vllms
from modelservice.vllm.command_line import DASHES, Unknown, read
from modelservice.vllm.flags import lives

_PROGRAMS = ("docker", "podman", "nerdctl")
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
# Global options, which podman and nerdctl also accept after `run`.
_GLOBAL = {"config", "host", "log-level"}
# Options that Kubernetes covers anyway, or that have no meaning in a cluster.
_NOTHING = {
    *("detach", "interactive", "tty", "rm", "init", "name", "restart", "hostname", "quiet", "attach", "sig-proxy"),
    *("replace", "label-file", "cidfile", "pidfile", "detach-keys", "tls-verify", "help"),
}


def read_line(text: str, folder: Path | None = None) -> Container:
    """Return the container of the first `docker run` in a pasted text.

    A relative `--env-file` is read from `folder`, the working directory by default. Raises InputError if there is no
    such line, or if it names no image or does not run vLLM.
    """

    def container_of(command: Command) -> Container:
        options = command.words[command.words.index("run") + 1 :]
        return _Line(folder or Path(), command.variables).read(options)

    if not started_in(text, _begins_run):
        raise nothing_found(text, "`docker run`, `podman run` or `nerdctl run`", "import docker")
    found = started_in(text, _begins_run, wanted=lambda command: runs_vllm(container_of(command)))
    if not found:
        raise InputError(
            "neither the container's image nor its command names vLLM: give the line of a container that runs it"
        )
    container = container_of(found.command)
    if not opens_shell((*(container.entrypoint or ()), *container.words)):
        return container._replace(notes=(*container.notes, *found.notes), remarks=found.remarks)
    later = started_in(text, begins_server)
    if not later:
        raise InputError("the container only opens a shell: add the `vllm serve` line below the docker line")
    notes = [note for note in later.notes if note.written not in _PROGRAMS]  # `docker exec` enters this container
    variables = {**container.variables, **later.command.variables}
    words = tuple(later.command.words)
    return container._replace(
        entrypoint=(), words=words, variables=variables, notes=(*container.notes, *notes), remarks=found.remarks
    )


def _begins_run(words: Sequence[str]) -> int | None:
    """Return the index of `docker` in `docker run` or `docker container run`, or None if the command is another one."""
    at = next((at for at, word in enumerate(words) if word.rpartition("/")[2] in _PROGRAMS), len(words))
    between = words[at : words.index("run", at)] if "run" in words[at:] else ("compose",)
    return None if {"compose", "exec"} & set(between) else at


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
            raise InputError("the line names no image: add it after the options")
        if words[at].startswith(tuple(DASHES)):
            raise InputError(f"{words[at]} starts with a dash that is not a hyphen: write - or -- here and after it")
        container = Container(image=words[at], words=tuple(words[at + 1 :]), notes=tuple(self.notes), **self.found)
        if option := _option_behind_image(container):
            raise InputError(
                f"{option} comes after the image, where it is an argument of vLLM, which has no such flag: write "
                "docker's options before the image"
            )
        return container

    def _option(self, word: str, following: str) -> int:
        """Read one option; return how many of the following words belong to it."""
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
        elif name not in _GLOBAL | _NOTHING and f"--{name}" in line_of(named_image({})).flags:
            raise InputError(f"--{name} is a flag of vLLM, not of docker: write vLLM's flags after the image")
        elif name not in _GLOBAL | _NOTHING:
            # A value of several words may contain a secret that only its context reveals.
            plain = " " not in value.strip() and not next(literals(f";{value.replace(',', ';')}"), None)
            told = written.strip() if len(written) < 200 and plain else written.partition(" ")[0]
            self.notes.append(Note(told, reason_for(name)))

    def more(self, field: str, *items: Any) -> None:
        self.found[field] = (*self.found.get(field, ()), *items)

    def variable(self, text: str) -> None:
        name, equals, value = text.partition("=")
        self.found["variables"][name] = value if equals else self.shell.get(name)

    def variables_of(self, file: str) -> Iterator[Note]:
        """Read the variables of an env file; a file that cannot be read becomes a note."""
        lines = env_file(self.folder / file)
        if lines is None:
            yield Note(f"--env-file {file}", "the file cannot be read here; add its variables to env")
        for line in lines or ():
            self.variable(line)

    def gpus(self, value: str) -> Iterator[Note]:
        requested = gpus_of(value)
        self.found["gpus"] = gpus_with(self.found.get("gpus", ""), requested)
        if requested.startswith("device="):
            plain = value.replace('"', "").replace("'", "")
            yield Note(f"--gpus {plain}", reason_for("gpus"))

    def device(self, value: str) -> Iterator[Note]:
        path = value.partition(":")[0]
        if gpus := cdi_gpus(value):
            self.found["gpus"] = gpus_with(self.found.get("gpus", ""), gpus)
            if gpus != "all":
                yield Note(f"--device {value}", reason_for("gpus"))
        elif path.startswith("/dev/kfd"):
            self.found.update(gpus=self.found.get("gpus", "all"), gpu_resource="amd.com/gpu")
        elif path.startswith("/dev/dri"):
            # AMD's device plugin adds it; Intel's has resources of several names.
            if "amd.com/gpu" not in self.found.values():
                yield Note(f"--device {value}", "set gpu.resourceName to the resource of the device plugin")
        elif path.startswith("/dev/nvidia"):
            self.found["gpus"] = self.found.get("gpus", "all")
        else:
            yield Note(f"--device {value}", reason_for("device"))

    def label(self, value: str) -> Iterator[Note]:
        yield from (note for note in notes_on_labels([value]) if note not in self.notes)

    def runtime(self, value: str) -> None:
        if value == "nvidia":
            self.found.setdefault("gpus", "all")

    def namespace_of_ipc(self, value: str) -> Iterator[Note]:
        if value not in ("host", "shareable", "private", ""):
            yield Note(f"--ipc {value}", "the pod has its own shared memory at /dev/shm")


def _option_behind_image(container: Container) -> str:
    """Return the first option of docker among the arguments of vLLM, or "" if there is none."""
    image = named_image(image_fields(container.image))
    if container.entrypoint is not None or not is_vllms(image):
        return ""
    unknown = (item for item in read(launch_of(container.words).arguments, line_of(image)) if isinstance(item, Unknown))
    return next((item.spelling for item in unknown if _is_option(item)), "")


def _is_option(item: Unknown) -> bool:
    """Return whether an argument is surely meant as an option of docker: no release of vLLM has such a flag."""
    if item.spelling in ("-e", "-p", "-v"):  # -p may also be short for --port
        return any(re.search("[:=]", word.text) for word in item.values)
    name = item.spelling.removeprefix("--")
    return name in {*_SWITCHES, *_NOTHING, *_OPTIONS} and not lives(item.spelling)


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
    "gpus": _Line.gpus,
    "group-add": _several("groups"),
    "ipc": _Line.namespace_of_ipc,
    "label": _Line.label,
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
