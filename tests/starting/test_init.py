"""`modelservice init`: with options, and in a real terminal."""

import functools
import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest
import yaml
from click.testing import CliRunner, Result
from modelservice.cli import main
from modelservice.models.architecture import text_of
from modelservice.models.facts_file import facts_path, write_facts
from modelservice.models.model_facts import ModelFacts
from modelservice.models.near_names import near_model
from modelservice.models.tasks import task_of, task_of_name
from modelservice.models.tensor_shapes import tensors_of
from modelservice.schema.source import SCHEMAS
from modelservice.starting.interview import answered, prompt, questions, shown

# The dimensions of Qwen3-32B: https://huggingface.co/Qwen/Qwen3-32B/blob/main/config.json
QWEN3_32B = {
    "architectures": ["Qwen3ForCausalLM"],
    "hidden_size": 5120,
    "intermediate_size": 25600,
    "num_hidden_layers": 64,
    "num_attention_heads": 64,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "max_position_embeddings": 40960,
    "vocab_size": 151936,
    "torch_dtype": "bfloat16",
    "tie_word_embeddings": False,
}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    tensors = tensors_of(text_of(QWEN3_32B))
    files = {"model.safetensors": sum(one.nbytes for one in tensors)}
    write_facts(
        ModelFacts("Qwen/Qwen3-32B", "", "a test", QWEN3_32B, tensors, files), facts_path("Qwen/Qwen3-32B", "a.yaml")
    )


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ["init", *words])


def values(file: str = "a.yaml") -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = yaml.safe_load(Path(file).read_text())
    return found


def test_sizes_follow_from_the_facts_and_fit() -> None:
    answer = run("Qwen/Qwen3-32B", "--gpu", "L40S", "--yes", "-o", "a.yaml")
    assert answer.exit_code == 0, answer.output
    assert values() == {
        # https://github.com/vllm-project/recipes names these parsers.
        "model": {"name": "Qwen/Qwen3-32B", "toolCallParser": "hermes", "reasoningParser": "qwen3"},
        "gpu": {"count": 4, "memory": "45455Mi"},
        # Twice 61 GiB, and a reserve.
        "modelVolume": {"size": "130Gi"},
    }
    assert "# gpu.count: 15.4 GiB of weights on each GPU" in Path("a.yaml").read_text()
    fit = CliRunner().invoke(main, ["fit", "a.yaml", "--format", "json"])
    assert (fit.exit_code, json.loads(fit.stdout)["verdict"]) == (0, "fits")


def test_the_volume_for_a_catalogue_model_has_room_for_a_second_revision() -> None:
    # 8.19 billion parameters in 16 bits are 15.3 GiB; nothing lists its files.
    assert run("Qwen/Qwen3-8B", "--gpu", "H100", "--yes", "-o", "a.yaml").exit_code == 0
    assert values()["modelVolume"] == {"size": "40Gi"}


@pytest.mark.parametrize(
    ("card", "gpu", "others"),
    [
        ("MIG-7g.80gb", {"resourceName": "nvidia.com/mig-7g.80gb", "memory": "77600Mi"}, {}),
        (
            "MI300X",
            {"resourceName": "amd.com/gpu", "memory": "196592Mi"},
            {"image": {"repository": "vllm/vllm-openai-rocm"}, "runtimeClassName": ""},
        ),
    ],
)
def test_a_gpu_that_is_not_a_whole_one_of_nvidia(card: str, gpu: dict[str, str], others: dict[str, object]) -> None:
    assert run("Qwen/Qwen3-32B", "--gpu", card, "--yes", "-o", "a.yaml").exit_code == 0
    found = values()
    assert found["gpu"] == gpu
    assert {key: found[key] for key in others} == others


def test_a_model_is_not_split_over_slices() -> None:
    answer = run("Qwen/Qwen3-32B", "--gpu", "MIG-1g.10gb", "--yes", "-o", "a.yaml")
    assert "does not fit on 1 x MIG 1g.10gb" in answer.stderr
    assert "gpu" not in values()


