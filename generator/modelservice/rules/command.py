"""Rules on a custom command: it names the model, and passes the chart's arguments on."""

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
# What may hold flags that nobody sees here: a file, or a variable whose name says so.
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
    """Find a custom command without the model's name; a file of vLLM's settings or a variable may hold it."""
    command, name = values.at("command") or [], values.at("model.name")
    said = [str(word) for word in [*command, *(values.at("args") or ())]]
    if command and not any(name in word or "--config" in word or "$(" in word for word in said):
        message = f"takes the place of `vllm serve {name}`, and does not name that model"
        yield Said(("command",), message, f"add {name} where the command wants it", True)


@rule(
    "command-shell",
    "A shell's `-c` is not followed by its script.",
    why=(
        "The shell takes `--port`, the chart's first argument, as its script and exits. The container restarts "
        "again and again."
    ),
    source="the chart's templates/_pod.tpl",
    refused_by=Refuser.CHART,
)
def command_shell(values: Values) -> Iterator[Said]:
    """Find a shell whose script is in `args`, after the chart's own first argument."""
    command = values.at("command") or []
    if command and re.fullmatch("-[a-z]*c", str(command[-1])):
        message = (
            f"{command[-1]} takes --port={values.at('containerPort')}, which the chart writes first, for its script"
        )
        hint = "add the script to command, as in [sh, -c, 'vllm serve NAME \"$@\"', sh]"
        yield Said(("command", len(command) - 1), message, hint)


def _script(values: Values) -> tuple[int, str] | None:
    """Return the script that a shell runs, and where in `command` it is."""
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
        "under another name, or without the certificate that the probes ask for."
    ),
    source="https://pubs.opengroup.org/onlinepubs/9799919799/utilities/sh.html",
    refused_by=Refuser.CHART,
)
def command_arguments(values: Values) -> Iterator[Said]:
    """Find a script that starts vLLM without the arguments, and does not say itself what they say."""
    found = _script(values)
    if not found or "vllm" not in found[1] or _PASSES_ON.search(found[1]):
        return
    at, script = found
    lost = list(dict.fromkeys(flag for flag in _flags(values, script) if not _says(script, flag)))
    if lost:
        message = f'starts vLLM without "$@", so that {" and ".join(lost[:3])} {"is" if len(lost) == 1 else "are"} lost'
        hint = 'end the script with "$@", and add a last item sh, as in [sh, -c, \'exec vllm serve NAME "$@"\', sh]'
        yield Said(("command", at), message, hint, fix=_passing_on(values, at, script))


def _says(script: str, flag: str) -> bool:
    return re.search(rf"(?<![A-Za-z0-9-]){re.escape(flag)}(?![A-Za-z0-9-])", script.replace("_", "-")) is not None


def _flags(values: Values, script: str) -> Iterator[str]:
    """Yield the flags of the arguments that count: the fields' unless something else may say them, and the user's."""
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
    """Return the edits that pass the arguments on, none where the script does not end with vLLM's plain command."""
    last = re.split(r"&&|\|\||[;|\n]", script)[-1].strip()
    if not re.match(r"(exec )?(vllm serve|python3? -m vllm)", last) or re.search(r"[&<>#()\"'`\\]", last):
        return ()
    before = script.rstrip().removesuffix(last)
    start = "" if last.startswith("exec ") else "exec "
    name = () if len(values.at("command")) > at + 1 else (Edit(Action.APPEND, ("command",), "sh"),)
    return (*put({("command", at): f'{before}{start}{last} "$@"'}), *name)


RULES = (command_model, command_shell, command_arguments)
