"""List the rules by the step that checks them, for the command line and docs/rules.md."""

from __future__ import annotations

import functools

from modelservice import rules
from modelservice.findings import IGNORE_UNUSED, TOO_MANY, Rule
from modelservice.reading import document
from modelservice.rules import fleet_rules
from modelservice.schema import defaults, validation
from modelservice.vllm import argument_rules

# Step of the check, in order → its rules.
Catalogue = dict[str, tuple[Rule, ...]]


def catalogue() -> Catalogue:
    """Return the rules by the step that checks them."""
    return {
        "Reading": document.RULES,
        "Fields": (*validation.RULES, defaults.NULL_VALUE, defaults.NULL_LEFT_OUT, TOO_MANY),
        "Settings": tuple(checked.rule for checked in rules.ALL),
        "vLLM arguments": argument_rules.RULES,
        "Ignored rules": (IGNORE_UNUSED,),
        "Fleets": fleet_rules.RULES,
    }


@functools.cache
def by_id() -> dict[str, Rule]:
    """Return every rule by its id."""
    return {rule.id: rule for group in catalogue().values() for rule in group}


def listed() -> str:
    """Return the rules as aligned lines: id, severity, summary."""
    rules = by_id()
    width = max(map(len, rules))
    return "".join(f"{rule.id:<{width}}  {rule.severity:<7}  {rule.summary}\n" for rule in rules.values())
