"""Rules on a custom command, which must name the model and pass on the chart's arguments."""

from __future__ import annotations

import re
from collections.abc import Iterator

from modelservice.findings import Action, Edit, Fix, Refuser, Severity
from modelservice.rules.given_arguments import words
from modelservice.rules.image import TASK_FLAGS, release_of
from modelservice.rules.rule import Said, Values, put, rule
from modelservice.vllm.argument_rules import PARALLEL

_SHELL = re.compile("(.*/)?(sh|ash|bash|dash|ksh|zsh)")
_TAKES_SCRIPT = re.compile("-[a-z]*c")
_PASSES_ON = re.compile(r"\$\{?[@*1-9]")
_VLLM_PORT = 8000
_ZERO = re.compile(r"\$\{?0")
# What may contain flags that are not visible here: a file, or a variable with such a name.
_HOLDS_FLAGS = re.compile(r"--config\b|\$\{?\w*(ARG|OPT|FLAG|PARAM|EXTRA)")
_FLAG = re.compile("--?[A-Za-z][^= ]*")
_FIELDS = {
    "model.servedName": "--served-model-name",
    "model.reasoningParser": "--reasoning-parser",
    "model.toolCallParser": "--tool-call-parser",
    "model.revision": "--revision",
    "rootPath": "--root-path",
    "model.chatTemplate": "--chat-template",
    "tls.secretName": "--ssl-certfile",
}


@rule(
    "command-model",
    "The custom command does not name the model.",
    why="`command` replaces `vllm serve` and the model's name. The server serves another model, or does not start.",
    source="the chart's templates/_pod.tpl",
    severity=Severity.WARNING,
)
def command_model(values: Values) -> Iterator[Said]:
    """Find a custom command without the model's name; a vLLM configuration file or a variable may contain it."""
    command, name = values.at("command") or [], values.at("model.name")
    said = [str(word) for word in [*command, *(values.at("args") or ())]]
    found = any(name in word or "--config" in word or "$(" in word for word in said)
    if command and not found and not str(command[0]).startswith("-"):
        message = f"replaces `vllm serve {name}`, but does not name that model"
        yield Said(("command",), message, f"add {name} where the command expects it", True)


@rule(
    "command-program",
    "The custom command starts with a flag.",
    why=(
        "Kubernetes runs the first item of `command` as the program, in place of the image's own. A flag is "
        "not a program, so the container does not start."
    ),
    source="https://kubernetes.io/docs/tasks/inject-data-application/define-command-argument-container/",
    refused_by=Refuser.KUBELET,
)
def command_program(values: Values) -> Iterator[Said]:
    """Find flags that replace the program, as after `docker run IMAGE`."""
    command = [str(word) for word in values.at("command") or ()]
    if command and command[0].startswith("-"):
        message = f"{command[0].partition('=')[0]} is a flag, but the first item is the program that the container runs"
        yield Said(("command", 0), message, "remove command, write its flags in args, and name the model in model.name")


@rule(
    "command-shell",
    "A shell's `-c` is not followed by its script.",
    why=(
        "The shell runs `--port`, the chart's first argument, as its script and exits. The container restarts "
        "again and again."
    ),
    source="the chart's templates/_pod.tpl",
    refused_by=Refuser.CHART,
)
def command_shell(values: Values) -> Iterator[Said]:
    """Find a shell whose script is in `args`, after the chart's own first argument."""
    command = values.at("command") or []
    if lacks_script(values):
        message = f"{command[-1]} runs --port={values.at('containerPort')}, the chart's first argument, as its script"
        hint = "add the script to command, as in [sh, -c, 'vllm serve NAME \"$@\"', sh]"
        yield Said(("command", len(command) - 1), message, hint)


def lacks_script(values: Values) -> bool:
    """Return whether `command` ends where a shell's script should follow."""
    return bool(re.fullmatch("-[a-z]*c", str((values.at("command") or [""])[-1])))


def _script(values: Values) -> tuple[int, str] | None:
    """Return the index in `command` and the text of the script that a shell runs, or None if there is none."""
    command = [str(word) for word in values.at("command") or ()]
    shell = False
    for index, word in enumerate(command[:-1]):
        if shell and _TAKES_SCRIPT.fullmatch(word):
            return index + 1, command[index + 1]
        shell = shell or _SHELL.fullmatch(word) is not None
    return None