def test_a_value_is_not_repeated_in_an_error() -> None:
    assert "hf_secret" not in run("a/b", "--set", "huggingFace.token=hf_secret", "--yes").output


def test_a_length_is_set_if_the_full_length_does_not_fit() -> None:
    long = QWEN3_32B | {"max_position_embeddings": 1_000_000}
    write_facts(ModelFacts("a/long", "", "a test", long, tensors_of(text_of(long))), facts_path("a/long", "a.yaml"))
    assert run("a/long", "--gpu", "H200", "--yes", "-o", "a.yaml").exit_code == 0
    (argument,) = values()["args"]
    assert 32768 <= int(str(argument).removeprefix("--max-model-len=")) < 1_000_000
    assert json.loads(CliRunner().invoke(main, ["fit", "a.yaml", "--format", "json"]).stdout)["verdict"] == "fits"


@pytest.mark.parametrize(
    ("count", "args", "wanted"),
    [
        # 15.3 GiB of weights and the cache of 15,360 tokens (144 KiB each) fit into 92 % of 22 GiB.
        (1, [], ["--max-model-len=15360"]),
        (2, [], []),
        (1, ["--max-model-len=8192"], ["--max-model-len=8192"]),
        (1, ["--quantization=fp8"], ["--quantization=fp8"]),
    ],
)
def test_a_length_that_fits_the_given_number_of_gpus(count: int, args: list[str], wanted: list[str]) -> None:
    given = ["--set", f"gpu.count={count}", *(["--set", f"args={json.dumps(args)}"] if args else [])]
    answer = run("Qwen/Qwen3-8B", "--gpu", "L4", *given, "--yes", "-o", "a.yaml")
    assert (answer.exit_code, values().get("args", [])) == (0, wanted), answer.output
    assert CliRunner().invoke(main, ["fit", "a.yaml"]).exit_code == 0


def test_fewer_gpus_with_a_shorter_length_are_mentioned() -> None:
    assert run("Qwen/Qwen3-8B", "--gpu", "L4", "--yes", "-o", "a.yaml").exit_code == 0
    text = re.sub(r"\n#\s+", " ", Path("a.yaml").read_text())
    assert "with gpu.count: 1, 15,360 tokens would fit" in text


def test_a_model_that_does_not_fit_the_given_number_of_gpus_is_an_error() -> None:
    answer = run("Qwen/Qwen3-32B", "--gpu", "L4", "--set", "gpu.count=1", "--yes", "-o", "a.yaml")
    assert (answer.exit_code, values()["gpu"]) == (1, {"memory": "22558Mi"})  # one GPU is the default
    assert "[model-fit]" in answer.stderr
    assert "next: correct the errors above, then modelservice validate a.yaml\n" in answer.stderr
    assert "render" not in answer.stderr


@pytest.mark.parametrize(
    ("name", "given", "secret"),
    [
        ("meta-llama/Llama-3.1-8B-Instruct", [], "hf-token"),
        ("google/gemma-3-27b-it", [], "hf-token"),
        ("meta-llama/Llama-3.1-8B-Instruct", ["huggingFace.tokenSecret.name=mine"], "mine"),
        # These need no token: another owner, another licence, a mirror, a volume that may contain the model.
        ("NousResearch/Meta-Llama-3.1-8B-Instruct", [], None),
        ("google/gemma-4-31B-it", [], None),
        ("meta-llama/Llama-3.1-8B-Instruct", ["huggingFace.endpoint=https://hf.example.com"], None),
        ("meta-llama/Llama-3.1-8B-Instruct", ["modelVolume.existingClaim=models"], None),
        ("meta-llama/Llama-3.1-8B-Instruct", ["model.source=modelscope"], None),
    ],
)
def test_the_token_of_a_gated_model(name: str, given: list[str], secret: str | None) -> None:
    answer = run(name, *(word for one in given for word in ("--set", one)), "--yes", "-o", "a.yaml")
    assert answer.exit_code == 0, answer.output
    assert values().get("huggingFace", {}).get("tokenSecret") == (secret and {"name": secret})
    assert ("needs: kubectl create secret generic hf-token " in answer.stderr) is (secret == "hf-token")


