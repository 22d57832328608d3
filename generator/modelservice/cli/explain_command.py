"""`modelservice explain`: fields of the values file, vLLM's flags, and rules."""

from __future__ import annotations

import os
import sys

import click
from click.shell_completion import CompletionItem

from modelservice.errors import InputError

_LONGEST = 100  # Longer lines are hard to read.
_LISTED = "`modelservice validate --list-rules` lists all rules"


class _Explain(click.Command):
    """The command, whose argument may start with dashes, as flags do."""

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete vLLM's flags as well as the command's own; `_words` completes keys and rules."""
        return [*super().shell_complete(ctx, incomplete), *_flags(incomplete)]


def _flags(beginning: str) -> list[CompletionItem]:
    from modelservice.vllm.flag_explanation import spellings

    return [CompletionItem(name) for name in spellings() if name.startswith(beginning)]


def _words(ctx: click.Context, parameter: click.Parameter, beginning: str) -> list[CompletionItem]:
    """Return the keys and rules with this beginning."""
    from modelservice.rules.catalogue import by_id
    from modelservice.schema.fields import load_fields

    known = [*(field.key for field in load_fields().fields), *by_id()]
    return [CompletionItem(name) for name in known if name.startswith(beginning)]


@click.command("explain", cls=_Explain, context_settings={"ignore_unknown_options": True})
@click.argument("words", nargs=-1, metavar="[KEY|FLAG|RULE|WORD]", shell_complete=_words)
def explain_command(words: tuple[str, ...]) -> None:
    """Explain a key, a vLLM flag or a rule, or search for a word.

    A word that is not one of these is searched in keys and flags. Without an argument, all keys are listed. `fleet` and
    `fleet.KEY` explain fleet.yaml.

    \b
    Examples:
      modelservice explain gpu.count
      modelservice explain --max-model-len
      modelservice explain context
      modelservice explain argument-unknown
    """
    if len(words) > 1:
        raise click.UsageError("name one key, flag, rule or word")
    click.echo(_explained("".join(words), min(_columns(), _LONGEST)), nl=False)


def _columns() -> int:
    """Return the width of the terminal, even if a pager reads the output; without a terminal, the longest allowed."""
    if (given := os.environ.get("COLUMNS", "")).isdecimal() and int(given) > 0:
        return int(given)
    for stream in (sys.__stdout__, sys.__stderr__, sys.__stdin__):
        try:
            return os.get_terminal_size(stream.fileno() if stream else -1).columns or _LONGEST
        except (OSError, ValueError):
            continue
    return _LONGEST


def _explained(key: str, width: int) -> str:
    from modelservice.rules.catalogue import by_id
    from modelservice.rules.documentation import explain_rule
    from modelservice.schema.explanation import explain, search
    from modelservice.schema.fields import load_fields
    from modelservice.spelling import nearest
    from modelservice.vllm.flag_explanation import explain_flag, flags_about, spellings

    if key.partition(".")[0] == "fleet":
        from modelservice.gitops.fleet_explanation import explain_fleet

        return explain_fleet(key.partition(".")[2], width)
    if key in by_id():
        return explain_rule(by_id()[key], width)
    if key.startswith("-"):
        name = key.partition("=")[0].partition(".")[0].replace("_", "-")  # a dotted key belongs to its flag's JSON
        near = nearest(name, spellings())
        missing = f"there is no flag {name}" + (f"; did you mean {near}?" if near else "")
        return _or_raise(explain_flag(name, width), missing)
    fields = load_fields().fields
    if found := explain(fields, key, width):
        return found
    if "-" in key and not flags_about(key):
        near = nearest(key, by_id())
        raise InputError(f"there is no rule {key}; " + (f"did you mean {near}?" if near else _LISTED))
    return search(fields, key, flags_about(key), width)


def _or_raise(text: str | None, message: str) -> str:
    if text is None:
        raise InputError(message)
    return text
