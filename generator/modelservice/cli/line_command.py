"""A command whose argument is a command line, which need not be quoted."""

from __future__ import annotations

import re
import shlex

import click

# Words before the one that begins a line: sudo docker run, docker container run, python -m.
_BEFORE = re.compile(r"sudo|docker|podman|nerdctl|container|vllm|python[\d.]*|[A-Za-z_]\w*=.*", re.DOTALL)
_OWN = ("-o", "--output", "--strict", "--force", "--service", "--image")


class LineCommand(click.Command):
    """A command whose line may be written without quotes, after the command's own options."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Join the words of a line, beginning with `docker run`, `vllm serve` or `python -m`, into one argument."""
        end = args.index("--") if "--" in args else len(args)
        begins = {"docker": ("run",), "vllm": ("serve", "-m")}[str(self.name)]
        at = next((at for at in range(end - 1) if args[at] in begins and _is_free(args[:at])), end)
        if at == end:
            return super().parse_args(ctx, args)
        while at and _BEFORE.fullmatch(args[at - 1]) and _is_free(args[: at - 1]):
            at -= 1
        line = args[at:] if args[at] not in begins else [str(self.name), *args[at:]]
        if own := next((word for word in line if word.partition("=")[0] in _OWN), None):
            raise click.UsageError(f"write {own} before the line, or quote the line", ctx)
        return super().parse_args(ctx, [*args[:at], "--", shlex.join(line)])


def _is_free(before: list[str]) -> bool:
    """Return whether the next word is not the value of an option."""
    return not before or not before[-1].startswith("-") or before[-1] in ("--strict", "--force")