@pytest.mark.parametrize(
    ("card", "hint"),
    [
        ("4090", "did you mean RTX 4090?"),
        ("l4os", "did you mean L40S?"),
        ("2xL40S", "did you mean L40S? The number of GPUs belongs in gpu.count"),
        ("h100 x 8", "did you mean h100? The number of GPUs belongs in gpu.count"),
        # NVIDIA makes these too; the table does not have them.
        ("H800", "give --gpu-memory, or one of A10, "),
        ("H20", "give --gpu-memory, or one of A10, "),
        ("4080", "give --gpu-memory, or one of A10, "),
    ],
)
def test_the_gpu_that_is_meant_by_an_unknown_name(card: str, hint: str) -> None:
    assert f"--gpu {card} is not known: {hint}" in run("Qwen/Qwen3-8B", "--gpu", card, "--yes").stderr


@pytest.mark.parametrize(
    ("name", "architecture", "files", "task"),
    [
        # The tasks that vLLM 0.32.0 chooses for them without flags: `_get_default_runner_type` in its config/model.py.
        ("a/b", "XLMRobertaForSequenceClassification", (), "score"),
        ("a/b", "BertModel", (), "embedding"),
        ("a/b", "InternLM2ForRewardModel", (), "embedding"),
        ("a/b", "Qwen3ForCausalLM", ("modules.json", "1_Pooling/config.json"), "embedding"),
        ("a/b", "Qwen3ForCausalLM", ("modules.json",), None),
        ("a/b", "GPT2LMHeadModel", (), None),
        ("a/b", "ChatGLMModel", (), None),
        ("a/b", "InternVLChatModel", (), None),
        ("a/b", "WhisperForConditionalGeneration", (), None),
        ("Qwen/Qwen3-Embedding-8B", "Qwen3ForCausalLM", (), "embedding"),
        ("a/embedded-systems-chat", "Qwen3ForCausalLM", (), None),
    ],
)
def test_the_task_follows_from_the_models_files(
    name: str, architecture: str, files: tuple[str, ...], task: str | None
) -> None:
    found = task_of(ModelFacts(name, "", "a test", {"architectures": [architecture]}, (), dict.fromkeys(files, 1)))
    assert (found and found[0]) == task


@pytest.mark.parametrize(
    ("name", "task"),
    [
        ("BAAI/bge-m3", "embedding"),
        ("/models/bge-small-en-v1.5/", "embedding"),
        ("Alibaba-NLP/gte-Qwen2-7B-instruct", "embedding"),
        ("intfloat/multilingual-e5-large", "embedding"),
        ("jinaai/jina-embeddings-v3", "embedding"),
        ("sentence-transformers/all-MiniLM-L6-v2", "embedding"),
        ("BAAI/bge-reranker-v2-m3", "score"),
        ("Alibaba-NLP/gte-multilingual-reranker-base", "score"),
        ("cross-encoder/ms-marco-MiniLM-L6-v2", "score"),
        # These have no head for scores.
        ("Qwen/Qwen3-Reranker-0.6B", None),
        ("BAAI/bge-reranker-v2-minicpm-layerwise", None),
        # This one writes text.
        ("BAAI/bge-reasoner-rewriter-7b-0821", None),
        ("Qwen/Qwen3-8B", None),
    ],
)
def test_only_a_certain_name_has_a_task(name: str, task: str | None) -> None:
    found = task_of_name(name)
    assert (found and found[0]) == task


