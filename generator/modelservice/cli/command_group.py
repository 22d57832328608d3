"""A group of commands that names the command that a mistyped one means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import click


class CommandGroup(click.Group):
    """A group of commands; `meant` maps words of other tools to the group's command for them."""

    meant: ClassVar[Mapping[str, str]] = {}

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that is called. Raises UsageError if there is none, with the one that is meant."""
        name = args[0]
        if name in self.list_commands(ctx) or name.startswith("-") or ctx.resilient_parsing:
            return super().resolve_command(ctx, args)
        from modelservice.spelling import nearest

        near = self.meant.get(name) or nearest(name, self.list_commands(ctx))
        raise click.UsageError(f"No such command '{name}'." + (f" Did you mean '{near}'?" if near else ""), ctx)
