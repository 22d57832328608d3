"""The rules on vLLM's arguments, and the flags that are the chart's own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from modelservice.findings import Fix, Problem, Rule, Severity

_FLAGS = "vLLM's command line (schemas/vllm/flags.json)"
_CONSTRAINTS = "vLLM's engine (schemas/vllm/constraints.json)"
_HISTORY = "vLLM's command line (schemas/vllm/flags.json, history.json)"
_CHART = "the chart's own arguments"

RULES = (
    Rule("argument-unknown", Severity.ERROR, "An argument is no flag of the image's vLLM.", _FLAGS),
    Rule("argument-removed", Severity.ERROR, "A flag, or a key of one, that the image's vLLM no longer has.", _HISTORY),
    Rule("argument-not-yet", Severity.ERROR, "A flag, or a key of one, that only a later vLLM has.", _HISTORY),
    Rule("argument-abbreviated", Severity.ERROR, "Only the beginning of a flag: vLLM guesses the rest.", "argparse"),
    Rule("argument-deprecated", Severity.WARNING, "A flag that vLLM is about to remove.", _HISTORY),
    Rule("argument-choice", Severity.ERROR, "A value that is none of those that the flag takes.", _FLAGS),
    Rule("argument-value", Severity.WARNING, "A name that the image's vLLM does not know without a plugin.", _FLAGS),
    Rule("argument-type", Severity.ERROR, "A value that is no number or size where the flag wants one.", _FLAGS),
    Rule("argument-range", Severity.ERROR, "A number that vLLM refuses at start.", _CONSTRAINTS),
    Rule("argument-json", Severity.ERROR, "A value that is not the JSON that the flag wants.", _FLAGS),
    Rule("argument-missing-value", Severity.ERROR, "A flag without its value.", _FLAGS),
    Rule("argument-switch-value", Severity.ERROR, "A switch with a value, which switches do not take.", _FLAGS),
    Rule("argument-config", Severity.ERROR, "A file given as --config=FILE, which vLLM ignores.", "vLLM's parser"),
    Rule("argument-stray", Severity.ERROR, "A value that belongs to no flag.", "argparse"),
    Rule("argument-two-words", Severity.ERROR, "One list item that holds several arguments.", "Kubernetes: no shell"),
    Rule("argument-repeated", Severity.ERROR, "A flag given twice, of which vLLM takes the last.", "argparse"),
    Rule("argument-needs", Severity.ERROR, "A flag that needs another one.", _CONSTRAINTS),
    Rule("argument-owned", Severity.ERROR, "A flag that is the chart's: a field sets it, or the pod needs it.", _CHART),
    Rule("argument-secret", Severity.ERROR, "A token or key in plain text.", "the forms that issuers give them"),
)
_SEVERITY = {rule.id: rule.severity for rule in RULES}


class Owned(NamedTuple):
    """Why a flag is the chart's, and what to do instead; {value} is what was given."""

    reason: str
    instead: str


_LISTENS = "the Service and the probes ask for HTTP on port 8000"
_PROBES = "the probes then speak HTTPS"
_SECRET = "no secret belongs in arguments"  # noqa: S105  a sentence
OWNED = {
    "--api-key": Owned(_SECRET, "remove it and name the key's Secret in apiKeySecret.name"),
    "--enable-auto-tool-choice": Owned("it comes with a tool call parser", "remove it and set model.toolCallParser"),
    "--grpc": Owned(_LISTENS, "remove it"),
    "--headless": Owned(_LISTENS, "remove it"),
    "--help": Owned("vLLM prints its help and ends", "remove it"),
    "--hf-token": Owned(_SECRET, "remove it and name the token's Secret in huggingFace.tokenSecret.name"),
    "--host": Owned(_LISTENS, "remove it"),
    "--model": Owned("it stands after `vllm serve`", "remove it and set model.name{value}"),
    "--port": Owned(_LISTENS, "remove it"),
    "--reasoning-parser": Owned("a field sets it", "remove it and set model.reasoningParser{value}"),
    "--revision": Owned("a field sets it", "remove it and set model.revision{value}"),
    "--root-path": Owned("a field sets it", "remove it and set rootPath{value}"),
    "--served-model-name": Owned("a field sets it", "remove it and set model.servedName{value}"),
    "--ssl-certfile": Owned(_PROBES, "remove it and name the certificate's Secret in tls.secretName"),
    "--ssl-keyfile": Owned(_PROBES, "remove it and name the certificate's Secret in tls.secretName"),
    "--tool-call-parser": Owned("a field sets it", "remove it and set model.toolCallParser{value}"),
    "--uds": Owned(_LISTENS, "remove it"),
}
# Flags that say over how many GPUs a model is split, each with its short form.
PARALLEL = {
    "--tensor-parallel-size": "-tp",
    "--pipeline-parallel-size": "-pp",
    "--prefill-context-parallel-size": "-pcp",
    "--data-parallel-size": "-dp",
    "--data-parallel-size-local": "-dpl",
}
# Whatever stands in an argument, a message stays readable.
_LONGEST = 500
_NOT_PLAIN = re.compile(r"""^[\[\]{}*&!|>'"%@`,?]|: | #|:$|^-?[0-9.]+$""")
# Flags that may be written, although a field says the same.
FIELDS = {"--task": "model.task"}


def problem(rule: str, index: int, message: str, hint: str, fix: Fix = ()) -> Problem:
    """Return a problem of one item of `args`."""
    return Problem(_SEVERITY[rule], ("args", index), _short(message), _short(hint), rule, fix=fix)


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


def quoted_item(word: str) -> str:
    """Return a list item as hints show it: what YAML would read as more than text is quoted."""
    return "`'" + word.replace("'", "''") + "'`" if _NOT_PLAIN.search(word) else f"`{word}`"


def quoted_items(words: Sequence[str]) -> str:
    """Return list items as hints show them."""
    quoted = [quoted_item(word) for word in words]
    return quoted[0] if len(quoted) == 1 else ", ".join(quoted[:-1]) + f" and {quoted[-1]}, an item each"