def test_no_known_model_that_generates_is_taken_for_another_one() -> None:
    recipes = json.loads((SCHEMAS / "model-parsers.json").read_text())["models"]
    assert [name for name in recipes if task_of_name(name)] == []


def test_without_facts_the_name_of_an_embedding_model_is_enough() -> None:
    assert run("a/c-embed-v1", "--yes", "-o", "a.yaml").exit_code == 0
    assert values()["model"] == {"name": "a/c-embed-v1", "task": "embedding"}


def test_without_facts_the_defaults_are_written_with_a_note() -> None:
    answer = run("a/unknown", "--gpu", "L40S", "--yes", "-o", "a.yaml")
    assert (answer.exit_code, values()) == (0, {"model": {"name": "a/unknown"}, "gpu": {"memory": "45455Mi"}})
    assert "no sizes:" in answer.stderr
    assert "set the number of GPUs in gpu.count, and modelVolume.size for the download" in answer.stderr
    # `init` has no such option.
    assert "--model-config" not in re.sub("`.*?`", "", answer.stderr)


def test_without_facts_a_gpu_that_is_not_a_whole_one_of_nvidia_is_kept() -> None:
    assert run("a/unknown", "--gpu", "MI300X", "--yes", "-o", "a.yaml").exit_code == 0
    assert values()["gpu"] == {"resourceName": "amd.com/gpu", "memory": "196592Mi"}
    assert values()["runtimeClassName"] == ""


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("qwen/qwen3-8b", "Qwen/Qwen3-8B"),
        ("qwen3-8b", "Qwen/Qwen3-8B"),
        ("Qwen/Qwen3-8b-Instrct", "Qwen/Qwen3-8B"),
        ("meta-llama/Llama-3.1-8B-Instrcut", "meta-llama/Llama-3.1-8B-Instruct"),
        # These are models of their own.
        ("meta-llama/Llama-3-8B", None),
        ("Qwen/Qwen3-8B-Base", None),
        ("Qwen/Qwen2-7B", None),
        ("unsloth/Qwen3-8B", None),
        ("mistralai/Mistral-7B-Instruct-v0.2", None),
    ],
)
def test_a_misspelled_model_is_recognised(name: str, near: str | None) -> None:
    said = run(name, "--yes", "-o", "a.yaml").stderr
    assert ("did you mean" in said, f"; did you mean {near}?\n" in said) == (near is not None, near is not None)


def test_no_known_model_is_taken_for_another_one() -> None:
    recipes = json.loads((SCHEMAS / "model-parsers.json").read_text())["models"]
    catalogue = [json.loads(path.read_text())["model"] for path in (SCHEMAS / "models").glob("*.json")]
    assert {name: near_model(name) for name in {*recipes, *catalogue} if near_model(name)} == {}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["--gpu", "L40S"],
            """next: modelservice fit a.yaml
      if nodes have other GPUs too: modelservice set a.yaml 'nodeSelector["nvidia.com/gpu.product"]=NVIDIA-L40S'
      modelservice render a.yaml -o ./a && helm install a ./a --namespace NAMESPACE
""",
        ),
        # H100 has several product names.
        (["--gpu", "H100"], "=LABEL', with a LABEL of `kubectl get nodes -L nvidia.com/gpu.product`\n"),
        ([], "next: modelservice fit a.yaml --gpu NAME\n      modelservice render"),
        (
            ["--gpu", "L4", "--set", 'nodeSelector["nvidia.com/gpu.product"]=NVIDIA-L4'],
            "modelservice fit a.yaml\n      modelservice render",
        ),
        (["--gpu", "MIG-1g.10gb"], "modelservice fit a.yaml\n      modelservice render"),
    ],
)
def test_the_next_commands_are_printed(words: list[str], said: str) -> None:
    answer = run("Qwen/Qwen3-0.6B", *words, "--yes", "-o", "a.yaml")
    assert (answer.exit_code, said in answer.stderr) == (0, True), answer.stderr


