"""`modelservice set`: one key, one line, with the type from the schema."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.killing import run

FILE = """\
# A service
model:
  name: Qwen/Qwen3-8B   # the model

gpu: {count: 1}  # one
args:
- --max-model-len=8192  # long
- "--seed=1"
labels:
  version: "1.0"
"""


@pytest.fixture
def values(tmp_path: Path) -> Path:
    file = tmp_path / "values.yaml"
    file.write_text(FILE)
    return file


@pytest.mark.parametrize(
    ("setting", "old", "new"),
    [
        ("gpu.count=2", "{count: 1}", "{count: 2}"),
        ("model.name=Qwen/Qwen3-0.6B", "Qwen/Qwen3-8B   #", "Qwen/Qwen3-0.6B   #"),
        ("labels.version=1.10", '"1.0"', '"1.10"'),
        ("args[0]=--max-model-len=4096", "8192  # long", "4096  # long"),
        ("args[1]=--seed=2", '"--seed=1"', '"--seed=2"'),
        ('labels["a.b/c"]=true', '  version: "1.0"\n', '  version: "1.0"\n  a.b/c: "true"\n'),
        ("args[2]=--enforce-eager", '- "--seed=1"\n', '- "--seed=1"\n- --enforce-eager\n'),
        ("args[0]-", "- --max-model-len=8192  # long\n", ""),
        ("labels-", 'labels:\n  version: "1.0"\n', ""),
        ("labels.version-", 'labels:\n  version: "1.0"\n', ""),
        ("replicas=0", '  version: "1.0"\n', '  version: "1.0"\nreplicas: 0\n'),
        ("replicas=", '  version: "1.0"\n', '  version: "1.0"\nreplicas: ""\n'),
        ("sharedMemory.enabled=false", '  version: "1.0"\n', '  version: "1.0"\nsharedMemory:\n  enabled: false\n'),
        (
            "env=[{name: A, value: 'on'}]",
            '  version: "1.0"\n',
            '  version: "1.0"\nenv:\n- name: A\n  value: "on"\n',
        ),
        ("resources.limits.cpu=8", '  version: "1.0"\n', '  version: "1.0"\nresources:\n  limits:\n    cpu: 8\n'),
    ],
)
def test_a_key_is_set_and_the_rest_stays(setting: str, old: str, new: str, values: Path) -> None:
    answer = run("set", values, setting)
    assert answer.exit_code == 0, answer.output
    assert values.read_text() == FILE.replace(old, new)


def test_a_hint_for_a_flag_works(values: Path) -> None:
    values.write_text("model: {name: a/b}\nargs: [--max-model-len, '8192', --seed=1]\n")
    answer = run("set", values, "--max_model_len=4096")
    assert run("set", values, *shlex.split(answer.stderr.rpartition("set ")[2])).exit_code == 0
    assert values.read_text() == "model: {name: a/b}\nargs: [--max-model-len, '4096', --seed=1]\n"
    answer = run("set", values, "max-model-len-")
    assert run("set", values, *shlex.split(answer.stderr.rpartition("set ")[2])).exit_code == 0
    assert values.read_text() == "model: {name: a/b}\nargs: [--seed=1]\n"


def test_the_same_value_changes_nothing_and_says_so(values: Path) -> None:
    answer = run("set", values, "gpu.count=1", "args[1]=--seed=1")
    assert (answer.exit_code, answer.stdout) == (0, "")
    assert answer.stderr.endswith("already says so: nothing changed\n")


def test_a_layer_of_a_fleet_is_checked_with_its_services(tmp_path: Path) -> None:
    for name, text in {
        "fleet": "layers: [all.yaml]\nenvironments: {dev: {}}\n",
        "all": "replicas: 2\n",
        "dev/one": "model: {name: a/b}\nstrategy: {type: Recreate}\n",
        "dev/two": "model: {name: a/b}\ngpu: {count: 0}\nimage: {repository: example.com/cpu, tag: v0.33.0}\n",
    }.items():
        (tmp_path / "dev").mkdir(exist_ok=True)
        (tmp_path / f"{name}.yaml").write_text(text)
    layer = tmp_path / "all.yaml"
    answer = run("set", layer, "gpu.count=0")
    assert (answer.exit_code, "[gpu-required]" in answer.stderr) == (1, True), answer.output
    answer = run("set", layer, "replicas=3")
    assert answer.exit_code == 0, answer.output
    assert answer.stderr.endswith("all.yaml is a layer of 2 services\n")
    assert "model-default" not in answer.stderr
    assert layer.read_text() == "replicas: 3\n"
    (tmp_path / "dev/two.yaml").write_text("model: {name: a/b}\nreplicas: 1\nmodelVolume: {enabled: false}\n")
    assert "no effect" not in run("set", layer, "replicas=2").stderr
    (tmp_path / "dev/one.yaml").write_text("model: {name: a/b}\nreplicas: 1\n")
    assert "no effect on replicas: all services override it" in run("set", layer, "replicas=1").stderr
    answer = run("set", layer, "huggingFace.endpoint=https://hub.example.com", "modelVolume.size=80Gi")
    assert "(in " in answer.stderr.replace(str(tmp_path), ""), answer.stderr
    for name, says in {"fleet.yaml": "describes a fleet", "dev": "is a folder"}.items():
        answer = run("set", tmp_path / name, "replicas=3")
        assert (answer.exit_code, says in answer.stderr) == (1, True), answer.output


def test_an_unknown_option_is_reported(values: Path) -> None:
    answer = run("set", values, "gpu.count=2", "--dif")
    assert (answer.exit_code, values.read_text()) == (2, FILE)
    assert "No such option '--dif'. Did you mean '--diff'?" in answer.stderr


def test_several_keys_are_checked_together(values: Path) -> None:
    answer = run("set", values, "env[0].name=A", "env[0].value=8")
    assert answer.exit_code == 0, answer.output
    assert values.read_text() == FILE + 'env:\n- name: A\n  value: "8"\n'


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("gpu.count=two", "[wrong-type]"),
        ("gpu.count=-1", "[out-of-range]"),
        ("gpu.coutn=2", "did you mean count? [unknown-key]"),
        ("sharedMemory.enabled=no", "write true or false"),
        ("modelVolume.size=20GB", "write 20Gi"),
        ("args[2]=--max-modl-len=1", "[argument-unknown]"),
        ("args[2]=4096", "does not belong to a flag"),
        ("volumes=data", "[wrong-type]"),
        ("env=[{nam: A, valu: b}, {nam: B, valu: c}]", "[unknown-key]"),
        ("gpu.count.x=1", "is not a map"),
        ("args[9]=x", "args[9] cannot be set: args has 2 items: the next one is args[2]"),
        ("resources.limits.nvidia.com/gpu=1", 'write resources.limits["nvidia.com/gpu"]'),
        ("env[1]=x", "env has 0 items: the next one is env[0]"),
        ("model.name[0]=x", "model.name is not a list"),
        ("args.nope=1", "args is not a map of keys"),
        # Flags of vLLM.
        ("max-model-len=4096", "`--max-model-len` is a flag of vLLM: set 'args[0]=--max-model-len=4096'\n"),
        ("--max-model-len=4096", "set 'args[0]=--max-model-len=4096'\n"),
        ("maxNumSeqs=4", "set 'args[2]=--max-num-seqs=4'\n"),
        ("args.--enforce-eager=true", "set 'args[2]=--enforce-eager'\n"),
        ("args.enable_prefix_caching=false", "set 'args[2]=--no-enable-prefix-caching'\n"),
        ("args.seed-", "set 'args[1]-'\n"),
        ("args.served-model-name=a", "set model.servedName\n"),
        ("args.api-key=abc", "cannot be set, because arguments must not contain secrets\n"),
        ("podLabels-", "podLabels is not written"),
        ("gpu", "neither KEY=VALUE nor KEY-"),
        ("description=caf\udce9", "which is not text"),
        ("description=\x1b[31m", "which is not text"),
        ("gpu..count=1", "neither KEY=VALUE nor KEY-"),
        ("[0]=1", "neither KEY=VALUE nor KEY-"),
    ],
)
def test_wrong_results_are_not_written(setting: str, said: str, values: Path) -> None:
    answer = run("set", values, setting)
    assert answer.exit_code == 1
    assert said in answer.stderr
    assert values.read_text() == FILE


def test_an_existing_error_does_not_prevent_a_change(values: Path) -> None:
    values.write_text("model: {name: a/b}\nreplica: 1\n")
    answer = run("set", values, "gpu.count=2")
    assert answer.exit_code == 0
    assert "unknown-key" in answer.stderr
    assert values.read_text() == "model: {name: a/b}\nreplica: 1\ngpu:\n  count: 2\n"


def test_a_fixed_error_does_not_permit_a_new_one(values: Path) -> None:
    text = "gpu: {count: 1}\nmodel: {name: a/b}\nlabels: {version: 1.10}\n"
    values.write_text(text)
    answer = run("set", values, "labels.version=1.10", "gpu.count=two")
    assert answer.exit_code == 1
    assert "gpu.count" in answer.stderr
    assert values.read_text() == text


def test_lower_layers_count(values: Path, tmp_path: Path) -> None:
    base = tmp_path / "base.yaml"
    base.write_text("podDisruptionBudget: {minAvailable: 1}\n")
    assert run("set", values, "-f", base, "podDisruptionBudget.maxUnavailable=1").exit_code == 0
    assert base.read_text() == "podDisruptionBudget: {minAvailable: 1}\n"


def test_a_diff_writes_nothing(values: Path) -> None:
    answer = run("set", values, "gpu.count=2", "--diff")
    assert "-gpu: {count: 1}  # one\n+gpu: {count: 2}  # one\n" in answer.stdout
    assert values.read_text() == FILE


def test_an_unclear_edit_is_printed_to_write_by_hand(values: Path) -> None:
    text = "model: {name: a/b}\nlabels: &x {a: b}\npodLabels: *x\n"
    values.write_text(text)
    answer = run("set", values, "labels.a=c")
    assert answer.exit_code == 1
    assert "write it by hand:\nlabels:\n  a: c\n" in answer.stderr
    assert values.read_text() == text


def test_no_secret_is_printed(values: Path) -> None:
    token = "hf_" + "a1B2" * 8
    values.write_text(f"model: {{name: a/b}}\nenv:\n  - name: HF_TOKEN\n    value: {token}\n")
    for setting in (
        "gpu.count=2",
        f"args[0]={token}",
        f"huggingFace.tokenSecret.name={token}",
        f"env[0].value={token}",
    ):
        answer = run("set", values, setting)
        assert token not in answer.output


def test_a_missing_file_is_not_created(tmp_path: Path) -> None:
    answer = run("set", tmp_path / "new.yaml", "gpu.count=2")
    assert answer.exit_code == 2
    assert f"there is no file or folder {tmp_path}/new.yaml" in answer.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_empty_file_gets_its_first_key(tmp_path: Path) -> None:
    file = tmp_path / "values.yaml"
    file.write_text("# mine\n")
    assert run("set", file, "model.name=a/b").exit_code == 0
    assert file.read_text() == "# mine\nmodel:\n  name: a/b\n"


def test_a_file_that_cannot_be_read_is_not_changed(tmp_path: Path) -> None:
    file = tmp_path / "values.yaml"
    file.write_text("gpu: {count: 2\n")
    answer = run("set", file, "gpu.count=3")
    assert (answer.exit_code, file.read_text()) == (1, "gpu: {count: 2\n")
    assert "the file has to be fixed first:\n" in answer.stderr
    assert "[yaml-syntax]" in answer.stderr


def test_a_kubernetes_object_is_not_changed(tmp_path: Path) -> None:
    file = tmp_path / "release.yaml"
    text = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nspec: {values: {model: {name: a/b}}}\n"
    file.write_text(text)
    for command in (("set", file, "gpu.count=2"), ("upgrade", file, "--to", "0.32.0")):
        answer = run(*command)
        assert (answer.exit_code, file.read_text()) == (1, text)
        assert "which are under spec.values [kubernetes-object]" in answer.output


def test_links_and_file_modes_are_kept(values: Path, tmp_path: Path) -> None:
    values.chmod(0o640)
    link = tmp_path / "link.yaml"
    link.symlink_to(values)
    assert run("set", link, "gpu.count=2").exit_code == 0
    assert link.is_symlink()
    assert "count: 2" in values.read_text()
    assert values.stat().st_mode & 0o777 == 0o640
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.yaml", "values.yaml"]


def test_a_read_only_file_is_not_changed(open_folder: Path, unprivileged: Callable[[str, str, Path], str]) -> None:
    file = open_folder / "values.yaml"
    file.write_text(FILE)
    file.chmod(0o444)
    open_folder.chmod(0o777)
    program = (
        "try: rewrite_file(Path(sys.argv[1]) / 'values.yaml', (Path(sys.argv[1]) / 'values.yaml').read_bytes(), b'x')\n"
        "except InputError as error: print(error)"
    )
    imports = (
        "from pathlib import Path\nfrom modelservice.errors import InputError\n"
        "from modelservice.writing.files import rewrite_file"
    )
    assert "is read-only" in unprivileged(imports, program, open_folder)
    assert file.read_text() == FILE


def test_a_file_that_changed_meanwhile_is_not_overwritten(values: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from modelservice.editing import changes

    diff = changes.diff

    def other_editor(files: list[changes.Change]) -> str:
        values.write_text("model: {name: c/d}\n")
        return diff(files)

    monkeypatch.setattr(changes, "diff", other_editor)
    answer = run("set", values, "gpu.count=2")
    assert answer.exit_code == 1
    assert "changed by something else" in answer.stderr
    assert values.read_text() == "model: {name: c/d}\n"
    assert os.listdir(values.parent) == ["values.yaml"]
