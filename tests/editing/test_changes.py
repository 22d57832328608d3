"""The diff of an edited file: as `diff -u` writes it, and without secrets."""

import subprocess
from pathlib import Path

import pytest
from modelservice.editing.changes import diff
from modelservice.reading.document import read

OLD = "a: 1\nb: 2\nc: 3\nd: 4\ne: 5\nf: 6\ng: 7\n"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (OLD, OLD.replace("b: 2", "b: 3")),
        (OLD, OLD.replace("g: 7\n", "")),
        (OLD, "z: 0\n" + OLD),
        (OLD, OLD.replace("a: 1\n", "").replace("g: 7", "g: 8\nh: 9")),
        ("a: 1", "a: 2"),
        ("a: 1", "a: 1\nb: 2"),
        (OLD, OLD.rstrip("\n")),
    ],
)
def test_git_can_apply_the_diff(old: str, new: str, tmp_path: Path) -> None:
    file = tmp_path / "values.yaml"
    file.write_text(old)
    text = diff([(read("values.yaml", old.encode()), read("values.yaml", new.encode()))])
    subprocess.run(["git", "apply", "-p0", "-"], input=text, text=True, check=True, cwd=tmp_path)
    assert file.read_text() == new


TOKEN = "hf_" + "aB3dE6gH9jK2mN5pQ8sT"  # made up


@pytest.mark.parametrize(
    "line",
    [
        f"env: [{{name: A, value: {TOKEN}}}]",
        "env:\n  - name: DB_PASSWORD\n    value: open-sesame",
        "args: [--api-key=open-sesame]",
        "args:\n  - --hf-token\n  - open-sesame",
        "extraObjects:\n  - apiVersion: v1\n    kind: Secret\n    stringData:\n      a: open-sesame",
        "env:\n  - name: API_KEY\n    value: |\n      one\n      open-sesame\n      three",
        f"labels: {{{TOKEN}: a}}",
        "env: {HF_TOKEN: [open-sesame]}",
        "model: {chatTemplate: '{{ \"token=open-sesame\" }}'}",
        "# The password is open-sesame",
        "replicas: 1 # token=open-sesame",
        "# apiKey: open-sesame",
        "apiKeySecret: open-sesame-9",
        "huggingFace: {tokenSecret: {name: open-sesame9Q2x4T6v8Y0z1}}",
        "tls: {key: open-sesame+9}",
        "podAnnotations: {example.com/api-key: open-sesame}",
        "args:\n  - --hf-token=open-sesame",
        "env: [{name: DB_PASSWORD, value: x, value: open-sesame}]",
        'description: "Log in with password open-sesame"',
        "extraObjects: ['kind: Secret\n\nstringData: {a: open-sesame}']",
        "extraObjects:\n  - apiVersion: v1\n    kind: ConfigMap\n    data: {a.ini: 'password=open-sesame'}",
        "lifecycle: {preStop: {exec: {command: [curl, -u, 'ann:open-sesame', http://a]}}}",
    ],
)
def test_no_line_of_a_diff_contains_a_secret(line: str) -> None:
    for before, after in (
        (f"{line}\n", f"{line}\nreplicas: 0\n"),
        ("replicas: 0\n", f"{line}\n"),
        (f"{line}\n", "a: 1\n"),
    ):
        text = diff([(read("a.yaml", before.encode()), read("a.yaml", after.encode()))])
        assert "open-sesame" not in text
        assert TOKEN not in text
        assert "(not shown)" in text


@pytest.mark.parametrize(
    "lines",
    [
        "apiKeySecret:\n  name: llm-api-keys\n  keys: [search, ads-2]\n",
        "huggingFace:\n  tokenSecret:\n    name: hf-token\n    key: token\n    optional: true\n",
        "env: [{name: HF_TOKEN, valueFrom: {secretKeyRef: {name: hf-token, key: token}}}]\nmodelVolume: {size: 50Gi}\n",
        "imagePullSecrets: [{name: regcred}]\nimage:\n  repository: a/b\n  tag: v1\n",
        "ingress:\n  tls:\n    - secretName: llm-tls-2026\n      hosts: [llm.example.com]\n",
        "# The access token comes from a Secret.\n# kubectl create secret generic a --from-literal=token=<x>\n",
        "env: [{name: DB_PASSWORD_FILE, value: /run/secrets/password}, {name: KEY, value: $(OTHER)}]\n",
        "args:\n  - --max-num-batched-tokens=8192\n  - --tokenizer=a/b\n",
    ],
)
def test_a_diff_shows_lines_that_only_name_secrets(lines: str) -> None:
    after = read("a.yaml", f"{lines}replicas: 2\n".encode())
    assert "(not shown)" not in diff([(read("a.yaml", lines.encode()), after), (read("b.yaml", b"a: 1\n"), after)])


def test_a_diff_contains_no_terminal_escapes() -> None:
    text = diff([(read("a\x1b[31m.yaml", b"a: 1\n"), read("a\x1b[31m.yaml", b"a: 2\n"))])
    assert "\x1b" not in text
