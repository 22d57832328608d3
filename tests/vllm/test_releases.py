"""The facts about vLLM's releases, against facts picked by hand from the releases."""

import importlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from modelservice.vllm.facts import facts
from modelservice.vllm.flags import command_line, first_release_with, lives
from modelservice.vllm.releases import Exactness, Life, Release, newest_release, release_for, releases
from modelservice.vllm.variables import unknown_variable, variable_change

ROOT = Path(__file__).parents[2]
# The number of options in `vllm serve --help` of each release, including its positional argument and --help.
COUNTS = {
    "0.10.0": 160, "0.10.1": 171, "0.10.1.1": 173, "0.10.2": 178, "0.11.0": 185, "0.11.2": 202, "0.12.0": 196,
    "0.13.0": 197, "0.14.1": 206, "0.15.1": 209, "0.16.0": 214, "0.17.1": 224, "0.18.1": 228, "0.19.1": 233,
    "0.20.2": 241, "0.21.0": 249, "0.22.1": 263, "0.23.0": 263, "0.24.0": 268, "0.25.1": 272, "0.26.0": 276,
    "0.27.1": 284, "0.28.0": 286, "0.29.0": 294, "0.30.0": 302, "0.31.0": 313, "0.32.0": 318, "0.33.0": 322,
}  # fmt: skip


