"""Find a model's task, if its files or its name leave no doubt."""

from __future__ import annotations

import re

from modelservice.models.model_facts import ModelFacts

# Suffixes of architecture names, in the order in which vLLM 0.32.0 checks them (`_SUFFIX_TO_DEFAULTS` in its
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
# Architectures in vLLM's registry that generate despite their suffix.
_GENERATING = ("ChatGLMModel", "MiDashengLMModel", "MossAudioModel", "Qwen2_5OmniModel", "UltravoxModel")
_POOLING = re.compile(r"(\d+_)?Pooling/config\.json")
_EMBEDS = re.compile(r"embed(?!ded)", re.IGNORECASE)
# Families of models that run without further settings. A reranker that is a language model needs more: rerankers.py.
_FAMILIES = {
    "score": r"bge-reranker-(base|large|v2-m3)|gte-(.+-)?reranker-.+|jina-reranker-v[12]-.+|ms-marco-.+|"
    r"mxbai-rerank-(xsmall|base|large)-v1|.+-reranker-.+-seq-cls",
    "embedding": r"bge-(m3|small|base|large|en-icl|multilingual-gemma2|code|vl)(-.+)?|"
    r"gte-(small|base|large|multilingual|modernbert|qwen)(?!.*rerank).*|(multilingual-)?e5-(small|base|large|mistral).*|"
    r"(all|paraphrase|multi-qa)-(multilingual-)?(minilm|mpnet|distilroberta)-.+",
}


def task_of(facts: ModelFacts) -> tuple[str, str] | None:
    """Return a model's task other than generation and the evidence for it, or None."""
    architectures = facts.config.get("architectures")
    named = str(architectures[0]) if isinstance(architectures, list) and architectures else ""
    ending = next((task for end, task in _ENDINGS.items() if named.endswith(end)), "")
    if ending and named not in _GENERATING:
        return ending, f"the architecture is {named}"
    # How vLLM recognises a model of Sentence Transformers: `get_pooling_config` in its transformers_utils/config.py.
    if "modules.json" in facts.files and any(_POOLING.fullmatch(name) for name in facts.files):
        return "embedding", "its files are those of Sentence Transformers, with a pooling layer"
    return task_of_name(facts.model)


def task_of_name(model: str) -> tuple[str, str] | None:
    """Return the task in a model's name and the evidence for it, or None."""
    name = model.rstrip("/").rpartition("/")[2]
    task = next((task for task, names in _FAMILIES.items() if re.fullmatch(names, name, re.IGNORECASE)), "")
    if not task and _EMBEDS.search(name) and "rerank" not in name.lower():
        task = "embedding"
    return (task, "the model's name says so") if task else None
