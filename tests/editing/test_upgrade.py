"""`modelservice upgrade`: another vLLM release; expected values were tried with the releases' own parsers."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import pytest
from modelservice.check import CheckedService, check_service
from modelservice.editing import fixing
from modelservice.editing.fixing import Files
from modelservice.editing.upgrade import upgraded
from modelservice.reading.document import Document, read
from modelservice.vllm.arguments import check_arguments
from modelservice.vllm.releases import release_for

from tests.killing import run

OLD = """\
# Chat
model: {name: Qwen/Qwen3-8B}
image:
  tag: v0.10.1.1   # tried
args:
  - --max-model=8192  # length
  - --swap-space=4
  - --guided-decoding-backend=xgrammar
  - --eplb-window-size
  - "100"
env:
  - name: VLLM_ATTENTION_BACKEND
    value: FLASHINFER
"""
NEW = """\
# Chat
model: {name: Qwen/Qwen3-8B}
image:
  tag: v0.33.0   # tried
args:
  - --max-model-len=8192  # length
  - --structured-outputs-config.backend=xgrammar
  - --eplb-config.window_size=100
  - --attention-backend=FLASHINFER
"""


def written(folder: Path, text: str, name: str = "chat.yaml") -> Path:
    file = folder / name
    file.write_text(text)
    return file


def service(tag: str, *args: str, rest: str = "") -> str:
    return f"model: {{name: a/b}}\nimage: {{tag: {tag}}}\nargs: [{', '.join(args)}]\n{rest}"


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_only_certain_changes_are_made(ends: str, tmp_path: Path) -> None:
    file = tmp_path / "chat.yaml"
    file.write_bytes(OLD.replace("\n", ends).encode())
    answer = run("upgrade", file, "--to", "v0.33.0")
    assert answer.exit_code == 0, answer.output
    assert file.read_bytes().decode() == NEW.replace("\n", ends)
    assert "--gpu-memory-utilization 0.9 → 0.92" in answer.stdout
    assert run("validate", "--strict", file).exit_code == 0
    assert run("upgrade", file, "--check").exit_code == 0


@pytest.mark.parametrize(
    ("old", "new", "given", "becomes"),
    [
        ("0.10.1.1", "0.33.0", "--task=embed", "--runner=pooling, --convert=embed"),
        ("0.10.1.1", "0.12.0", "--num-redundant-experts=0", "--eplb-config.num_redundant_experts=0"),
        ("0.10.1.1", "0.32.0", "--disable-log-requests", ""),
        ("0.10.1.1", "0.33.0", "--disable-log-requests", "--disable-log-requests"),
        ("0.10.1.1", "0.33.0", "--no-disable-log-requests", "--enable-log-requests"),
        ("0.10.1.1", "0.33.0", "--enable-multimodal-encoder-data-parallel", "--mm-encoder-tp-mode=data"),
        ("0.11.2", "0.33.0", "'--compilation-config={\"level\":3}'", "'--compilation-config={\"mode\":3}'"),
        ("0.11.2", "0.33.0", "-O.level=3", "--compilation-config.mode=3"),
        (
            "0.10.1.1",
            "0.33.0",
            "'--override-pooler-config={\"normalize\":true}'",
            "'--pooler-config={\"use_activation\":true}'",
        ),
        ("0.17.1", "0.33.0", "--max-num-partial-prefills=2", ""),
        ("0.17.1", "0.33.0", "--log-config-file=/a.json", "--logging-config.pylogging_config_file=/a.json"),
        ("0.26.0", "0.33.0", "--calculate-kv-scales", ""),
        ("0.26.0", "0.33.0", "--max-num-seqs=64", "--max-num-seqs=64"),
        ("0.33.0", "0.26.0", "--max-num-seqs=64", "--max-num-seqs=64"),
    ],
)
def test_an_argument_becomes_valid_for_the_release(
    old: str, new: str, given: str, becomes: str, tmp_path: Path
) -> None:
    file = written(tmp_path, service(f"v{old}", "--seed=1", given))
    answer = run("upgrade", file, "--to", new)
    assert answer.exit_code == 0, answer.output
    wanted = service(f"v{new}", "--seed=1", *filter(None, [becomes]))
    assert file.read_text() == wanted
    words = [word.strip("'") for word in ["--seed=1", *filter(None, becomes.split(", "))]]
    assert not check_arguments(words, release_for(f"v{new}", ""), own_image=True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (service("v0.11.2", "-O3"), "-O3 meant --compilation-config.level, and means --optimization-level now"),
        (
            service("v0.26.0", "--config", "/vllm-workspace/a.yaml"),
            "since vLLM 0.28.0, `key: false` in the file switches off",
        ),
        (service("v0.10.1.1", "--rope-theta=10000"), "give all of the model's rope_parameters to --hf-overrides"),
        (service("v0.20.2", "--quantization=gguf"), "it was removed in vLLM 0.24.0"),
        (service("v0.20.2", "--load-format=bitsandbytes"), "it was removed in vLLM 0.28.0"),
        (service("v0.20.2", "--tool-parser-plugin=/a.py").replace("a/b", "a/b-GGUF"), "[gguf-gone]"),
        (service("v0.10.2", rest="env: [{name: VLLM_TORCH_PROFILER_DIR, value: /tmp}]\n"), "[env-not-in-release]"),
        (service("v0.30.0", "--moe-backend=flashinfer_moe_ep_mega_cutedsl"), "[argument-choice]"),
        ("model: {name: a/b, toolCallParser: minimax}\nimage: {tag: v0.23.0}\n", "[argument-value]"),
        (service("v0.13.0", "--quantization=fbgemm_fp8"), "needs `--allow-deprecated-quantization`"),
    ],
)
def test_decisions_for_a_person_are_listed(text: str, said: str, tmp_path: Path) -> None:
    file = written(tmp_path, text)
    answer = run("upgrade", file)
    assert (answer.exit_code, said in answer.stdout) == (1, True), answer.output
    assert "1 to decide" in answer.stdout
    # The release is changed nevertheless.
    assert "tag: v0.33.0" in file.read_text()


def test_an_existing_warning_is_not_listed(tmp_path: Path) -> None:
    file = written(
        tmp_path, service("v0.26.0", rest="nodeName: ''\nlabels: {}\npodSecurityContext: {runAsNonRoot: null}\n")
    )
    assert run("validate", "--strict", file).exit_code == 1
    answer = run("upgrade", file)
    assert answer.exit_code == 0, answer.output


@pytest.mark.parametrize(
    ("image", "said"),
    [
        ("{tag: v0.26.0, digest: 'sha256:" + "a" * 64 + "'}", "image.digest pins one image"),
        ("{tag: latest}", "does not say which vLLM it contains"),
        (
            "{repository: lmcache/vllm-openai, tag: v0.3.5}\nvllmVersion: 0.10.1.1",
            "is not known: set image.tag",
        ),
        ("{repository: rocm/vllm, tag: rocm6.4.1_vllm_0.10.1.1_x}", "is not known: set image.tag"),
    ],
)
def test_an_image_that_only_a_person_can_name_is_not_changed(image: str, said: str, tmp_path: Path) -> None:
    text = f"model: {{name: a/b}}\nimage: {image}\nargs: [--swap-space=4]\n"
    file = written(tmp_path, text)
    answer = run("upgrade", file)
    assert (answer.exit_code, said in answer.stdout) == (1, True), answer.output
    # The findings are listed, but nothing is rewritten for an image that does not exist.
    assert "`--swap-space` was removed in vLLM 0.18.1" in answer.stdout
    assert file.read_text() == text


@pytest.mark.parametrize(
    ("image", "new"),
    [
        ("{tag: v0.26.0-cu130}", "{tag: v0.33.0-cu130}"),
        (
            "{repository: example.com/vllm/vllm-openai, tag: 0.26.0}",
            "{repository: example.com/vllm/vllm-openai, tag: 0.33.0}",
        ),
        ("{tag: v0.26.0}\nvllmVersion: 0.26.0", "{tag: v0.33.0}\nvllmVersion: 0.33.0"),
    ],
)
def test_the_tag_keeps_its_form(image: str, new: str, tmp_path: Path) -> None:
    file = written(tmp_path, f"model: {{name: a/b}}\nimage: {image}\n")
    assert run("upgrade", file).exit_code == 0
    assert file.read_text() == f"model: {{name: a/b}}\nimage: {new}\n"


def test_a_folder_gets_a_line_for_each_service(tmp_path: Path) -> None:
    one = written(tmp_path, service("v0.26.0", "--seed=1", "--calculate-kv-scales"), "one.yaml")
    two = written(tmp_path, service("v0.26.0", "--quantization=bitsandbytes"), "two.yaml")
    written(tmp_path, service("v0.33.0"), "three.yaml")
    before = one.read_text(), two.read_text()
    answer = run("upgrade", tmp_path, "--check")
    assert answer.exit_code == 1
    assert f"{one}: vLLM 0.26.0 → 0.33.0: nothing left to decide\n" in answer.stdout
    assert f"{two}: vLLM 0.26.0 → 0.33.0: 1 to decide\n" in answer.stdout
    assert f"{tmp_path}/three.yaml: vLLM 0.33.0: nothing to change\n" in answer.stdout
    assert answer.stderr == "1 of 3 on vLLM 0.33.0 with nothing left to decide, 2 would change\n"
    assert f"Defaults that changed for {one} and 1 more; set" in answer.stdout
    assert answer.stdout.count("  --allowed-origins") == 1
    assert (one.read_text(), two.read_text()) == before
    assert run("upgrade", tmp_path).exit_code == 1
    assert one.read_text() == service("v0.33.0", "--seed=1")
    assert two.read_text() == before[1].replace("0.26.0", "0.33.0")


def test_a_shared_layer_is_changed_once(tmp_path: Path) -> None:
    base = written(tmp_path, "image: {tag: v0.26.0}\n", "base.yaml")
    one = written(tmp_path, "model: {name: a/b}\nargs: [--calculate-kv-scales, --seed=1]\n", "one.yaml")
    two = written(tmp_path, "model: {name: c/d}\n", "two.yaml")
    answer = run("upgrade", "-f", base, one, two)
    assert answer.exit_code == 0, answer.output
    assert base.read_text() == "image: {tag: v0.33.0}\n"
    assert one.read_text() == "model: {name: a/b}\nargs: [--seed=1]\n"
    assert two.read_text() == "model: {name: c/d}\n"


def test_a_layer_that_other_services_use_is_not_upgraded_for_one_of_them(tmp_path: Path) -> None:
    (tmp_path / "dev").mkdir()
    (tmp_path / "prod").mkdir()
    written(tmp_path, "layers: [all.yaml]\nenvironments: {dev: {}, prod: {}}\n", "fleet.yaml")
    layer = written(tmp_path, "image: {tag: v0.10.1}\nargs: [--guided-decoding-backend=xgrammar]\n", "all.yaml")
    one = written(tmp_path, "model: {name: a/b}\n", "dev/one.yaml")
    written(tmp_path, "model: {name: a/b}\n", "prod/one.yaml")
    answer = run("upgrade", one)
    assert answer.exit_code == 1
    assert f"all.yaml sets the image of {tmp_path}/prod/one.yaml too: upgrade {tmp_path}/all.yaml, or" in answer.stdout
    assert "v0.10.1" in layer.read_text()
    # Its arguments are as the other service's release needs them.
    one.write_text("model: {name: a/b}\nimage: {tag: v0.10.1}\n")
    before = layer.read_text()
    run("upgrade", one)
    assert layer.read_text() == before
    answer = run("upgrade", layer)
    assert answer.exit_code == 0, answer.output
    assert layer.read_text() == "image: {tag: v0.33.0}\nargs: [--structured-outputs-config.backend=xgrammar]\n"


def test_a_file_that_does_not_exist_is_wrong_usage(tmp_path: Path) -> None:
    for options in ((), ("--check",), ("-f", tmp_path / "base.yaml")):
        answer = run("upgrade", tmp_path / "none.yaml", *options)
        assert (answer.exit_code, answer.stdout) == (2, "")
        assert "there is no file or folder" in answer.stderr
    (tmp_path / "bad.yaml").write_text("{{\n")
    assert run("upgrade", tmp_path / "bad.yaml").stdout.startswith(f"{tmp_path}/bad.yaml: fix the file first\n")


def test_a_diff_writes_nothing(tmp_path: Path) -> None:
    file = written(tmp_path, OLD)
    answer = run("upgrade", file, "--diff")
    assert "-  tag: v0.10.1.1   # tried\n+  tag: v0.33.0   # tried\n" in answer.stdout
    assert file.read_text() == OLD


@pytest.mark.parametrize("release", ["v0.99.0", "latest", "0.33"])
def test_an_unlisted_release_is_wrong_usage(release: str, tmp_path: Path) -> None:
    answer = run("upgrade", written(tmp_path, OLD), "--to", release)
    assert answer.exit_code == 2
    assert "the newest is 0.33.0" in answer.stderr


@pytest.mark.parametrize(
    "text", ["", "{{\n", "- a\n", "image: 5\n", "image: {tag: [1]}\nargs: x\n", "model: &x {name: a/b}\n"]
)
def test_an_unusable_file_is_reported(text: str, tmp_path: Path) -> None:
    file = written(tmp_path, text)
    answer = run("upgrade", file, "--to", "v0.32.0")
    assert answer.exit_code == 1
    assert "error" in answer.stdout


def test_a_service_that_an_upgrade_does_not_change_is_checked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[str] = []

    def counted(layers: list[Document], ignore: Collection[str] = ()) -> CheckedService:
        checked.append(layers[-1].name)
        return check_service(layers, ignore)

    monkeypatch.setattr(fixing, "check_service", counted)
    document = read("a.yaml", b"model: {name: a/b}\nimage: {tag: v0.33.0}\n")
    upgraded(Files({"a.yaml": document}, (("a.yaml",),), checks={}), "0.33.0")
    assert checked == ["a.yaml"]