def test_the_printed_commands_work() -> None:
    said = run("Qwen/Qwen3-8B", "--gpu", "L40S", "--yes", "-o", "a.yaml").stderr
    for line in re.findall("modelservice ((?:fit|set|render) .*?)(?: &&.*)?\n", said):
        answer = CliRunner().invoke(main, shlex.split(line))
        assert answer.exit_code == 0, answer.output
    assert values()["nodeSelector"] == {"nvidia.com/gpu.product": "NVIDIA-L40S"}
    assert Path("a/Chart.yaml").is_file()


def test_findings_of_values_on_standard_output_name_it() -> None:
    assert "<stdout>:" in run("a/b-70b", "--gpu", "L4", "--yes").stderr


@pytest.mark.parametrize(
    ("model", "overrides"),
    [
        # vLLM's docs/models/pooling_models/scoring.md has these lines.
        (
            "Qwen/Qwen3-Reranker-0.6B",
            {
                "architectures": ["Qwen3ForSequenceClassification"],
                "classifier_from_token": ["no", "yes"],
                "is_original_qwen3_reranker": True,
            },
        ),
        (
            "mixedbread-ai/mxbai-rerank-base-v2",
            {
                "architectures": ["Qwen2ForSequenceClassification"],
                "classifier_from_token": ["0", "1"],
                "method": "from_2_way_softmax",
            },
        ),
    ],
)
def test_a_reranker_that_is_a_language_model_gets_its_task_and_arguments(
    model: str, overrides: dict[str, object]
) -> None:
    assert run(model, "--yes", "--set", "args[0]=--max-model-len=4096", "-o", "a.yaml").exit_code == 0
    assert values()["model"] == {"name": model, "task": "score"}
    first, second = values()["args"]
    assert json.loads(str(first).removeprefix("--hf-overrides=")) == overrides
    assert second == "--max-model-len=4096"
    assert "--hf-overrides" not in run(model, "--yes", "--set", "image.tag=v0.9.0").stdout


@pytest.mark.parametrize(
    ("setting", "key", "value"),
    [
        ("args=[--max-model-len=4096, --seed=1]", "args", ["--max-model-len=4096", "--seed=1"]),
        ("args[0]=--seed=1", "args", ["--seed=1"]),
        ('nodeSelector["a.b/c"]=true', "nodeSelector", {"a.b/c": "true"}),
        ("labels.team=1", "labels", {"team": "1"}),
        ("tolerations=[{key: gpu, operator: Exists}]", "tolerations", [{"key": "gpu", "operator": "Exists"}]),
        ("replicas=", "replicas", ""),
    ],
)
def test_set_takes_what_the_command_set_takes(setting: str, key: str, value: object) -> None:
    answer = run("a/b", "--yes", "--set", setting)
    assert yaml.safe_load(answer.stdout)[key] == value, answer.stderr


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("gpu.cuont=1", "Error: --set gpu.cuont: unknown key; did you mean count?\n"),
        ("gpu.count=x", "Error: --set gpu.count: "),
        ("args[0]=--max-model-length=1", "did you mean `--max-model-len`?"),
        ("args-", "Error: --set args: there is nothing to remove; write KEY=VALUE\n"),
        ("gpu.count", "Error: --set gpu.count is neither KEY=VALUE nor KEY-"),
    ],
)
def test_a_wrong_setting_is_refused_with_a_hint(setting: str, said: str) -> None:
    answer = run("a/b", "--yes", "--set", setting)
    assert (answer.exit_code, said in answer.stderr) == (2, True), answer.stderr


