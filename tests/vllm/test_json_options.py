"""The JSON options of vLLM, against the verdicts of vLLM's own parser and configuration."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from modelservice.findings import Problem, Severity
from modelservice.vllm.argument_rules import OWNED
from modelservice.vllm.arguments import check_arguments
from modelservice.vllm.configuration import entries
from modelservice.vllm.facts import facts
from modelservice.vllm.flags import all_of, command_line, one_of
from modelservice.vllm.releases import Exactness, Release, alive, release_for, releases

from tests.test_hints import applied

VERDICTS = Path(__file__).with_name("json-options.txt")
# vLLM refuses these because of several keys together, or by logic that we do not have; we accept them.
NOT_KNOWN = {
    ("0.33.0", '--custom-histogram-buckets={"e2e":[1,2]}'),
    ("0.33.0", '--ec-manager-config={"manager_config":{"a":1}}'),
    ("0.33.0", '--profiler-config={"torch_profiler_activities":["CPU"]}'),
    ("0.33.0", '--attention-config={"backend_per_kind":{"mla_attention":"FOO"}}'),  # unless a plugin registers it
    ("0.13.0", '--profiler-config={"profiler":"torch"}'),  # unless a variable names the folder
}
# vLLM refuses these unless a plugin registers the name, which it can from 0.32.0 on: a warning.
OF_PLUGINS = {
    '--speculative-config={"method":"mtp","num_speculative_tokens":1,"attention_backend":"flash"}',
    '--attention-config={"backend":"XFORMERS"}',
    "--attention-config.backend FLASHINFERR",
    "--attention-backend=FLASH",
    "--mm-encoder-attn-backend=FOO",
}
SAMPLES = ("0.33.0", "0.26.0", "0.16.0", "0.11.2")


# Settings that the configuration requires for some options; always set, because this test is about the options.
BESIDE = ("--enable-lora", "--enable-eplb", "--enable-expert-parallel", "--tensor-parallel-size=2")


def found(*args: str, release: str = "0.33.0") -> list[Problem]:
    return check_arguments([*args, *BESIDE], Release(release, Exactness.KNOWN, release), own_image=True)


def errors(*args: str, release: str = "0.33.0") -> list[Problem]:
    return [one for one in found(*args, release=release) if one.severity is Severity.ERROR]


def verdicts() -> Iterator[tuple[str, str, bool]]:
    first, listed, *lines = VERDICTS.read_text(encoding="utf-8").splitlines()
    assert first.startswith("#")
    for line in lines:
        refused, _, args = line.partition(" ")
        for release in listed.removeprefix("# releases: ").split():
            yield release, args, release in refused.split(",")


@pytest.mark.parametrize(("release", "args", "refused"), list(verdicts()))
def test_an_option_is_refused_if_vllm_refuses_it(release: str, args: str, refused: bool) -> None:
    if args in OF_PLUGINS and refused and release == "0.33.0":
        assert [(one.rule, one.severity) for one in found(*args.split(" "))] == [("argument-value", Severity.WARNING)]
        return
    known = (release, args) not in NOT_KNOWN
    assert bool(errors(*args.split(" "), release=release)) == (refused and known)


def option_of(name: str, release: str) -> list[str]:
    """Return the shortest dotted path from an option to a class of the release."""
    for option, entry in entries().items():
        if option.startswith("--") and alive(entry["in"], release) and one_of(entry["type"], release) == name:
            return [option]
    for key, entry in entries().items():
        owner, _, own = key.partition(".")
        inside = own and alive(entry["in"], release) and name in str(one_of(entry["type"], release)).split(" | ")
        if inside and (above := option_of(owner, release)):
            return [*above, own.replace("*", "other")]
    return []


def written(way: list[str], value: Any) -> str:
    """Return the argument that gives a key a value, as JSON."""
    for key in reversed(way[1:]):
        value = {key: value}
    return f"{way[0]}={json.dumps(value)}"


def choices(release: str, kind: str) -> Iterator[tuple[list[str], Any]]:
    """Yield the path of each key with an enumeration, with one of its values."""
    for key, entry in entries().items():
        owner, _, own = key.partition(".")
        if not own or key.startswith("--") or not alive(entry["in"], release):
            continue
        if kind in str(one_of(entry["type"], release)).split(" | ") and (above := option_of(owner, release)):
            yield from (([*above, own], value) for value in all_of(entry.get("values", []), release))


@pytest.mark.parametrize("release", SAMPLES)
def test_every_choice_of_a_key_passes(release: str) -> None:
    seen = [*choices(release, "Literal"), *choices(release, "str")]
    assert len(seen) > 40
    wrong = [(key, value, one.message) for key, value in seen for one in found(written(key, value), release=release)]
    # Some keys need another key.
    assert [one for one in wrong if "needs" not in one[2] and "is missing" not in one[2]] == []


@pytest.mark.parametrize("release", SAMPLES)
def test_every_value_of_a_flag_passes(release: str) -> None:
    flags = {flag.name: flag for flag in command_line(release).values() if flag.values}
    values = [(name, value) for name, flag in flags.items() for value in flag.values]
    assert len(values) > 200
    rules = {"argument-choice", "argument-value", "argument-type", "argument-range"}
    wrong = [one.message for name, value in values for one in found(f"{name}={value}", release=release)]
    assert [one for one in wrong if one in rules] == []
    assert [
        (name, value)
        for name, value in values
        for one in found(f"{name}={value}", release=release)
        if one.rule in rules
    ] == []


def gone(entry: dict[str, Any], release: str) -> list[Any]:
    by_life = entry.get("values", {})
    lives = by_life.items() if isinstance(by_life, dict) else []
    now = all_of(by_life, release)
    return [value for life, values in lives for value in values if not alive(life, release) and value not in now]


@pytest.mark.parametrize("release", SAMPLES)
def test_every_removed_or_later_value_of_a_flag_is_found(release: str) -> None:
    line, missed = command_line(release), []
    for name, entry in facts("flags")["flags"].items():
        flag = line.get(name)
        for value in gone(entry, release) if flag and flag.values and name not in OWNED else []:
            rules = {one.rule for one in found(f"{name}={value}", release=release)}
            # argparse showed an optional value as "None".
            if value != "None" and not rules & {"argument-choice", "argument-value"}:
                missed.append((name, value))
    assert missed == []


@pytest.mark.parametrize("release", SAMPLES)
def test_every_removed_or_later_value_of_a_key_is_found(release: str) -> None:
    missed, seen = [], 0
    for key, entry in entries().items():
        owner, _, own = key.partition(".")
        if not own or not alive(entry["in"], release) or not (above := option_of(owner, release)):
            continue
        for value in gone(entry, release) if all_of(entry.get("values", []), release) else []:
            seen += 1
            if not any(
                str(value) in one.message for one in found(f"{'.'.join([*above, own])}={value}", release=release)
            ):
                missed.append((key, value))
    assert missed == []
    assert seen


@pytest.mark.parametrize("release", SAMPLES)
def test_every_removed_or_later_key_is_found(release: str) -> None:
    missed, seen = [], 0
    for key, entry in entries().items():
        owner, _, own = key.partition(".")
        if owner == "LoRAModulePath" or not own or alive(entry["in"], release):
            continue
        if not (above := option_of(owner, release)):
            continue
        seen += 1
        rules = {one.rule for one in found(f"{'.'.join([*above, own])}=1", release=release)}
        if not rules & {"argument-removed", "argument-not-yet"}:
            missed.append(key)
    assert missed == []
    assert seen > 20


@pytest.mark.parametrize(
    ("args", "meant"),
    [
        (['--eplb-config={"num_redundant":32}'], ['--eplb-config={"num_redundant_experts":32}']),
        (["--eplb-config.num_redundant=32"], ["--eplb-config.num_redundant_experts=32"]),
        (["--eplb-config.num_redundant", "32"], ["--eplb-config.num_redundant_experts", "32"]),
        (["-cc", '{"pass_config":{"enable_noop":true}}'], ["-cc", '{"pass_config":{"eliminate_noops":true}}']),
        (["-cc.pass_config.enable_noop=true"], ["-cc.pass_config.eliminate_noops=true"]),
        (["-cc.pass_config", '{"enable_noop":true}'], ["-cc.pass_config", '{"eliminate_noops":true}']),
        (["-cc.cudagraph_mode=PEICEWISE"], ["-cc.cudagraph_mode=PIECEWISE"]),
        (['-ac={"flash_attn_version":"3"}'], ['-ac={"flash_attn_version":3}']),
        (['-cc={"mode":"0"}'], ['-cc={"mode":0}']),
        (["-cc.level", "3"], ["-cc.mode", "3"]),
    ],
)
def test_a_key_or_value_is_corrected_in_place(args: list[str], meant: list[str]) -> None:
    (problem,) = errors(*args)
    fixed = list(args)
    for edit in problem.fix:
        fixed[int(edit.path[1])] = str(edit.value)
    assert fixed == meant
    assert errors(*meant) == []


def test_the_result_of_a_fix_is_not_refused() -> None:
    lines = [args.split(" ") for release, args, _ in verdicts() if release == "0.33.0"]
    lines += [[f"{option}={json.dumps({key: value})}"] for option, key, value in slips()]
    fixed = 0
    for args in lines:
        problems = errors(*args)
        if len(problems) == 1 and problems[0].fix and problems[0].rule != "argument-unknown":
            args = applied({"args": args}, problems[0].fix)["args"]
            # Some keys need another key.
            assert [one.message for one in errors(*args) if " needs " not in one.message] == []
            fixed += 1
    assert fixed > 50


def slips() -> Iterator[tuple[str, str, Any]]:
    """Yield options with an extra letter in a key, or a misspelled value."""
    for key, entry in entries().items():
        owner, _, own = key.partition(".")
        way = option_of(owner, "0.33.0") if own and alive(entry["in"], "0.33.0") else []
        if len(way) == 1:
            yield way[0], f"{own}x", 1
            values = [value for value in all_of(entry.get("values", []), "0.33.0") if isinstance(value, str)]
            yield from ((way[0], own, value.swapcase()) for value in values)


def test_no_fix_writes_a_duplicate_key() -> None:
    (problem,) = errors('--compilation-config={"level":3,"mode":3}')
    assert problem.fix == ()


@pytest.mark.parametrize(
    "args",
    [
        ["--speculative-config.model=$(DRAFT)", "--speculative-config.num_speculative_tokens=$(TOKENS)"],
        ['--kv-transfer-config={"kv_connector":"$(CONNECTOR)","kv_role":"$(ROLE)"}'],
        ["--compilation-config", "$(CONFIG)"],
    ],
)
def test_the_content_of_a_variable_is_not_checked(args: list[str]) -> None:
    assert found(*args) == []


def test_a_secret_in_json_is_not_overwritten() -> None:
    secret = "hf_" + "AbCdEfGhIjKlMnOpQrStUvWxYz01234567"
    text = json.dumps({"kv_conector": "A", "kv_role": "kv_both", "kv_connector_extra_config": {"token": secret}})
    for one in found(f"--kv-transfer-config={text}"):
        assert secret not in one.message + one.hint
        assert not one.fix


def test_a_class_that_ignores_unknown_keys_gets_no_error() -> None:
    assert found('--speculative-config={"method":"ngram","num_speculative_tokens":3,"foo":1}', release="0.11.2") == []
    (problem,) = found('--compilation-config={"mode":3}', release="0.10.2")
    assert (problem.rule, problem.severity) == ("argument-not-yet", Severity.WARNING)


def test_json_options_of_an_unlisted_release_are_treated_like_its_flags() -> None:
    args = ["--eplb-config.num_redundant=32"]
    newer = check_arguments(args, release_for("v0.99.0", ""), own_image=True)
    assert [one.severity for one in newer] == [Severity.WARNING]
    assert [one.severity for one in check_arguments(args, release_for("", ""), own_image=True)] == [Severity.ERROR]


def test_any_connector_is_accepted_with_a_module_path() -> None:
    given = {"kv_connector": "Mine", "kv_role": "kv_both"}
    (unknown,) = found("--kv-transfer-config", json.dumps(given))
    assert (unknown.rule, unknown.severity) == ("argument-value", Severity.WARNING)
    assert found("--kv-transfer-config", json.dumps({**given, "kv_connector_module_path": "a.b"})) == []


def test_the_facts_have_the_same_releases_as_the_flags() -> None:
    assert facts("json_options")["releases"] == facts("environment")["releases"] == releases()


def test_the_next_version_of_a_name_is_closer_than_a_longer_name() -> None:
    (problem,) = found('--kv-transfer-config={"kv_connector":"LMCacheConnector","kv_role":"kv_both"}')
    assert [str(edit.value) for edit in problem.fix] == [
        '--kv-transfer-config={"kv_connector":"LMCacheConnectorV1","kv_role":"kv_both"}'
    ]
