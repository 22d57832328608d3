"""The environment variables that vLLM reads, by release."""

from __future__ import annotations

from modelservice.spelling import nearest
from modelservice.vllm.facts import facts
from modelservice.vllm.flags import command_line
from modelservice.vllm.releases import alive, other_lives


def unknown_variable(name: str) -> str | None:
    """Return the closest variable ("" if none is close) for a VLLM_ name that no listed release reads, else None."""
    known = facts("environment")["variables"]
    if not name.startswith("VLLM_") or name in known:
        return None
    return nearest(name, known, cutoff=0.8) or ""


def variable_change(name: str, release: str) -> str:
    """Return when a variable was added or removed, or "" if the release reads it or no release does."""
    entry = facts("environment")["variables"].get(name)
    if entry is None or alive(entry["in"], release):
        return ""
    past, ahead = other_lives(entry["in"], release)
    return f"was added in vLLM {ahead[0].since}" if ahead and not past else f"was removed in vLLM {past[-1].gone}"


def argument_instead(name: str, value: str, release: str) -> tuple[str, str]:
    """Return the argument that replaced a variable ("" if none is known), and a note on it."""
    story = facts("history")["variables"].get(name, {})
    argument = str(story.get("use", "")).replace("{value}", value)
    known = argument.partition("=")[0].partition(".")[0] in command_line(release)
    return (argument if known else ""), str(story.get("note", ""))
