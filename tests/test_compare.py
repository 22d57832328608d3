"""`modelservice diff`: what a change of values does to the objects, to the pods, and what cannot be done in place."""

import subprocess
from pathlib import Path

import pytest

from tests.repositories import modelservice

PLAIN = "model: {name: Qwen/Qwen3-8B}\n"
SHARED = f"{PLAIN}replicas: 2\nmodelVolume: {{accessModes: [ReadWriteMany]}}\n"
SURGING = f"{SHARED}strategy: {{rollingUpdate: {{maxSurge: 1}}}}\n"
STATEFUL = f"{PLAIN}workload: {{kind: StatefulSet}}\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def diff(helm: str, old: str, new: str) -> tuple[int, str]:
    Path("old.yaml").write_text(old)
    Path("chat.yaml").write_text(new)
    answer = modelservice(helm, "diff", "old.yaml", "chat.yaml")
    return answer.returncode, answer.stdout


def test_nothing_differs(helm: str) -> None:
    assert diff(helm, PLAIN, f"# a comment\n{PLAIN}replicas: 1\n") == (0, "")


def test_an_argument_restarts_the_pod_and_is_named(helm: str) -> None:
    code, said = diff(helm, f"{PLAIN}args: [--seed=1]\n", f"{PLAIN}args: [--seed=2]\n")
    assert code == 1
    assert said == (
        "~ Deployment modelservice-chat\n"
        "  ! every pod restarts: the old ones stop first, and the service is away until a new one is ready\n"
        "    spec.template.spec.containers[server].args\n"
        "      - --seed=1\n"
        "      + --seed=2\n"
    )


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (SHARED, f"{SHARED}startupSeconds: 900\n", "every pod restarts, one at a time"),
        (PLAIN, f"{PLAIN}description: for the team\n", "no pod restarts"),
        (SHARED, SHARED.replace("2", "3", 1), "from 2 to 3 pods"),
        (PLAIN, f"{PLAIN}replicas: 0\n", "from 1 to 0 pods: the service is stopped"),
        (PLAIN, f"{PLAIN}modelVolume: {{size: 40Gi}}\n", "the volume grows"),
        (PLAIN, f"{PLAIN}modelVolume: {{size: 10Gi}}\n", "a volume cannot shrink"),
        (PLAIN, f"{PLAIN}modelVolume: {{storageClassName: a}}\n", "spec.storageClassName cannot be changed in place"),
        (STATEFUL, f"{STATEFUL}modelVolume: {{size: 40Gi}}\n", "delete the StatefulSet with --cascade=orphan"),
        (PLAIN, f"{PLAIN}modelVolume: {{existingClaim: models}}\n", "helm keeps it, with what is in it"),
        (PLAIN, STATEFUL, "its pods stop"),
        (SURGING, f"{SURGING}startupSeconds: 900\n", "which needs a free GPU"),
    ],
)
def test_what_a_change_means_is_said(old: str, new: str, says: str, helm: str) -> None:
    code, said = diff(helm, old, new)
    assert (code, says in said) == (1, True), said


def test_an_object_that_comes_or_goes_is_listed(helm: str) -> None:
    said = diff(helm, PLAIN, SHARED)[1]
    assert "+ PodDisruptionBudget modelservice-chat\n" in said
    assert "- PodDisruptionBudget modelservice-chat\n" in diff(helm, SHARED, PLAIN)[1]


def test_a_git_revision_is_compared_with_the_working_tree(helm: str) -> None:
    def git(*words: str) -> None:
        who = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
        subprocess.run(["git", *who, *words], check=True, capture_output=True)

    Path("services").mkdir()
    file = Path("services/chat.yaml")
    file.write_text(PLAIN)
    git("init")
    git("add", ".")
    git("commit", "-m", "first")
    file.write_text(f"{PLAIN}gpu: {{count: 2}}\n")
    answer = modelservice(helm, "diff", "HEAD:services/chat.yaml", "services/chat.yaml")
    assert answer.returncode == 1
    assert "      + --tensor-parallel-size=2" in answer.stdout
    for wrong in ("HEAD:nothing.yaml", "nothing.yaml", "--output=x:services/chat.yaml"):
        answer = modelservice(helm, "diff", "--", wrong, "services/chat.yaml")
        assert (answer.returncode, answer.stderr.startswith("error: ")) == (1, True)
    assert not Path("x").exists()


def test_a_chart_is_compared_with_the_values_it_was_made_of(helm: str) -> None:
    Path("chat.yaml").write_text(PLAIN)
    for command in (["render", "chat.yaml", "-o", "chart"], ["package", "chat.yaml", "-d", "dist", "--name", "chat"]):
        assert modelservice(helm, *command).returncode == 0
    for side in ("chart", "dist/chat-0.1.0.tgz"):
        answer = modelservice(helm, "diff", side, "chat.yaml")
        assert (answer.returncode, answer.stdout) == (0, ""), answer.stdout + answer.stderr


def test_wrong_values_are_their_findings(helm: str) -> None:
    Path("old.yaml").write_text(PLAIN)
    Path("chat.yaml").write_text("model: {nmae: a}\n")
    answer = modelservice(helm, "diff", "old.yaml", "chat.yaml")
    assert answer.returncode == 1
    assert "chat.yaml:1:9: error: model.nmae: unknown key; did you mean name? [unknown-key]" in answer.stderr
