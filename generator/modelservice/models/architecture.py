"""Read a model's config.json: its layers, and what each of them keeps in the KV cache.

The shapes are those of vLLM's models (vllm/model_executor/models) and of the `get_kv_cache_spec` of their layers. An
architecture that is not listed here raises NotUnderstoodError: nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from modelservice.models.context_length import default_context
from modelservice.models.known_architectures import (
    DEFAULTS,
    ENCODERS,
    ENCODERS_OF_MEDIA,
    HYBRID,
    KNOWN,
    LANGUAGE_MODELS,
    LATENT,
    LINEAR,
    PATTERNS,
    WRAPPED,
)

Config = Mapping[str, Any]
_MOST_LAYERS = 10_000
_MOST = 2**40
# The exceptions that a computation raises when a configuration has a value of an unexpected type or size.
ODD_VALUE = (ArithmeticError, LookupError, TypeError, ValueError, AttributeError)


class NotUnderstoodError(Exception):
    """The configuration lacks something that is needed, or the architecture is unknown; the message says which."""


class HeadersNeededError(NotUnderstoodError):
    """The size of a model or of one of its parts cannot be computed from config.json alone."""

    def __init__(self, what: str) -> None:
        """Write the message; `what` names the model or the part."""
        super().__init__(
            f"the size of {what} cannot be computed from config.json alone: get the headers of the weight files from "
            "the hub with `modelservice fit VALUES --save`, or name a folder with the weights in --model-config DIR"
        )


class Kind(StrEnum):
    """What a layer keeps: every token, the tokens of a window or chunk, or one state per sequence."""

    FULL = "full"
    SLIDING = "sliding"
    CHUNKED = "chunked"
    STATE = "state"


class Cache(NamedTuple):
    """What one layer keeps on one GPU.

    `nbytes` are the bytes of a token, or of one state for Kind.STATE; `window` is in tokens. `states` is the number of
    states of a request: prefix caching also keeps earlier ones.
    """

    kind: Kind
    nbytes: int
    window: int = 0
    states: int = 1


class Text(NamedTuple):
    """The language model's part of a configuration, with its architecture."""

    architecture: str
    config: Config

    def number(self, *names: str) -> int:
        """Return the first of these numbers that the configuration has. Raises NotUnderstoodError if it has none."""
        found = next((self.config[name] for name in names if type(self.config.get(name)) is int), 0)
        if found < 1:
            raise NotUnderstoodError(f"config.json has no {names[0]}")
        if found > _MOST:
            raise NotUnderstoodError(f"{names[0]} in config.json is too large")
        return int(found)

    @property
    def layers(self) -> int:
        """The number of layers. Raises NotUnderstoodError for more than _MOST_LAYERS: callers build a list of them."""
        found = self.number("num_hidden_layers", "n_layer", "num_layers")
        if not 0 < found <= _MOST_LAYERS:
            raise NotUnderstoodError(f"config.json has {found} layers: at most {_MOST_LAYERS} are accepted")
        return found

    @property
    def heads(self) -> int:
        """The number of attention heads of a layer."""
        return self.number("num_attention_heads", "n_head")

    @property
    def hidden(self) -> int:
        """The width of the model."""
        return self.number("hidden_size", "n_embd", "d_model")

    @property
    def kv_heads(self) -> int:
        """The number of key and value heads of a layer."""
        if isinstance(self.config.get("num_key_value_heads"), int):
            return self.number("num_key_value_heads")
        return self.heads

    @property
    def experts(self) -> int:
        """The number of experts of a sparse layer, or 0 if there are none."""
        names = ("num_experts", "n_routed_experts", "num_local_experts")
        return next((int(self.config[name]) for name in names if self.config.get(name)), 0)

    @property
    def experts_per_token(self) -> int:
        """The number of experts that a token is routed to."""
        return self.number("num_experts_per_tok", "experts_per_token", "moe_topk")

    @property
    def expert_width(self) -> int:
        """The width of one expert."""
        return self.number("moe_intermediate_size", "intermediate_size")

    @property
    def shared_width(self) -> int:
        """The total width of the shared experts, or 0 if there are none."""
        if width := self.config.get("shared_expert_intermediate_size"):
            return int(width)
        return int(self.config.get("n_shared_experts") or 0) * self.expert_width

    @property
    def dense_layers(self) -> int:
        """The number of layers without experts in a model with experts."""
        config = self.config
        if "first_k_dense_replace" in config:
            return int(config["first_k_dense_replace"])
        every, dense = config.get("decoder_sparse_step") or 1, set(config.get("mlp_only_layers") or ())
        return sum(layer in dense or (layer + 1) % every != 0 for layer in range(self.layers))

    @property
    def quantisation(self) -> Config:
        """The checkpoint's `quantization_config`, empty if it is not quantised."""
        found = self.config.get("quantization_config") or self.config.get("compression_config")
        return found if isinstance(found, Mapping) else {}

    @property
    def head_dim(self) -> int:
        """The width of a head."""
        return self.number("head_dim") if isinstance(self.config.get("head_dim"), int) else self.hidden // self.heads


