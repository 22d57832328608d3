"""`modelservice explain`: fields of the values file, vLLM's flags, rules and GPUs."""

from __future__ import annotations

import os
import re
import sys

import click
from click.shell_completion import CompletionItem

from modelservice.errors import InputError

_LONGEST = 100  # Longer lines are hard to read.
_LISTED = "`modelservice explain` lists all keys, and `modelservice validate --list-rules` all rules"


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
@click.argument("words", nargs=-1, metavar="[KEY|FLAG|RULE|GPU|WORD]", shell_complete=_words)
def explain_command(words: tuple[str, ...]) -> None:
    """Explain a key, a vLLM flag, a rule or a GPU, or search for a word.

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
        raise click.UsageError("name one key, flag, rule, GPU or word")
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
    from modelservice.gitops.fleet_explanation import explain_fleet, has_key
    from modelservice.models.gpu_explanation import explain_gpu
    from modelservice.rules.catalogue import by_id
    from modelservice.rules.documentation import explain_rule
    from modelservice.schema.explanation import explain, is_in_form, nearest_key, search
    from modelservice.schema.fields import load_fields
    from modelservice.schema.foreign_words import pointers
    from modelservice.schema.source import plain_schema
    from modelservice.spelling import nearest
    from modelservice.vllm.flag_explanation import explain_flag, flags_about, spellings
    from modelservice.vllm.flags import flag_meant

    if key.partition(".")[0] == "fleet":
        return explain_fleet(key.partition(".")[2], width)
    if key in by_id():
        return explain_rule(by_id()[key], width)
    if key.startswith("-"):
        name = key.partition("=")[0].partition(".")[0].replace("_", "-")  # a dotted key belongs to its flag's JSON
        near = nearest(name, spellings())
        return explain_flag(name, width) or _refuse(f"there is no flag {name}", near)
    fields = load_fields().fields
    # A single word such as port is rather searched for.
    flag = flag_meant(key) if re.search("[a-z0-9][-_A-Z]", key) else None
    found = explain(fields, key, width) or (flag and explain_flag(flag, width)) or explain_gpu(key, width)
    if not found and has_key(key):
        return explain_fleet(key, width)
    meant = [] if found else pointers(key, plain_schema())
    found = found or next(filter(None, (explain(fields, one, width) for one in meant)), None)
    if not found and meant:
        return f"{key}: {meant[0]}\n\n{search(fields, key, flags_about(key), width)}".rstrip() + "\n"
    near = None if is_in_form(fields, key) else nearest_key(key, fields)
    found = found or (None if near else search(fields, key, flags_about(key), width))
    near = near or (None if " " in key else nearest(key, [*by_id(), *spellings()]))
    return found or _refuse(f"there is no key, flag or rule {key}", near)


def _refuse(message: str, near: str | None) -> str:
    raise InputError(f"{message}; " + (f"did you mean {near}?" if near else _LISTED))
