"""Rules on settings of features that are off."""

from __future__ import annotations

from collections.abc import Iterator

from modelservice.findings import Severity
from modelservice.rules.rule import Said, Values, rule
from modelservice.schema.defaults import default_values

# Group of fields → the key that turns it on.
_SWITCHES = {
    "ingress": "enabled",
    "httpRoute": "enabled",
    "networkPolicy": "enabled",
    "serviceMonitor": "enabled",
    "prometheusRule": "enabled",
    "autoscaling": "kind",
    "compileCache": "volume",
    "apiKeySecret": "name",
}


@rule(
    "switched-off",
    "A setting is ignored because its feature is off.",
    why=(
        "The file describes something that is not deployed. With `apiKeySecret.keys` and no `apiKeySecret.name`, "
        "for example, the server needs no key."
    ),
    source="the chart's templates",
    severity=Severity.WARNING,
)
def switched_off(values: Values) -> Iterator[Said]:
    """Find settings of a group of fields whose switch is off."""
    for group, switch in _SWITCHES.items():
        written = values.given.get(group)
        if not isinstance(written, dict) or values.was_refused(f"{group}.{switch}"):
            continue
        chosen = values.at(f"{group}.{switch}")
        on = chosen == "own" if group == "compileCache" else chosen
        for key in () if on else written:
            if key != switch and key in default_values()[group] and values.changed(f"{group}.{key}"):
                hint = f"remove it, or see `modelservice explain {group}.{switch}`"
                wanted = f"{group}.{switch}" + (": own" if group == "compileCache" else "")
                yield Said((group, key), f"has no effect without {wanted}", hint, True)


RULES = (switched_off,)
