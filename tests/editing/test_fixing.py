"""`validate --fix`: certain corrections are written, everything else is left, and nothing gets worse."""

from collections import Counter
from pathlib import Path

import pytest
from modelservice.check import check_service
from modelservice.editing.certain import certain
from modelservice.editing.fixing import fixed, load_files
from modelservice.findings import Severity
from modelservice.reading.document import Document

from tests.conftest import ROOT
from tests.killing import command, killed_at, run

BAD = sorted(ROOT.glob("tests/cases/*/bad*.yaml"))
MODEL = "model: {name: Qwen/Qwen3-8B}  # the model\n"


def after_fix(text: str, tmp_path: Path, name: str = "values.yaml") -> str:
    file = tmp_path / name
    file.write_bytes(text.encode())
    run("validate", "--fix", file)
    return file.read_bytes().decode()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        # A flag into its field.
        ("args: [--port=8080, --seed=1]\n", "args: [--seed=1]\ncontainerPort: 8080\n"),
        ("args:\n  - --served-model-name\n  - chat  # name\n  - --seed=1\n", "args:\n  - --seed=1\n"),
        ("args: [--enable-auto-tool-choice, --tool-call-parser=hermes, --seed=1]\n", "args: [--seed=1]\n"),
        # Two words in one item.
        ("args:\n  - --dtype half  # short\n", "args:\n  - --dtype=half  # short\n"),
        # A renamed flag, and one whose value became a key.
        ("args:\n- '--log-config-file=/a.json'\n", "args:\n- '--logging-config.pylogging_config_file=/a.json'\n"),
        # A typo with one near candidate.
        ("gpu:\n  coutn: 2   # two\n", "gpu:\n  count: 2   # two\n"),
        ("args: [--max-modl-len=8192]\n", "args: [--max-model-len=8192]\n"),
        ("gpuCount: 2\n", "gpu:\n  count: 2\n"),
        # A number that needs quotes.
        ("env:\n  - name: A\n    value: 8  # eight\n", 'env:\n  - name: A\n    value: "8"  # eight\n'),
        ("labels: {version: 1.10}\n", 'labels: {version: "1.10"}\n'),
        # Values that Helm reads as a boolean or an octal number, where text is required.
        ("env:\n  - {name: A, value: yes}  # on\n", 'env:\n  - {name: A, value: "yes"}  # on\n'),
        ("labels:\n  mode: 0400\n", 'labels:\n  mode: "0400"\n'),
        # A number in quotes, a unit, a short form.
        ('startupSeconds: "900"\n', "startupSeconds: 900\n"),
        ("resources: {limits: {memory: 32GB}}\n", "resources: {limits: {memory: 32Gi}}\n"),
        ("image: vllm/vllm-openai:v0.33.0\n", "image:\n  repository: vllm/vllm-openai\n  tag: v0.33.0\n"),
        # A setting without effect.
        (
            "modelVolume:\n  existingClaim: models\n  size: 30Gi  # the old claim's\n",
            "modelVolume:\n  existingClaim: models\n",
        ),
        # A volume that may be the mistake: the claim's settings stay.
        (
            "modelVolume:\n  size: 100Gi\n  hostPath: /data/hf\n",
            "modelVolume:\n  size: 100Gi\n  volume:\n    hostPath:\n      path: /data/hf\n",
        ),
        # Keys that are flags, one after the other; one that args already has stays.
        (
            "dtype: half\nmaxModelLen: 8192\n",
            "args:\n  - --dtype=half\n  - --max-model-len=8192\n",
        ),
        ("maxModelLen: 8192\nargs: [--max_model_len=4096]\n", "maxModelLen: 8192\nargs: [--max_model_len=4096]\n"),
        # The only item of a list, and the list that becomes empty.
        ("env:\n  - {name: VLLM_USE_V1, value: '1'}\n", ""),
        ("env:\n  # about it\n  - {name: VLLM_USE_V1, value: '1'}\n", "  # about it\n"),
        ("env:  # ours\n  - {name: VLLM_USE_V1, value: '1'}\n", "env: []  # ours\n"),
    ],
)
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_a_certain_fix_is_written(before: str, after: str, ends: str, tmp_path: Path) -> None:
    texts = [(MODEL + text).replace("\n", ends) for text in (before, after)]
    got = after_fix(texts[0], tmp_path)
    fields = {"served-model-name": ", servedName: chat", "tool-call-parser": ", toolCallParser: hermes"}
    field = next((text for flag, text in fields.items() if flag in before), "")
    assert got == texts[1].replace("}  #", f"{field}}}  #")


def test_a_moved_key_does_not_remove_the_settings_that_it_makes_useless(tmp_path: Path) -> None:
    before = MODEL + "modelVolume: {size: 100Gi, storageClassName: fast, hostPath: /data}\n"
    after = "modelVolume: {size: 100Gi, storageClassName: fast, volume: {hostPath: {path: /data}}}\n"
    assert after_fix(before, tmp_path) == MODEL + after


@pytest.mark.parametrize(
    "text",
    [
        "args: [--gpu-memory-utilization=90]\n",  # which number?
        "args: [--dtype=fp16]\n",
        "model: {name: a/b, reasoningParser: qwen4}\n",  # another version, maybe of a plugin
        "model: {name: a/b, servedName: x}\nargs: [--served-model-name=y]\n",  # which of both?
        "model: {name: a/b, servedName: my model}\n",
        "size: 50Gi\n",  # of which volume?
        "sharedMemory: {enabled: yes}\n",
        "volumes: [{name: a, secret: {secretName: b, defaultMode: '0400'}}]\n",
        "replicas: 1\nreplicas: 0\n",
        "gpu: &x {coutn: 2}\nlabels: *x\n",
        "modelVolume: {size: 100Gi, volume: {emptyDir: {}}}\n",  # a claim, or the other volume?
    ],
)
def test_changes_that_a_person_has_to_decide_are_not_made(text: str, tmp_path: Path) -> None:
    text = text if text.startswith("model") else MODEL + text
    assert after_fix(text, tmp_path) == text


