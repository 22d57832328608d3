"""Every rule of every step, for the list and for docs/rules.md."""

from __future__ import annotations

from modelservice import rules
from modelservice.findings import TOO_MANY, Rule
from modelservice.reading import document
from modelservice.schema import defaults, validation
from modelservice.vllm import argument_rules

# Step of the check, in its order → its rules.
Catalogue = dict[str, tuple[Rule, ...]]


def catalogue() -> Catalogue:
    """Return the rules by the step that checks them."""
    return {
        "Reading": document.RULES,
        "Fields": (*validation.RULES, defaults.NULL_VALUE, TOO_MANY),
        "Settings": tuple(checked.rule for checked in rules.ALL),
        "vLLM arguments": argument_rules.RULES,
    }


def listed() -> str:
    """Return the rules as aligned lines: id, severity, summary."""
    every = [rule for group in catalogue().values() for rule in group]
    width = max(len(rule.id) for rule in every)
    return "".join(f"{rule.id:<{width}}  {rule.severity:<7}  {rule.summary}\n" for rule in every)
