"""Hostile values files, and mistakes that once caused harm: no traceback, no printed secret, bounded time."""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from modelservice.cli import main

ROOT = Path(__file__).parents[1]
MODEL = "model: {name: Qwen/Qwen3-8B}\n"
STYLES = ["text", "json", "github", "sarif"]


def validate(folder: Path, text: str, style: str = "text") -> str:
    """Return the command's output; fails if it is not a report."""
    (folder / "values.yaml").write_text(text)
    command = ["validate", str(folder / "values.yaml"), "--format", style]
    answer = CliRunner().invoke(main, command, catch_exceptions=False)
    assert answer.exit_code in (0, 1), answer.output
    return answer.output


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize(
    "line",
    [
        "args: [--api-key=correct-horse-battery]",
        "args: [--api_key=correct-horse-battery]",
        "args: [--api-ky=correct-horse-battery]",
        "args: [--hf-token=correct-horse-battery]",
        "args: [--ssl-keyfile-password=correct-horse-battery]",
        "env: [{name: DB_PASSWORD, value: correct-horse-battery, valu: 1}]",
        'env: [{name: X, value: "Bearer correct-horse-battery-1", valu: 1}]',
        'model: {name: "Bearer correct-horse-battery-1"}',
        'labels: {a: "Bearer correct-horse-battery-1"}',
        'env: [{name: X, value: "-----BEGIN RSA PRIVATE KEY----- correct-horse-battery", valu: 1}]',
        'image: {tag: "-----BEGIN RSA PRIVATE KEY----- correct-horse-battery"}',
        "extraContainers: [{name: a, image: b, env: [{name: AWS_SECRET_ACCESS_KEY, value: correct-horse-battery}]}]",
    ],
)
def test_a_secret_is_never_printed_whatever_else_is_wrong_with_its_line(line: str, style: str, tmp_path: Path) -> None:
    said = validate(tmp_path, line + "\n" if line.startswith("model") else MODEL + line + "\n", style)
    assert "values.yaml" in said
    assert "orrect" not in said.replace("correct the", "").replace("correct it", "")


def test_a_number_that_is_a_secret_is_not_printed_either(tmp_path: Path) -> None:
    assert "48151623" not in validate(tmp_path, MODEL + "env: [{name: DB_PASSWORD, value: 48151623}]\n")


@pytest.mark.parametrize(
    "text",
    [
        "restricted: true\npodSecurityContext: {sysctls: [{name: net.ipv4.ip_unprivileged_port_start, value: 0}]}\n",
        'resources: {limits: {rdma/hca: "1e30"}}\n',
        f'args: ["--tensor-parallel-size={"9" * 4301}"]\n',
        "restricted: true\nextraContainers: [{name: a, image: b, securityContext: {capabilities: x}}]\n",
        "restricted: true\nextraContainers: [{name: a, image: b, securityContext: {seccompProfile: x}}]\n",
        "restricted: true\nsecurityContext: {capabilities: {add: [1], drop: 1.5}}\n",
        "volumes: [{name: a, emptyDir: {}}]\nextraContainers: [{name: a, image: b, volumeMounts: [{name: [x]}]}]\n",
        "env: [{name: [x], value: [y]}]\nextraObjects: ['a: b: c', '- a', {kind: [x]}]\n",
        "restricted: true\npodSecurityContext: 7\n",
        f'huggingFace: {{endpoint: "{"9" * 5000}"}}\n',
        f'modelVolume: {{size: "{"0" * 5000}"}}\n',
        f'resources: {{limits: {{nvidia.com/gpu: "{"9" * 5000}"}}}}\n',
        f"serviceMonitor: {{enabled: true, interval: {'9' * 5000}s}}\nprometheusRule: {{enabled: true}}\nreplica: 1\n",
        "apiKeySecret: {name: a}\nprobes: {startup: {httpGet: {port: http, httpHeaders: [{name: '%', value: a}]}}}\n",
    ],
)
def test_a_mistake_is_a_finding_and_not_a_traceback(text: str, tmp_path: Path) -> None:
    assert "error" in validate(tmp_path, MODEL + text) or "1e30" in text


def test_a_file_whose_name_is_not_utf8_is_reported(tmp_path: Path) -> None:
    file = tmp_path / os.fsdecode(b"a\xff.yaml")
    file.write_text(MODEL + "replicsa: 1\n")
    answer = CliRunner().invoke(main, ["validate", str(file), "--format", "sarif"], catch_exceptions=False)
    assert "a%FF.yaml" in answer.output


