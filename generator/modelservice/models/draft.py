"""Compute what speculative decoding adds to a GPU: the draft's weights, and what its layers keep.

N-gram drafting adds neither. A draft model is loaded in addition to the target model. An EAGLE head is a model with one
or two layers, which shares the target's embedding if it can. Multi-token prediction loads the extra layers at the end
of the checkpoint, and shares embedding and head (vllm/v1/spec_decode/llm_base_proposer.py).
"""

from __future__ import annotations

from typing import NamedTuple

from modelservice.models.architecture import ODD_VALUE, Cache, NotUnderstoodError, Text, text_of
from modelservice.models.engine import Engine
from modelservice.models.known_architectures import HYBRID, LATENT
from modelservice.models.model_facts import ModelFacts
from modelservice.models.model_on_gpu import caches_on_gpu, element_of, weights_of
from modelservice.models.weights import EMBEDDING, Split

_NOTHING = ("ngram", "[ngram]", "suffix")


class DraftOnGpu(NamedTuple):
    """The bytes of a draft's weights on one GPU, how many more they may be (`unsure`), and what its layers keep."""

    weights: int = 0
    unsure: int = 0
    caches: tuple[Cache, ...] = ()


def draft_on_gpu(facts: ModelFacts, text: Text, engine: Engine) -> DraftOnGpu | None:
    """Return what the draft adds, or None if that is unknown."""
    draft = engine.draft
    if not draft or draft.method in _NOTHING:
        return DraftOnGpu()
    alone = engine._replace(draft=None, online="", other_method="", offloaded=0)
    try:
        if draft.predicts:
            return _prediction(text, alone)
        if not facts.draft:
            return None
        alone = alone._replace(split=Split(tensor=draft.tensor or engine.split.tensor))
        if draft.method in ("eagle", "eagle3"):
            return _eagle(facts.draft, alone)
        return _model(facts.draft, alone) if draft.method == "draft_model" else None
    except (NotUnderstoodError, *ODD_VALUE):  # the draft's facts are untrusted
        return None


def _model(facts: ModelFacts, engine: Engine) -> DraftOnGpu:
    text = text_of(facts.config)
    return DraftOnGpu(weights_of(facts, text, engine), 0, tuple(caches_on_gpu(text, engine)))


def _eagle(facts: ModelFacts, engine: Engine) -> DraftOnGpu | None:
    architecture = str((facts.config.get("architectures") or [""])[0])
    if "Llama" not in architecture or not facts.tensors:
        return None
    text = Text("LlamaForCausalLM", facts.config)
    own = tuple(one for one in facts.tensors if not EMBEDDING.search(one.pattern) or "lm_head" in one.pattern)
    weights = weights_of(facts._replace(tensors=own), text, engine)
    with_embedding = weights_of(facts, text, engine)
    return DraftOnGpu(weights, with_embedding - weights, tuple(caches_on_gpu(text, engine)))


def _prediction(text: Text, engine: Engine) -> DraftOnGpu | None:
    """Return the layers for multi-token prediction: for each a sparse layer and a projection of two hidden states."""
    count = int(text.config.get("num_nextn_predict_layers") or 0)
    if not count or text.architecture in HYBRID or not (text.architecture in LATENT or text.experts):
        return None
    more = Text(text.architecture, {**text.config, "num_hidden_layers": text.layers + count})
    with_more, without = (weights_of(ModelFacts("", "", "", one.config), one, engine) for one in (more, text))
    projection = 2 * text.hidden * text.hidden * element_of(text, engine)
    return DraftOnGpu(with_more - without + count * projection, 0, (caches_on_gpu(text, engine)[-1],) * count)
