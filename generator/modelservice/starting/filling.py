"""Fill in what imported settings leave open and the model determines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from modelservice.models.facts_file import known_facts
from modelservice.rules.image import TASK_FLAGS
from modelservice.starting.suggestions import Suggestion, applicable, fixed, named_task, suggestions


def filling(settings: Mapping[str, Any], values_files: Sequence[str]) -> list[Suggestion]:
    """Return the suggestions for keys that are not set, from the model's known facts, or else from its name.

    Facts files are looked for next to `values_files`. Raises InputError for an invalid one.
    """
    name, revision = (str(settings.get(key, "")) for key in ("model.name", "model.revision"))
    facts = known_facts(name, revision, values_files)
    of_model = suggestions(facts) if facts else named_task(name)
    sizes = fixed(settings) if facts else ()
    origin = f"; facts: {facts.origin}" if facts else ""
    # The arguments may set the task already.
    flags = {str(word).partition("=")[0].replace("_", "-") for word in settings.get("args", ())}
    given = {*settings, *(["model.task"] if flags & {*TASK_FLAGS, "--hf-overrides"} else [])}
    found = {one.key: one for one in reversed([*applicable(settings, of_model), *sizes]) if one.key not in given}
    return [one._replace(reason=one.reason + origin) for one in found.values()]