def test_a_given_length_replaces_the_suggested_one() -> None:
    long = QWEN3_32B | {"max_position_embeddings": 1_000_000}
    write_facts(ModelFacts("a/long", "", "a test", long, tensors_of(text_of(long))), facts_path("a/long", "a.yaml"))
    words = ["a/long", "--gpu", "H200", "--yes", "-o", "a.yaml", "--set"]
    assert run(*words, "args[0]=--max_model_len=5000").exit_code == 0
    assert values()["args"] == ["--max_model_len=5000"]
    assert run(*words, "args[0]=--seed=1", "--force").exit_code == 0
    assert [str(word).partition("=")[0] for word in values()["args"]] == ["--max-model-len", "--seed"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ([], 2),
        (["a/b", "--gpu", "L99"], 2),
        (["a/b", "--gpu-memory", "much"], 2),
        (["a/b", "--set", "gpu.count"], 2),
        (["a/b", "--set", "gpu.count=-1"], 2),
        (["a/b", "--set", "gpu.cuont=1"], 2),
        (["a/b", "-o", "facts/Qwen--Qwen3-32B.json"], 1),
        (["not a model", "-o", "b.yaml"], 2),
        (["a/caf\udce9", "-o", "b.yaml"], 2),
        (["a/b", "--set", "description=\x01", "-o", "b.yaml"], 2),
    ],
)
def test_wrong_options_are_reported(words: list[str], code: int) -> None:
    answer = run(*words, "--yes")
    assert answer.exit_code == code, answer.output
    assert isinstance(answer.exception, SystemExit)
    assert not Path("b.yaml").exists()


def test_answers_can_be_given() -> None:
    answer = run("a/b", "--yes", "--set", "gpu.count=2", "--set", "runtimeClassName=", "--set", "ingress.enabled=false")
    assert yaml.safe_load(answer.stdout) == {"model": {"name": "a/b"}, "gpu": {"count": 2}, "runtimeClassName": ""}


def test_a_path_is_a_local_model_that_no_hub_is_asked_about() -> None:
    answer = run("/root/models/x", "--yes")
    assert (answer.exit_code, "#" in answer.stdout) == (0, False), answer.output
    model = {"name": "/root/models/x", "source": "local"}
    assert yaml.safe_load(answer.stdout) == {"model": model, "modelVolume": {"mountPath": "/root/models"}}
    assert "no sizes: /root/models/x is not a folder on this machine" in answer.stderr


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (
            ["a/b", "--set", "resources.requests.memory=32Gi", "--set", "resources.limits.memory=32Gi"],
            {"model": {"name": "a/b"}, "resources": {"requests": {"memory": "32Gi"}, "limits": {"memory": "32Gi"}}},
        ),
        (
            ["/models/x"],
            {"model": {"name": "/models/x", "source": "local"}, "modelVolume": {"mountPath": "/models"}},
        ),
    ],
)
def test_an_answer_is_checked_together_with_the_others(words: list[str], found: dict[str, object]) -> None:
    answer = run(*words, "--yes")
    assert (answer.exit_code, yaml.safe_load(answer.stdout)) == (0, found), answer.stderr


QUESTION = r"\r\n  ([A-Za-z][^\r\n\[]*?)(?: \[.*\])?: $"


@pytest.fixture
def terminal() -> Iterator[pexpect.spawn]:
    command = [*["-m", "modelservice", "init", "-o", "b.yaml"]]
    # A shell has Ctrl-C ignored in what it starts in the background.
    heard = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    spawn = {
        "encoding": "utf-8",
        "codec_errors": "replace",
        "timeout": 60,
        "dimensions": (40, 200),
        "preexec_fn": heard,
    }
    with pexpect.spawn(sys.executable, command, **spawn) as spawned:
        spawned.expect(r"  GPU, .*: $")
        yield spawned


