"""Rules on what the model does: generate text, embed or score."""

from __future__ import annotations

from collections.abc import Iterator

from modelservice.findings import Severity
from modelservice.rules.given_arguments import adding_argument, given
from modelservice.rules.image import TASK_FLAGS, known_release
from modelservice.rules.rule import Said, Values, put, rule


@rule(
    "task-unset",
    "The model embeds or scores texts, but `model.task` is not set.",
    why=(
        "`modelservice access`, `helm test` and the notes of the release follow `model.task`. They call "
        "`/v1/chat/completions`, for which the server of such a model answers 404. vLLM itself decides by the model's "
        "files: it serves most of these models, but not a reranker that was published as a language model."
    ),
    source="_get_default_runner_type in vLLM's config/model.py",
    severity=Severity.WARNING,
)
def task_unset(values: Values) -> Iterator[Said]:
    """Find a model that certainly does not generate, without a task in the values and in the arguments."""
    if values.written("model.task") or values.at("command") or given(values, *TASK_FLAGS, "--hf-overrides"):
        return
    from modelservice.models.rerankers import overrides_of
    from modelservice.models.tasks import task_of, task_of_name

    name = values.at("model.name")
    if argument := overrides_of(name, known_release(values)):
        hint = f"set model.task: score and add `{argument}` to args, or set model.task: generate to keep it as it is"
        fix = (*put({"model.task": "score"}), *adding_argument(values, argument))
        yield Said(("model", "name"), f"{name} is a reranker, but vLLM serves it as a language model", hint, fix=fix)
    elif found := task_of(values.facts) if values.facts else task_of_name(name):
        task, evidence = found
        kind = "an embedding model" if task == "embedding" else "a reranker or a classifier"
        message = f"{name} is {kind} ({evidence}), but model.task is not set"
        yield Said(("model", "name"), message, f"set model.task: {task}", fix=put({"model.task": task}))


RULES = (task_unset,)
