"""Every rule of every step, for the list and for docs/rules.md."""

from __future__ import annotations

from modelservice import arguments, check, document, nulls, rules, schema
from modelservice.findings import Severity
from modelservice.rule import Rule

# Step of the check, in its order → its rules.
Catalogue = dict[str, tuple[Rule, ...]]

_HELM = "helm 3.18 and 4.3, asked by tests/test_reads_as_helm.py"


def catalogue() -> Catalogue:
    """Return the rules by the step that checks them."""
    return {
        "Reading": tuple(Rule(rule, Severity.ERROR, summary, _HELM) for rule, summary in document.RULES),
        "Fields": (*schema.RULES, *nulls.RULES, check.TOO_MANY),
        "Settings": tuple(checked.rule for checked in rules.ALL),
        "vLLM arguments": arguments.RULES,
    }


def listed() -> str:
    """Return the rules as aligned lines: id, severity, summary."""
    every = [rule for group in catalogue().values() for rule in group]
    width = max(len(rule.id) for rule in every)
    return "".join(f"{rule.id:<{width}}  {rule.severity:<7}  {rule.summary}\n" for rule in every)
