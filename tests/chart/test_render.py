"""A rendered chart is the generic chart with one service's values, and no files are lost."""

import functools
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from modelservice.chart.folder import write_chart
from modelservice.writing.files import read_tree
from modelservice.writing.staging import clear_stages

from tests.chart.rendering import documents
from tests.killing import command, killed_after, killed_at, run

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "values-examples").glob("*.yaml"))


def manifests(helm: str, chart: Path, *arguments: str | Path) -> list[dict]:
    command = [helm, "template", "qwen2.5", str(chart), "--namespace", "models", *map(str, arguments)]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    objects = documents(answer.stdout)
    for item in objects:
        item["metadata"].get("labels", {}).pop("helm.sh/chart", None)
    return objects


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_a_rendered_chart_gives_what_the_generic_chart_gives(example: Path, tmp_path: Path, helm: str) -> None:
    answer = run("render", example, "--output", tmp_path / "chart")
    assert answer.exit_code == 0, answer.output
    assert manifests(helm, tmp_path / "chart") == manifests(helm, ROOT / "charts/modelservice", "-f", example)


@pytest.mark.parametrize(
    "values",
    [
        "resources: {limits: {cpu: null}}\n",
        "args: [--seed=0]\nreplicas: 0\nsharedMemory: {enabled: false}\n",
        'podSecurityContext: {seccompProfile: null}\nlabels: {"on": "yes"}\n',
        "startupSeconds: 10\ngpu: {count: 8}\n",
        "securityContext: {runAsUser: null, runAsGroup: 2000}\nmodelVolume: {mountPath: /models}\n",
    ],
)
def test_nulls_lists_zeros_and_false_survive_as_defaults(values: str, tmp_path: Path, helm: str) -> None:
    file = tmp_path / "service.yaml"
    file.write_text(values)
    answer = run("render", file, "--output", tmp_path / "chart")
    assert answer.exit_code == 0, answer.output
    assert manifests(helm, tmp_path / "chart") == manifests(helm, ROOT / "charts/modelservice", "-f", file)


def test_a_rendered_chart_accepts_other_values(tmp_path: Path, helm: str) -> None:
    run("render", ROOT / "values-examples/opt-125m.yaml", "--output", tmp_path / "chart")
    objects = manifests(helm, tmp_path / "chart", "--set", "replicas=3,modelVolume.accessModes={ReadWriteMany}")
    assert next(item for item in objects if item["kind"] == "Deployment")["spec"]["replicas"] == 3


def test_the_chart_takes_name_version_and_description_from_the_service(tmp_path: Path) -> None:
    (tmp_path / "on.yaml").write_text('description: "yes: [no]"\n')
    run("render", tmp_path / "on.yaml", "--output", tmp_path / "chart", "--version", "1.2.3")
    chart = yaml.safe_load((tmp_path / "chart/Chart.yaml").read_text())
    assert (chart["name"], chart["version"], chart["description"]) == ("on", "1.2.3", "yes: [no]")