MANY = {
    "maps": MODEL + "imagePullSecrets:\n" + "".join(f"  - name: a{n}\n" for n in range(4000)),
    "labels": MODEL + "labels: {" + ", ".join(f'a{n}: "-"' for n in range(4000)) + "}\n",
    "mounts": MODEL
    + "volumes:\n"
    + "".join(f"  - {{name: a{n}, emptyDir: {{}}}}\n" for n in range(1000))
    + "volumeMounts:\n"
    + "".join(f"  - {{name: b{n}, mountPath: /b{n}}}\n" for n in range(1000)),
    "keys": MODEL + "".join(f"key{n}: 1\n" for n in range(9000)),
    "arguments": MODEL + "args:\n" + "".join(f"  - --unknown-{n}\n" for n in range(1000)),
    "actions": MODEL + f"extraObjects: ['{'{' * 400_000}', '{'kind: ' * 30_000}', '{'<path:' * 30_000}']\n",
    "aliases": MODEL
    + "extraObjects:\n  - |\n    a: &a [x, x, x, x, x, x, x, x, x]\n"
    + "".join(
        f"    {new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
    ),
    "block": MODEL + f"networkPolicy: {{enabled: true, from: [{{ipBlock: {{cidr: '{':' * 120_000}'}}}}]}}\n",
    "text": MODEL + f'resources: {{limits: {{cpu: "{"9" * 900_000}"}}}}\n',
}


@pytest.mark.parametrize("text", MANY.values(), ids=MANY)
def test_time_and_output_are_bounded(text: str, tmp_path: Path) -> None:
    start = time.process_time()
    said = validate(tmp_path, text)
    assert time.process_time() - start < 2
    assert len(said) < 150_000