def test_questions_on_a_terminal_follow_the_tabs(terminal: pexpect.spawn) -> None:
    terminal.sendline("")
    terminal.expect("General")
    seen = []
    answers = {
        "Model": "Qwen/Qwen3-8B",
        "Enable Reasoning (a parser, none)": "y",
        "GPUs": "2",
        "Hugging Face Hub Token (the name of a Secret)": "hf-token",
        "vGPU (y, n)": "y",
        "vGPU memory (MiB)": "8192",
    }
    asked = {prompt(field): field for field in questions()}
    while terminal.isalive():
        index = terminal.expect([QUESTION, pexpect.EOF])
        if index == 1:
            break
        label = str(terminal.match.group(1))
        seen.append(asked[label].tab)
        terminal.sendline(answers.pop(label, ""))
    assert answers == {}
    assert list(dict.fromkeys(seen)) == ["General", "Resources", "Volumes", "Node Scheduling"]
    found = values("b.yaml")
    assert found["model"] == {"name": "Qwen/Qwen3-8B", "toolCallParser": "hermes", "reasoningParser": "qwen3"}
    assert found["huggingFace"] == {"tokenSecret": {"name": "hf-token"}}
    assert found["gpu"] == {"count": 2, "vgpu": {"enabled": True, "memoryMiB": 8192}}


FIELDS = {field.key: field for field in questions()}


@pytest.mark.parametrize(
    ("key", "answer", "value"),
    [
        ("model.toolCallParser", "yes", "hermes"),
        ("model.toolCallParser", "Y", "hermes"),
        ("model.toolCallParser", "n", ""),
        ("model.toolCallParser", "none", ""),
        ("model.toolCallParser", "llama3_json", "llama3_json"),
        ("modelVolume.preDownload", "none", ""),
        ("modelVolume.preDownload", "Job", "Job"),
        ("gpu.vgpu.enabled", "yes", True),
        ("description", "none", "none"),
    ],
)
def test_y_and_none_are_answers(key: str, answer: str, value: object) -> None:
    assert answered(FIELDS[key], answer, {"model.toolCallParser": "hermes"}) == value


@pytest.mark.parametrize("answer", ["y", "hermse"])
def test_an_answer_that_names_no_parser_is_refused_with_the_parsers(answer: str) -> None:
    with pytest.raises(ValueError, match=r"write none, or a parser of vLLM: .*hermes"):
        answered(FIELDS["model.toolCallParser"], answer, {})
    with_plugin = {"args": ["--tool-parser-plugin=/plugins/mine.py"]}
    assert answered(FIELDS["model.toolCallParser"], "mine", with_plugin) == "mine"


def test_no_question_shows_an_empty_choice() -> None:
    for field in FIELDS.values():
        assert "(," not in prompt(field)
        assert ", ," not in prompt(field)
    assert shown(FIELDS["modelVolume.preDownload"], "") == "none"


@pytest.mark.parametrize("answer", [b"caf\xe9", b"\xed\xa0\x80", b"a\x1b[31m"])
def test_after_invalid_text_the_question_is_repeated(terminal: pexpect.spawn, answer: bytes) -> None:
    terminal.sendline("")
    terminal.expect(r"  Description.*: $")
    os.write(terminal.child_fd, answer + b"\n")
    terminal.expect("which is not text")
    terminal.expect(r"  Description.*: $")
    terminal.sendline("a café")
    terminal.expect(r"  Model.*: $")
    terminal.sendline("!")
    terminal.expect(pexpect.EOF)
    assert not Path("b.yaml").exists()


def test_a_length_follows_the_number_of_gpus_that_is_answered(terminal: pexpect.spawn) -> None:
    terminal.sendline("L4")
    answers = {"Model": "Qwen/Qwen3-8B", "GPUs": "1"}
    while terminal.expect([QUESTION, pexpect.EOF]) == 0:
        terminal.sendline(answers.pop(str(terminal.match.group(1)), ""))
    assert (answers, values("b.yaml")["args"]) == ({}, ["--max-model-len=15360"])