def test_layers_make_one_service_named_after_the_last_layer(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("gpu: {count: 2}\nargs: [--seed=1]\n")
    (tmp_path / "prod.yaml").write_text("model: {name: Qwen/Qwen3-8B}\nargs: [--seed=2]\n")
    answer = run("render", "-f", tmp_path / "base.yaml", tmp_path / "prod.yaml", "-o", tmp_path / "chart")
    assert answer.exit_code == 0, answer.output
    values = yaml.safe_load((tmp_path / "chart/values.yaml").read_text())
    assert (values["gpu"]["count"], values["model"]["name"], values["args"]) == (2, "Qwen/Qwen3-8B", ["--seed=2"])
    assert yaml.safe_load((tmp_path / "chart/Chart.yaml").read_text())["name"] == "prod"


def test_nothing_is_written_for_wrong_values(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("replicsa: 1\n")
    answer = run("render", tmp_path / "a.yaml", "--output", tmp_path / "chart")
    assert answer.exit_code == 1
    assert "replicsa" in answer.stderr
    assert "correct the errors above first" in answer.stderr
    assert not (tmp_path / "chart").exists()


def test_a_folder_that_is_not_a_chart_is_refused_and_kept(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work/thesis.txt").write_text("years of work\n")
    answer = run("render", ROOT / "values-examples/opt-125m.yaml", "--output", tmp_path / "work")
    assert answer.exit_code == 1
    assert "is not a chart from modelservice" in answer.stderr
    assert [path.name for path in (tmp_path / "work").iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
def test_special_files_in_a_folder_are_not_lost_either(kind: str, tmp_path: Path) -> None:
    place = tmp_path / "work" / kind
    place.parent.mkdir()
    {"link": lambda: place.symlink_to("/nowhere"), "pipe": lambda: os.mkfifo(place), "folder": place.mkdir}[kind]()
    answer = run("render", ROOT / "values-examples/opt-125m.yaml", "--output", tmp_path / "work")
    assert (answer.exit_code, os.listdir(tmp_path / "work")) == (1, [kind])
    assert "is not a chart from modelservice" in answer.stderr


def test_a_folder_with_an_unreadable_file_is_refused(
    open_folder: Path, unprivileged: Callable[[str, str, Path], str]
) -> None:
    (open_folder / "work").mkdir(mode=0o777)
    (open_folder / "work/secret").touch(mode=0o000)
    imports = "from pathlib import Path; from modelservice.chart.folder import InputError, write_chart"
    program = "try: write_chart({}, Path(sys.argv[1]))\nexcept InputError as error: print(error)"
    assert "is not a chart from modelservice" in unprivileged(imports, program, open_folder / "work")


def test_an_interrupted_command_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "values.yaml").write_text("model: {name: Qwen/Qwen3-8B}\n")
    program = (
        "import os, shutil, signal; from modelservice.writing import files; from modelservice.cli import main\n"
        "files._swap = lambda *_: os.kill(os.getpid(), signal.SIGTERM)\n"
        "main(['render', 'values.yaml', '-o', 'chart'])"
    )
    answer = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=False)
    assert (answer.returncode, os.listdir(tmp_path)) == (143, ["values.yaml"])


def test_the_chart_of_another_service_is_replaced_only_with_force(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("values.yaml").write_text("model: {name: a/b}\n")
    command = ["render", "values.yaml", "-o", "chart", "--name"]
    assert run(*command, "a").exit_code == 0
    before = read_tree(Path("chart"))
    answer = run(*command, "b")
    assert (answer.exit_code, "chart is the chart of a: choose another folder" in answer.stderr) == (1, True)
    assert read_tree(Path("chart")) == before
    assert [run(*command, "a").exit_code, run(*command, "b", "--force").exit_code] == [0, 0]
    assert b'name: "b"' in read_tree(Path("chart"))["Chart.yaml"]


@pytest.fixture
def old_and_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Return the charts of a.yaml and b.yaml; that of b.yaml is in out/chart."""
    monkeypatch.chdir(tmp_path)
    for name in "ab":
        Path(f"{name}.yaml").write_text(f"model: {{name: acme/{name}}}\n")
    found = []
    for name in "ba":
        assert run("render", f"{name}.yaml", "--name", "c", "-o", "out/chart").exit_code == 0
        found.append(read_tree(Path("out/chart")))
    return found[1], found[0]


def test_a_render_killed_at_any_step_leaves_the_old_or_the_new_chart(
    old_and_new: tuple[dict[str, bytes], dict[str, bytes]],
) -> None:
    old, new = old_and_new
    killed, step = True, 0
    while killed:
        killed = killed_at(step, command("render", "b.yaml", "--name", "c", "-o", "out/chart"))
        # Rendering another chart next to it stands for the next run.
        assert run("render", "a.yaml", "-o", "out/other").exit_code == 0
        assert sorted(os.listdir("out")) == ["chart", "other"]
        assert read_tree(Path("out/chart")) in (old, new)
        assert run("render", "a.yaml", "--name", "c", "-o", "out/chart").exit_code == 0
        assert (sorted(os.listdir("out")), read_tree(Path("out/chart"))) == (["chart", "other"], old)
        step += 1
    assert 2 < step < 50


def test_a_render_killed_at_any_time_leaves_the_old_or_the_new_chart(
    old_and_new: tuple[dict[str, bytes], dict[str, bytes]],
) -> None:
    trees = [{path: text.decode() for path, text in tree.items()} for tree in old_and_new]
    chance, seen, place = random.Random(0), [], Path("out/chart")
    started = time.monotonic()
    write_chart(trees[0], place)
    longest = time.monotonic() - started
    for number in range(50):
        killed_after(chance.uniform(0, 2 * longest), functools.partial(write_chart, trees[1 - number % 2], place))
        clear_stages(place.parent)  # as the next run does
        assert os.listdir("out") == ["chart"]
        seen.append(old_and_new.index(read_tree(place)))
    assert set(seen) == {0, 1}


def test_force_keeps_other_files_in_the_folder(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work/thesis.txt").write_text("years of work\n")
    answer = run("render", ROOT / "values-examples/opt-125m.yaml", "--output", tmp_path / "work", "--force")
    assert answer.exit_code == 0
    assert (tmp_path / "work/thesis.txt").read_text() == "years of work\n"
    assert (tmp_path / "work/Chart.yaml").is_file()


def test_a_file_added_to_our_chart_is_not_lost(tmp_path: Path) -> None:
    run("render", ROOT / "values-examples/opt-125m.yaml", "--output", tmp_path / "chart")
    (tmp_path / "chart/templates/extra.yaml").write_text("kind: ConfigMap\n")
    again = ["render", ROOT / "values-examples/cpu.yaml", "--name", "opt-125m", "--output", tmp_path / "chart"]
    answer = run(*again)
    assert answer.exit_code == 1
    assert "templates/extra.yaml" in answer.stderr
    assert (tmp_path / "chart/templates/extra.yaml").is_file()
    assert "opt-125m" in (tmp_path / "chart/Chart.yaml").read_text()


def test_a_rendered_chart_is_replaced_in_place(tmp_path: Path) -> None:
    run("render", ROOT / "values-examples/opt-125m.yaml", "--output", tmp_path / "chart")
    other = ["render", ROOT / "values-examples/cpu.yaml", "--output", tmp_path / "chart"]
    assert run(*other, "--name", "opt-125m").exit_code == 0
    assert yaml.safe_load((tmp_path / "chart/values.yaml").read_text())["gpu"]["count"] == 0
    # The chart of another service replaces it only with --force.
    assert run(*other).exit_code == 1
    assert run(*other, "--force").exit_code == 0
    assert yaml.safe_load((tmp_path / "chart/Chart.yaml").read_text())["name"] == "cpu"


def test_two_renders_are_byte_equal(tmp_path: Path) -> None:
    for name in ("a", "b"):
        run("render", ROOT / "values-examples/everything.yaml", "--output", tmp_path / name)
    left, right = ({p.name: p.read_bytes() for p in (tmp_path / n).rglob("*") if p.is_file()} for n in ("a", "b"))
    assert left == right


def test_template_prints_what_helm_prints(tmp_path: Path, helm: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(Path(helm).parent))
    answer = run("template", ROOT / "values-examples/vgpu.yaml", "--release", "qwen2.5", "--namespace", "models")
    assert answer.exit_code == 0, answer.output
    objects = documents(answer.stdout)
    for item in objects:
        item["metadata"].get("labels", {}).pop("helm.sh/chart", None)
    example = ROOT / "values-examples/vgpu.yaml"
    assert objects == manifests(helm, ROOT / "charts/modelservice", "-f", example)


def test_a_missing_helm_is_reported_in_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    answer = run("template", ROOT / "values-examples/opt-125m.yaml")
    assert answer.exit_code == 3
    assert answer.stderr.startswith("error: helm is not on PATH: install Helm 3.18 or later")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{{ if .Release.Name }}{{ fail "not\\nto\\x1b[31mday" }}{{ end }}', "not to[31mday"),
        ('{{ required "give me a" .Values.a }}', "give me a"),
        (
            '{{ if .Release.Name }}{{ fail ("//8=" | b64dec) }}{{ end }}',
            "it calls fail or required with a message that is empty or not UTF-8",
        ),
        ('{{ "//8=" | b64dec }}', "yaml: invalid leading UTF-8 octet"),
        ('{{ "Gw==" | b64dec }}', "yaml: control characters are not allowed"),
        ("{{ if }}", "missing value for if"),
        ("{{ .Values.a.b }}", "nil pointer evaluating interface {}.b"),
    ],
)
def test_a_user_template_that_helm_cannot_render_is_reported_in_one_sentence(
    text: str, reason: str, tmp_path: Path, helm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(Path(helm).parent))
    (tmp_path / "chat.yaml").write_text(yaml.safe_dump({"model": {"name": "a/b"}, "extraObjects": [text]}))
    answer = run("template", tmp_path / "chat.yaml")
    assert (answer.exit_code, answer.stderr.count("\n")) == (1, 1), answer.stderr
    assert answer.stderr.startswith("error: extraObjects: helm cannot render a text in it: ")
    assert reason in answer.stderr
    assert answer.stderr.rstrip("\n").isprintable()