def overridden(config: Config, overrides: Config) -> Config | None:
    """Return a configuration with replaced keys (`--hf-overrides`), or None if the result is unknown.

    Keys inside that of a language model are merged into it. It depends on the class in transformers whether a key
    beside it has an effect on the language model.
    """
    inside = {key for key in LANGUAGE_MODELS if isinstance(config.get(key), Mapping)}
    wrapped = inside or any(config.get(key) for key in ENCODERS_OF_MEDIA)
    if (wrapped and overrides.keys() - inside) or (not wrapped and overrides.keys() & set(LANGUAGE_MODELS)):
        return None
    return {**config, **{key: {**config[key], **value} if key in inside else value for key, value in overrides.items()}}


def text_of(config: Config) -> Text:
    """Return the language model's part. Raises NotUnderstoodError for an unknown architecture."""
    named = config.get("architectures")
    architecture = str(named[0]) if isinstance(named, list) and named else ""
    inside = next((config[key] for key in LANGUAGE_MODELS if isinstance(config.get(key), Mapping)), None)
    if inside is not None:
        own = inside.get("architectures")
        language = str(own[0]) if isinstance(own, list) and own else WRAPPED.get(architecture, "")
        if architecture in WRAPPED or language in KNOWN:
            outer = ("quantization_config", "torch_dtype", "dtype", "tie_word_embeddings")
            return Text(language, {**DEFAULTS.get(language, {}), **_of(config, outer), **inside})
    architecture = WRAPPED.get(architecture, architecture)
    if architecture in KNOWN:
        return Text(architecture, config)
    if not architecture:
        raise NotUnderstoodError("config.json does not name an architecture (architectures)")
    raise NotUnderstoodError(f"the architecture {architecture} is unknown")


def _of(config: Config, keys: Iterable[str]) -> dict[str, Any]:
    return {key: config[key] for key in keys if key in config}


def context_of(text: Text, release: tuple[int, ...] = ()) -> int:
    """Return the longest request in tokens that a vLLM release allows by default, or any release if it is not given.

    Raises NotUnderstoodError if the configuration does not set one.
    """
    gemma = {"model_type": "gemma3"} if text.architecture.startswith("Gemma3") else {}
    longest = default_context({**text.config, **gemma}, release)
    if not longest:
        raise NotUnderstoodError("config.json does not set the longest request (max_position_embeddings)")
    return longest


