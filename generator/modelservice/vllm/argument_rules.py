"""Declare the rules on vLLM's arguments, which arguments.py checks, and the flags that are reserved for the chart."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from modelservice.findings import Action, Edit, Fix, Problem, Refuser, Rule, Severity

_FLAGS = "vLLM's command line (schemas/vllm/flags.json)"
_CONSTRAINTS = "vLLM's engine (schemas/vllm/constraints.json)"
_HISTORY = "vLLM's command line (schemas/vllm/flags.json, history.json)"
_CHART = "the chart's own arguments"

# What happens in the cluster when vLLM refuses an argument.
_EXITS = "vLLM exits when it starts, and the container restarts again and again while the pod holds its GPUs."

RULES = (
    Rule(
        "argument-unknown",
        Severity.ERROR,
        "An argument is not a flag of the image's vLLM.",
        _FLAGS,
        Refuser.VLLM,
        why=_EXITS,
    ),
    Rule(
        "argument-removed",
        Severity.ERROR,
        "A flag, or a key of a JSON option, was removed from the image's vLLM.",
        _HISTORY,
        Refuser.VLLM,
        why=f"It may have worked until the image was upgraded. {_EXITS}",
    ),
    Rule(
        "argument-not-yet",
        Severity.ERROR,
        "A flag, or a key of a JSON option, exists only in a later vLLM.",
        _HISTORY,
        Refuser.VLLM,
        why=_EXITS,
    ),
    Rule(
        "argument-abbreviated",
        Severity.WARNING,
        "A flag is abbreviated.",
        "argparse",
        why=(
            "vLLM accepts the beginning of a flag as long as only one flag starts with it. If a later release adds "
            "another such flag, vLLM exits when it starts."
        ),
    ),
    Rule(
        "argument-ambiguous",
        Severity.ERROR,
        "An abbreviated flag matches several flags.",
        "argparse",
        Refuser.VLLM,
        why=_EXITS,
    ),
    Rule(
        "argument-deprecated",
        Severity.WARNING,
        "A flag is deprecated.",
        _HISTORY,
        why="vLLM has announced its removal. After an upgrade of the image, vLLM may exit when it starts.",
    ),
    Rule(
        "argument-choice",
        Severity.ERROR,
        "A value is not one that the flag accepts.",
        _FLAGS,
        Refuser.VLLM,
        why=_EXITS,
    ),
    Rule(
        "argument-value",
        Severity.WARNING,
        "A name is unknown to the image's vLLM without a plugin.",
        _FLAGS,
        why="If no plugin in the image registers the name, vLLM exits when it starts.",
    ),
    Rule(
        "argument-type",
        Severity.ERROR,
        "A value is not a number or a size, although the flag requires one.",
        _FLAGS,
        Refuser.VLLM,
        why=_EXITS,
    ),
    Rule(
        "argument-range",
        Severity.ERROR,
        "A number is outside the range that vLLM accepts.",
        _CONSTRAINTS,
        Refuser.VLLM,
        why=_EXITS,
    ),
    Rule(
        "argument-json",
        Severity.ERROR,
        "A value is not the JSON that the flag requires.",
        _FLAGS,
        Refuser.VLLM,
        why=_EXITS,
    ),
    Rule(
        "argument-key",
        Severity.ERROR,
        "A JSON option has an unknown key, or lacks a required one.",
        "vLLM's configuration classes (schemas/vllm/json_options.json)",
        Refuser.VLLM,
        why=_EXITS,
    ),
    Rule(
        "argument-missing-value",
        Severity.ERROR,
        "A flag has no value.",
        _FLAGS,
        Refuser.VLLM,
        why=_EXITS,
    ),
    Rule(
        "argument-switch-value",
        Severity.ERROR,
        "A switch is given a value.",
        _FLAGS,
        Refuser.VLLM,
        why=f"A switch is turned off by its --no- form, not by a value. {_EXITS}",
    ),
    Rule(
        "argument-config",
        Severity.ERROR,
        "vLLM ignores a file that is given as --config=FILE.",
        "vLLM's parser",
        why=(
            "vLLM reads the file only if --config and its path are two list items. It would start without the "
            "settings of the file."
        ),
    ),
    Rule(
        "argument-stray",
        Severity.ERROR,
        "A value does not belong to a flag.",
        "argparse",
        Refuser.VLLM,
        why=_EXITS,
    ),
    Rule(
        "argument-two-words",
        Severity.ERROR,
        "One list item contains several arguments.",
        "Kubernetes: no shell",
        Refuser.VLLM,
        why=f"No shell splits the item at its spaces, so vLLM reads it as one argument. {_EXITS}",
    ),
    Rule(
        "argument-repeated",
        Severity.ERROR,
        "A flag is given several times with different values.",
        "argparse",
        why="vLLM uses the last value without a message. The other settings have no effect.",
    ),
    Rule(
        "argument-duplicate",
        Severity.WARNING,
        "A flag is given twice with the same value.",
        "argparse",
        why="If one of them is changed later, only the last one takes effect.",
    ),
    Rule(
        "argument-needs",
        Severity.ERROR,
        "A flag requires another flag, which is missing.",
        _CONSTRAINTS,
        Refuser.VLLM,
        why=_EXITS,
    ),
    Rule(
        "argument-conflict",
        Severity.ERROR,
        "Arguments contradict each other.",
        _CONSTRAINTS,
        Refuser.VLLM,
        why=f"vLLM checks some arguments against each other before it loads the model. {_EXITS}",
    ),
    Rule(
        "argument-owned",
        Severity.ERROR,
        "A flag is reserved for the chart.",
        _CHART,
        Refuser.CHART,
        why=(
            "The chart's fields, the Service and the probes rely on it. With another port, for example, the startup "
            "probe fails, and the container restarts again and again."
        ),
    ),
    Rule(
        "argument-secret",
        Severity.ERROR,
        "An argument contains a token or key in plain text.",
        "the forms that the issuers document",
        why=(
            "Anyone who can read the values file or the pod can use the secret. It is also in Git, in Helm's "
            "releases and in Argo CD."
        ),
    ),
)
_SEVERITY = {rule.id: rule.severity for rule in RULES}


def _word(words: Sequence[str]) -> Any:
    """Return the only word, or None if there is not exactly one or it contains a variable."""
    return words[0] if len(words) == 1 and words[0] and "$(" not in words[0] else None


def _words(words: Sequence[str]) -> Any:
    """Return the only word, or the list of several words."""
    several = len(words) > 1 and all(map(_word, ([word] for word in words)))
    return list(dict.fromkeys(words)) if several else _word(words)


def _port(words: Sequence[str]) -> Any:
    """Return the port, or None if `containerPort` does not accept it."""
    word = _word(words) or ""
    return int(word) if re.fullmatch("[1-9][0-9]{3,4}", word) and 1024 <= int(word) <= 65535 else None


class Owned(NamedTuple):
    """Why a flag is reserved for the chart, and the field that sets it or what else a person has to do.

    `value` returns the field's value for the flag's words, or None if the field does not accept them.
    """

    reason: str
    field: str = ""
    besides: str = ""
    value: Callable[[Sequence[str]], Any] = _word

    def instead(self, words: Sequence[str] = (), items: Sequence[int] = ()) -> str:
        """Return what to do instead of the items with the flag and its words."""
        value = self.value(words) if self.field else None
        shown = f"[{', '.join(value)}]" if isinstance(value, list) else value
        given = f" and set {self.field}" + (f": {shown}" if value is not None else "")
        return removing(items) + (given if self.field else self.besides)

    def fix(self, items: Sequence[int], words: Sequence[str]) -> Fix:
        """Return the edits that do this; none if a person has to act, or if the field does not accept the words."""
        value = self.value(words) if self.field else None
        if self.besides or (self.field and value is None) or (not self.field and len(words) > 1):
            return ()
        field = (Edit(Action.SET, tuple(self.field.split(".")), value),) if self.field else ()
        return (*in_place(items), *field)


_LISTENS = "the Service and the probes need an HTTP server on a port"
_PROBES = "the probes then have to use HTTPS"
_SECRET = "arguments must not contain secrets"  # noqa: S105  a sentence
OWNED = {
    "--api-key": Owned(_SECRET, besides=" and name the key's Secret in apiKeySecret.name"),
    "--download-dir": Owned("the model volume keeps the models", "modelVolume.mountPath"),
    "--enable-auto-tool-choice": Owned("it needs a tool call parser", besides=" and set model.toolCallParser"),
    "--grpc": Owned(_LISTENS),
    "--headless": Owned(_LISTENS),
    "--help": Owned("vLLM prints its help and exits"),
    "--hf-token": Owned(_SECRET, besides=" and name the token's Secret in huggingFace.tokenSecret.name"),
    "--host": Owned("the Service and the probes need a server that listens on every address, 0.0.0.0 or ::"),
    "--model": Owned("the model is the argument of `vllm serve`", "model.name"),
    "--port": Owned("a field sets it", "containerPort", value=_port),
    "--reasoning-parser": Owned("a field sets it", "model.reasoningParser"),
    "--revision": Owned("a field sets it", "model.revision"),
    "--root-path": Owned("a field sets it", "rootPath"),
    "--served-model-name": Owned("a field sets it", "model.servedName", value=_words),
    "--ssl-certfile": Owned(_PROBES, besides=" and name the certificate's Secret in tls.secretName"),
    "--ssl-keyfile": Owned(_PROBES, besides=" and name the certificate's Secret in tls.secretName"),
    "--tool-call-parser": Owned("a field sets it", "model.toolCallParser"),
    "--uds": Owned(_LISTENS),
}
# Values of `--host` that are accepted: every address, :: in a cluster with IPv6 only, or a variable with the pod's own
# address. Without `--host`, vLLM listens on 0.0.0.0 (create_server_socket in its api_server.py).
EVERY_ADDRESS = r"0\.0\.0\.0|::|\$\(.+\)"
# Flags that set over how many GPUs a model is split, each with its short form.
PARALLEL = {
    "--tensor-parallel-size": "-tp",
    "--pipeline-parallel-size": "-pp",
    "--prefill-context-parallel-size": "-pcp",
    "--data-parallel-size": "-dp",
    "--data-parallel-size-local": "-dpl",
}


def is_owned(flag: str, words: Sequence[str]) -> bool:
    """Return whether a flag with these words is reserved for the chart."""
    everywhere = flag == "--host" and len(words) == 1 and re.fullmatch(EVERY_ADDRESS, words[0])
    # No field accepts a name that comes from a variable, such as one from a ConfigMap.
    named = flag == "--served-model-name" and any("$(" in word for word in words)
    return flag in OWNED and not everywhere and not named


# A long argument must not make a message unreadable.
_LONGEST = 500
_NOT_PLAIN = re.compile(r"""^[\[\]{}*&!|>'"%@`,?]|: | #|:$|^-?[0-9.]+$""")
# Flags that are accepted although a field sets the same.
FIELDS = {"--task": "model.task"}


def problem(rule: str, index: int, message: str, hint: str, fix: Fix = ()) -> Problem:
    """Return a problem of one item of `args`."""
    return Problem(_SEVERITY[rule], ("args", index), _short(message), _short(hint), rule, fix=fix)


def writing(rule: str, index: int, message: str, words: Sequence[str]) -> Problem:
    """Return a problem of one item of `args` whose fix replaces it by these words, as separate items."""
    return problem(rule, index, message, f"write {quoted_items(words)}", in_place([index], words))


def removing(items: Sequence[int]) -> str:
    """Return the hint to remove items of `args`; without items, the one that has the problem."""
    return "remove " + {1: "it", 2: "both items"}.get(len(items) or 1, f"all {len(items)} items")


def in_place(items: Sequence[int], words: Sequence[str] = ()) -> Fix:
    """Return the edits that replace items of `args`; without words, they remove the items."""
    remove = tuple(Edit(Action.REMOVE, ("args", at)) for at in items)
    if not words:
        return remove
    path = ("args", items[0])
    first = Edit(Action.SET, path, words[0]) if len(words) == 1 else Edit(Action.REPLACE, path, list(words))
    return (first, *remove[1:])


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


def quoted_item(word: str) -> str:
    """Return a list item as hints show it: in quotes if YAML would not read it as plain text."""
    return "`'" + word.replace("'", "''") + "'`" if _NOT_PLAIN.search(word) else f"`{word}`"


def quoted_items(words: Sequence[str]) -> str:
    """Return list items as hints show them."""
    quoted = [quoted_item(word) for word in words]
    return quoted[0] if len(quoted) == 1 else ", ".join(quoted[:-1]) + f" and {quoted[-1]}, as separate items"
