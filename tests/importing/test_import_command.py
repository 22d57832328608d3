"""`modelservice import`: a valid file, a note for everything that is not imported, and no secret."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result
from modelservice.check import check, errors
from modelservice.cli import main
from modelservice.models.facts_file import facts_path, write_facts
from modelservice.models.model_facts import ModelFacts
from modelservice.reading.document import read

LINE = "docker run --gpus all --ulimit memlock=-1 vllm/vllm-openai:v0.33.0 Qwen/Qwen3-8B"
SECRETS = [
    "-e HF_TOKEN=hf_abcdefghijklmnopqrstuvwxyzABCDEFGH",
    "-e VLLM_API_KEY=hunter2hunter2",
    "-e DB_PASSWORD=hunter2hunter2",
    "-e URL=https://user:hunter2hunter2@example.com/x",
    '-e \'OPTIONS={"password": "hunter2hunter2"}\'',
    "--label token=hunter2hunter2",
    "--log-opt splunk-token=hunter2hunter2",
    "--storage-opt password=hunter2hunter2",
]
ARGUMENTS = [
    "--api-key hunter2hunter2",
    "--hf-token=hunter2hunter2",
    '--kv-transfer-config \'{"password": "hunter2hunter2"}\'',
    "--kv-transfer-config.password=hunter2hunter2",
    "--otlp-traces-endpoint https://user:hunter2hunter2@example.com",
]


def run(*words: str, text: str = "") -> Result:
    return CliRunner().invoke(main, ["import", *words], input=text)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_input_comes_from_an_argument_a_file_or_standard_input() -> None:
    Path("line.txt").write_text(LINE)
    given, piped, file = (
        run("docker", LINE),
        run("docker", "-", text=LINE),
        run("docker", "-f", "line.txt", "-o", "a.yaml"),
    )
    assert (given.exit_code, file.exit_code) == (0, 0)
    assert given.stdout == piped.stdout == Path("a.yaml").read_text()
    assert errors(check(read("a.yaml", given.stdout.encode()))) == []
    assert "note: --ulimit memlock=-1: the node's container runtime sets the limits" in given.stderr
    assert "# - --ulimit memlock=-1: the node's container runtime sets the limits" in given.stdout


WORDS = ["--gpus", "all", "vllm/vllm-openai:v0.33.0", "Qwen/Qwen3-8B", "--hf-overrides", '{"a": "b c"}']


@pytest.mark.parametrize(
    "words",
    [
        ["docker", "run", *WORDS],
        ["run", *WORDS],
        ["--", "docker", "run", *WORDS],
        ["--strict", "sudo", "docker", "container", "run", *WORDS],
        ["--service", "run", "docker", "run", *WORDS],
        ["line.sh"],
    ],
)
def test_a_line_may_be_without_quotes_or_in_a_file(words: list[str]) -> None:
    line = shlex.join(["docker", "run", *WORDS])
    Path("line.sh").write_text(line)
    expected, answer = run("docker", line), run("docker", *words)
    assert (answer.exit_code, answer.stdout) == (0, expected.stdout), answer.stderr


@pytest.mark.parametrize(
    "words", [["vllm", "serve"], ["serve"], ["A=b", "python3", "-m", "vllm.entrypoints.openai.api_server", "--model"]]
)
def test_a_vllm_line_may_be_without_quotes(words: list[str]) -> None:
    answer = run("vllm", "--image", "a/vllm:v0.33.0", *words, "Qwen/Qwen3-8B", "--seed", "1")
    assert (answer.exit_code, yaml.safe_load(answer.stdout)["args"]) == (0, ["--seed=1"]), answer.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["docker", "docker", "run", *WORDS, "-o", "a.yaml"], "write -o before the line, or quote the line"),
        (["docker", "line.sh"], "line.sh is neither a line nor an existing file: give the line in quotes"),
        (["docker", "values.yaml"], "this is a values file already: `modelservice validate` checks it"),
        (["kubernetes", "-f", "values.yaml"], "for a chart's values, pass the output of `helm template`"),
        (["kubernetes"], "name a file, or - for standard input"),
        (["docker", LINE, "-o", "."], ". is a folder: name a file in it"),
    ],
)
def test_what_cannot_be_a_line_is_refused_with_what_to_do(words: list[str], said: str) -> None:
    Path("values.yaml").write_text("model: {name: a/b}\n")
    answer = run(*words)
    assert (answer.exit_code in (1, 2), said in answer.stderr) == (True, True), answer.stderr
    assert not Path("a.yaml").exists()


@pytest.mark.parametrize(
    ("image", "task", "found"),
    [
        # vLLM 0.13 has no --task; 0.10 has it, and another image may.
        ("vllm/vllm-openai:latest", "embed", {"model": {"name": "m/n", "task": "embedding"}}),
        ("vllm/vllm-openai:v0.33.0", "generate", {"model": {"name": "m/n"}}),
        ("vllm/vllm-openai:v0.10.0", "score", {"model": {"name": "m/n", "task": "score"}}),
        ("my/vllm:custom", "embed", {"model": {"name": "m/n"}, "args": ["--task", "embed"]}),
    ],
)
def test_a_removed_flag_for_the_task_becomes_its_field(image: str, task: str, found: dict[str, object]) -> None:
    answer = run("docker", f"docker run {image} --model m/n --task {task}")
    values = yaml.safe_load(answer.stdout)
    assert (answer.exit_code, {key: values[key] for key in ("model", "args") if key in values}) == (0, found)


def test_an_existing_file_is_replaced_only_with_force() -> None:
    Path("a.yaml").write_text("mine\n")
    refused = run("docker", LINE, "-o", "a.yaml")
    assert (refused.exit_code, Path("a.yaml").read_text()) == (1, "mine\n")
    assert run("docker", LINE, "-o", "a.yaml", "--force").exit_code == 0
    assert "Qwen/Qwen3-8B" in Path("a.yaml").read_text()


def test_strict_writes_nothing_if_something_is_not_imported() -> None:
    answer = run("docker", LINE, "-o", "a.yaml", "--strict")
    assert (answer.exit_code, Path("a.yaml").exists()) == (1, False)
    assert run("docker", LINE.replace("--ulimit memlock=-1 ", ""), "--strict").exit_code == 0


def test_mistakes_of_the_original_are_reported() -> None:
    answer = run("vllm", "vllm serve Qwen/Qwen3-8B --max-model-length 8192")
    assert answer.exit_code == 1
    assert "<stdout>:5:5: error: args[0]: `--max-model-length`" in answer.stderr
    assert '- --max-model-length\n  - "8192"\n' in answer.stdout


@pytest.mark.parametrize("secret", SECRETS)
def test_no_secret_of_a_docker_line_is_written_or_printed(secret: str) -> None:
    answer = run("docker", f"docker run {secret} --gpus all vllm/vllm-openai:v0.33.0 Qwen/Qwen3-8B")
    assert answer.exit_code == 0, answer.stderr
    assert "hunter2" not in answer.output
    assert "hf_abc" not in answer.output


@pytest.mark.parametrize("secret", ARGUMENTS)
def test_no_secret_of_a_vllm_line_is_written_or_printed(secret: str) -> None:
    assert "hunter2" not in run("vllm", f"vllm serve Qwen/Qwen3-8B {secret}").output
    assert "hunter2" not in run("docker", f"docker run vllm/vllm-openai --model Qwen/Qwen3-8B {secret}").output


@pytest.mark.parametrize(
    "text",
    [
        "huggingface-cli login --token hunter2hunter2 && {}",
        "export SERVICE_PASSWORD=hunter2hunter2\n{}",
        "$env:API_KEY = 'hunter2hunter2'\n{}",
        "{} <<< hunter2hunter2",
        "sshpass -p hunter2hunter2 ssh gpu {}",
        "[Service]\nEnvironment=DB_PASSWORD=hunter2hunter2\nExecStart={}",
        "{} | curl -H 'Authorization: Bearer hunter2hunter2' -d @- x",
    ],
)
def test_no_secret_around_a_line_is_written_or_printed(text: str) -> None:
    answer = run("vllm", text.format("vllm serve Qwen/Qwen3-8B"))
    assert answer.exit_code == 0, answer.output
    assert "hunter2" not in answer.output


def test_a_flag_for_the_task_is_not_repeated() -> None:
    answer = run("vllm", "vllm serve Qwen/Qwen3-Embedding-8B --runner pooling")
    assert (answer.exit_code, "task-twice" in answer.stderr) == (0, False), answer.stderr


def test_required_secrets_are_listed_with_their_kubectl_line() -> None:
    answer = run("docker", f"docker run {SECRETS[0]} {SECRETS[2]} vllm/vllm-openai:v0.33.0 Qwen/Qwen3-8B")
    for line in (
        'kubectl create secret generic hf-token --namespace NAMESPACE --from-literal=token="${HF_TOKEN:?}"',
        'kubectl create secret generic llm-secrets --namespace NAMESPACE --from-literal=DB_PASSWORD="${DB_PASSWORD:?}"',
    ):
        assert f"needs: {line}" in answer.stderr
        assert f"#   {line}" in answer.stdout


def test_the_printed_kubectl_line_fails_if_its_variable_is_unset() -> None:
    said = run("docker", f"docker run {SECRETS[0]} vllm/vllm-openai:v0.33.0 Qwen/Qwen3-8B").stderr
    line = re.search("needs: (kubectl .*)", said)
    assert line
    script = f"kubectl() {{ echo created; }}\n{line[1]}"
    unset = subprocess.run(["sh", "-c", script], env={}, capture_output=True, text=True, check=False)
    assert (unset.returncode != 0, unset.stdout) == (True, "")
    ready = subprocess.run(["sh", "-c", script], env={"HF_TOKEN": "a"}, capture_output=True, text=True, check=True)
    assert ready.stdout == "created\n"


@pytest.mark.parametrize("words", [[], ["a", "-f", "b"]])
def test_exactly_one_source_is_required(words: list[str]) -> None:
    assert run("docker", *words).exit_code == 2


@pytest.mark.parametrize(
    ("words", "text"),
    [(["docker", "-f", "no"], ""), (["docker", "-"], "docker run '"), (["vllm", "-"], ""), (["vllm", "-"], "\0")],
)
def test_what_cannot_be_read_ends_with_a_message(words: list[str], text: str) -> None:
    answer = run(*words, text=text)
    assert answer.exit_code in (1, 2)
    assert isinstance(answer.exception, SystemExit)


def test_sizes_follow_from_facts_next_to_the_file_with_a_note() -> None:
    config = {"architectures": ["Qwen3ForCausalLM"]}
    facts = ModelFacts("Qwen/Qwen3-8B", "", "a test", config, (), {"model.safetensors": 16 * 2**30})
    write_facts(facts, facts_path("Qwen/Qwen3-8B", "a.yaml"))
    answer = run("docker", LINE, "-o", "a.yaml")
    assert answer.exit_code == 0, answer.output
    assert "filled in: modelVolume.size: 40Gi (a download of 16.0 GiB, and room for the next revision" in answer.stderr
    assert yaml.safe_load(Path("a.yaml").read_text())["modelVolume"] == {"size": "40Gi"}


@pytest.mark.parametrize(
    ("line", "task"),
    [
        ("vllm serve BAAI/bge-m3 --served-model-name bge", "embedding"),
        ("vllm serve BAAI/bge-reranker-v2-m3", "score"),
        # The arguments say what the server does.
        ("vllm serve BAAI/bge-m3 --convert classify", None),
        # Without further arguments vLLM serves it as a language model, and so does the chart.
        ("vllm serve Qwen/Qwen3-Reranker-0.6B", None),
        ("vllm serve Qwen/Qwen3-8B", None),
    ],
)
def test_a_certain_task_is_filled_in(line: str, task: str | None) -> None:
    answer = run("vllm", line)
    assert yaml.safe_load(answer.stdout)["model"].get("task") == task
    assert (f"filled in: model.task: {task} (the model's name says so)" in answer.stderr) == (task is not None)


def test_a_line_that_is_not_text_is_refused() -> None:
    answer = run("vllm", "vllm serve a/b --served-model-name caf\udce9", "-o", "a.yaml")
    assert (answer.exit_code, Path("a.yaml").exists()) == (1, False)
    assert "not UTF-8 text" in answer.stderr


def test_all_services_of_a_compose_file_become_files_in_a_folder() -> None:
    services = {"a": {"image": "vllm/vllm-openai:v0.33.0", "command": "m/n"}, "db": {"image": "postgres"}}
    Path("compose.yaml").write_text(
        yaml.safe_dump({"services": {**services, "b": {**services["a"], "command": "o/p"}}})
    )
    assert (
        "--service, or import all into a folder with -o: compose service a, compose service b\n"
        in run("docker", "compose.yaml").stderr
    )
    assert run("docker", "compose.yaml", "-o", "all/", "--strict").exit_code == 0
    found = {path.name: yaml.safe_load(path.read_text())["model"]["name"] for path in Path("all").iterdir()}
    assert found == {"a.yaml": "m/n", "b.yaml": "o/p"}


def test_closed_standard_input_is_reported() -> None:
    command = '"$0" -m modelservice import vllm - <&-'
    answer = subprocess.run(["sh", "-c", command, sys.executable], capture_output=True, text=True, check=False)
    assert (answer.returncode, answer.stderr) == (1, "error: standard input is closed\n")
