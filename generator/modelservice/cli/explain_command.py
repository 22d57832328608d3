"""`modelservice explain`: fields of the values file, and rules."""

from __future__ import annotations

import click

from modelservice.errors import InputError

_LISTED = "`modelservice validate --list-rules` lists all rules"


@click.command("explain")
@click.argument("key", default="", metavar="[KEY|RULE]")
def explain_command(key: str) -> None:
    """Explain a field of the values file, a group of fields, or a rule; without KEY list all fields.

    `fleet` and `fleet.KEY` explain fleet.yaml.
    """
    if key.partition(".")[0] == "fleet":
        from modelservice.gitops.fleet_explanation import explain_fleet

        click.echo(explain_fleet(key.partition(".")[2]), nl=False)
        return
    if key.islower():
        from modelservice.rules.catalogue import by_id
        from modelservice.rules.documentation import explain_rule
        from modelservice.spelling import nearest

        if key in by_id():
            click.echo(explain_rule(by_id()[key]), nl=False)
            return
        if "-" in key:
            near = nearest(key, by_id())
            raise InputError(f"there is no rule {key}; " + (f"did you mean {near}?" if near else _LISTED))
    from modelservice.schema.explanation import explain
    from modelservice.schema.fields import load_fields

    click.echo(explain(load_fields().fields, key), nl=False)
