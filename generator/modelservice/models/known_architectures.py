"""List the architectures that are understood: the names in config.json, and how their configurations differ.

The names are those of vllm/model_executor/models/registry.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Attention over all tokens, or over a window if the configuration sets one (`layer_types`, `sliding_window`).
ATTENTION = {
    *("LlamaForCausalLM", "MistralForCausalLM", "MixtralForCausalLM", "Qwen2ForCausalLM", "Qwen2MoeForCausalLM"),
    *("Qwen3ForCausalLM", "Qwen3MoeForCausalLM", "Phi3ForCausalLM", "PhiForCausalLM", "GemmaForCausalLM"),
    *("Gemma2ForCausalLM", "Gemma3ForCausalLM", "GraniteForCausalLM", "GraniteMoeForCausalLM", "OPTForCausalLM"),
    *("GPT2LMHeadModel", "GPTNeoXForCausalLM", "OlmoForCausalLM", "Olmo2ForCausalLM", "OlmoeForCausalLM"),
    *("CohereForCausalLM", "Cohere2ForCausalLM", "InternLM2ForCausalLM", "InternLM3ForCausalLM", "StableLmForCausalLM"),
    *("Starcoder2ForCausalLM", "GlmForCausalLM", "Glm4ForCausalLM", "Glm4MoeForCausalLM", "ExaoneForCausalLM"),
    *("Exaone4ForCausalLM", "GptOssForCausalLM", "SmolLM3ForCausalLM", "SeedOssForCausalLM", "MiniMaxM2ForCausalLM"),
    *("Ernie4_5ForCausalLM", "Ernie4_5_MoeForCausalLM", "NemotronForCausalLM", "ArceeForCausalLM", "PhiMoEForCausalLM"),
    *("HunYuanDenseV1ForCausalLM", "HunYuanMoEV1ForCausalLM", "Dots1ForCausalLM", "AfmoeForCausalLM"),
    *("Llama4ForCausalLM",),
}
LATENT = {
    *("DeepseekV2ForCausalLM", "DeepseekV3ForCausalLM", "MiniCPM3ForCausalLM", "LongcatFlashForCausalLM"),
    *("Glm4MoeLiteForCausalLM",),
}
LINEAR = {"Qwen3NextForCausalLM"}
HYBRID = {"Qwen3NextForCausalLM", "GraniteMoeHybridForCausalLM", "BambaForCausalLM"}
# Text encoders, whose layers keep nothing.
ENCODERS = {
    *("BertModel", "BertForSequenceClassification", "RobertaModel", "RobertaForMaskedLM", "XLMRobertaModel"),
    *("RobertaForSequenceClassification", "XLMRobertaForSequenceClassification", "ModernBertModel"),
    *("ModernBertForSequenceClassification", "NomicBertModel"),
}
# Keys of encoders of images and sound, whose tokens are part of the start-up run too.
ENCODERS_OF_MEDIA = ("vision_config", "audio_config", "visual", "vision_model_name")
# Wrappers with a language model in text_config or llm_config: architecture → that of the language model.
WRAPPED = {
    "Gemma3ForConditionalGeneration": "Gemma3ForCausalLM",
    "Llama4ForConditionalGeneration": "Llama4ForCausalLM",
    "Mistral3ForConditionalGeneration": "MistralForCausalLM",
    "LlavaForConditionalGeneration": "LlamaForCausalLM",
    "LlavaNextForConditionalGeneration": "GraniteForCausalLM",
    "Qwen2VLForConditionalGeneration": "Qwen2ForCausalLM",
    "Qwen2_5_VLForConditionalGeneration": "Qwen2ForCausalLM",
    "Qwen3VLForConditionalGeneration": "Qwen3ForCausalLM",
    "Qwen3VLMoeForConditionalGeneration": "Qwen3MoeForCausalLM",
    "KimiVLForConditionalGeneration": "DeepseekV3ForCausalLM",
}
# The keys of a wrapper with the language model's configuration.
LANGUAGE_MODELS = ("text_config", "llm_config")
# What such a configuration often leaves out: the defaults of the classes in transformers.
DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "Gemma3ForCausalLM": {
        "vocab_size": 262_208,
        "num_attention_heads": 8,
        "num_key_value_heads": 4,
        "head_dim": 256,
        "max_position_embeddings": 131_072,
        "rope_theta": 1_000_000.0,
        "rope_local_base_freq": 10_000.0,
        "tie_word_embeddings": True,
    },
    "LlamaForCausalLM": {
        "vocab_size": 32_000,
        "hidden_size": 4096,
        "intermediate_size": 11_008,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "max_position_embeddings": 2048,
    },
    "MistralForCausalLM": {
        "vocab_size": 32_000,
        "hidden_size": 4096,
        "intermediate_size": 14_336,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "max_position_embeddings": 131_072,
    },
}
KNOWN = ATTENTION | LATENT | HYBRID | ENCODERS
# For old configurations that do not list the layers with a window: every n-th layer has full attention.
PATTERNS = {"Gemma2ForCausalLM": 2, "Gemma3ForCausalLM": 6, "Cohere2ForCausalLM": 4}
