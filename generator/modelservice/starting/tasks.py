"""Tell which task a model is for, where its files or its name leave no doubt."""

from __future__ import annotations

import re

from modelservice.models.model_facts import ModelFacts

# Endings of the names of architectures, in this order, as vLLM 0.32.0 reads them (`_SUFFIX_TO_DEFAULTS` in its
# config/model.py); "" is a model that generates.
_ENDINGS = {
    "ForCausalLM": "",
    "ForConditionalGeneration": "",
    "ChatModel": "",
    "LMHeadModel": "",
    "ForTextEncoding": "embedding",
    "Classification": "score",
    "ClassificationModel": "score",
    "ForRewardModeling": "embedding",
    "Model": "embedding",
}
# Architectures of vLLM's registry that generate in spite of their ending.
_GENERATING = ("ChatGLMModel", "MiDashengLMModel", "MossAudioModel", "Qwen2_5OmniModel", "UltravoxModel")
_POOLING = re.compile(r"(\d+_)?Pooling/config\.json")
_EMBEDS = re.compile(r"embed(?!ded)", re.IGNORECASE)


def task_of(facts: ModelFacts) -> tuple[str, str] | None:
    """Return the task of a model other than generating, and how it is known; None if nothing says one."""
    named = str((facts.config.get("architectures") or [""])[0])
    ending = next((task for end, task in _ENDINGS.items() if named.endswith(end)), "")
    if ending and named not in _GENERATING:
        return ending, f"the architecture is {named}"
    # How vLLM recognises a model of Sentence Transformers: `get_pooling_config` in its transformers_utils/config.py.
    if "modules.json" in facts.files and any(_POOLING.fullmatch(name) for name in facts.files):
        return "embedding", "its files are those of Sentence Transformers, with a pooling layer"
    return task_of_name(facts.model)


def task_of_name(model: str) -> tuple[str, str] | None:
    """Return the task that the name of a model says, or None if it says none."""
    name = model.rstrip("/").rpartition("/")[2]
    return ("embedding", "the model's name says so") if _EMBEDS.search(name) else None
