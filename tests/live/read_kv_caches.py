"""Print the KV cache that vLLM lays out for configurations: run with the Python of the live tests' vLLM.

    python read_kv_caches.py FILE

FILE contains {name: {"config": config.json, "arguments": engine arguments}}. The models are made on the `meta` device,
without weights. A line of JSON is printed for each.
"""

import json
import os
import sys
import tempfile
from pathlib import Path

os.environ.update(HF_HUB_OFFLINE="1", VLLM_LOGGING_LEVEL="ERROR", VLLM_CPU_KVCACHE_SPACE="1")


def main() -> None:
    """Print a line for each configuration in the given file."""
    from vllm.distributed import init_distributed_environment

    wanted = json.loads(Path(sys.argv[1]).read_text())
    # A model with experts first: it creates the group of ranks for experts.
    ordered = sorted(wanted.items(), key=lambda one: "num_local_experts" not in one[1]["config"])
    for number, (name, item) in enumerate(ordered):
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "config.json").write_text(json.dumps(item["config"]))
            found = cache(folder, item.get("arguments", {}), init_distributed_environment if not number else None)
        print(json.dumps({"name": name, **found}), flush=True)


def cache(folder: str, arguments: dict, init) -> dict:
    """Return the groups, the bytes of a block and of one request, and the elements of parameters and tables of RoPE."""
    import torch
    from vllm.config import set_current_vllm_config
    from vllm.distributed import ensure_model_parallel_initialized
    from vllm.engine.arg_utils import EngineArgs
    from vllm.model_executor.model_loader.utils import initialize_model
    from vllm.platforms import current_platform
    from vllm.v1.core import kv_cache_utils

    engine = EngineArgs(
        model=folder,
        tokenizer=folder,
        skip_tokenizer_init=True,
        load_format="dummy",
        block_size=16,
        enforce_eager=True,
        **arguments,
    )
    config = engine.create_engine_config()
    config.cache_config.kv_cache_layout = "LBNHC"
    with set_current_vllm_config(config):
        if init:
            init(1, 0, f"file://{tempfile.mktemp()}", 0, "gloo")
            ensure_model_parallel_initialized(1, 1)
        with torch.device("meta"):
            model = initialize_model(config)
        current_platform.update_block_size_for_backend(config)
        layers = config.compilation_config.static_forward_context
        readers = {name: getattr(layer, "get_kv_cache_spec", None) for name, layer in layers.items()}
        specs = {name: spec for name, read in readers.items() if read and (spec := read(config)) is not None}
        groups = kv_cache_utils.get_kv_cache_groups(config, dict(specs))
        found = {
            "groups": [described(group) for group in groups],
            "block_bytes": kv_cache_utils._pool_bytes_per_block(config, groups),
            "request_bytes": kv_cache_utils._max_memory_usage_bytes_from_groups(config, groups),
            "max_model_len": config.model_config.max_model_len,
            "in_flight": config.max_in_flight_tokens,
            "parameters": sum(parameter.numel() for parameter in model.parameters()),
            "rotary": sum(table.numel() for name, table in model.named_buffers() if "cos_sin" in name),
        }
        return found | ({"lora_bytes": buffers(model, config)} if config.lora_config else {})


def buffers(model, config) -> int:
    """Create the buffers for adapters in the model and return their bytes; buffers of experts need a GPU."""
    import torch
    from vllm.lora.layers import BaseLayerWithLoRA
    from vllm.lora.model_manager import LoRAModelManager

    vocabulary = config.model_config.get_vocab_size()
    LoRAModelManager(model, 8, 64, vocabulary, config.lora_config, torch.device("cpu"), config)
    layers = [layer for layer in model.modules() if isinstance(layer, BaseLayerWithLoRA)]
    found = [getattr(layer, f"lora_{part}_stacked", ()) for layer in layers for part in "ab"]
    each = [one for item in found for one in (item if isinstance(item, tuple) else (item,))]
    return sum(one.numel() * one.element_size() for one in each)


def described(group) -> list:
    """Return a group's kind, layers, tokens of a block and bytes of a page."""
    spec = group.kv_cache_spec
    return [type(spec).__name__, len(group.layer_names), spec.block_size, spec.page_size_bytes]


if __name__ == "__main__":
    main()