def test_the_command_does_not_wait_for_a_pipe_in_a_folder(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(MODEL)
    os.mkfifo(tmp_path / "pipe.yaml")
    answer = CliRunner().invoke(main, ["validate", str(tmp_path), "--format", "json"], catch_exceptions=False)
    assert json.loads(answer.stdout)["files"] == 1


def test_the_command_does_not_wait_for_a_named_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    command = ["validate", str(tmp_path / "pipe.yaml"), "-f", str(tmp_path / "pipe.yaml")]
    answer = CliRunner().invoke(main, command, catch_exceptions=False)
    assert (answer.exit_code, "pipe.yaml:1:1: error: this is a pipe or a socket" in answer.stdout) == (1, True)


def test_an_empty_path_is_shown_as_one() -> None:
    answer = CliRunner().invoke(main, ["validate", ""], catch_exceptions=False)
    assert answer.stdout.startswith('"":1:1: error: there is no such file')


def test_a_file_whose_name_is_not_utf8_cannot_be_named_in_an_application(tmp_path: Path) -> None:
    file = os.fsdecode(b"a\xff.yaml")
    (tmp_path / file).write_text(MODEL)
    options = ["--chart-repo", "https://a.b/c", "--values-git", "https://git.example.com/x"]
    answer = run(["argocd", file, *options], "", tmp_path)
    assert (answer.returncode, "rename the file" in answer.stderr) == (2, True)


def test_many_warnings_hide_no_error(tmp_path: Path) -> None:
    env = "".join(f"  - {{name: VLLM_UNKNOWN_THING_{n}, value: a}}\n" for n in range(205))
    said = validate(tmp_path, f"{MODEL}gpu: {{count: 2}}\nargs: [--tensor-parallel-size=4, --nonsense=3]\nenv:\n{env}")
    assert "[gpu-split]" in said
    assert "[argument-unknown]" in said


@pytest.mark.parametrize(
    "text",
    [
        "env:\n" + "".join("  - {name: A1, value: 1}\n" for _ in range(201)),
        "volumes:\n" + "".join("  - {name: [x], emptyDir: {}}\n" for _ in range(201)),
        "vllmVersion: 0.10\r# a\rlabels: {a: 1.10}\r",
    ],
    ids=["env", "volumes", "carriage returns"],
)
def test_more_mistakes_than_are_shown_and_odd_line_ends_are_no_traceback(text: str, tmp_path: Path) -> None:
    assert "error" in validate(tmp_path, MODEL + text)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize(
    "text",
    [
        *(
            f"env:\n  - name: DB_PASSWORD\n    {line}\n"
            for line in (
                "value: @hunter2pw",
                'value: "hunter2pw',
                "value: hunter2: pw2",
                "value: 0123456",
                "value: 12_345_678",
                "value: !hunter2pw",
                "value: &hunter2pw",
                "vale: hunter2pw",
                "value: {a: hunter2pw}",
            )
        ),
        *(
            f"env: [{{name: {name}, value: hunter2pw}}]\n"
            for name in ("PGPASSWORD", "DB_PASSWD", "MYSQL_PWD", "APIKEY", "OPENAI_KEY", "ACCESS_KEY", "CREDENTIALS")
        ),
        "env: [{name: PGPASSWORD, value: 12345678}]\n",
        "env: [{name: CACHE, value: 'redis://:hunter2pw@cache:6379'}]\n",
        "env: [{name: STORE, value: 'HTTPS://ann:hunter2pw@example.com'}]\n",
        "env: [DB_PASSWORD=hunter2pw]\n",
        "env: DB_PASSWORD=hunter2pw\n",
        "args: --api-key hunter2pw\n",
        "args: [--api-key=, hunter2pw]\n",
        "args: [api-key=hunter2pw, '--api-key:hunter2pw']\n",
        "args:\n  - --api-key\n  - 12345678\n",
        "args:\n  - '--hf-overrides={token: hunter2pw}'\n",
        "huggingFace: {tokenSecret: hunter2pw}\n",
        "apiKeySecret: hunter2pw\n",
        "podAnnotations: {x/token: 12345678}\n",
        *(
            f"extraObjects:\n  - apiVersion: v1\n    kind: Secret\n    metadata: {{name: a}}\n    stringData:\n{lines}"
            for lines in (
                "      user: a\n      pin: hunter2pw\n",
                "      user: a\n      pin: @hunter2pw\n",
                "      user: a\n      pin: hunter2: pw\n",
                "      user: a\n      pin: 0123456\n",
                "      user: a\n      pin: !hunter2pw\n",
                "      user: a\n      pin: *hunter2pw\n",
                "      user: a\n      user: hunter2pw\n",
            )
        ),
        'extraObjects: ["kind: Secret\\nstringData: {pin: hunter2pw}"]\n',
        "extraObjects: [{apiVersion: v1, kind: secret, metadata: 1, stringData: {pin: hunter2pw}}]\n",
    ],
)
def test_values_under_secret_names_are_not_shown(text: str, style: str, tmp_path: Path) -> None:
    said = validate(tmp_path, MODEL + text, style)
    assert not any(part in said for part in ("hunter2", "0123456", "12_345_678", "12345678"))


@pytest.mark.parametrize(
    "line", ['apiKeySecret: ""', 'huggingFace: {tokenSecret: ""}', 'apiKeySecret: {name: 1, keys: ""}']
)
def test_an_empty_text_is_not_a_secret(line: str, tmp_path: Path) -> None:
    assert '"" is not a' in validate(tmp_path, f"{MODEL}{line}\n")


@pytest.mark.parametrize(("number", "more"), [(199, False), (200, True), (900, True)])
@pytest.mark.parametrize("what", ["  k{n}: 1\n", "  k{n}: {{}}\n"])
def test_the_number_of_unlisted_mistakes_is_reported(what: str, number: int, more: bool, tmp_path: Path) -> None:
    said = validate(tmp_path, MODEL + "labels:\n" + "".join(what.format(n=n) for n in range(number)))
    assert said.count("[wrong-type]") == min(number, 200)
    assert ("200 mistakes are listed, and there may be more" in said) == more


def test_rules_whose_mistakes_are_not_all_listed_say_so_too(tmp_path: Path) -> None:
    said = validate(tmp_path, MODEL + "env:\n" + "".join("  - {name: A, value: b}\n" for _ in range(300)))
    assert said.count("[env-twice]") == 200
    assert "200 mistakes are listed, and there may be more" in said


@pytest.mark.parametrize("flag", ["--max-num-batched-token=8192", "--long-prefill-token-threshold=512"])
def test_a_count_of_tokens_is_not_a_secret(flag: str, tmp_path: Path) -> None:
    said = validate(tmp_path, MODEL + f"args: [{flag}]\n")
    assert "secret" not in said


def run(arguments: list[str], shell: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = f'"$@" {shell}'
    program = [sys.executable, "-m", "modelservice", *arguments]
    return subprocess.run(
        ["bash", "-c", command, "-", *program], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize(
    ("arguments", "shell", "code", "says"),
    [
        (["validate", ""], "", 1, "there is no such file"),
        (["validate", "a.yaml", "--format", "json"], "> /dev/full", 3, "No space left on device"),
        (["validate", "a.yaml", "--format", "json"], ">&-", 3, "standard output is closed"),
        (["argocd", "a.yaml", "--chart-repo", "https://a.b/c"], ">&-", 3, "standard output is closed"),
        (["template", "a.yaml", "-n", "No Namespace"], "", 2, "is not a namespace"),
        (["access", "a.yaml", "-n", "x" * 64], "", 2, "is not a namespace"),
    ],
)
def test_trouble_with_the_environment_is_reported_in_one_sentence(
    arguments: list[str], shell: str, code: int, says: str, tmp_path: Path
) -> None:
    (tmp_path / "a.yaml").write_text(MODEL)
    answer = run(arguments, shell, tmp_path)
    assert (answer.returncode, "Traceback" in answer.stderr) == (code, False), answer.stderr
    assert says in answer.stdout + answer.stderr


def test_a_reader_that_stops_early_gets_no_error_message(tmp_path: Path) -> None:
    answer = run(["schema"], "| (read -r line; echo $line)", tmp_path)
    assert (answer.stdout, answer.stderr) == ("{\n", "")


COMMANDS = {
    "set": "set a.yaml gpu.count=2",
    "upgrade": "upgrade old.yaml --to 0.33.0 --diff",
    "explain": "explain model",
    "diff": "diff a.yaml other.yaml --release x",
    "template": "template a.yaml",
    "init": "init Qwen/Qwen3-8B --gpu L40S -y",
    "import": "import vllm 'vllm serve Qwen/Qwen3-8B'",
    "fit": "fit a.yaml --gpu L40S",
    "flux": "flux a.yaml --chart-repo https://a.b/c",
    "argocd": "argocd a.yaml --chart-repo https://a.b/c",
    "schema": "schema",
    "access": "access a.yaml",
    "validate": "validate a.yaml --format json",
    "validate --fix": "validate mistake.yaml --fix --diff",
}


@pytest.fixture
def several(work: Path) -> Path:
    """Return the work folder, with a file for each command."""
    (work / "other.yaml").write_text(f"{MODEL}gpu: {{count: 2}}\n")
    (work / "old.yaml").write_text(f"{MODEL}image: {{tag: v0.32.0}}\n")
    (work / "mistake.yaml").write_text(f"{MODEL}replcas: 1\n")
    return work


@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_ends_well_without_its_output(command: str, several: Path) -> None:
    before = {path.name: path.read_bytes() for path in several.glob("*.yaml")}
    for shell, says in (("> /dev/full", "No space left on device"), (">&-", "standard output is closed")):
        answer = run(shlex.split(COMMANDS[command]), shell, several)
        assert (answer.returncode, answer.stderr.splitlines()[-1]) == (3, f"error: {says}"), answer.stderr
    assert {path.name: path.read_bytes() for path in several.glob("*.yaml")} == before


WRITING = {
    "set": "set a.yaml gpu.count=2",
    "upgrade": "upgrade old.yaml --to 0.33.0",
    "validate --fix": "validate mistake.yaml --fix",
    "template": "template a.yaml --output-dir new",
    "init": "init Qwen/Qwen3-8B --gpu L40S -y -o new.yaml",
    "import": "import vllm 'vllm serve Qwen/Qwen3-8B' -o new.yaml",
    "flux": "flux a.yaml --chart-repo https://a.b/c -o new",
    "argocd": "argocd a.yaml --chart-repo https://a.b/c -o new",
}


def contents(folder: Path) -> dict[str, bytes]:
    return {os.fspath(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("command", WRITING)
def test_ctrl_c_ends_a_command_with_130_and_writes_all_or_nothing(command: str, several: Path, tmp_path: Path) -> None:
    before, begun = contents(several), time.monotonic()
    program = [sys.executable, "-m", "modelservice", *shlex.split(WRITING[command])]
    done = shutil.copytree(several, tmp_path.with_name(f"{tmp_path.name}-done"), ignore=shutil.ignore_patterns("pipe"))
    assert subprocess.run(program, cwd=done, capture_output=True, check=False).returncode == 0
    seconds, after = time.monotonic() - begun, contents(done)
    for part in (0.4, 0.6, 0.8, 0.95):
        process = subprocess.Popen(
            ["env", "--default-signal=INT", *program],
            cwd=several,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        time.sleep(part * seconds)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=60)[1]
        # It may have ended before, or be at its end.
        assert process.returncode in (130, 0, -signal.SIGINT), said
        assert "Traceback" not in said
        assert contents(several) in (before, after)
        if contents(several) == after:
            break


def test_a_file_name_cannot_add_an_object_to_applications(tmp_path: Path) -> None:
    (tmp_path / "services").mkdir()
    name = "x\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: evil}\n---\n#.yaml"
    (tmp_path / "services" / name).write_text(MODEL)
    answer = run(["argocd", "services", "--chart-repo", "https://a.b/c"], "", tmp_path)
    assert answer.returncode == 0, answer.stderr
    assert [item["kind"] for item in yaml.safe_load_all(answer.stdout)] == ["Application"]


@pytest.fixture
def work(tmp_path: Path, newest_helm: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with a values file and a pipe without a writer; helm is on PATH."""
    monkeypatch.setenv("PATH", f"{Path(newest_helm).parent}:{Path(sys.executable).parent}:{os.environ['PATH']}")
    (tmp_path / "a.yaml").write_text(MODEL)
    (tmp_path / "b.yaml").write_text(MODEL)
    os.mkfifo(tmp_path / "pipe")
    return tmp_path


SPECIAL = "is a pipe, a socket or a device"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ("render a.yaml -o pipe", 2),
        ("template a.yaml --output-dir pipe", 2),
        ("argocd a.yaml --chart-repo https://a.b/c -o pipe", 2),
        ("package a.yaml -d pipe", 2),
        ("package a.yaml --sign me --keyring pipe", 2),
        ("package a.yaml --sign me --keyring a.yaml --passphrase-file pipe", 2),
        ("publish x.tgz --to oci://a.b/c --ca-file pipe", 2),
        ("publish a.yaml --to pipe --url https://a.b", 1),
        ("publish pipe --to site --url https://a.b", 1),
        ("publish /dev/zero --to site --url https://a.b", 1),
    ],
)
def test_commands_do_not_wait_for_a_pipe_in_place_of_a_file_or_folder(
    arguments: str, code: int, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(work)
    answer = CliRunner().invoke(main, arguments.split(), catch_exceptions=False)
    assert (answer.exit_code, SPECIAL in answer.stderr) == (code, True), answer.output


@pytest.mark.parametrize("name", ["Chart.yaml", ".helmignore", "templates/x.yaml"])
def test_commands_do_not_wait_for_a_pipe_in_a_chart(name: str, work: Path) -> None:
    shutil.copytree(ROOT / "charts/modelservice", work / "chart")
    (work / "chart" / name).unlink(missing_ok=True)
    os.mkfifo(work / "chart" / name)
    for command in (["package", "chart", "-d", "dist"], ["diff", "a.yaml", "chart", "--release", "x"]):
        answer = run(command, "", work)
        assert answer.returncode in (1, 2, 3)
        assert name in answer.stderr
        assert SPECIAL in answer.stderr or "irregular file" in answer.stderr


@pytest.mark.parametrize("name", ["index.yaml", "a-0.1.0.tgz", "a-0.1.0.tgz.prov"])
def test_publish_does_not_wait_for_a_pipe_in_a_web_folder(name: str, work: Path) -> None:
    assert run(["package", "a.yaml"], "", work).returncode == 0
    (work / "site").mkdir()
    os.mkfifo(work / "site" / name)
    answer = run(["publish", "dist/a-0.1.0.tgz", "--to", "site", "--url", "https://a.b"], "", work)
    assert (answer.returncode, f"site/{name}" in answer.stderr) == (1, True), answer.stderr
    assert os.listdir(work / "site/") == [name] or sorted(os.listdir(work / "site")) == [".modelservice.lock", name]


@pytest.mark.parametrize(
    ("arguments", "shell", "shown", "times"),
    [
        (["template"], "<(echo 'args: [--seed=7]')", "--seed=7", 1),
        (["template", "/dev/stdin"], "<<< 'args: [--seed=7]'", "--seed=7", 1),
        (["diff", "a.yaml"], "<(echo 'args: [--seed=7]') --release a", "+ --seed=7", 1),
        (["diff", "a.yaml", "b.yaml", "-f"], "<(echo 'args: [--seed=7]')", "", 1),
        (
            ["argocd", "a.yaml", "b.yaml", "--chart-repo", "https://a.b/c", "-f"],
            "<(echo 'replicas: 0')",
            "replicas: 0",
            2,
        ),
        (
            ["argocd", "a.yaml", "b.yaml", "--chart-repo", "https://a.b/c", "-f", "-"],
            "<<< 'replicas: 0'",
            "replicas: 0",
            2,
        ),
        (
            ["template", "a.yaml", "b.yaml", "--output-dir", "out", "-f"],
            "<(echo 'args: [--seed=7]') && cat out/*",
            "--seed=7",
            2,
        ),
    ],
)
def test_values_from_a_pipe_are_read_once_and_used_everywhere(
    arguments: list[str], shell: str, shown: str, times: int, work: Path
) -> None:
    answer = run(arguments, shell, work)
    assert answer.stdout.count(shown) == times if shown else answer.stdout == "", answer.stdout + answer.stderr
    assert "Traceback" not in answer.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["diff", "a.yaml", "b.yaml"], 2, "a.yaml does not exist"),
        (["diff", "HEAD:a.yaml", "b.yaml"], 2, "there is no Git repository here"),
        (["validate", "a.yaml"], 1, "there is no such file"),
        (["render", "{}/a.yaml", "-o", "out"], 1, "out cannot be written: No such file or directory"),
        (["render", "{}/a.yaml", "-o", "{}/out"], 0, "47 files"),
        (["template", "{}/a.yaml"], 0, ""),
        (["template", "{}/a.yaml", "--output-dir", "out"], 1, "out cannot be written: No such file or directory"),
        (["package", "{}/a.yaml"], 1, "dist cannot be written: No such file or directory"),
        (["argocd", "{}/a.yaml", "--chart-repo", "https://a.b/c", "-o", "out"], 1, "out/a.yaml cannot be written"),
    ],
)
def test_a_deleted_working_directory_is_reported_in_one_sentence(
    arguments: list[str], code: int, says: str, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (work / "gone").mkdir()
    monkeypatch.chdir(work / "gone")
    (work / "gone").rmdir()
    answer = CliRunner().invoke(main, [word.format(work) for word in arguments], catch_exceptions=False)
    assert (answer.exit_code, says in answer.stderr + answer.stdout) == (code, True), answer.output


LONG = "x" * 300


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["validate", LONG], 1),
        (["render", LONG, "-o", "out"], 1),
        (["render", "a.yaml", "-o", LONG], 1),
        (["template", LONG], 1),
        (["template", LONG, "--output-dir", "out"], 1),
        (["template", "a.yaml", "--output-dir", LONG], 1),
        (["template", "a.yaml", "--output-dir", "loop/x"], 1),
        (["argocd", LONG, "--chart-repo", "https://a.b/c"], 1),
        (["argocd", "a.yaml", "--chart-repo", "https://a.b/c", "-o", LONG], 1),
        (["package", LONG], 1),
        (["package", "a.yaml", "-d", LONG], 1),
        (["package", "a.yaml", "--version", f"1.0.0-{LONG}"], 1),
        (["publish", LONG, "--to", "site", "--url", "https://a.b"], 1),
        (["render", "a.yaml", "-o", "loop/x"], 1),
        (["diff", LONG, "a.yaml"], 2),
        (["diff", "a.yaml", "b.yaml", "-f", LONG], 2),
        (["access", "a.yaml", "--release", LONG], 1),
    ],
)
def test_too_long_names_and_circular_links_are_reported_in_one_sentence(
    arguments: list[str], code: int, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(work)
    (work / "loop").symlink_to("loop")
    answer = CliRunner().invoke(main, arguments, catch_exceptions=False)
    said = answer.stderr + answer.stdout
    assert (answer.exit_code, "loop" in said or "xxx" in said) == (code, True), said
    assert sorted(path.name for path in work.iterdir()) == ["a.yaml", "b.yaml", "loop", "pipe"]


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_characters_that_a_terminal_cannot_show_cause_no_traceback_and_data_is_utf8(
    encoding: str, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", encoding)
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.setenv("PYTHONUTF8", "0")
    monkeypatch.setenv("PYTHONCOERCECLOCALE", "0")
    (work / "ü日.yaml").write_text('model: {name: a/b, nmae: "日本"}\n')
    (work / os.fsdecode(b"\xff.yaml")).write_text("replicsa: 1\n")
    (work / "a.yaml").write_text('podAnnotations: {note: "日本"}\n')
    for style in ("text", "json"):
        answer = run(["validate", ".", "--format", style], "", work)
        assert (answer.returncode, "Traceback" in answer.stderr) == (1, False), answer.stderr
    assert "note: 日本" in run(["template", "a.yaml"], "", work).stdout
    assert "…" in run(["explain"], "", work).stdout