def errors(document: Document) -> Counter[str]:
    return Counter(one.rule for one in check_service([document]).findings if one.severity is Severity.ERROR)


@pytest.mark.parametrize("file", BAD, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_no_file_gets_worse_and_a_second_run_changes_nothing(file: Path) -> None:
    before = load_files([[str(file)]])
    after = fixed(before, certain)
    assert after.documents.keys() == before.documents.keys()
    for old, new in after.changed_since(before):
        assert not errors(new) - errors(old)
        assert errors(new) != errors(old) or len(check_service([new]).findings) < len(check_service([old]).findings)
    assert fixed(after, certain).changed_since(after) == []


def test_an_edit_is_made_in_the_layer_that_the_finding_is_in(tmp_path: Path) -> None:
    base, one, other = tmp_path / "base.yaml", tmp_path / "one.yaml", tmp_path / "two.yaml"
    base.write_text("gpu: {coutn: 2}\n")
    one.write_text("model: {name: a/b}\nargs: [--port=9000]\n")
    other.write_text("model: {name: c/d}\n")
    answer = run("validate", "--fix", "-f", base, one, other)
    assert answer.exit_code == 0, answer.output
    assert base.read_text() == "gpu: {count: 2}\n"
    # A lower layer could have arguments, which an empty list still replaces.
    assert one.read_text() == "model: {name: a/b}\nargs: []\ncontainerPort: 9000\n"
    assert other.read_text() == "model: {name: c/d}\n"


def test_a_fix_of_a_shared_layer_that_breaks_another_service_is_not_made(tmp_path: Path) -> None:
    base, one, other = tmp_path / "base.yaml", tmp_path / "one.yaml", tmp_path / "two.yaml"
    # The corrected size is too large for the other service, whose limit is lower.
    base.write_text("sharedMemory: {sizeLmit: 20Gi}\nmodel: {name: a/b}\n")
    one.write_text("resources: {limits: {memory: 64Gi}}\n")
    other.write_text("resources: {requests: {memory: 4Gi}, limits: {memory: 16Gi}}\n")
    assert run("validate", "--fix", "-f", base, one).exit_code == 0
    assert "sizeLimit" in base.read_text()
    base.write_text("sharedMemory: {sizeLmit: 20Gi}\nmodel: {name: a/b}\n")
    run("validate", "--fix", "-f", base, one, other)
    assert "sizeLmit" in base.read_text()


def test_a_setting_without_effect_stays_in_a_layer_that_other_services_may_use(tmp_path: Path) -> None:
    base, one = tmp_path / "base.yaml", tmp_path / "one.yaml"
    base.write_text("modelVolume: {size: 100Gi}\n")
    one.write_text(MODEL + "modelVolume: {existingClaim: models}\n")
    assert "[claim-settings-unused]" in run("validate", "--fix", "-f", base, one).output
    assert base.read_text() == "modelVolume: {size: 100Gi}\n"


def test_an_argument_is_not_added_to_a_list_that_other_services_may_use(tmp_path: Path) -> None:
    base, one = tmp_path / "base.yaml", tmp_path / "one.yaml"
    base.write_text("args: [--dtype=half]\n")
    one.write_text(MODEL + "maxModelLen: 8192\n")
    assert "add --max-model-len=8192 to args" in run("validate", "--fix", "-f", base, one).output
    assert base.read_text() == "args: [--dtype=half]\n"


def test_a_diff_shows_what_would_be_written_and_writes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "values.yaml"
    file.write_text("model: {name: a/b}\nreplicas: '0'\n")
    answer = run("validate", "--diff", file)
    assert answer.exit_code == 1
    assert "-replicas: '0'\n+replicas: 0\n" in answer.stdout
    assert "error" not in answer.stdout
    assert file.read_text() == "model: {name: a/b}\nreplicas: '0'\n"
    assert run("validate", "--fix", file).exit_code == 0
    assert run("validate", "--diff", file).exit_code == 0


def test_the_diff_is_not_part_of_a_machine_readable_report(tmp_path: Path) -> None:
    file = tmp_path / "values.yaml"
    file.write_text("model: {name: a/b}\nreplicas: '0'\n")
    answer = run("validate", "--diff", file, "--format", "json")
    assert answer.stdout.startswith("{")
    assert "+replicas: 0" in answer.stderr


@pytest.mark.parametrize("line", [("validate", "--fix", "-"), ("set", "-", "gpu.count=2"), ("upgrade", "-")])
def test_standard_input_is_not_written(line: tuple[str, ...]) -> None:
    assert run(*line).exit_code == 2


def test_a_killed_fix_leaves_the_old_or_the_new_file(tmp_path: Path) -> None:
    file, old, new = (
        tmp_path / "values.yaml",
        "model: {name: a/b}\nreplicas: '0'\n",
        "model: {name: a/b}\nreplicas: 0\n",
    )
    seen = set()
    for step in range(20):
        file.write_text(old)
        killed = killed_at(step, command("validate", "--fix", file))
        seen.add(file.read_text())
        assert file.read_text() in (old, new)
        if not killed:
            break
    assert seen == {old, new}
    assert run("validate", "--fix", file).exit_code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["values.yaml"]