def test_after_a_wrong_answer_the_question_is_repeated_and_back_works(terminal: pexpect.spawn) -> None:
    terminal.sendline("")
    terminal.expect(r"  Description.*: $")
    terminal.sendline("")
    terminal.expect(r"  Model.*: $")
    terminal.sendline("not a model")
    terminal.expect("is not a model id")
    terminal.expect(r"  Model.*: $")
    terminal.sendline("Qwen/Qwen3-8B")
    terminal.expect(r"  Source.*: $")
    terminal.sendline("<")
    terminal.expect(r"  Model \[Qwen/Qwen3-8B\]: $")
    terminal.sendline("<")
    terminal.expect(r"  Description.*: $")


def test_a_mistake_that_a_later_answer_can_correct_is_reported_and_kept(terminal: pexpect.spawn) -> None:
    answers = {
        "Model": "/models/x",
        "Source (huggingface, modelscope, local)": "local",
        "Model volume: Mount path": "/models",
        "Memory Reservation": "32Gi",
        "Memory Limit": "64Gi",
    }
    said = ""
    terminal.sendline("")
    while terminal.expect([QUESTION, pexpect.EOF]) == 0:
        said += terminal.before
        terminal.sendline(answers.get(terminal.match.group(1), ""))
    terminal.close()
    assert terminal.exitstatus == 0, terminal.before
    assert "set model.source: local" in said
    assert "32Gi is more than the limit" in said
    assert values("b.yaml") == {
        "model": {"name": "/models/x", "source": "local"},
        "modelVolume": {"mountPath": "/models"},
        "resources": {"requests": {"memory": "32Gi"}, "limits": {"memory": "64Gi"}},
    }


def test_the_gpu_is_asked_until_it_is_known_and_sizes_follow(terminal: pexpect.spawn) -> None:
    terminal.sendline("L99")
    terminal.expect("'L99' is not a known GPU: write nothing, or one of A10,.* T4")
    terminal.expect(r"  GPU, .*: $")
    terminal.sendline("L40S")
    terminal.expect(r"  Description.*: $")
    terminal.sendline("")
    terminal.expect(r"  Model.*: $")
    # This one needs four of them.
    terminal.sendline("Qwen/Qwen3-32B")
    terminal.expect(r"  Source.*: $")
    terminal.sendline("<")
    terminal.expect(r"  Model.*: $")
    terminal.sendline("Qwen/Qwen3-14B")
    while terminal.expect([r": $", pexpect.EOF]) == 0:
        terminal.sendline("")
    terminal.close()
    assert terminal.exitstatus == 0
    assert values("b.yaml")["gpu"] == {"memory": "45455Mi"}
    assert "NVIDIA-L40S" in str(terminal.before)


def test_pressing_only_enter_gives_a_valid_file(terminal: pexpect.spawn) -> None:
    terminal.sendline("")
    while terminal.expect([r": $", pexpect.EOF]) == 0:
        terminal.sendline("")
    terminal.close()
    assert terminal.exitstatus == 0
    assert values("b.yaml") == {"model": {"name": "facebook/opt-125m"}}


@pytest.mark.parametrize("file", ["/dev/null", "&-"])
def test_without_a_terminal_nothing_is_asked(file: str) -> None:
    command = f'"$0" -m modelservice init <{file}'
    answer = subprocess.run(["sh", "-c", command, sys.executable], capture_output=True, text=True, check=False)
    assert (answer.returncode, "name a model" in answer.stderr) == (2, True)


@pytest.mark.parametrize("how", ["!", "interrupt", "end"])
def test_no_file_is_written_if_stopped_half_way(terminal: pexpect.spawn, how: str) -> None:
    terminal.sendline("")
    terminal.expect(r"  Description.*: $")
    terminal.sendline("")
    terminal.expect(r"  Model.*: $")
    if how == "!":
        terminal.sendline("!")
    elif how == "interrupt":
        terminal.sendintr()
    else:
        terminal.sendeof()
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus in (1, 130)
    assert not Path("b.yaml").exists()
