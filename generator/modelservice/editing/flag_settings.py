"""Find the settings of `args` that are meant by a flag of vLLM that is written as a key."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from modelservice.findings import Path
from modelservice.redact import hidden
from modelservice.schema.source import plain_schema
from modelservice.vllm.argument_rules import OWNED, PARALLEL
from modelservice.vllm.command_line import Given, read
from modelservice.vllm.flags import Flag, Line, command_line, flag_meant, newest_with

_ANY = "VALUE"
_COMPOUND = re.compile("[A-Za-z0-9][-_A-Z]")


def not_a_key(path: Path, text: str | None, args: Sequence[str]) -> str:
    """Return why a key such as max-model-len or args.--max-model-len is none, and what to set, or "" for other keys.

    `args` are the file's arguments. `text` is the value; None removes the key.
    """
    name = _flag(path)
    release = newest_with(name or "")
    if not name or not release:
        return ""
    line = Line(release, "", command_line(release))
    flag = line.flags[name]
    if owned := OWNED.get(flag.name):
        instead = f"set {owned.field}" if owned.field else f"it cannot be set, because {owned.reason}"
        return f"`{name}` is a flag of vLLM: {instead}"
    found = [one for one in read(args, line) if isinstance(one, Given) and one.flag.name == flag.name and not one.key]
    given = found[-1] if found else None
    if text is None:
        return _instead(name, [f"args[{index}]-" for index in reversed(given.items)]) if given else ""
    if given and given.values and not given.attached:
        return _instead(name, [f"args[{given.values[0].at}]={text or _ANY}"]) if len(given.values) == 1 else ""
    return _instead(name, [f"args[{given.at if given else len(args)}]={_written(flag, name, text)}"])


def _flag(path: Path) -> str | None:
    """Return the flag that a path names; a single word without dashes is hardly one, unless it is a key of args."""
    word = str(path[-1])
    if word.startswith("--") or (path[:-1] == ("args",) and isinstance(path[-1], str)):
        return flag_meant(word)
    if len(path) > 1 or word in plain_schema()["properties"] or not _COMPOUND.search(word):
        return None
    name = flag_meant(word)
    return None if name in (*OWNED, *PARALLEL) else name


def _written(flag: Flag, name: str, text: str) -> str:
    if flag.type == "switch" and text in ("", "true"):
        return name
    if flag.type == "switch" and text == "false" and flag.negatives:
        return flag.negatives[0]
    return f"{name}={text or _ANY}"


def _instead(name: str, settings: Sequence[str]) -> str:
    return f"`{name}` is a flag of vLLM: set {' '.join(shlex.quote(hidden(one)) for one in settings)}"
