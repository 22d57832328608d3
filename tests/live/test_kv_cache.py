"""The KV cache and the parameters of a model, as the real vLLM computes them, and the longest request that starts."""

import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from modelservice.models.architecture import caches_of, text_of
from modelservice.models.kv_cache import KVCache, kv_cache_of
from modelservice.models.load_buffers import rotary_tables
from modelservice.models.tensor_shapes import tensors_of
from modelservice.models.weights import Loading, Split, weights_per_gpu

from tests.live.serving import CPU_FLAGS, CPU_VARIABLES, ENVIRONMENT, MODELS
from tests.models.test_vllm_caches import HEADERS_ONLY, RECORDED

pytestmark = pytest.mark.live
HERE = Path(__file__).parent
# The smallest block of the attention kernel on a CPU, and the number of blocks of the server.
CPU_BLOCK, BLOCKS = 32, 9
LAYERS: dict[str, Any] = {
    "hidden_size": 512,
    "intermediate_size": 1024,
    "num_attention_heads": 8,
    "num_key_value_heads": 2,
    "max_position_embeddings": 8192,
    "vocab_size": 2048,
    "torch_dtype": "bfloat16",
    "rms_norm_eps": 1e-5,
    "hidden_act": "silu",
    "tie_word_embeddings": False,
}
MORE: dict[str, Any] = {
    "llama-fp8": {"config": RECORDED["llama"]["config"], "arguments": {"kv_cache_dtype": "fp8"}},
    "gemma3-short": {"config": RECORDED["gemma3"]["config"], "arguments": {"max_model_len": 1000}},
    "qwen3-next": {
        "config": {
            **LAYERS,
            "architectures": ["Qwen3NextForCausalLM"],
            "model_type": "qwen3_next",
            "num_hidden_layers": 8,
            "head_dim": 256,
            "full_attention_interval": 4,
            "linear_num_key_heads": 16,
            "linear_num_value_heads": 32,
            "linear_key_head_dim": 128,
            "linear_value_head_dim": 128,
            "linear_conv_kernel_dim": 4,
            "num_experts": 8,
            "num_experts_per_tok": 2,
            "moe_intermediate_size": 128,
            "shared_expert_intermediate_size": 128,
            "decoder_sparse_step": 1,
            "mlp_only_layers": [],
            "norm_topk_prob": True,
            "partial_rotary_factor": 0.25,
            "layer_types": (["linear_attention"] * 3 + ["full_attention"]) * 2,
        }
    },
    "granite-hybrid": {
        "config": {
            **LAYERS,
            "architectures": ["GraniteMoeHybridForCausalLM"],
            "model_type": "granitemoehybrid",
            "num_hidden_layers": 10,
            "layer_types": ["mamba"] * 4 + ["attention"] + ["mamba"] * 5,
            "mamba_n_heads": 16,
            "mamba_d_state": 128,
            "mamba_d_head": 64,
            "mamba_n_groups": 1,
            "mamba_d_conv": 4,
            "mamba_expand": 2,
            "mamba_chunk_size": 256,
            "mamba_conv_bias": True,
            "mamba_proj_bias": False,
            "num_local_experts": 0,
            "num_experts_per_tok": 0,
            "shared_intermediate_size": 512,
            "embedding_multiplier": 12.0,
            "attention_multiplier": 0.015,
            "residual_multiplier": 0.22,
            "logits_scaling": 8.0,
            "position_embedding_type": "nope",
        }
    },
}
ALL = {**RECORDED, **MORE}
UNSIZED = HEADERS_ONLY | {"granite-hybrid"}


def by_vllm(wanted: dict[str, Any], file: Path) -> dict[str, Any]:
    """Return what vLLM computes for configurations."""
    file.write_text(json.dumps(wanted))
    command = [ENVIRONMENT / "bin/python", HERE / "read_kv_caches.py", file]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    assert len(lines) == len(wanted), done.stderr[-2000:]
    return {found["name"]: found for found in map(json.loads, lines)}


