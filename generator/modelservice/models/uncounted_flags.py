"""List the arguments that change the memory of a GPU in ways that are not computed.

The lists come from a review of all options of vLLM 0.33.0 and of those removed since 0.10. An option that is in no list
and that `models.engine` does not read has little or no effect on the memory that vLLM measures when it starts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from modelservice.vllm.argument_values import size
from modelservice.vllm.command_line import Given

# Flags that may need more memory → values without an effect. An empty list: every value may have one.
_MORE: Mapping[str, Sequence[str]] = {
    "--config": (),
    # another split of the sequences or layers, and buffers between the GPUs
    "--decode-context-parallel-size": ("1",),
    "--prefill-context-parallel-size": ("1",),
    "--enable-dbo": (),
    "--ubatch-size": ("0",),
    "--all2all-backend": ("allgather_reducescatter", "naive"),
    "--enable-eplb": (),
    "--enable-elastic-ep": (),
    # other code than vLLM's own
    "--hf-config-path": (),
    "--model-impl": ("auto", "vllm"),
    "--model-class-overrides": ("{}",),
    "--worker-cls": ("auto",),
    "--additional-config": ("{}",),
    # parts of the weights or of the cache
    "--cpu-offload-params": (),
    "--kv-cache-dtype-skip-layers": (),
    "--engram-config": (),
    "--diffusion-config": (),
    # encoders of images and sound
    "--mm-encoder-tp-mode": ("weights",),
    "--mm-processor-kwargs": ("{}",),
    "--mm-ipc-gpu-memory-gb": ("0", "0.0"),
    # adapters
    "--enable-tower-connector-lora": (),
    "--enable-mixed-moe-lora-format": (),
    "--specialize-active-lora": (),
}
# The same, for models whose layers keep a window or a state.
_MORE_OF_WINDOWS_AND_STATES: Mapping[str, Sequence[str]] = {
    "--disable-sliding-window": (),
    "--mamba-block-size": (),
    "--mamba-cache-mode": ("none",),
    "--use-replayssm": (),
    "--enable-mamba-shared-prefix-checkpoint": (),
    # these turn the hybrid KV cache manager off, if they do not support it (VllmConfig.__post_init__)
    "--kv-transfer-config": (),
    "--kv-offloading-size": (),
    "--kv-events-config": (),
}
# Flags that can only reduce the memory → values without an effect.
_LESS: Mapping[str, Sequence[str]] = {
    "--language-model-only": (),
    "--mm-encoder-only": (),
    "--limit-mm-per-prompt": ("{}",),
    "--skip-mm-profiling": (),
    "--lora-target-modules": (),
    "--enable-moe-shared-loras": (),
    "--enable-batch-sharded-sampling": (),
}
# By default, CUDA graphs are captured for about 50 batch sizes up to this one.
_LARGEST_GRAPH, _NUMBER_OF_GRAPHS = 512, 60
_GRAPHS = ("--cudagraph-capture-sizes", "--cuda-graph-sizes", "--max-cudagraph-capture-size")


def flags_that_add(every: Sequence[Given], compilation: Mapping[str, Any]) -> Iterator[str]:
    """Yield the flags that may need more memory; `compilation` is the merged compilation configuration."""
    yield from _with_effect(every, _MORE)
    written = {one.flag.name: [word.text for word in one.values] for one in every if one.flag.name in _GRAPHS}
    yield from (name for name, texts in written.items() if _are_many_graphs([size(text) for text in texts]))
    for key in ("cudagraph_capture_sizes", "max_cudagraph_capture_size"):
        sizes = compilation.get(key)
        if _are_many_graphs(sizes if isinstance(sizes, list) else [sizes]):
            yield f"--compilation-config.{key}"


def flags_about_windows_and_states(every: Iterable[Given]) -> Iterator[str]:
    """Yield the flags that change what models with windows or states keep."""
    yield from _with_effect(every, _MORE_OF_WINDOWS_AND_STATES)


def flags_that_reduce(every: Iterable[Given], compilation: Mapping[str, Any]) -> Iterator[str]:
    """Yield the flags that can only reduce the memory."""
    yield from _with_effect(every, _LESS)
    if str(compilation.get("cudagraph_mode", "")).upper() in ("NONE", "0"):
        yield "--compilation-config.cudagraph_mode"


def _with_effect(every: Iterable[Given], flags: Mapping[str, Sequence[str]]) -> Iterator[str]:
    last = {one.flag.name: one for one in every if one.flag.name in flags}  # vLLM uses the last one
    for name, one in last.items():
        if not one.negated and not (one.values and one.values[-1].text in flags[name]):
            yield name


def _are_many_graphs(sizes: Sequence[Any]) -> bool:
    known = [one for one in sizes if isinstance(one, int)]
    return len(known) > _NUMBER_OF_GRAPHS or any(one > _LARGEST_GRAPH for one in known)
