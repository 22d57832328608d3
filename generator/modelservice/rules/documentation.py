"""Explain a rule: what is wrong, why it matters, a bad and a good example, who else refuses it, and the source."""

from __future__ import annotations

import functools
import json
import textwrap
from pathlib import Path
from typing import NamedTuple

from modelservice.findings import Refuser, Rule
from modelservice.redact import NOT_SHOWN
from modelservice.schema.source import SCHEMAS
from modelservice.secret_forms import without_forms, without_logins

# Made by `modelservice generate` from tests/cases, so an installed package has the examples too.
EXAMPLES = SCHEMAS / "rule-examples.json"
_WIDTH = 100
_REFUSED = {
    Refuser.HELM: "Helm, when it reads the file",
    Refuser.SCHEMA: "Helm, by the chart's values.schema.json",
    Refuser.CHART: "the chart, unless `ignoredRules` lists this rule",
    Refuser.API_SERVER: "Kubernetes' API server, when the object is applied",
    Refuser.KUBELET: "the kubelet, which does not start the container",
    Refuser.VLLM: "vLLM, when it starts",
    Refuser.NOBODY: "nobody",
}


class Examples(NamedTuple):
    """Values that break a rule, and similar values that do not, as YAML ("" if there are none)."""

    bad: str
    good: str


@functools.cache
def _examples() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = json.loads(EXAMPLES.read_bytes())
    return found


def examples_of(rule: str) -> Examples:
    """Return a rule's examples."""
    found = _examples().get(rule, {})
    return Examples(found.get("bad", ""), found.get("good", ""))


def read_examples(cases: Path, rules: list[str]) -> dict[str, dict[str, str]]:
    """Return the examples of all rules, from the folder tests/cases: <rule>/bad.yaml and <rule>/good.yaml."""
    found = {}
    for rule in rules:
        files = {name: cases / rule / f"{name}.yaml" for name in Examples._fields}
        # Scanners of the output cannot tell a made-up token from a real one.
        texts = {name: _shown(file.read_text(encoding="utf-8")) for name, file in files.items() if file.is_file()}
        if texts:
            found[rule] = texts
    return found


def refused_by(rule: Rule) -> str:
    """Return in words what else refuses such values."""
    return _REFUSED[rule.refused_by]


def ignored_by(rule: Rule) -> str:
    """Return in words how to ignore a rule."""
    if rule.refused_by is Refuser.CHART:
        return f"with the value `ignoredRules: [{rule.id}]`"
    if rule.is_firm:
        return "not possible"
    return f"with `--ignore {rule.id}`, or a comment `# modelservice: ignore[{rule.id}] reason`"


def explain_rule(rule: Rule, width: int = _WIDTH) -> str:
    """Return the explanation of a rule, for a terminal of this width."""
    examples = examples_of(rule.id)
    lines = [f"RULE:        {rule.id} ({rule.severity})", f"REFUSED BY:  {refused_by(rule)}"]
    lines += [f"IGNORED:     {ignored_by(rule)}", f"SOURCE:      {rule.source}"]
    lines = [part for line in lines for part in textwrap.wrap(line, width, subsequent_indent=" " * 13)]
    lines += ["", *textwrap.wrap(f"{rule.summary} {rule.why}".strip(), width, break_on_hyphens=False)]
    for name, text in (("BAD", examples.bad), ("GOOD", examples.good)):
        if text:
            lines += ["", f"{name}:", *(f"  {line}".rstrip() for line in text.splitlines())]
    return "\n".join(lines) + "\n"


def help_of(rule: Rule) -> str:
    """Return a rule's help in Markdown, as code scanning shows it."""
    examples = examples_of(rule.id)
    parts = [rule.why, f"Refused by: {refused_by(rule)}. Ignored: {ignored_by(rule)}."]
    parts += [f"Bad:\n\n```yaml\n{examples.bad}```"] if examples.bad else []
    parts += [f"Good:\n\n```yaml\n{examples.good}```"] if examples.good else []
    return "\n\n".join([*filter(None, parts), f"Source: {rule.source}"])


def _shown(text: str) -> str:
    """Return an example without text that scanners take for a secret; a value that only its key calls secret stays."""
    return without_logins(without_forms(text, NOT_SHOWN), f"{NOT_SHOWN}@")