def caches_of(
    text: Text,
    *,
    split: int = 1,
    element: int = 2,
    state_element: int = 2,
    convolved_element: int = 2,
    prefixes: bool = True,
) -> list[Cache]:
    """Return what each layer keeps on one GPU.

    `split` is the tensor parallel size. `element`, `state_element` and `convolved_element` are the bytes of one element
    in the cache, in a state and in the input kept for a convolution. `prefixes`: whether prefix caching is enabled.
    """
    if split > text.heads or text.heads % split:
        raise NotUnderstoodError(f"{text.heads} attention heads cannot be split over {split} GPUs")
    if text.architecture in ENCODERS:
        return []
    if text.architecture in LATENT:
        latent = (text.number("kv_lora_rank") + text.number("qk_rope_head_dim")) * element
        return [Cache(Kind.FULL, latent)] * text.layers
    token = 2 * max(1, text.kv_heads // split) * text.head_dim * element
    if text.architecture in HYBRID:
        # A Mamba 2 layer also keeps a checkpoint of its state during a prefill (mamba_mixer2.py).
        states = 1 if not prefixes else 2 if text.architecture in LINEAR else 3
        state = Cache(Kind.STATE, _state(text, split, state_element, convolved_element), 0, states)
        return [Cache(Kind.FULL, token) if kind == "full" else state for kind in hybrid_kinds(text)]
    return [Cache(kind, token, window) for kind, window in _windows(text)]


def _windows(text: Text) -> list[tuple[Kind, int]]:
    """Return each layer's kind and window."""
    config, full = text.config, (Kind.FULL, 0)
    if text.architecture == "Llama4ForCausalLM":
        chunk = config.get("attention_chunk_size")
        ropes = config.get("no_rope_layers") or [(layer + 1) % 4 for layer in range(text.layers)]
        return [(Kind.CHUNKED, int(chunk)) if chunk and rope else full for rope in ropes]
    window = config.get("sliding_window")
    if not window or not isinstance(window, int) or config.get("use_sliding_window") is False:
        return [full] * text.layers
    kinds = config.get("layer_types")
    if not kinds and (every := config.get("sliding_window_pattern") or PATTERNS.get(text.architecture)):
        kinds = ["full_attention" if (layer + 1) % every == 0 else "sliding_attention" for layer in range(text.layers)]
    if not kinds:
        return [(Kind.SLIDING, window)] * text.layers
    if unknown := set(kinds) - {"full_attention", "sliding_attention"}:
        raise NotUnderstoodError(f"the layer type {min(unknown)} is unknown")
    return [(Kind.SLIDING, window) if kind == "sliding_attention" else full for kind in kinds]


def hybrid_kinds(text: Text) -> list[str]:
    """Return the kind of each layer of a hybrid model: "full" for attention, "state" for a layer that keeps a state."""
    kinds = text.config.get("layer_types") or text.config.get("layers_block_type")
    if not kinds and (every := text.config.get("full_attention_interval")):
        kinds = ["full_attention" if (layer + 1) % every == 0 else "linear" for layer in range(text.layers)]
    if not kinds and (places := text.config.get("attn_layer_indices")):
        kinds = ["attention" if layer in places else "mamba" for layer in range(text.layers)]
    if not kinds:
        raise NotUnderstoodError("config.json does not list which layers keep a state (layer_types)")
    return ["full" if kind in ("full_attention", "attention") else "state" for kind in kinds]


def _state(text: Text, split: int, element: int, convolved_element: int) -> int:
    """Return the bytes of one layer's state; its shape is that of vllm/model_executor/layers/mamba/mamba_utils.py."""
    if text.architecture in LINEAR:
        keys, values = text.number("linear_num_key_heads"), text.number("linear_num_value_heads")
        key, value = text.number("linear_key_head_dim"), text.number("linear_value_head_dim")
        convolved = (2 * keys * key + values * value) // split * (text.number("linear_conv_kernel_dim") - 1)
        return convolved * convolved_element + values // split * key * value * element
    heads, size = text.number("mamba_n_heads"), text.number("mamba_d_state")
    head, groups = text.number("mamba_d_head"), text.number("mamba_n_groups")
    convolved = (heads * head + 2 * max(groups, split) * size) // split * (text.number("mamba_d_conv") - 1)
    return convolved * convolved_element + heads // split * head * size * element
