"""The commands' output, its stream, and the exit codes."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import pexpect
import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner, Result
from modelservice import __version__
from modelservice.cli import main

ROOT = Path(__file__).parents[1]

FIVE_MISTAKES = """\
model:
  nmae: Qwen/Qwen3-8B
  task: embed
gpu:
  count: two
replicas: -1
modelVolume:
  size: 20GB
"""


def run(*arguments: str | Path, stdin: str | None = None) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments], input=stdin, catch_exceptions=False)


def places(output: str) -> list[str]:
    """Return `line:column key` of each finding in a text report."""
    found = []
    for line in output.splitlines():
        head, severity, rest = line.partition(": error: ")
        if severity:
            found.append(f"{head.split(':', 1)[1]} {rest.split(':')[0]}")
    return found


def test_five_mistakes_give_five_findings_with_their_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("values.yaml").write_text(FIVE_MISTAKES)
    answer = run("validate", "values.yaml")
    assert answer.exit_code == 1
    assert places(answer.stdout) == [
        "2:3 model.nmae",
        "3:9 model.task",
        "5:10 gpu.count",
        "6:11 replicas",
        "8:9 modelVolume.size",
    ]
    assert "5 errors" in answer.stderr


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (None, "file-missing"),
        (b"", "empty-file"),
        (b"\x7fELF\x00\x01\xff", "yaml-encoding"),
        (b"- a\n", "yaml-top-level"),
    ],
)
def test_a_file_that_is_not_a_values_file_gives_one_finding(content: bytes | None, rule: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "values.yaml").write_bytes(content)
    answer = run("validate", tmp_path / "values.yaml", "--format", "json")
    assert answer.exit_code == 1
    assert [finding["rule"] for finding in json.loads(answer.stdout)["findings"]] == [rule]


@pytest.mark.parametrize("example", sorted((ROOT / "values-examples").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_example_is_valid(example: Path) -> None:
    answer = run("validate", example)
    assert (answer.exit_code, places(answer.stdout)) == (0, []), answer.stdout


def test_standard_input_is_a_values_file() -> None:
    answer = run("validate", "-", stdin="model: {name: a/b}\nreplicas: -1\n")
    assert answer.exit_code == 1
    assert answer.stdout.startswith("<stdin>:2:11: error: replicas:")


def test_a_folder_is_walked_and_a_bad_file_does_not_stop_the_rest(tmp_path: Path) -> None:
    (tmp_path / "team").mkdir()
    (tmp_path / "a.yaml").write_text("model: {name: a/b}\n")
    (tmp_path / "b.yaml").write_text("{{\n")
    (tmp_path / "team/c.yml").write_text("replicas: -1\n")
    answer = run("validate", tmp_path)
    assert answer.exit_code == 1
    assert f"{tmp_path}/b.yaml:" in answer.stdout
    assert f"{tmp_path}/team/c.yml:1:11: error: replicas:" in answer.stdout
    assert answer.stderr.endswith("in 2 files; 3 services checked\n")


def test_layers_are_checked_as_one_service(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("model: {name: a/b}\ngpu: {count: 0}\n")
    (tmp_path / "prod.yaml").write_text("image: {repository: example.com/vllm-cpu, tag: v0.33.0}\n")
    assert run("validate", tmp_path / "base.yaml").exit_code == 1
    assert run("validate", "-f", tmp_path / "base.yaml", tmp_path / "prod.yaml").exit_code == 0


def test_a_layer_in_the_folder_is_not_a_service(tmp_path: Path) -> None:
    layer = tmp_path / "defaults.yaml"
    layer.write_text("gpu: {count: 0}\n")
    (tmp_path / "cpu.yaml").write_text(
        "model: {name: a/b}\nimage: {repository: example.com/vllm-cpu, tag: v0.33.0}\nvllmVersion: 0.33.0\n"
    )
    assert run("validate", tmp_path).exit_code == 1
    for files in ([tmp_path], [tmp_path / "cpu.yaml", layer]):
        answer = run("validate", *files, "-f", layer)
        assert (answer.exit_code, "1 file checked" in answer.stderr) == (0, True), answer.stdout


@pytest.mark.parametrize("command", ["template", "access"])
def test_a_name_that_helm_refuses_for_a_release_is_refused_early(command: str, tmp_path: Path) -> None:
    for name in ("x" * 54, "日本"):
        (tmp_path / f"{name}.yaml").write_text("model: {name: a/b}\n")
        answer = run(command, tmp_path / f"{name}.yaml")
        assert answer.exit_code == 1
        assert "is not a valid release name: rename the file, or pass --release" in answer.stderr
    assert run("access", tmp_path / "日本.yaml", "--release", "qwen2.5").exit_code == 0


def test_strict_turns_warnings_into_errors(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("model: {name: a/b}\nimage: {tag: latest}\n")
    assert run("validate", tmp_path / "a.yaml").exit_code == 0
    assert run("validate", "--strict", tmp_path / "a.yaml").exit_code == 1


def test_quiet_prints_findings_only(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("model: {name: a/b}\n")
    answer = run("validate", "-q", tmp_path / "a.yaml")
    assert (answer.stdout, answer.stderr) == ("", "")


def test_no_file_is_a_usage_error() -> None:
    assert run("validate").exit_code == 2
    assert run("render", "-o", "x").exit_code == 2


def test_the_rules_are_listed() -> None:
    answer = run("validate", "--list-rules")
    assert answer.exit_code == 0
    for rule in ("yaml-ambiguous", "unknown-key", "gpu-required", "argument-unknown"):
        assert rule in answer.stdout


def test_explain_shows_a_field() -> None:
    answer = run("explain", "gpu.vgpu.cores")
    assert answer.stdout.startswith(
        'KEY:      gpu.vgpu.cores <integer or "" or null>\nCONSOLE:  Resources / vGPU / vGPU cores (%)\n'
    )
    assert "ALLOWED:  1 to 100" in answer.stdout


def test_explain_shows_a_flag() -> None:
    answer = run("explain", "--max-model-len")
    assert answer.stdout.startswith(
        "FLAG:     --max-model-len\nTYPE:     a whole number, 4k (4000), 4K (4096) or auto\n"
    )
    assert "SINCE:    vLLM 0.10.0 or earlier\nFIELD:    args\n" in answer.stdout
    assert "ALSO:     -tp\nTYPE:     a whole number\nDEFAULT:  1\n" in run("explain", "-tp").stdout
    assert "UNTIL:    removed in vLLM 0.13.0\nFIELD:    model.task, or args\n" in run("explain", "--task").stdout
    assert "FIELD:    model.reasoningParser\n" in run("explain", "--reasoning-parser").stdout
    again = run("explain", "--disable-log-requests").stdout
    assert "UNTIL:    removed in vLLM 0.17.1\nAGAIN:    since vLLM 0.33.0\n" in again
    assert "did you mean --max-model-len?" in run("explain", "--max-model-lem").stderr
    for dotted in ("--compilation-config.mode", "-cc.mode=3"):
        assert run("explain", dotted).stdout.startswith("FLAG:     --compilation-config\n")


@pytest.mark.parametrize(
    ("word", "found"),
    [("context", ["--max-model-len "]), ("tool", ["model.toolCallParser ", "--tool-call-parser "])],
)
def test_explain_searches_keys_and_flags(word: str, found: list[str]) -> None:
    answer = run("explain", word)
    assert answer.exit_code == 0
    assert [name for name in found if f"  {name}" not in answer.stdout] == []


# The keys' descriptions in schemas/modelservice.schema.yaml name their tabs and labels in the console.
@pytest.mark.parametrize(
    ("words", "key"),
    [
        ("Node Scheduling", "nodeSelector"),
        ("health check", "probes.liveness"),
        ("Hugging Face mirror", "huggingFace.endpoint"),
        ("volume", "modelVolume.size"),
        ("vGPU memory", "gpu.vgpu.memoryMiB"),
        ("GPUs", "gpu.count"),
        ("Existing claim", "modelVolume.existingClaim"),
    ],
)
def test_explain_searches_the_form(words: str, key: str) -> None:
    answer = run("explain", words)
    assert (answer.exit_code, f"  {key} " in answer.stdout) == (0, True), answer.output


def test_several_words_are_not_taken_for_a_flag() -> None:
    assert "did you mean" not in run("explain", "async shceduling").stderr


EXPLAINED = ("model.name", "--attention-backend", "context", "api-open", "fleet", "fleet.layers", "")


@pytest.mark.parametrize("columns", [40, 60, 100])
def test_explain_fits_the_terminal(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = [line for word in EXPLAINED for line in run("explain", word).stdout.splitlines()]
    # Examples are YAML, which is not wrapped.
    assert [line for line in lines if len(line) > columns and " " in line.strip() and ": " not in line] == []
    assert max(map(len, lines)) > columns - 10


@pytest.mark.parametrize(("words", "columns"), [("explain context | cat", 50), ("explain context", 50)])
def test_explain_also_fits_the_terminal_with_a_pager(words: str, columns: int) -> None:
    command = ["-c", f"env -u COLUMNS {sys.executable} -m modelservice {words}"]
    shown, _ = pexpect.run(
        f"bash {shlex.join(command)}", withexitstatus=True, encoding="utf-8", timeout=60, dimensions=(24, columns)
    )
    widths = [len(line) for line in shown.splitlines()]
    assert columns - 10 < max(widths) <= columns, shown


def test_without_a_terminal_lines_of_explain_have_a_readable_width() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    answer = subprocess.run(
        [sys.executable, "-m", "modelservice", "explain", "context"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        stdin=subprocess.DEVNULL,
    )
    assert 80 < max(map(len, answer.stdout.splitlines())) <= 100


@pytest.mark.parametrize(
    ("beginning", "one"), [("--max-model", "--max-model-len"), ("gpu.c", "gpu.count"), ("api-o", "api-open")]
)
def test_the_shell_completes_keys_flags_and_rules(beginning: str, one: str) -> None:
    complete = ShellComplete(main, {}, "modelservice", "_MODELSERVICE_COMPLETE")
    found = [item.value for item in complete.get_completions(["explain"], beginning)]
    assert one in found
    assert all(value.startswith(beginning) for value in found)


@pytest.mark.parametrize(
    ("word", "first"),
    [
        ("shm-size", "KEY:      sharedMemory.sizeLimit "),
        ("HF_TOKEN", "HF_TOKEN: put the token into a Secret"),
        ("swap-space", "FLAG:     --swap-space\n"),
        ("max_model_len", "FLAG:     --max-model-len\n"),
        ("maxModelLen", "FLAG:     --max-model-len\n"),
        # NVIDIA states 48 GB, and compute capability 8.9.
        ("L40S", "GPU:      L40S\nMEMORY:   44.4 GiB, as its driver reports it\nCOMPUTE:  capability 8.9\n"),
        ("NVIDIA-H100-80GB-HBM3", "GPU:      H100\n"),
    ],
)
def test_explain_shows_what_a_word_means(word: str, first: str) -> None:
    assert run("explain", word).stdout.startswith(first)


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("gpu-memory-utilisation", "--gpu-memory-utilization"),
        ("argument-unknwn", "argument-unknown"),
        ("modl", "model"),
        ("gpumemory", "gpu.memory"),
    ],
)
def test_explain_suggests_keys_flags_and_rules(word: str, meant: str) -> None:
    answer = run("explain", word)
    assert (answer.exit_code, f"did you mean {meant}?" in answer.stderr) == (1, True), answer.stderr


def test_explain_suggests_the_closest_key() -> None:
    answer = run("explain", "gpu.cuont")
    assert answer.exit_code == 1
    assert "did you mean gpu.count?" in answer.stderr
    assert "did you mean gpu.count?" in run("explain", "count").stderr


def test_every_command_is_in_the_readme_and_in_the_help() -> None:
    readme = (ROOT / "README.md").read_text()
    listed = run("--help").stdout
    names = main.list_commands(click.Context(main))
    assert [name for name in names if f"modelservice {name}" not in readme] == []
    assert [name for name in names if f"\n  {name} " not in listed] == []


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("validat a.yaml", "No such command 'validat'. Did you mean 'validate'?"),
        ("tempalte", "No such command 'tempalte'. Did you mean 'template'?"),
        ("deploy", "Did you mean 'render'?"),
        ("check a.yaml", "Did you mean 'validate'?"),
        ("import compose a.yaml", "Did you mean 'docker'?"),
        ("import k8s a.yaml", "Did you mean 'kubernetes'?"),
        ("upgrade --to 0.20.0 a.yaml", "the nearest are 0.19.1 and 0.20.2,"),
        ("validate --strikt a.yaml", "Did you mean '--strict'?"),
    ],
)
def test_a_mistyped_command_or_option_gets_a_suggestion(line: str, says: str) -> None:
    answer = run(*line.split())
    assert (answer.exit_code, says in answer.stderr) == (2, True), answer.stderr


def test_the_version_is_the_packages() -> None:
    assert run("--version").stdout == f"modelservice, version {__version__}\n"


def test_ctrl_c_has_its_own_exit_code() -> None:
    # What a shell starts in the background ignores the signal.
    command = ["env", "--default-signal=INT", sys.executable, "-m", "modelservice", "smoke", "http://127.0.0.1:1"]
    command += ["--wait", "60"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    time.sleep(2)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=30)[1]
    assert (process.returncode, said) == (130, "stopped\n")


@pytest.mark.parametrize("given", [["explain"], ["explain", "--rule"], ["template"]])
def test_a_message_does_not_repeat_text_of_any_length(given: list[str]) -> None:
    answer = CliRunner().invoke(main, [*given, "x" * 100_000])
    assert answer.exit_code in (1, 2), answer.output[:300]
    assert "error: " in answer.output.lower()
    assert len(answer.output) < 5000
