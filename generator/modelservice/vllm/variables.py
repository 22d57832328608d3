"""The environment variables that vLLM reads."""

from __future__ import annotations

from modelservice.spelling import nearest
from modelservice.vllm.facts import facts
from modelservice.vllm.flags import command_line
from modelservice.vllm.releases import alive


def unknown_variable(name: str) -> str | None:
    """Return the nearest variable ("": none is near) for a VLLM_ name that no listed release reads, else None."""
    known = facts("environment")["variables"]
    if not name.startswith("VLLM_") or name in known:
        return None
    return nearest(name, known, cutoff=0.8) or ""


def removed_variable(name: str, release: str) -> bool:
    """Say whether a release does not read a variable that an earlier one read.

    Only some releases were asked: before the first of them without the variable it may still be read.
    """
    read: list[str] = facts("environment")["read"]
    last = facts("environment")["variables"].get(name, {}).get("last")
    return last is not None and alive(f"{read[read.index(last) + 1]}..", release)


def argument_instead(name: str, value: str, release: str) -> tuple[str, str]:
    """Return the argument that took the place of a variable ("": none is known), and a note on it."""
    story = facts("history")["variables"].get(name, {})
    argument = str(story.get("use", "")).replace("{value}", value)
    known = argument.partition("=")[0].partition(".")[0] in command_line(release)
    return (argument if known else ""), str(story.get("note", ""))