@rule(
    "command-arguments",
    "The script in `command` drops the chart's arguments.",
    why=(
        'A shell\'s script gets the arguments as `"$@"`. Without it vLLM starts without them: on one GPU of several, '
        "under another name, or without the certificate that the probes need."
    ),
    source="https://pubs.opengroup.org/onlinepubs/9799919799/utilities/sh.html",
    refused_by=Refuser.CHART,
)
def command_arguments(values: Values) -> Iterator[Said]:
    """Find a script that starts vLLM without the arguments and does not set the same flags itself."""
    found = _script(values)
    if not found or "vllm" not in found[1]:
        return
    at, script = found
    if _PASSES_ON.search(script):
        first = _swallowed(values, at, script)
        if first and not _harmless(values, first, script):
            yield _nameless(values, at, first)
        return
    lost = list(dict.fromkeys(flag for flag in _flags(values, script) if not _says(script, flag)))
    if lost:
        message = f'starts vLLM without "$@", so vLLM does not get {" and ".join(lost[:3])}'
        hint = 'end the script with "$@", and add a last item sh, as in [sh, -c, \'exec vllm serve NAME "$@"\', sh]'
        yield Said(("command", at), message, hint, fix=_passing_on(values, at, script))


@rule(
    "command-name",
    "The shell in `command` uses the first argument as its own name.",
    why=(
        'The item after a shell\'s script is `$0`, and `"$@"` starts after it. Here `$0` is `--port=8000`, which vLLM '
        "does not need. Another first argument would be lost without a message."
    ),
    source="https://pubs.opengroup.org/onlinepubs/9799919799/utilities/sh.html",
    severity=Severity.WARNING,
)
def command_name(values: Values) -> Iterator[Said]:
    """Find a script without an item after it, if vLLM does not need the lost argument."""
    found = _script(values)
    if found and "vllm" in found[1] and _PASSES_ON.search(found[1]):
        first = _swallowed(values, *found)
        if first and _harmless(values, first, found[1]):
            yield _nameless(values, found[0], first)


def _swallowed(values: Values, at: int, script: str) -> str:
    """Return the argument that the shell uses as its own name, the item after the script or the chart's first.

    Returns "" if no argument is lost.
    """
    command = values.at("command")
    if _ZERO.search(script):
        return ""
    if len(command) > at + 1:
        return str(command[at + 1]) if re.match("--?[A-Za-z]", str(command[at + 1])) else ""
    several = isinstance(values.at("model.servedName"), list)
    return "--served-model-name" if several else f"--port={values.at('containerPort')}"


def _harmless(values: Values, first: str, script: str) -> bool:
    """Return whether vLLM starts correctly without this argument."""
    usual = values.at("containerPort") == _VLLM_PORT
    return first == f"--port={values.at('containerPort')}" and (usual or _says(script, "--port"))


def _nameless(values: Values, at: int, first: str) -> Said:
    command = values.at("command")
    fix = put({("command",): [*command[: at + 1], "sh", *command[at + 1 :]]})
    message = (
        f"the shell uses {first}, the first argument after the script, as its own name ($0), so vLLM does not get it"
    )
    hint = "add an item sh after the script, as in [sh, -c, 'exec vllm serve NAME \"$@\"', sh]"
    return Said(("command", at), message, hint, fix=fix)


def _says(script: str, flag: str) -> bool:
    return re.search(rf"(?<![A-Za-z0-9-]){re.escape(flag)}(?![A-Za-z0-9-])", script.replace("_", "-")) is not None


def _flags(values: Values, script: str) -> Iterator[str]:
    """Yield the flags that must not be lost: those of fields, unless the script may set them, and the user's."""
    if not _HOLDS_FLAGS.search(script):
        yield from (flag for key, flag in _FIELDS.items() if values.at(key))
        if values.at("apiKeySecret.name") and len(values.at("apiKeySecret.keys")) > 1:
            yield "--api-key"
        task, known = values.at("model.task") != "generate", release_of(values).asked
        if task and known and not any(_says(script, flag) for flag in TASK_FLAGS):
            yield "the flags for model.task"
        split = [flag for pair in PARALLEL.items() for flag in pair]
        given = {word.partition("=")[0].replace("_", "-") for word in words(values)}
        if values.at("gpu.count") > 1 and not given & set(split) and not any(_says(script, flag) for flag in split):
            yield "--tensor-parallel-size"
    for word in words(values):
        if flag := _FLAG.match(word):
            yield flag.group().replace("_", "-")


def _passing_on(values: Values, at: int, script: str) -> Fix:
    """Return the edits that pass the arguments on, or none if the script does not end with a plain vLLM command."""
    last = re.split(r"&&|\|\||[;|\n]", script)[-1].strip()
    if not re.match(r"(exec )?(vllm serve|python3? -m vllm)", last) or re.search(r"[&<>#()\"'`\\]", last):
        return ()
    before = script.rstrip().removesuffix(last)
    start = "" if last.startswith("exec ") else "exec "
    name = () if len(values.at("command")) > at + 1 else (Edit(Action.APPEND, ("command",), "sh"),)
    return (*put({("command", at): f'{before}{start}{last} "$@"'}), *name)


RULES = (command_program, command_model, command_shell, command_arguments, command_name)
