"""Arguments that affect a model's memory."""

import pytest
from modelservice.models.engine import AUTOMATIC, Draft, Engine, engine_of
from modelservice.models.weights import Lora, Split
from modelservice.vllm.flags import Line, command_line


def engine(*args: str, gpus: int = 1, release: str = "0.33.0") -> Engine:
    return engine_of(args, Line(release, f"vLLM {release}", command_line(release)), gpus)


@pytest.mark.parametrize(
    ("args", "field", "value"),
    [
        (["--max-model-len=32k"], "length", 32_000),
        (["--max_model_len", "8192"], "length", 8192),
        (["--max-model-len=auto"], "length", AUTOMATIC),
        (["--max-model-len=-1"], "length", AUTOMATIC),
        (["--kv-cache-memory-bytes=2G"], "cache", 2 * 1024**3),
        (["--gpu-memory-utilization=0.5"], "share", 0.5),
        (["--cpu-offload-gb=4"], "offloaded", 4 * 1024**3),
        (["--enforce-eager"], "eager", True),
        (["--no-enforce-eager"], "eager", False),
        (["--quantization", "fp8"], "online", "fp8"),
        (["--quantization=awq"], "online", ""),
        (["--quantization=awq"], "other_method", "awq"),
        (["--quantization=None"], "other_method", ""),
        (["--quantization=fp8_per_tensor"], "online", "fp8_per_tensor"),
        (["--quantization-config.linear=fp8_per_tensor"], "other_method", "online"),
        (["--offload-group-size=8"], "prefetched", True),
        (["--hf-overrides.rope_theta=1"], "overrides", {"rope_theta": 1}),
        (['--hf-overrides={"text_config": {"max_position_embeddings": 9}}'], "unread", ()),
        (['--hf-overrides={"num_hidden_layers": 4}'], "unread", ("--hf-overrides",)),
        (['--hf-overrides={"num_hidden_layers": 4, "rope_theta": 1}'], "overrides", {}),
        (["--hf-overrides=acme.overrides"], "unread", ("--hf-overrides",)),
        (["--decode-context-parallel-size=1"], "unread", ()),
        (["-dcp=2"], "unread", ("--decode-context-parallel-size",)),
        (["--prefill-context-parallel-size=2"], "unread", ("--prefill-context-parallel-size",)),
        (["--cpu-offload-gb=4", "--cpu-offload-params", "experts"], "unread", ("--cpu-offload-params",)),
        (["--no-enable-eplb"], "unread", ()),
        (["--max-cudagraph-capture-size=256"], "unread", ()),
        (["-cc.max_cudagraph_capture_size=1024"], "unread", ("--compilation-config.max_cudagraph_capture_size",)),
        (["--kv-transfer-config={}"], "unread_of_windows", ("--kv-transfer-config",)),
        (["--language-model-only"], "reducing", ("--language-model-only",)),
        (["--compilation-config", '{"cudagraph_mode": "NONE"}'], "reducing", ("--compilation-config.cudagraph_mode",)),
        (["-O0"], "eager", True),
        (["-O1"], "eager", False),
        (["--no-enable-chunked-prefill"], "chunked", False),
        (["--enable-chunked-prefill"], "chunked", True),
        (["--performance-mode=throughput"], "doubled", True),
        (["--mamba-cache-dtype=float32"], "convolved_dtype", "float32"),
        (["--lora-dtype=float32"], "lora_dtype", "float32"),
        (["--no-enable-prefix-caching"], "prefixes", False),
        (["--disable-hybrid-kv-cache-manager"], "hybrid", False),
        (["--speculative-config", '{"method": "ngram", "num_speculative_tokens": 3}'], "draft", Draft("ngram", 3)),
        (["--spec-method=ngram", "--spec-tokens=3"], "draft", Draft("ngram", 3)),
        (
            ["--speculative-config.method=mtp", "--speculative-config.num_speculative_tokens=2"],
            "draft",
            Draft("mtp", 2),
        ),
        (["--speculative-config={"], "draft", Draft("")),
        (["--speculative-config", '{"model": "acme/EAGLE3-x"}'], "draft", Draft("eagle3", 0, "acme/EAGLE3-x")),
        (["--speculative-config", '{"model": "acme/small"}'], "draft", Draft("draft_model", 0, "acme/small")),
        (["--runner=pooling"], "pooling", True),
        (["--convert=embed"], "pooling", True),
        (["--enable-lora"], "lora", Lora(1, 16)),
        (["--enable-lora", "--max-loras=4", "--max-lora-rank=64"], "lora", Lora(4, 64)),
        (["--max-loras=4"], "lora", None),
    ],
    ids=str,
)
def test_arguments(args: list[str], field: str, value: object) -> None:
    assert getattr(engine(*args), field) == value


def test_defaults_follow_the_release() -> None:
    # CHANGES: --gpu-memory-utilization is 0.92 since 0.20.0, 0.9 before.
    assert [engine(release=release).share for release in ("0.19.1", "0.20.2", "0.33.0")] == [0.9, 0.92, 0.92]


def test_the_chart_splits_a_model_over_the_gpus_unless_an_argument_does() -> None:
    assert engine(gpus=4).split == Split(tensor=4)
    assert engine("--pipeline-parallel-size=4", gpus=4).split == Split(pipeline=4)
    assert engine("--tensor-parallel-size=2", "--data-parallel-size=2", "--enable-expert-parallel", gpus=4).split == (
        Split(tensor=2, data=2, experts=True)
    )


@pytest.mark.parametrize(
    "argument",
    ["--nnodes=2", "--pipeline-parallel-size=2", "--data-parallel-size=2", "--prefill-context-parallel-size=2"],
)
def test_with_another_split_the_tensor_parallel_size_is_not_set(argument: str) -> None:
    # The chart sets --tensor-parallel-size unless one of these is given (_vllm.tpl).
    found = engine(argument, gpus=4)
    assert (found.split.tensor, found.split_said, found.spread) == (1, True, True)
    one = engine(argument.replace("2", "1"), gpus=4)
    assert (one.split.tensor, one.split_said, one.spread) == (1, True, False)
