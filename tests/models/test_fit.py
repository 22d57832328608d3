"""Verdicts and changes, and the command that prints them."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from modelservice.cli import main
from modelservice.models.engine import AUTOMATIC, Engine
from modelservice.models.facts_file import known_facts, write_facts
from modelservice.models.fit import Change, Verdict, changes, verdict_of
from modelservice.models.gpus import GIB, MIB, Gpu, gpu_named
from modelservice.models.memory_plan import MemoryPlan, batch_of, plan_memory
from modelservice.models.model_facts import ModelFacts, Tensors
from modelservice.models.weights import Split

FACTS = known_facts("Qwen/Qwen3-8B", "", [])
ENGINE = Engine(release=(0, 25, 1), length=32_768, eager=True)


def plan(engine: Engine, gib: float) -> MemoryPlan:
    assert FACTS
    return plan_memory(FACTS, engine, Gpu("GPU", int(gib * GIB)))


@pytest.mark.parametrize(
    ("gib", "engine", "verdict"),
    [
        (80, ENGINE, Verdict.FITS),
        (22, ENGINE, Verdict.TIGHT),
        (20, ENGINE, Verdict.SHORTER),
        (20, ENGINE._replace(length=AUTOMATIC), Verdict.FITS),
        (22, ENGINE._replace(length=AUTOMATIC), Verdict.FITS),
        (16, ENGINE, Verdict.NOT),
        (16, ENGINE._replace(online="fp8"), Verdict.FITS),
        (40, ENGINE._replace(cache=4 * GIB), Verdict.SHORTER),
        (40, ENGINE._replace(cache=5 * GIB), Verdict.FITS),
        # Then the share does not count, and everything must fit: 15.3 + 0.5 + 5 GiB (determine_available_memory).
        (22, ENGINE._replace(cache=5 * GIB, share=0.7), Verdict.FITS),
        (21, ENGINE._replace(cache=5 * GIB), Verdict.TIGHT),
        (20, ENGINE._replace(cache=5 * GIB), Verdict.NOT),
        (40, ENGINE._replace(cache=30 * GIB), Verdict.NOT),
    ],
    ids=str,
)
def test_verdicts(gib: float, engine: Engine, verdict: Verdict) -> None:
    assert verdict_of(plan(engine, gib), engine) is verdict


@pytest.mark.parametrize("gib", [12, 16, 18, 20, 21, 22])
def test_each_change_makes_it_fit(gib: float) -> None:
    assert FACTS
    for change in changes(FACTS, ENGINE, Gpu("GPU", int(gib * GIB))):
        changed = changed_by(change)
        assert verdict_of(plan(changed, gib), changed) is Verdict.FITS, change


def test_no_change_makes_room_for_a_cache_that_is_too_large() -> None:
    assert FACTS
    assert changes(FACTS, ENGINE._replace(cache=40 * GIB), Gpu("GPU", 24 * GIB)) == []


def changed_by(change: Change) -> Engine:
    if change.key == "gpu.count":
        return ENGINE._replace(split=Split(tensor=change.value))
    flag, _, value = change.value.partition("=")
    field = {"--max-model-len": "length", "--kv-cache-dtype": "kv_dtype", "--quantization": "online"}[flag]
    return ENGINE._replace(**{field: int(value) if field == "length" else value})


def test_a_pooling_model_has_no_output_head() -> None:
    # as_embedding_model makes none: vocabulary 151,936, hidden size 4096, 16 bits, in whole pieces of 2 MiB.
    assert 1187 * MIB == 151_936 * 4096 * 2
    assert plan(ENGINE, 80).weights - plan(ENGINE._replace(pooling=True), 80).weights == 1188 * MIB


@pytest.mark.parametrize(
    ("gpu", "engine", "found"),
    [
        (Gpu("GPU", 16 * GIB), ENGINE, [Change("gpu.count", 2)]),
        (Gpu("GPU", 16 * GIB), ENGINE._replace(split_said=True), [Change("gpu.count", 2, "--tensor-parallel-size=2")]),
        (gpu_named("nvidia.com/mig-1g.10gb"), ENGINE, []),  # a process sees one slice
        (Gpu("GPU", 16 * GIB, shared=True), ENGINE, []),  # NCCL refuses two shares of one GPU (NVIDIA/nccl#1716)
        (Gpu("GPU", 16 * GIB), ENGINE._replace(spread=True, split_said=True), []),  # over nodes, stages or replicas
        (Gpu("GPU", 3 * GIB), ENGINE, []),  # more GPUs than a node has
    ],
    ids=str,
)
def test_more_gpus_are_suggested_only_if_a_pod_can_have_them(gpu: Gpu, engine: Engine, found: list[Change]) -> None:
    assert FACTS
    assert [change for change in changes(FACTS, engine, gpu) if change.key == "gpu.count"] == found


def test_gpus_of_the_pod_are_used_first() -> None:
    assert FACTS
    found = changes(FACTS, ENGINE._replace(gpus=4, split_said=True), Gpu("GPU", 16 * GIB))
    assert [change.value for change in found if "parallel" in str(change.value)] == ["--tensor-parallel-size=4"]
    assert not [change for change in found if change.key == "gpu.count"]


def test_more_gpus_with_fewer_tokens_if_neither_is_enough() -> None:
    large = known_facts("meta-llama/Llama-3.1-70B-Instruct", "", [])
    assert large
    (found,) = changes(large, Engine(release=(0, 25, 1)), Gpu("GPU", 22 * GIB, 80))
    assert (found.key, found.value, found.argument.partition("=")[0]) == ("gpu.count", 8, "--max-model-len")
    changed = Engine(release=(0, 25, 1), split=Split(8), length=int(found.argument.partition("=")[2]))
    assert verdict_of(plan_memory(large, changed, Gpu("GPU", 22 * GIB, 80)), changed) is Verdict.FITS


def test_a_share_that_may_not_be_free_is_not_certain() -> None:
    # h200: 149,555,380,224 of 150,109,880,320 bytes were free when vLLM began, 99.63 %.
    assert FACTS
    gpu = Gpu("H200", 150_109_880_320, 90)
    engines = [ENGINE._replace(share=share) for share in (0.996, 0.997)]
    assert [verdict_of(plan_memory(FACTS, one, gpu), one) for one in engines] == [Verdict.FITS, Verdict.TIGHT]


@pytest.mark.parametrize(
    ("more", "gpu", "message"),
    [
        ({"args": ["--max-model-len=200000"]}, "H200", "--max-model-len 200000 is more than the 40960 tokens"),
        ({"gpu": {"count": 3}}, "H200", "Qwen/Qwen3-8B has 32 attention heads, not a multiple of 3"),
        ({"model": {"name": "openai/gpt-oss-120b"}}, "T4", "is quantised with mxfp4, which needs compute capability 8"),
    ],
)
def test_settings_that_vllm_refuses_with_any_memory(
    tmp_path: Path, more: dict[str, Any], gpu: str, message: str
) -> None:
    code, out, err = run(tmp_path, f"--gpu={gpu}", **more)
    assert (code, out) == (1, "")
    assert message in err


def test_the_verdict_for_a_shared_gpu_is_never_fits() -> None:
    # vLLM asks for its share of the whole GPU to be free: request_memory in vllm/v1/worker/utils.py.
    assert FACTS
    plan = plan_memory(FACTS, ENGINE, Gpu("GPU", 80 * GIB, shared=True))
    assert verdict_of(plan, ENGINE) is Verdict.TIGHT


def test_8_bit_floats_are_not_suggested_for_a_gpu_without_them() -> None:
    assert FACTS
    small = gpu_named("RTX 3090")
    assert small
    found = changes(FACTS, ENGINE, small._replace(memory=20 * GIB))
    assert found
    assert not [change for change in found if "fp8" in str(change.value)]


@pytest.mark.parametrize(
    ("arguments", "gpu", "code", "last"),
    [
        (['--hf-overrides={"max_position_embeddings": 65536}'], "H100", 0, "Fits."),
        (['--hf-overrides={"num_hidden_layers": 72}'], "H100", 0, "Not counted: --hf-overrides"),
        (["--config", "more.yaml"], "H100", 0, "Not counted: --config"),
        (["--config", "more.yaml"], "T4", 3, ""),
        (["-dcp=2", "-tp=2"], "H100", 0, "Not counted: --decode-context-parallel-size"),
        (['--limit-mm-per-prompt={"image": 0}'], "H100", 0, "Fits."),
        (['--limit-mm-per-prompt={"image": 0}'], "T4", 3, ""),
        # Every layer of Qwen3 keeps all tokens.
        (['--kv-transfer-config={"kv_connector": "NixlConnector", "kv_role": "kv_both"}'], "H100", 0, "Fits."),
    ],
)
def test_options_that_are_not_computed(tmp_path: Path, arguments: list[str], gpu: str, code: int, last: str) -> None:
    found, out, _ = run(tmp_path, f"--gpu={gpu}", args=arguments, gpu={"count": 1 + ("-tp=2" in arguments)})
    assert (found, (out.splitlines() or [""])[-1]) == (code, last)


YARN = '"rope_scaling": {"rope_type": "yarn", "factor": 2, "original_max_position_embeddings": 32768}'


@pytest.mark.parametrize(
    ("tag", "overrides", "most"),
    [
        ("v0.29.0", YARN, 65_536),
        ("v0.30.0", YARN, 40_960),  # _get_and_verify_max_len: the length in config.json counts
        ("v0.33.0", f'{YARN}, "max_position_embeddings": 65536', 65_536),
    ],
)
def test_an_overridden_length_is_checked(tmp_path: Path, tag: str, overrides: str, most: int) -> None:
    def found(length: int) -> tuple[int, str]:
        given = ["--hf-overrides={%s}" % overrides, f"--max-model-len={length}"]  # noqa: UP031
        code, _, err = run(tmp_path, "--gpu=H200", args=given, image={"tag": tag})
        return code, err

    assert found(most) == (0, "")
    code, err = found(most + 1)
    assert code == 1
    assert f"more than the {most} tokens of Qwen/Qwen3-8B" in err


def test_activations_have_the_models_type() -> None:
    # 3 x (MLP + hidden size) x tokens x 4 bytes, as in docs/fit.md.
    found = plan(ENGINE._replace(dtype="float32", tokens=8192), 80)
    assert found.overhead.activation == 3 * (12_288 + 4096) * 8192 * 4


@pytest.mark.parametrize(
    ("engine", "tokens", "sequences"),
    [
        (ENGINE, 2048, 256),
        (ENGINE._replace(chunked=False), 32_768, 256),
        (ENGINE._replace(doubled=True), 4096, 512),
        (ENGINE._replace(sequences=1, length=1024), 1024, 1),  # no more tokens than the requests can have
        (ENGINE._replace(tokens=8192, sequences=1, length=1024, chunked=False), 8192, 1),
    ],
)
def test_the_default_batch(engine: Engine, tokens: int, sequences: int) -> None:
    # EngineArgs._set_default_max_num_seqs_and_batched_tokens_args, for a GPU with less than 70 GiB.
    batch = batch_of(engine, Gpu("GPU", 40 * GIB), engine.length or 0, chunked=engine.chunked)
    assert (batch.tokens, batch.sequences) == (tokens, sequences)


def test_amd_gpus_have_a_larger_error() -> None:
    amd, other = gpu_named("MI300X"), gpu_named("MIG-3g.40gb")
    assert FACTS
    assert amd
    assert other
    errors = [plan_memory(FACTS, ENGINE, gpu).overhead.error / GIB for gpu in (amd, other)]
    assert errors == pytest.approx([1.85, 0.35], abs=0.01)


def run(tmp_path: Path, *arguments: str, **values: Any) -> tuple[int, str, str]:
    file = tmp_path / "service.yaml"
    file.write_text(json.dumps({"model": {"name": "Qwen/Qwen3-8B"}, **values}))
    result = CliRunner().invoke(main, ["fit", str(file), *arguments])
    return result.exit_code, result.stdout, result.stderr


def test_the_catalogue_needs_no_network(tmp_path: Path) -> None:
    code, out, _ = run(tmp_path, "--gpu=H100")
    assert (code, out.splitlines()[-1]) == (0, "Fits.")
    assert out.splitlines()[1] == "  facts: the built-in catalogue"
    assert "KV cache: 147,456 bytes per token" in out


def test_changes_are_suggested_for_a_model_that_does_not_fit(tmp_path: Path) -> None:
    code, out, _ = run(tmp_path, gpu={"memory": "16Gi"})
    assert code == 1
    assert "Does not fit: weights and overhead are" in out
    assert "Any one of these makes it fit:\n  model.name: Qwen/Qwen3-8B-AWQ\n  gpu.count: " in out


@pytest.mark.parametrize(
    ("card", "model", "quantised"),
    [
        ("L40S", {}, "Qwen/Qwen3-32B-FP8"),
        ("A100 40GB", {}, "Qwen/Qwen3-32B-AWQ"),  # no 8-bit floats
        ("L40S", {"revision": "abc"}, None),  # the other checkpoint does not have it
    ],
)
def test_a_quantised_checkpoint_is_suggested(
    tmp_path: Path, card: str, model: dict[str, str], quantised: str | None
) -> None:
    given = {"model": {"name": "Qwen/Qwen3-32B", **model}, "args": ["--max-model-len=16384"]}
    _, out, _ = run(tmp_path, f"--gpu={card}", "--format=json", **given)
    found = {change["key"]: change["value"] for change in json.loads(out)["changes"]}
    assert found.get("model.name") == quantised
    if quantised:
        code, _, _ = run(tmp_path, f"--gpu={card}", **{**given, "model": {"name": quantised}})
        assert code == 0


def test_json_has_the_documented_keys(tmp_path: Path) -> None:
    code, out, _ = run(tmp_path, "--gpu=H200", "--format=json", args=["--max-model-len=32768", "--enforce-eager"])
    data = json.loads(out)
    assert (code, data["verdict"], data["kv_bytes_per_token"], data["max_model_len"]) == (0, "fits", 147_456, 32_768)
    document = (Path(__file__).parents[2] / "docs/fit.md").read_text()
    assert not [key for key in data if f"`{key}`" not in document]


def test_an_unsupported_configuration_is_an_error(tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text('{"architectures": ["NewForCausalLM"]}')
    code, out, err = run(tmp_path, "--gpu=H100", f"--model-config={config}")
    assert (code, out) == (3, "")
    assert "cannot tell whether it fits: the architecture NewForCausalLM is unknown" in err


def test_an_unsupported_quantised_checkpoint_is_not_suggested(tmp_path: Path) -> None:
    new = ModelFacts("Qwen/Qwen3-8B-GPTQ-Int4", "", "a test", {"architectures": ["NewForCausalLM"]})
    write_facts(new, tmp_path / "facts" / "Qwen--Qwen3-8B-GPTQ-Int4.json")
    (tmp_path / "facts" / "Qwen--Qwen3-8B-FP8.json").write_text("{")
    code, out, _ = run(tmp_path, gpu={"memory": "16Gi"})
    assert (code, "model.name: Qwen/Qwen3-8B-AWQ" in out) == (1, True)


def test_a_size_that_needs_headers_says_how_to_get_them(tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps({**FACTS.config, "vision_config": {"depth": 4}} if FACTS else {}))
    code, _, err = run(tmp_path, "--gpu=H100", f"--model-config={config}")
    assert code == 3
    assert "`modelservice fit VALUES --save`" in err
    assert "--model-config DIR" in err


@pytest.mark.parametrize(("layers", "code"), [(200, 1), (100, 3)])
def test_the_weights_can_be_too_large_on_their_own(tmp_path: Path, layers: int, code: int) -> None:
    # 200 matrices of 512 MiB are 100 GiB; with 50 GiB it is unknown what else the model needs.
    tensors = (Tensors("layers.*.mixer.weight", "BF16", (16384, 16384), layers),)
    facts = ModelFacts("acme/new", "", "a test", {"architectures": ["NewForCausalLM"]}, tensors)
    write_facts(facts, file := tmp_path / "facts.json")
    found, out, err = run(tmp_path, "--gpu=H100", f"--facts={file}", "--format=json")
    assert found == code
    if code == 1:
        data = json.loads(out)
        assert (data["verdict"], data["weights_bytes"], data["max_model_len"]) == ("does not fit", 100 * GIB, 0)
        assert data["overhead_origin"] == "the architecture NewForCausalLM is unknown"
    else:
        assert "cannot tell whether it fits" in err


@pytest.mark.parametrize("arguments", [[], ["--gpu=unknown"], ["--gpu-memory=much"], ["--gpu-memory=0"]], ids=str)
def test_wrong_usage(tmp_path: Path, arguments: list[str]) -> None:
    assert run(tmp_path, *arguments)[0] == 2


@pytest.mark.parametrize(
    ("arguments", "values", "message"),
    [
        (["--gpu-memory=48"], {}, "did you mean 48GiB?"),
        ([], {"gpu": {"memory": 48}}, "gpu.memory (48) is less than any GPU has: write it with its unit, such as 48Gi"),
        ([], {"nodeSelector": {"nvidia.com/gpu.product": "NVIDIA-X9"}}, "the GPU NVIDIA-X9 of the values is not known"),
        ([], {}, "set gpu.memory (such as 48Gi), or give --gpu (such as L40S) or --gpu-memory"),
    ],
)
def test_a_gpu_without_a_memory_is_explained(
    tmp_path: Path, arguments: list[str], values: dict[str, Any], message: str
) -> None:
    code, out, err = run(tmp_path, *arguments, **values)
    assert (code, out) == (2, "")
    assert message in err


def test_facts_are_saved_next_to_the_values_and_used(tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    assert FACTS
    config.write_text(json.dumps({**FACTS.config, "num_hidden_layers": 18}))
    assert run(tmp_path, "--gpu=H100", f"--model-config={config}", "--save")[0] == 0
    _, out, _ = run(tmp_path, "--gpu=H100", "--format=json")
    assert json.loads(out)["kv_bytes_per_token"] == 147_456 // 2


@pytest.mark.parametrize("size", ["80Gi", "80GiB", str(80 * GIB)])
def test_sizes_of_a_gpu(tmp_path: Path, size: str) -> None:
    _, out, _ = run(tmp_path, f"--gpu-memory={size}", "--format=json")
    assert json.loads(out)["gpu"]["memory_bytes"] == 80 * GIB