@pytest.fixture(scope="module")
def computed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return what vLLM computes for every configuration: about a minute."""
    return by_vllm(ALL, tmp_path_factory.mktemp("configs") / "wanted.json")


def test_buffers_for_adapters_are_as_in_vllm(tmp_path: Path) -> None:
    recorded = {name: one["lora_bytes"] for name, one in RECORDED.items() if "lora_bytes" in one}
    arguments = {"enable_lora": True, "max_loras": 2, "max_lora_rank": 16}
    wanted = {name: {"config": RECORDED[name]["config"], "arguments": arguments} for name in recorded}
    found = by_vllm(wanted, tmp_path / "wanted.json")
    assert {name: one["lora_bytes"] for name, one in found.items()} == recorded


def laid_out(name: str) -> KVCache:
    # On a CPU a state is kept in 32 bits, and the smallest block has 32 tokens.
    element = 1 if "kv_cache_dtype" in ALL[name].get("arguments", {}) else 2
    caches = caches_of(text_of(ALL[name]["config"]), element=element, state_element=4)
    found = kv_cache_of(caches, 16, CPU_BLOCK)
    assert found
    return found


@pytest.mark.parametrize("name", ALL)
def test_blocks_and_requests_are_as_in_vllm(computed: dict[str, Any], name: str) -> None:
    found, vllm = laid_out(name), computed[name]
    assert (
        found.block_bytes,
        found.blocks(vllm["max_model_len"], vllm["in_flight"]) * found.block_bytes,
        sorted((group.block_size, group.page) for group in found.groups if group.cache.kind != "state"),
    ) == (
        vllm["block_bytes"],
        vllm["request_bytes"],
        sorted((block, page) for kind, _, block, page in vllm["groups"] if kind != "MambaSpec"),
    )


@pytest.mark.parametrize("name", sorted(set(ALL) - UNSIZED))
def test_parameters_are_as_in_vllm(computed: dict[str, Any], name: str) -> None:
    text = text_of(ALL[name]["config"])
    found = weights_per_gpu(tensors_of(text), text, Split(), Loading()) - rotary_tables(text)
    assert found == 2 * computed[name]["parameters"]


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_caches_equal_what_vllm_computes(computed: dict[str, Any], name: str) -> None:
    recorded = {key: value for key, value in RECORDED[name].items() if key not in ("config", "lora_bytes")}
    assert {"name": name, **recorded} == computed[name]


def log_of(log: Path, *arguments: str) -> str:
    """Return the output of `vllm serve` until it is ready or ends."""
    command = [ENVIRONMENT / "bin/vllm", "serve", MODELS / "chat", f"--port={free_port()}", *CPU_FLAGS, *arguments]
    with log.open("wb") as out:
        process = subprocess.Popen(
            command,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd="/",
            env=os.environ | CPU_VARIABLES,
        )
    while process.poll() is None and "Application startup complete" not in log.read_text():
        time.sleep(1)
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(60)
    return log.read_text()


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def test_the_longest_request_starts_and_one_block_more_does_not(tmp_path: Path) -> None:
    text = text_of(json.loads((MODELS / "chat/config.json").read_text()))
    cache = kv_cache_of(caches_of(text), CPU_BLOCK)
    assert cache
    longest = cache.longest(BLOCKS * cache.block_bytes, 2048, 2048)
    arguments = (f"--block-size={CPU_BLOCK}", f"--num-gpu-blocks-override={BLOCKS}")
    fits, refused = (
        log_of(tmp_path / f"{length}.log", *arguments, f"--max-model-len={length}")
        for length in (longest, longest + CPU_BLOCK)
    )
    assert "Application startup complete" in fits
    assert "To serve at least one request with the model's max seq len" in refused
    assert f"the estimated maximum model length is {longest}" in refused