@pytest.fixture
def vllm_data(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    return importlib.import_module("vllm_data")


def test_the_releases_are_listed_from_the_oldest_to_the_newest() -> None:
    assert releases() == list(COUNTS)
    assert newest_release() == "0.33.0"


@pytest.mark.parametrize(("release", "count"), COUNTS.items())
def test_each_release_has_all_its_flags(release: str, count: int) -> None:
    flags = {flag.name for flag in command_line(release).values()}
    assert len(flags) + 1 == count


@pytest.mark.parametrize(
    ("spelling", "expected"),
    [
        ("--task", [Life("0.10.0", "0.13.0")]),
        ("--swap-space", [Life("0.10.0", "0.18.1")]),
        ("--shutdown-timeout", [Life("0.18.1", "")]),
        ("--rope-scaling", [Life("0.10.0", "0.11.2")]),
        ("--use-gpu-for-pooling-score", [Life("0.17.1", "0.18.1")]),
        ("--disable-log-requests", [Life("0.10.0", "0.17.1"), Life("0.33.0", "")]),
        ("--no-disable-mm-preprocessor-cache", [Life("0.10.0", "0.10.1")]),
        ("--disable-prefix-caching", [Life("0.33.0", "")]),
        ("--device", [Life("", "0.10.0")]),
        ("-cc", [Life("0.12.0", "")]),
        ("--never-was", []),
    ],
)
def test_a_flag_exists_in_the_right_releases(spelling: str, expected: list[Life]) -> None:
    assert lives(spelling) == expected


@pytest.mark.parametrize(
    ("flag", "release"),
    [
        ("--shutdown-timeout", "0.18.1"),
        ("--runner", "0.10.1"),
        ("--disable-access-log-for-endpoints", "0.16.0"),
        ("--nnodes", "0.11.2"),
        ("--headless", "0.10.0"),
        ("--never-was", None),
    ],
)
def test_the_first_release_with_a_flag(flag: str, release: str | None) -> None:
    assert first_release_with(flag) == release


@pytest.mark.parametrize(
    ("tag", "version", "expected"),
    [
        ("v0.10.1.1", "", Release("0.10.1.1", Exactness.KNOWN, "0.10.1.1")),
        ("v0.19.1-cu130", "", Release("0.19.1", Exactness.KNOWN, "0.19.1")),
        ("v0.20.0rc1", "", Release("0.19.1", Exactness.BETWEEN, "0.20.0")),
        ("v0.10.1", "", Release("0.10.1", Exactness.KNOWN, "0.10.1")),
        ("v0.11.1", "", Release("0.11.0", Exactness.BETWEEN, "0.11.1")),
        ("v0.33.1", "", Release("0.33.0", Exactness.NEWER, "0.33.1")),
        ("v0.9.2", "", Release("0.10.0", Exactness.OLDER, "0.9.2")),
        ("latest", "", Release("0.33.0", Exactness.UNSTATED, "")),
        ("nightly-abc", "", Release("0.33.0", Exactness.UNSTATED, "")),
        ("", "", Release("0.33.0", Exactness.UNSTATED, "")),
        ("v0.99999999999999999999.0", "", Release("0.33.0", Exactness.UNSTATED, "")),
        ("v0.10.0", "0.12.0", Release("0.12.0", Exactness.KNOWN, "0.12.0")),
        ("latest", "0.18.1", Release("0.18.1", Exactness.KNOWN, "0.18.1")),
        ("2026.08.09", "", Release("0.33.0", Exactness.UNSTATED, "")),
    ],
)
def test_the_stated_version_or_the_tag_decides_the_release(tag: str, version: str, expected: Release) -> None:
    assert release_for(tag, version) == expected


@pytest.mark.parametrize(
    ("tag", "version", "asked"),
    [("v0.4.0", "", ""), ("3.2.1", "0.11.0", "0.11.0"), ("rocm7.0.0_vllm_0.10.2_x", "", "0.10.2")],
)
def test_the_tag_of_another_image_counts_only_if_it_names_vllm(tag: str, version: str, asked: str) -> None:
    assert release_for(tag, version, own_image=False).asked == asked


def test_the_message_for_an_unlisted_release_names_its_replacement() -> None:
    assert release_for("v0.20.0", "").label == "vLLM 0.20.0 (checked as 0.19.1)"
    assert release_for("latest", "").label == "vLLM 0.33.0 (the newest known)"
    assert release_for("v0.20.2", "").label == "vLLM 0.20.2"


@pytest.mark.parametrize(
    ("flag", "fact", "before", "since", "now"),
    [
        ("--gpu-memory-utilization", "default", 0.9, "0.20.2", 0.92),
        ("--max-model-len", "type", "human-int", "0.14.1", "human-int-or-auto"),
        ("--data-parallel-backend", "enforced", False, "0.11.2", True),
        ("--block-size", "enforced", True, "0.18.1", False),
        ("--max-lora-rank", "enforced", False, "0.11.2", True),
        ("--task", "deprecated", False, "0.10.1", True),
        ("--log-config-file", "deprecated", False, "0.31.0", True),
    ],
)
def test_a_fact_changes_with_the_release_that_changed_it(
    flag: str, fact: str, before: object, since: str, now: object
) -> None:
    older = releases()[releases().index(since) - 1]
    assert getattr(command_line(older)[flag], fact) == before
    assert getattr(command_line(since)[flag], fact) == now


@pytest.mark.parametrize(
    ("flag", "value", "gone"),
    [
        ("--convert", "reward", "0.16.0"),
        ("--tool-call-parser", "minimax", "0.24.0"),
        ("--quantization", "gguf", "0.24.0"),
        ("--quantization", "bitsandbytes", "0.28.0"),
        ("--spec-method", "medusa", "0.33.0"),
        ("--mamba-cache-mode", "all", "0.32.0"),
    ],
)
def test_a_value_ends_with_the_release_that_dropped_it(flag: str, value: str, gone: str) -> None:
    older = releases()[releases().index(gone) - 1]
    assert value in command_line(older)[flag].values
    assert value not in command_line(gone)[flag].values


def test_a_flag_is_found_under_each_of_its_names() -> None:
    line = command_line("0.33.0")
    assert line["-tp"].name == "--tensor-parallel-size"
    assert line["--device-memory-utilization"].name == "--gpu-memory-utilization"
    assert line["--no-enable-prefix-caching"] is line["--disable-prefix-caching"] is line["--enable-prefix-caching"]
    assert "--no-headless" not in line
    assert "-O" not in line
    assert command_line("0.11.2")["-O"].name == "--compilation-config"


@pytest.mark.parametrize(("name", "many"), [("flags", "flags"), ("json_options", "keys"), ("environment", "variables")])
def test_a_generated_file_is_as_its_writer_writes_it(name: str, many: str, vllm_data: Any) -> None:
    text = (ROOT / f"schemas/vllm/{name}.json").read_text()
    document = json.loads(text)
    again = {"about": document["about"], **vllm_data.compress(vllm_data.expand(document, many), many)}
    assert vllm_data.write(again, many) == text


def test_a_new_release_with_the_same_flags_changes_only_the_list_of_releases(vllm_data: Any) -> None:
    before = json.loads((ROOT / "schemas/vllm/flags.json").read_text())
    facts = vllm_data.expand(before)
    after = vllm_data.compress({**facts, "0.34.0": facts["0.33.0"]})
    assert [name for name, entry in after["flags"].items() if "..," in str(entry)] == []
    alive = [name for name, entry in before["flags"].items() if entry["in"].endswith("..")]
    assert all(after["flags"][name] == before["flags"][name] for name in alive)


def test_files_written_by_hand_name_existing_flags() -> None:
    history, constraints = facts("history"), facts("constraints")
    listed = {*facts("flags")["flags"], *history["gone_before"]["flags"], "-O", "--no-disable-log-requests"}
    named = {*history["replacements"], *history["values"]}
    named |= {*constraints["ranges"], *constraints["forms"]}
    named |= {change["flag"] for change in history["changes"]}
    assert {change["in"] for change in history["changes"]} <= {*releases()}
    named |= {need[key].partition(".")[0] for need in constraints["needs"] for key in ("flag", "needs")}
    named |= {name for need in constraints["needs"] for name in need.get("unless", ())}
    named |= {name.partition(".")[0] for pair in constraints["excludes"] for name in pair["flags"]}
    named |= {pair[key] for pair in constraints["at_least"] for key in ("flag", "than")}
    for story in history["replacements"].values():
        heirs = [*story.get("use", []), *(heir for some in story.get("by_value", {}).values() for heir in some)]
        named |= {re.split("[=.]", heir)[0] for heir in heirs if heir != "{value}"}
    named |= {re.split("[=.]", story["use"])[0] for story in history["variables"].values() if "use" in story}
    assert history["variables"].keys() <= facts("environment")["variables"].keys()
    assert named - listed == set()
    keys = {*history["keys"], *(need["key"] for need in constraints["keys_needed"])}
    keys |= {f"{key.partition('.')[0]}.{story['use']}" for key, story in history["keys"].items()}
    keys |= {f"{need['key'].partition('.')[0]}.{need['needs']}" for need in constraints["keys_needed"]}
    assert keys - facts("json_options")["keys"].keys() == set()


def test_each_removed_or_deprecated_flag_has_a_replacement_or_none_exists() -> None:
    # The removals for which vLLM's help, warnings and code name nothing.
    heirless = {
        "--calculate-kv-scales", "--disable-async-output-proc", "--disable-frontend-multiprocessing",
        "--enable-bf16x3-router-gemm", "--enable-lora-bias", "--enable-mamba-fine-grained-prefix-cache",
        "--enable-prompt-adapter", "--guided-decoding-disable-fallback", "--ir-op-priority",
        "--logits-processor-pattern", "--lora-extra-vocab-size", "--max-long-partial-prefills",
        "--max-num-partial-prefills", "--max-seq-len-to-capture",
        "--multi-step-stream-outputs", "--num-lookahead-slots", "--num-scheduler-steps", "--override-attention-dtype",
        "--override-neuron-config", "--preemption-mode", "--scheduler-delay-factor", "--swap-space",
        "--use-gpu-for-pooling-score",
    }  # fmt: skip
    flags = facts("flags")["flags"]
    gone = {name for name, entry in flags.items() if not entry["in"].endswith("..") or "deprecated" in entry}
    assert gone - facts("history")["replacements"].keys() == heirless


def test_the_data_stays_small() -> None:
    # Flags, JSON options, variables and the help of each flag, for all releases: read if a service has arguments.
    assert sum(file.stat().st_size for file in (ROOT / "schemas/vllm").iterdir()) < 200_000


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("VLLM_LOGGING_LEVEL", None),
        ("VLLM_USE_V1", None),
        ("HF_TOKEN", None),
        ("VLLM_LOGING_LEVEL", "VLLM_LOGGING_LEVEL"),
        ("VLLM_ZZZ", ""),
    ],
)
def test_the_closest_known_variable_is_suggested_for_an_unknown_one(name: str, nearest: str | None) -> None:
    assert unknown_variable(name) == nearest


@pytest.mark.parametrize(
    ("name", "release", "change"),
    [
        ("VLLM_BATCH_INVARIANT", "0.11.0", "was added in vLLM 0.11.2"),
        ("VLLM_BATCH_INVARIANT", "0.11.2", ""),
        ("VLLM_ATTENTION_BACKEND", "0.14.1", ""),
        ("VLLM_ATTENTION_BACKEND", "0.33.0", "was removed in vLLM 0.15.1"),
        ("VLLM_LOGGING_LEVEL", "0.10.0", ""),
        ("HF_TOKEN", "0.33.0", ""),
        ("VLLM_ZZZ", "0.33.0", ""),
    ],
)
def test_a_variable_exists_in_the_right_releases(name: str, release: str, change: str) -> None:
    assert variable_change(name, release) == change
